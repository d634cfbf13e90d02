// test/conformance/sandbox/modules.test.ts: groups 10, 13, 28: modules that are large, wrong, or hardly modules.
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CALLBACKS, HOSTCALLS, START_FUNCTIONS } from "../../../abi/mod.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import {
  compileModule,
  MAX_MODULE_BYTES,
  pluginConfig,
  PluginManager,
  type WasmModule,
} from "../../../host/wasm/mod.ts";
import { assemble, type GuestText, guestText, Host, note, s } from "../../host/wasm/guest.ts";
import { CALL_REQUEST, HostileEnvironment, runStream } from "./strike.ts";
import { FakeHttpStream } from "../../host/wasm/guest.ts";

const SMALL = { cpuBudget: 100_000, startCpuBudget: 100_000, maxMemoryBytes: 1 << 24 };

async function problems(bytes: Uint8Array): Promise<string[]> {
  const result = await compileModule(bytes);
  if ("diagnostics" in result) return result.diagnostics.map((row) => `${row.code}: ${row.message}`);
  const loaded = new PluginManager(new HostileEnvironment()).load(pluginConfig(SMALL), result.module);
  return "config" in loaded ? [] : loaded.map((row) => `${row.code}: ${row.message}`);
}

function wat(parts: Partial<GuestText>): Uint8Array {
  return assemble(guestText({ callbacks: {}, ...parts }));
}

// --- Compile bombs ---

function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = value >>> 7;
    bytes.push(rest === 0 ? value & 0x7f : (value & 0x7f) | 0x80);
    value = rest;
  } while (value !== 0);
  return bytes;
}

function section(id: number, content: Uint8Array | number[]): Uint8Array {
  return Uint8Array.from([id, ...leb(content.length), ...content]);
}

