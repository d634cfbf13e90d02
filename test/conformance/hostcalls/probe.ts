// test/conformance/hostcalls/probe.ts: a guest that does single host calls and tells what became of them.
/**
 * A probe is written as what its callbacks do: a list of steps. It is compiled to WebAssembly text, with the
 * imports that it needs in the types that `abi/` has, and logs a line for each callback and each step, so that the
 * same module can be watched in every proxy. Places for results are filled with a mark before each call: what a
 * host leaves alone is seen.
 *
 * @module
 */
import wabtFactory from "wabt";
import {
  ABI_MARKERS,
  type AbiVersion,
  CALLBACKS,
  HOSTCALLS,
  type Param,
  SHIMS,
  valueTypeOf,
  WASI_FUNCTIONS,
} from "../../../abi/mod.ts";
import { type Argument, type CallStep, SLOTS, type Step } from "./steps.ts";

const wabt = await wabtFactory();

/** Begins every line of a probe. */
export const PREFIX = "probe";
/** Stands in places for results before the call. */
export const UNTOUCHED = 0xeeeeeeee;

const LINE = 0x400;
const OUT = 0x100;
const STRINGS = 0x2000;
const HEAP = 0x10000;
const FIRST_ALLOCATOR_SLOT = 16;
/** Longer results are told by size and their first bytes. */
const SHOWN_BYTES = 256;

export interface Probe {
  readonly version?: AbiVersion;
  /** What callbacks do, by export. A header callback of 0.1.0 gets two parameters, as there. */
  readonly callbacks: Readonly<Record<string, readonly Step[]>>;
  /** Exports for memory that the host asks for. Each counts its calls in a slot, from the 16th on. */
  readonly allocators?: readonly string[];
  /** More fields of the module. */
  readonly fields?: string;
  /** Without the function that marks the version. */
  readonly unmarked?: true;
}

/** The types of an import. */
function typesOf(module: string, name: string): { params: readonly string[]; results: readonly string[] } {
  if (module === "env") {
    const row = HOSTCALLS.find((each) => each.name === name);
    if (row !== undefined) return { params: row.params.map(({ kind }) => valueTypeOf(kind)), results: ["i32"] };
    const shim = SHIMS.find((each) => each.module === module && each.name === name);
    if (shim !== undefined) return shim;
  }
  const row = WASI_FUNCTIONS.find((each) => each.name === name);
  if (row === undefined) throw new Error(`there is no function ${module}.${name}`);
  return row;
}

/** One function may be there in two modules. */
function importName(module: string, name: string): string {
  return module === "wasi_unstable" ? `unstable.${name}` : name;
}

function importField(module: string, name: string): string {
  const { params, results } = typesOf(module, name);
  const list = (keyword: string, types: readonly string[]) =>
    types.length === 0 ? "" : `(${keyword} ${types.join(" ")})`;
  return `(import "${module}" "${name}" (func $${importName(module, name)} ${list("param", params)} ${
    list("result", results)
  }))`;
}

/** Writes a probe's text. */
class ProbeWriter {
  readonly #strings = new Map<string, number>();
  readonly #imports = new Map<string, string>();
  #nextString = STRINGS;

