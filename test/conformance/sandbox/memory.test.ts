// test/conformance/sandbox/memory.test.ts: groups 6, 7, 9: memory and tables that grow, or are not as they should be.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  compileModule,
  type CompileResult,
  meterOptions,
  pluginConfig,
  type WasmModule,
} from "../../../host/wasm/mod.ts";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { assemble, type GuestText, guestText, i32, note, OUT, out, s } from "../../host/wasm/guest.ts";
import { Host } from "../../host/wasm/guest.ts";
import { HostileEnvironment, strike } from "./strike.ts";

const PAGE = 65536;
const LIMITS = pluginConfig({ maxMemoryBytes: 64 * PAGE, maxTableElements: 1000 });

async function build(parts: Partial<GuestText>): Promise<CompileResult> {
  return await compileModule(assemble(guestText({ callbacks: {}, ...parts })), meterOptions(LIMITS));
}

async function load(parts: Partial<GuestText>): Promise<Host> {
  const result = await build(parts);
  if (!("module" in result)) throw new Error(result.diagnostics[0]!.message);
  return new Host(result.module, LIMITS, new HostileEnvironment());
}

async function refusal(parts: Partial<GuestText>): Promise<string> {
  const result = await build(parts);
  if ("diagnostics" in result) return result.diagnostics.map((row) => `${row.code} ${row.message}`).join("; ");
  const { diagnostics } = strike(result.module, "", LIMITS);
  return diagnostics.map((row) => `${row.code} ${row.message}`).join("; ");
}

const GROW = `
  (block $done (loop $more (br_if $done (i32.eq (memory.grow (i32.const 1)) (i32.const -1))) (br $more)))
  (call $note (memory.size)) (call $note (memory.grow (i32.const 16384))) (i32.const 0)`;

for (
  const [what, memory] of Object.entries({
    "without a maximum": '(memory (export "memory") 1)',
    "with a maximum of 4 GiB": '(memory (export "memory") 1 65536)',
    "imported": '(import "env" "memory" (memory 1)) (export "memory" (memory 0))',
    "imported, with a maximum": '(import "env" "memory" (memory 1 65536)) (export "memory" (memory 0))',
  })
) {
  test(`memory ${what} grows to the limit and not beyond: -1, nothing else`, async () => {
    const host = await load({ memory, callbacks: { proxy_on_request_headers: GROW } });
    const { status } = host.request();
    assert.is(host.plugin.root.vm.failure, null);
    assert.is(status, 0);
    assert.equal(host.notes().map((value) => value | 0), [64, -1]);
    assert.is(host.plugin.root.vm.memoryBytes, 64 * PAGE);
  });
}

test("memories that cannot be: refused with the reason", async () => {
  const rows: [memory: string, reason: RegExp][] = [
    ['(memory (export "memory") 65)', /begins with 65|starts with 4259840 bytes, at most 4194304/],
    ['(import "env" "memory" (memory 65)) (export "memory" (memory 0))', /starts with 4259840 bytes, at most 4194304/],
    ["(memory 1)", /it is not exported/],
  ];
  for (const [memory, reason] of rows) assert.match(await refusal({ memory }), reason);
});

/** Sections of a module by hand, for what the text format's compiler does not know. */
function moduleWith(memorySection: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, memorySection.length, ...memorySection]);
}

test("shared memory, 64-bit memory, two memories: refused", async () => {
  const rows: [section: number[], reason: RegExp][] = [
    [[1, 3, 1, 2], /shared/],
    [[1, 4, 1], /64/],
    [[2, 0, 1, 0, 1], /2 of them|memories/],
  ];
  for (const [section, reason] of rows) {
    const result = await compileModule(moduleWith(section));
    const text = "diagnostics" in result
      ? result.diagnostics.map((row) => row.message).join("; ")
      : strike(result.module, "").diagnostics.map((row) => row.message).join("; ");
    assert.match(text, reason);
  }
});

test("tables grow to the limit and not beyond", async () => {
  for (const fields of ["(table $t 1 funcref)", '(import "env" "table" (table $t 1 funcref))']) {
    const host = await load({
      memory: fields.startsWith("(import") ? `${fields} (memory (export "memory") 1)` : '(memory (export "memory") 1)',
      fields: fields.startsWith("(import") ? "" : fields,
      callbacks: {
        proxy_on_request_headers: `(call $note (table.grow $t (ref.null func) (i32.const 10000000)))
          (call $note (table.grow $t (ref.null func) (i32.const 999)))
          (call $note (table.grow $t (ref.null func) (i32.const 1))) (call $note (table.size $t)) (i32.const 0)`,
      },
    });
    host.request();
    const { failure } = host.plugin.root.vm;
    assert.is(failure, null);
    assert.equal(host.notes().map((value) => value | 0), [-1, 1, -1, 1000]);
  }
});

