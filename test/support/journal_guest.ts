// test/support/journal_guest.ts: proxy-wasm filters in WebAssembly text that write down what is asked of them.
/**
 * Each callback writes a line, `<root id> <callback> <arguments but the context>`, into a queue that all guests
 * of the VM id `j` share, whatever their code is. A request for `/journal` to an HTTP filter among them is
 * answered with all lines, and empties the queue.
 *
 * @module
 */
import wabtFactory from "wabt";
import { CALLBACKS, HOSTCALLS, valueTypeOf } from "../../abi/mod.ts";

const wabt = await wabtFactory();

/** What a callback does; a text is the result alone. */
export interface JournalCallback {
  /** Puts more into the line: `(call $property …)`, `(call $header …)`, `(call $number …)`. */
  readonly say?: string;
  /** Runs after the line was written. */
  readonly do?: string;
  /** Instructions of the result; "continue", or "yes" where the result is a boolean, when absent. */
  readonly result?: string;
  /** Writes no line. */
  readonly silent?: true;
  /** Writes a line only when this is true. */
  readonly when?: string;
  /** Leaves the arguments out of the line: how bytes are cut into pieces is no one's promise. */
  readonly bare?: true;
}

/** Pointer and length of a text as two constants. */
export type TextConstant = (text: string) => string;

export interface JournalGuest {
  /** By export name; parameters are `$id`, `$a` and `$b`, and there is a local `$x`. */
  readonly callbacks: Readonly<Record<string, JournalCallback | string>>;
  /** Further fields of the module. */
  readonly fields?: string;
  /** Further imports. */
  readonly imports?: string;
}

const LETTERS = ["$id", "$a", "$b", "$c", "$d"];
const BOOLEAN = new Set(["proxy_on_vm_start", "proxy_on_configure", "proxy_on_done"]);
/** Where hostcalls put pointer, size and numbers. */
export const OUT = 16;
const STRINGS = 0x1000;

const HELPERS = (s: TextConstant): string => `
  (global $length (mut i32) (i32.const 0))
  (global $heap (mut i32) (i32.const 0x10000))
  (func (export "proxy_abi_version_0_2_1"))
  ;; Nothing that a guest is given is kept, so that the same memory serves again and again.
  (func $allocate (export "proxy_on_memory_allocate") (param $size i32) (result i32) (local $at i32)
    (if (i32.gt_u (i32.add (global.get $heap) (local.get $size)) (i32.const 0x3fff0))
      (then (global.set $heap (i32.const 0x10000))))
    (local.set $at (global.get $heap))
    (global.set $heap (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15)) (i32.const -8)))
    (local.get $at))
  (func $text (param $ptr i32) (param $size i32)
    (memory.copy (i32.add (i32.const 0x6000) (global.get $length)) (local.get $ptr) (local.get $size))
    (global.set $length (i32.add (global.get $length) (local.get $size))))
  (func $digits (param $value i32)
    (if (i32.ge_u (local.get $value) (i32.const 10))
      (then (call $digits (i32.div_u (local.get $value) (i32.const 10)))))
    (i32.store8 (i32.add (i32.const 0x6000) (global.get $length))
      (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
    (global.set $length (i32.add (global.get $length) (i32.const 1))))
  (func $number (param $value i32)
    (call $text ${s(" ")})
    (call $digits (local.get $value)))
  ;; What a hostcall gave: the bytes, or its status.
  (func $given (param $status i32)
    (call $text ${s(" ")})
    (if (i32.eqz (local.get $status))
      (then (call $text (i32.load (i32.const ${OUT})) (i32.load (i32.const ${OUT + 4}))))
      (else (call $text ${s("!")}) (call $digits (local.get $status)))))
  (func $property (param $ptr i32) (param $size i32)
    (call $given (call $proxy_get_property (local.get $ptr) (local.get $size) (i32.const ${OUT}) (i32.const ${
  OUT + 4
}))))
  (func $header (param $map i32) (param $ptr i32) (param $size i32)
    (call $given (call $proxy_get_header_map_value (local.get $map) (local.get $ptr) (local.get $size)
      (i32.const ${OUT}) (i32.const ${OUT + 4}))))
  (func $buffer (param $type i32)
    (call $given (call $proxy_get_buffer_bytes (local.get $type) (i32.const 0) (i32.const 1000)
      (i32.const ${OUT}) (i32.const ${OUT + 4}))))
  (func $queue (result i32)
    (if (i32.eqz (call $proxy_resolve_shared_queue ${s("j")} ${s("journal")} (i32.const ${OUT + 8})))
      (then (return (i32.load (i32.const ${OUT + 8})))))
    (drop (call $proxy_register_shared_queue ${s("journal")} (i32.const ${OUT + 8})))
    (i32.load (i32.const ${OUT + 8})))
  (func $begin (param $ptr i32) (param $size i32)
    (global.set $length (i32.const 0))
    (drop (call $proxy_get_property ${s("plugin_root_id")} (i32.const ${OUT}) (i32.const ${OUT + 4})))
    (call $text (i32.load (i32.const ${OUT})) (i32.load (i32.const ${OUT + 4})))
    (call $text ${s(" ")})
    (call $text (local.get $ptr) (local.get $size)))
  (func $line
    (drop (call $proxy_enqueue_shared_queue (call $queue) (i32.const 0x6000) (global.get $length))))
  ;; Answers with all lines; true when the path of the request asks for them.
  (func $journal (result i32) (local $size i32)
    (if (call $proxy_get_header_map_value (i32.const 0) ${s(":path")} (i32.const ${OUT}) (i32.const ${OUT + 4}))
      (then (return (i32.const 0))))
    (if (i32.ne (i32.load (i32.const ${OUT + 4})) (i32.const 8)) (then (return (i32.const 0))))
    (if (i64.ne (i64.load (i32.load (i32.const ${OUT}))) (i64.load (i32.const ${STRINGS})))
      (then (return (i32.const 0))))
    (block $done (loop $more
      (br_if $done (call $proxy_dequeue_shared_queue (call $queue) (i32.const ${OUT}) (i32.const ${OUT + 4})))
      (memory.copy (i32.add (i32.const 0x8000) (local.get $size)) (i32.load (i32.const ${OUT})) (i32.load (i32.const ${
  OUT + 4
})))
      (local.set $size (i32.add (local.get $size) (i32.load (i32.const ${OUT + 4}))))
      (i32.store8 (i32.add (i32.const 0x8000) (local.get $size)) (i32.const 10))
      (local.set $size (i32.add (local.get $size) (i32.const 1)))
      (br $more)))
    (drop (call $proxy_send_local_response (i32.const 200) ${s("journal")}
      (i32.const 0x8000) (local.get $size) (i32.const 0) (i32.const 0) (i32.const -1)))
    (i32.const 1))
  (func $reply (param $status i32) (param $ptr i32) (param $size i32)
    (drop (call $proxy_send_local_response (local.get $status) ${s("journal_guest")}
      (local.get $ptr) (local.get $size) (i32.const 0) (i32.const 0) (i32.const -1))))
  (func $add (param $map i32) (param $key i32) (param $key_size i32) (param $value i32) (param $value_size i32)
    (drop (call $proxy_add_header_map_value (local.get $map) (local.get $key) (local.get $key_size)
      (local.get $value) (local.get $value_size))))
  (func $log_info (param $ptr i32) (param $size i32)
    (drop (call $proxy_log (i32.const 2) (local.get $ptr) (local.get $size))))`;