  text(probe: Probe): string {
    const version = probe.version ?? "0.2.1";
    this.#import("env", "proxy_log");
    this.#import("env", "proxy_get_current_time_nanoseconds");
    const callbacks = { ...defaults(), ...probe.callbacks };
    const functions = Object.entries(callbacks).map(([name, steps]) => this.#callback(name, steps, version));
    const allocators = probe.allocators ?? ["proxy_on_memory_allocate"];
    functions.push(
      ...allocators.map((name, index) => this.#allocator(name, SLOTS + (FIRST_ALLOCATOR_SLOT + index) * 4)),
    );
    functions.push(this.#helpers());
    const data = [...this.#strings].map(([text, offset]) => `(data (i32.const ${offset}) "${escaped(text)}")`);
    const marker = probe.unmarked === true ? "" : `(func (export "${ABI_MARKERS[version]}"))`;
    return `(module
${[...this.#imports.values()].join("\n")}
(memory (export "memory") 2)
(global $heap (mut i32) (i32.const ${HEAP}))
(global $line (mut i32) (i32.const ${LINE}))
(global $vm (mut i32) (i32.const 0))
(global $ok (mut i32) (i32.const 0))
(global $count (mut i32) (i32.const 0))
${marker}
${functions.join("\n")}
${probe.fields ?? ""}
${data.join("\n")}
)`;
  }

  #import(module: string, name: string): void {
    this.#imports.set(`${module}.${name}`, importField(module, name));
  }

  #string(text: string): string {
    let offset = this.#strings.get(text);
    if (offset === undefined) {
      this.#strings.set(text, offset = this.#nextString);
      this.#nextString += text.length + 1;
    }
    return `(i32.const ${offset}) (i32.const ${text.length})`;
  }

  #callback(name: string, steps: readonly Step[], version: AbiVersion): string {
    const row = CALLBACKS.find((each) => each.name === name || each.alias === name);
    if (row === undefined) {
      // A function that runs when the VM starts.
      return `(func (export "${name}") (local $status i32)
${this.#tell(`> ${name}`, [])} ${this.#steps(steps)})`;
    }
    const names = version === "0.1.0" && row.lastParamOptional === true ? row.params.slice(0, -1) : row.params;
    const tell = this.#tell(`> ${name}`, names.map((_, i) => `(local.get ${i})`));
    const begin = name === "proxy_on_context_create" ? `(if (i32.eqz (local.get 1)) (then (call $new_vm)))` : "";
    const result = row.result === "none" ? "" : "(result i32)";
    const answer = row.result === "none" ? "" : "(local.get $answer)";
    const usual = row.result === "bool" ? "(local.set $answer (i32.const 1))" : "";
    return `(func (export "${name}") ${names.map(() => "(param i32)").join(" ")} ${result}
  (local $status i32) (local $answer i32)
  ${usual} ${begin} ${tell}
${this.#steps(steps)}
  ${answer})`;
  }

  #steps(steps: readonly Step[]): string {
    return steps.map((step) => this.#step(step)).join("\n");
  }

  #step(step: Step): string {
    switch (step.kind) {
      case "call":
        return this.#call(step);
      case "keep":
        return `  (i32.store (i32.const ${SLOTS + step.slot * 4}) ${
          step.value?.wat ?? `(i32.load (i32.const ${OUT}))`
        })`;
      case "returns":
        return `  (local.set $answer (i32.const ${step.value}))`;
      case "when":
        return `  (if ${step.condition.wat} (then\n${this.#steps(step.steps)}\n  ))`;
      case "show":
        return this.#tell(step.label, [step.value.wat]);
      case "wat":
        return step.text;
    }
  }