test("tables that are too large at once: refused", async () => {
  assert.match(await refusal({ fields: "(table 1001 funcref)" }), /1001/);
  assert.match(
    await refusal({ memory: '(import "env" "table" (table 1001 funcref)) (memory (export "memory") 1)' }),
    /wasm\/unusable-table.*1001 elements, at most 1000/,
  );
});

test("many tables, each of which may be as large as one may be: refused", async () => {
  assert.match(await refusal({ fields: "(table 1 funcref)".repeat(9) }), /it has 9 tables, at most 8 are allowed/);
  assert.equal(await refusal({ fields: "(table 1 funcref)".repeat(8) }), "");
});

// --- Growth in the middle of host functions ---

/** Grows by a page each time, so that every view which the host had is detached. */
const GROWING = `(func (export "malloc") (param $size i32) (result i32)
  (i32.mul (memory.grow (i32.const 1)) (i32.const ${PAGE})))`;

const READS: Readonly<Record<string, readonly [call: string, expected: RegExp]>> = {
  proxy_get_header_map_value: [`${i32(0)} ${s("x-a")} ${out}`, /^1$/],
  proxy_get_header_map_pairs: [`${i32(0)} ${out}`, /x-a\0.*1\0/s],
  proxy_get_property: [`${s("known")} ${out}`, /^value$/],
  proxy_get_buffer_bytes: [`${i32(6, 0, 100)} ${out}`, /^configuration$/],
  proxy_get_shared_data: [`${s("key")} ${out} ${i32(OUT + 8)}`, /^shared$/],
  proxy_dequeue_shared_queue: [`(i32.load (i32.const ${OUT + 16})) ${out}`, /^message$/],
  proxy_call_foreign_function: [`${s("echo")} ${s("arguments")} ${out}`, /^arguments$/],
};

for (const [name, [args, expected]] of Object.entries(READS)) {
  test(`${name}: the allocator grows memory in the middle of it`, async () => {
    const result = await build({
      callbacks: {
        proxy_on_request_headers: `
          (drop (call $proxy_set_shared_data ${s("key")} ${s("shared")} ${i32(0)}))
          (drop (call $proxy_register_shared_queue ${s("q")} ${i32(OUT + 16)}))
          (drop (call $proxy_enqueue_shared_queue (i32.load (i32.const ${OUT + 16})) ${s("message")}))
          ${note(name, args)} (i32.const 0)`,
      },
      allocator: GROWING,
    });
    const env = new HostileEnvironment();
    env.attributes.set("known", { kind: "latin1", value: "value" });
    env.foreignFunctions.set("echo", (_call, bytes) => bytes);
    const { module } = result as { module: WasmModule };
    const host = new Host(module, { ...LIMITS, vmId: "vm", vmConfiguration: fromUtf8("configuration") }, env);
    host.request();
    assert.equal(host.notes(), [0]);
    assert.match(host.result(), expected);
    assert.is(host.u32(OUT), PAGE);
    assert.is(host.plugin.root.vm.memoryBytes, 2 * PAGE);
  });
}

test("an allocator that grows memory to its end and then fails", async () => {
  const result = await build({
    callbacks: {
      proxy_on_request_headers: `${note("proxy_get_header_map_value", i32(0), s("x-a"), out).repeat(70)} (i32.const 0)`,
    },
    allocator: GROWING,
  });
  const host = new Host((result as { module: WasmModule }).module, LIMITS);
  host.request();
  const notes = host.notes();
  // -1 pages times their size is outside of memory.
  assert.equal(notes.slice(0, 63), new Array(63).fill(0));
  assert.equal([...new Set(notes.slice(63))], [6]);
  assert.is(host.plugin.root.vm.failure, null);
});

test("buffers are taken at their new place when guests grow memory between calls", async () => {
  const result = await build({
    callbacks: {
      proxy_on_request_headers: `
        (drop (memory.grow (i32.const 1)))
        (drop (call $proxy_add_header_map_value ${i32(0)} ${s("x-b")} ${s("one")}))
        (drop (memory.grow (i32.const 1)))
        (i32.store8 (i32.const ${2 * PAGE}) (i32.const 0x5a))
        (drop (call $proxy_add_header_map_value ${i32(0)} ${s("x-c")} ${i32(2 * PAGE, 1)})) (i32.const 0)`,
    },
  });
  const host = new Host((result as { module: WasmModule }).module, LIMITS);
  const { stream } = host.request();
  assert.is(stream.requestHeaders!.get("x-b"), "one");
  assert.is(stream.requestHeaders!.get("x-c"), "Z");
});

test.run();