/** A guest's module. */
export function journalGuest(make: (s: TextConstant) => JournalGuest): Uint8Array {
  const data: string[] = [];
  const offsets = new Map<string, number>();
  let next = STRINGS;
  const s: TextConstant = (text) => {
    let offset = offsets.get(text);
    const bytes = new TextEncoder().encode(text);
    if (offset === undefined) {
      offset = next;
      next += bytes.length + 1;
      offsets.set(text, offset);
      const escaped = Array.from(bytes, (byte) => "\\" + byte.toString(16).padStart(2, "0")).join("");
      data.push(`(data (i32.const ${offset}) "${escaped}")`);
    }
    return `(i32.const ${offset}) (i32.const ${bytes.length})`;
  };
  s("/journal");
  const guest = make(s);
  const body = [
    HELPERS(s),
    ...Object.entries(guest.callbacks).map(([name, given]) =>
      callbackText(name, typeof given === "string" ? { result: given } : given, s)
    ),
    guest.fields ?? "",
  ].join("\n");
  const text = `(module\n${importsOf(body)}\n${guest.imports ?? ""}\n(memory (export "memory") 4)\n${body}\n${
    data.join("\n")
  })`;
  const module = wabt.parseWat("journal.wat", text, { bulk_memory: true });
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

function callbackText(name: string, given: JournalCallback, s: TextConstant): string {
  const row = CALLBACKS.find((each) => each.name === name);
  const letters = (row?.params ?? []).map((_param, index) => LETTERS[index]!);
  const hasResult = row !== undefined && row.result !== "none";
  const short = name.replace(/^proxy_on_/, "");
  const numbers = letters.slice(1).map((letter) => `(call $number (local.get ${letter}))`).join(" ");
  const write = `(call $begin ${s(short)}) ${given.bare === true ? "" : numbers} ${given.say ?? ""} (call $line)`;
  const line = given.silent === true ? "" : given.when === undefined ? write : `(if ${given.when} (then ${write}))`;
  const result = hasResult ? given.result ?? (BOOLEAN.has(name) ? "(i32.const 1)" : "(i32.const 0)") : "";
  return `(func (export "${name}") ${letters.map((letter) => `(param ${letter} i32)`).join(" ")}
    ${hasResult ? "(result i32)" : ""} (local $x i32)
    ${line}
    ${given.do ?? ""}
    ${result})`;
}

function importsOf(text: string): string {
  const names = new Set(Array.from(text.matchAll(/\(call \$(proxy_\w+)/g), (match) => match[1]!));
  return HOSTCALLS.filter((row) => names.has(row.name)).map((row) => {
    const params = row.params.map((param) => valueTypeOf(param.kind)).join(" ");
    return `(import "env" "${row.name}" (func $${row.name} (param ${params}) (result i32)))`;
  }).join("\n");
}

/** A module in base64, as configuration has it. */
export function inlineBytes(module: Uint8Array): string {
  return btoa(String.fromCharCode(...module));
}