  /** A line of a word and numbers. */
  #tell(word: string, values: readonly string[]): string {
    const numbers = values.map((value) => `(call $number ${value})`).join(" ");
    return `  (call $begin ${this.#string(word)}) ${numbers} (call $end)`;
  }

  #call(step: CallStep): string {
    this.#import(step.module, step.name);
    const row = step.module === "env" ? HOSTCALLS.find((each) => each.name === step.name) : undefined;
    if (row === undefined) return this.#plainCall(step);
    const args: string[] = [];
    const outs: { param: Param; place: number }[] = [];
    const given = [...step.args];
    for (let i = 0; i < row.params.length; i++) {
      const param = row.params[i]!;
      if (param.kind.startsWith("out_")) {
        const usual = OUT + outs.length * 8;
        const place = step.places?.[outs.length] ?? usual;
        outs.push({ param, place });
        args.push(`(i32.const ${place})`);
        continue;
      }
      const value = given.shift();
      if (value === undefined) throw new Error(`${step.name}: no argument for ${param.name}`);
      if (param.kind === "ptr") {
        args.push(this.#range(value));
        i++;
      } else args.push(this.#value(value, valueTypeOf(param.kind)));
    }
    if (given.length > 0) throw new Error(`${step.name}: ${given.length} arguments too many`);
    const tell = outs.map((out, i) => this.#result(outs, i, out.param, step.masked === true)).join(" ");
    const fill = outs.map((_, i) => `(i64.store (i32.const ${OUT + i * 8}) (i64.const 0xeeeeeeeeeeeeeeee))`).join(" ");
    return `  ${fill}
  (local.set $status (call $${importName(step.module, step.name)} ${args.join(" ")}))
  (call $begin ${this.#string(step.name)}) (call $number (local.get $status))
  (global.set $ok (i32.eqz (local.get $status))) ${tell} (call $end)`;
  }

  /** A call of which only the result is told. */
  #plainCall(step: CallStep): string {
    const { params, results } = typesOf(step.module, step.name);
    let taken = 0;
    const list = step.args.map((value) => {
      if (typeof value === "string" || value instanceof Uint8Array) {
        taken += 2;
        return this.#range(value);
      }
      return this.#value(value, params[taken++]!);
    });
    if (taken !== params.length) throw new Error(`${step.name}: ${taken} arguments for ${params.length}`);
    const call = `(call $${importName(step.module, step.name)} ${list.join(" ")})`;
    if (results.length === 0) return `  ${call} ${this.#tell(step.name, [])}`;
    const status = results[0] === "i32" ? call : `(i32.wrap_i64 (i64.reinterpret_f64 ${call}))`;
    return `  (local.set $status ${status}) ${this.#tell(step.name, step.masked ? [] : ["(local.get $status)"])}`;
  }

  #range(value: Argument): string {
    if (typeof value === "string") return this.#string(value);
    if (value instanceof Uint8Array) return this.#string(String.fromCharCode(...value));
    if (typeof value === "object" && "ptr" in value) {
      return `${this.#value(value.ptr, "i32")} ${this.#value(value.size, "i32")}`;
    }
    throw new Error(`${String(value)} is no range of bytes`);
  }

  #value(value: Argument, type: string): string {
    if (typeof value === "number" || typeof value === "bigint") return `(${type}.const ${value})`;
    if (typeof value === "object" && "wat" in value) return value.wat;
    throw new Error(`${String(value)} is no number`);
  }

  /** What stands in the place of a result. */
  #result(outs: readonly { param: Param; place: number }[], index: number, param: Param, masked: boolean): string {
    const place = `(i32.const ${OUT + index * 8})`;
    switch (param.kind) {
      case "out_u32":
        return masked ? `(call $present ${place})` : `(call $result (i32.load ${place}))`;
      case "out_u64":
        return masked ? `(call $present ${place})` : `(call $wide (i64.load ${place}))`;
      case "out_ptr":
        // Told with its size, which follows.
        return outs[index + 1]?.param.kind === "out_size"
          ? `(call ${masked ? "$present_bytes" : "$bytes"} (i32.load ${place}) (i32.load (i32.const ${
            OUT + index * 8 + 8
          })))`
          : `(call $number (i32.load ${place}))`;
      default:
        return "";
    }
  }

  /** Bump allocation; memory grows as needed. */
  #allocator(name: string, count: number): string {
    return `(func (export "${name}") (param $size i32) (result i32) (local $ptr i32)
  (i32.store (i32.const ${count}) (i32.add (i32.load (i32.const ${count})) (i32.const 1)))
  (local.set $ptr (global.get $heap))
  (global.set $heap (i32.add (global.get $heap) (i32.and (i32.add (local.get $size) (i32.const 15)) (i32.const -8))))
  (block $done (loop $more
    (br_if $done (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
    (drop (memory.grow (i32.const 1)))
    (br $more)))
  (local.get $ptr))`;
  }

  #helpers(): string {
    return `(func $new_vm
  (drop (call $proxy_get_current_time_nanoseconds (i32.const ${OUT})))
  (global.set $vm (i32.and (i32.load (i32.const ${OUT})) (i32.const 0x7fffffff))))
(func $put (param $char i32)
  (i32.store8 (global.get $line) (local.get $char))
  (global.set $line (i32.add (global.get $line) (i32.const 1))))
(func $text (param $ptr i32) (param $size i32)
  (block $done (loop $more
    (br_if $done (i32.eqz (local.get $size)))
    (call $put (i32.load8_u (local.get $ptr)))
    (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
    (local.set $size (i32.sub (local.get $size) (i32.const 1)))
    (br $more))))
(func $digits (param $value i64)
  (if (i64.ge_u (local.get $value) (i64.const 10))
    (then (call $digits (i64.div_u (local.get $value) (i64.const 10)))))
  (call $put (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10))))))
(func $hex (param $byte i32)
  (call $hex_digit (i32.shr_u (local.get $byte) (i32.const 4)))
  (call $hex_digit (i32.and (local.get $byte) (i32.const 15))))
(func $hex_digit (param $value i32)
  (call $put (i32.add (local.get $value)
    (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $value) (i32.const 10))))))
;; A line begins: the prefix, the VM, a number that makes the line the only one of its kind, what was called.
(func $begin (param $ptr i32) (param $size i32)
  (global.set $line (i32.const ${LINE}))
  (global.set $count (i32.add (global.get $count) (i32.const 1)))
  (call $text ${this.#string(PREFIX)})
  (call $number (global.get $vm))
  (call $number (global.get $count))
  (call $put (i32.const 32))
  (call $text (local.get $ptr) (local.get $size)))
(func $number (param $value i32)
  (call $put (i32.const 32))
  (if (i32.eq (local.get $value) (i32.const ${UNTOUCHED}))
    (then (call $put (i32.const 45)))
    (else (call $digits (i64.extend_i32_u (local.get $value))))))
;; A result; of a call that failed none is told.
(func $result (param $value i32)
  (call $number (select (local.get $value) (i32.const ${UNTOUCHED}) (global.get $ok))))
(func $wide (param $value i64)
  (call $put (i32.const 32))
  (if (i32.or (i32.eqz (global.get $ok)) (i64.eq (local.get $value) (i64.const 0xeeeeeeeeeeeeeeee)))
    (then (call $put (i32.const 45)))
    (else (call $digits (local.get $value)))))
(func $present (param $place i32)
  (call $put (i32.const 32))
  (call $put (select (i32.const 45) (i32.const 43)
    (i32.or (i32.eqz (global.get $ok)) (i32.eq (i32.load (local.get $place)) (i32.const ${UNTOUCHED}))))))
(func $present_bytes (param $ptr i32) (param $size i32)
  (call $put (i32.const 32))
  (call $put (select (i32.const 45) (i32.const 43)
    (i32.or (i32.eqz (global.get $ok)) (i32.eq (local.get $ptr) (i32.const ${UNTOUCHED}))))))
;; Size and bytes; a dash where the host wrote neither, or may have left what it likes.
(func $bytes (param $ptr i32) (param $size i32) (local $i i32)
  (call $put (i32.const 32))
  (if (i32.or (i32.eqz (global.get $ok)) (i32.eq (local.get $ptr) (i32.const ${UNTOUCHED}))) (then (call $put (i32.const 45)) (return)))
  (if (i32.and (i32.eqz (local.get $size)) (i32.ne (local.get $ptr) (i32.const 0))) (then (call $put (i32.const 33))))
  (call $digits (i64.extend_i32_u (local.get $size)))
  (call $put (i32.const 58))
  (block $done (loop $more
    (br_if $done (i32.ge_u (local.get $i) (local.get $size)))
    (br_if $done (i32.ge_u (local.get $i) (i32.const ${SHOWN_BYTES})))
    (call $hex (i32.load8_u (i32.add (local.get $ptr) (local.get $i))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $more))))
(func $end
  (drop (call $proxy_log (i32.const 4) (i32.const ${LINE}) (i32.sub (global.get $line) (i32.const ${LINE})))))`;
  }
}

/** Callbacks that every probe has, so that its lines can be told from those of other VMs. */
function defaults(): Record<string, readonly Step[]> {
  return { proxy_on_context_create: [] };
}

function escaped(text: string): string {
  return Array.from(text, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
}

/** A probe as WebAssembly text. */
export function probeText(probe: Probe): string {
  return new ProbeWriter().text(probe);
}

/** A probe as a module. */
export function compileProbe(probe: Probe): Uint8Array {
  const text = probeText(probe);
  const parsed = wabt.parseWat("probe.wat", text, { bulk_memory: true, mutable_globals: true, sign_extension: true });
  try {
    return parsed.toBinary({ write_debug_names: false }).buffer;
  } finally {
    parsed.destroy();
  }
}