function join(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const TYPE = section(1, [1, 0x60, 0, 0]);

/** A module of functions with these bodies. */
function functions(bodies: readonly Uint8Array[]): Uint8Array {
  const declared = section(3, [...leb(bodies.length), ...bodies.map(() => 0)]);
  const content = join(
    Uint8Array.from(leb(bodies.length)),
    ...bodies.map((body) => join(Uint8Array.from(leb(body.length)), body)),
  );
  return join(HEADER, TYPE, declared, Uint8Array.from([10, ...leb(content.length)]), content);
}

test("a module beyond the size limit is not even looked at", async () => {
  const large = new Uint8Array(MAX_MODULE_BYTES + 1);
  large.set(HEADER);
  assert.equal(await problems(large), [
    "wasm/too-large-module: the module has 67108865 bytes, at most 67108864 are allowed",
  ]);
  const result = await compileModule(wat({}), undefined, 100);
  assert.ok("diagnostics" in result && result.diagnostics[0]!.code === "wasm/too-large-module");
});

test("20 MB of data, 100,000 functions: compiled, and refused for what they lack", async () => {
  const data = new Uint8Array(20_000_000);
  const segment = join(Uint8Array.from([1, 1, ...leb(data.length)]), data);
  const withData = join(HEADER, section(12, [1]), Uint8Array.from([11, ...leb(segment.length)]), segment);
  for (
    const bytes of [withData, functions(Array.from({ length: 100_000 }, () => Uint8Array.of(0, 0x0b)))]
  ) {
    assert.match((await problems(bytes)).join("; "), /wasm\/unknown-abi.*wasm\/unusable-memory/);
  }
});

test("functions beyond what the engine takes: a clear error", async () => {
  const tooManyLocals = Uint8Array.from([1, ...leb(50_001), 0x7f, 0x0b]);
  assert.match((await problems(functions([tooManyLocals]))).join(), /wasm\/invalid-module.*local/);
  const tooLong = new Uint8Array(7_700_000).fill(0x01);
  tooLong[0] = 0;
  tooLong[tooLong.length - 1] = 0x0b;
  assert.match((await problems(functions([tooLong]))).join(), /wasm\/invalid-module.*size/);
});

test("functions that only the meter makes too large: a clear error too", async () => {
  // 50,000 locals, and one more where memory is grown.
  const body = Uint8Array.from([1, ...leb(50_000), 0x7f, 0x41, 0, 0x40, 0, 0x1a, 0x0b]);
  const bytes = join(functions([body]).subarray(0, 8 + TYPE.length + 4), section(5, [1, 0, 1]));
  const code = section(10, [1, ...leb(body.length), ...body]);
  assert.match((await problems(join(bytes, code))).join(), /wasm\/(invalid|unmetered)-module/);
});

test("deep nesting", async () => {
  const depth = 100_000;
  const body = new Uint8Array(1 + depth * 3 + 1);
  for (let i = 0; i < depth; i++) body.set([0x03, 0x40], 1 + i * 2);
  body.fill(0x0b, 1 + depth * 2);
  const found = await problems(functions([body]));
  assert.ok(found.length > 0 && found.every((each) => each.startsWith("wasm/")));
});

// --- Wrong signatures ---

test("a callback, an allocator, a start function of another type: refused by name", async () => {
  for (const row of CALLBACKS) {
    const bytes = wat({ fields: `(func (export "${row.name}") (param f64))` });
    assert.match((await problems(bytes)).join("; "), new RegExp(`wasm/callback-type: export ${row.name} has type`));
  }
  for (const type of ["(param i64) (result i64)", "(param i32 i32) (result i32)", "(param i32)", "(result i32)"]) {
    const bytes = wat({ allocator: `(func (export "malloc") ${type} unreachable)` });
    assert.match((await problems(bytes)).join("; "), /wasm\/callback-type: export malloc has type/, type);
  }
  for (const name of START_FUNCTIONS) {
    const bytes = wat({ fields: `(func (export "${name}") (param i64))` });
    const found = await problems(bytes);
    if (found.length > 0) assert.match(found.join(), /^wasm\/start-failed/);
  }
});

test("exports that are no functions where functions are meant", async () => {
  for (const name of [...CALLBACKS.map((row) => row.name), ...START_FUNCTIONS]) {
    assert.equal(await problems(wat({ fields: `(global (export "${name}") i32 (i32.const 1))` })), [], name);
  }
  const found = await problems(wat({ allocator: '(global (export "malloc") i32 (i32.const 1))' }));
  assert.match(found.join(), /wasm\/missing-allocator/);
});

test("every import of another type is refused, all at once", async () => {
  const memory = HOSTCALLS.map((row) => `(import "env" "${row.name}" (func (param f32 f32) (result f32)))`).join("\n") +
    '(memory (export "memory") 1)';
  const found = await problems(wat({ memory }));
  assert.is(found.filter((each) => each.startsWith("wasm/import-type")).length, HOSTCALLS.length);
});

test("imports that nobody has: all of them named", async () => {
  const names = ["proxy_nothing", "__proto__", "constructor", "toString", "hasOwnProperty"];
  const imports = names.map((name) => `(import "env" "${name}" (func))`).join("") +
    '(import "__proto__" "x" (func)) (import "env" "g" (global i32))';
  const found = await problems(wat({ memory: `${imports} (memory (export "memory") 1)` }));
  for (const name of [...names.map((each) => `env.${each}`), "__proto__.x", "env.g"]) {
    assert.ok(found.some((each) => each.startsWith("wasm/missing-import") && each.includes(name)), name);
  }
});

test("one name imported as two kinds of things", async () => {
  const found = await problems(wat({
    memory: '(import "env" "proxy_log" (func (param i32 i32 i32) (result i32))) (import "env" "proxy_log" (memory 1))',
  }));
  assert.ok(found.length > 0 && found.every((each) => each.startsWith("wasm/")), found.join());
});

// --- Strange names ---

test("exports by the names of the meter, of prototypes, of nothing", async () => {
  const names = [
    "nuncio_fuel",
    "nuncio_fuel_",
    "__fuel",
    "__proto__",
    "constructor",
    "then",
    "",
    "\\u{0}",
    "a".repeat(100_000),
  ];
  const fields = names.map((name, index) => `(global (export "${name}") (mut i32) (i32.const ${index}))`).join("\n");
  const result = await compileModule(wat({
    fields,
    callbacks: { proxy_on_request_headers: "(loop (br 0)) (unreachable)" },
  }));
  assert.ok("module" in result);
  const host = new Host((result as { module: WasmModule }).module, SMALL);
  host.request();
  // Its own global of that name is not the meter's.
  assert.match(host.plugin.root.vm.failure!.diagnostic.message, /cpu budget exhausted/);
});

function runModule(module: WasmModule): Host {
  return new Host(module, SMALL);
}

function custom(name: string, content: readonly number[]): Uint8Array {
  const text = Array.from(name, (char) => char.charCodeAt(0));
  return section(0, [...leb(text.length), ...text, ...content]);
}

test("malformed and repeated custom sections, name sections of all kinds: it runs, and traps are still told", async () => {
  const base = wat({ callbacks: { proxy_on_request_headers: "unreachable" } });
  const nameSections: number[][] = [
    [],
    [1],
    [1, 0x80],
    [1, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [1, 2, 0xff, 0x7f],
    [1, 5, 1, 0, 0xff, 0xff, 0x03],
    [1, 6, 2, 0, 1, 0x61, 0, 1],
    [2, 0x7f],
    [1, 4, 1, 0, 1, 0xff],
    new Array<number>(1000).fill(0xff),
  ];
  for (const content of nameSections) {
    for (const name of ["name", "sourceMappingURL", "producers", "precompiled_x", "signature_wasmsign", ""]) {
      const bytes = join(base, custom(name, content), custom(name, content));
      const result = await compileModule(bytes);
      if ("diagnostics" in result) {
        assert.ok(result.diagnostics.every((row) => row.code.startsWith("wasm/")), name);
        continue;
      }
      const host = runModule(result.module);
      const { stream } = host.request();
      assert.match(host.plugin.root.vm.failure!.diagnostic.message, /unreachable/);
      assert.is(stream.replies.length, 1);
    }
  }
});

test("function names that are very long or hostile are shown on one line, cut", async () => {
  const long = "x".repeat(50_000);
  const host = runModule(
    await moduleOf({
      callbacks: { proxy_on_request_headers: `(call $${long}) (i32.const 0)` },
      fields: `(func $${long} unreachable)`,
    }),
  );
  host.request();
  const text = host.env.texts(5).join("\n");
  assert.ok(text.length < 30_000, String(text.length));
});

async function moduleOf(parts: Partial<GuestText>): Promise<WasmModule> {
  const result = await compileModule(wat(parts));
  if ("diagnostics" in result) throw new Error(result.diagnostics[0]!.message);
  return result.module;
}

// --- Mutants ---

/** `MUTANTS=65000` for more. */
const MUTANTS = Number(process.env["MUTANTS"] ?? 2000);

test(`${MUTANTS} mutants of a valid module: an error or a guest that can be run, never an exception`, async () => {
  const base = wat({
    callbacks: {
      proxy_on_vm_start: `(drop (call $proxy_set_tick_period_milliseconds (i32.const 5))) (i32.const 1)`,
      proxy_on_request_headers: `${
        note("proxy_get_header_map_value", "(i32.const 0)", s("x-a"), "(i32.const 256) (i32.const 260)")
      }
        (drop (call $proxy_http_call ${s("c")} ${s(CALL_REQUEST)} ${"(i32.const 0) ".repeat(5)} (i32.const 256)))
        (drop (call $proxy_log (i32.const 2) ${s("hello")})) (loop $l (br_if $l (local.get $x))) (i32.const 0)`,
      proxy_on_response_headers: "(memory.fill (i32.const 0) (i32.const 0) (i32.const 9)) (i32.const 0)",
      proxy_on_log: `(drop (call $fd_write ${"(i32.const 1) ".repeat(4)}))`,
    },
    fields: "(table 2 funcref) (elem (i32.const 0) $note)",
  });
  const random = new SeededRandom(20_260_727);
  let ran = 0;
  for (let i = 0; i < MUTANTS; i++) {
    const bytes = base.slice(0, random.uint32() % 20 === 0 ? 8 + random.uint32() % (base.length - 8) : base.length);
    for (let edits = 1 + random.uint32() % 4; edits > 0; edits--) {
      const at = 8 + random.uint32() % (bytes.length - 8);
      bytes[at] = random.uint32() % 3 === 0 ? bytes[at]! ^ (1 << random.uint32() % 8) : random.uint32() & 0xff;
    }
    const result = await compileModule(bytes, {
      startBudget: SMALL.startCpuBudget,
      maxMemoryPages: 256,
      maxTableElements: 1000,
    });
    if ("diagnostics" in result) {
      assert.ok(result.diagnostics.length > 0 && result.diagnostics.every((row) => row.code.startsWith("wasm/")));
      continue;
    }
    const env = new HostileEnvironment();
    const loaded = new PluginManager(env).load(pluginConfig(SMALL), result.module);
    if (!("config" in loaded)) {
      assert.ok(loaded.every((row) => row.code.startsWith("wasm/")), String(i));
      continue;
    }
    ran++;
    const stream = new FakeHttpStream();
    const filter = loaded.createHttpFilter(stream);
    if (filter !== null) runStream(filter, stream);
    env.clock.advance(20);
    loaded.dispose();
  }
  assert.ok(ran > 100, String(ran));
});

test.run();
