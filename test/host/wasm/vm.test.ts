// test/host/wasm/vm.test.ts: loading, linking, starting, trapping, restricting.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HOSTCALLS, SHIMS, valueTypeOf, WASI_FUNCTIONS, WASI_MODULES } from "../../../abi/mod.ts";
import {
  compileModule,
  type PluginConfig,
  pluginConfig,
  PluginManager,
  type WasmModule,
} from "../../../host/wasm/mod.ts";
import { DEFAULT_METER } from "../../../host/wasm/meter.ts";
import {
  assemble,
  BAD,
  compile,
  FakeEnvironment,
  GET,
  guest,
  guestText,
  Host,
  i32,
  note,
  OUT,
  out,
  queueOf,
  run,
  s,
} from "./guest.ts";

function load(
  module: WasmModule,
  parts: Partial<PluginConfig> = {},
): { codes: string[]; text: string; env: FakeEnvironment; manager: PluginManager } {
  const env = new FakeEnvironment();
  const manager = new PluginManager(env);
  const result = manager.load(pluginConfig({ name: "p", ...parts }), module);
  const problems = "createHttpFilter" in result ? [] : result;
  return { codes: problems.map((row) => row.code), text: JSON.stringify(problems), env, manager };
}

test("what is no module", async () => {
  for (
    const [bytes, code] of [["", "wasm/not-wasm"], ["hello world", "wasm/not-wasm"], [
      "\0asm\x01\0\0\0\x01\xff",
      "wasm/invalid-module",
    ]]
  ) {
    const result = await compileModule(Uint8Array.from(bytes!, (char) => char.charCodeAt(0)));
    assert.equal("diagnostics" in result && result.diagnostics.map((row) => row.code), [code]);
  }
});

test("a compiled module knows its digest and types", async () => {
  const bytes = assemble(
    '(module (func (export "f") (param i32 i64) (result f64) (f64.const 0)) (memory (export "m") 2 5))',
  );
  const result = await compileModule(bytes);
  assert.ok("module" in result);
  if (!("module" in result)) return;
  assert.is(result.module.digest.length, 64);
  const { info } = result.module;
  assert.equal(info.exports[0], {
    name: "f",
    kind: "func",
    index: 0,
    type: { params: ["i32", "i64"], results: ["f64"] },
  });
  assert.equal(info.memories, [{ min: 2, max: 5, shared: false, is64: false }]);
  assert.is(info.abiVersion, null);
  assert.equal(structuredClone(info), info);
});

test("all problems of a module at once", async () => {
  const module = await compile(`(module
    (import "env" "proxy_nope" (func))
    (import "env" "proxy_dispatch_http_call" (func))
    (import "elsewhere" "f" (func))
    (import "env" "g" (global i32))
    (import "env" "proxy_log" (func (param i32 i32 i64) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32) (result i32)))
    (func (export "proxy_on_request_headers") (param i32) (result i32) (i32.const 0))
    (func (export "proxy_on_tick") (param i32) (result i32) (i32.const 0)))`);
  const { codes, text } = load(module);
  assert.equal(codes, [
    "wasm/unknown-abi",
    "wasm/missing-import",
    "wasm/missing-import",
    "wasm/missing-import",
    "wasm/missing-import",
    "wasm/import-type",
    "wasm/import-type",
    "wasm/callback-type",
    "wasm/callback-type",
    "wasm/unusable-memory",
    "wasm/missing-allocator",
  ]);
  assert.match(text, "Missing or unknown Proxy-Wasm ABI version");
  assert.match(text, "Failed to load Wasm module due to a missing import: env.proxy_nope");
  assert.match(text, "abandoned draft");
  assert.match(text, "import env.proxy_log has type (i32, i32, i64) → i32");
  assert.match(text, "Wasm module is missing malloc function.");
});

test("unknown imports can be stubbed, by any name", async () => {
  const module = await compile(guestText({
    callbacks: {
      proxy_on_request_headers:
        "(call $note (call $nope)) (call $gone) (call $note (i32.wrap_i64 (call $long))) (i32.const 0)",
    },
    memory: `(import "env" "constructor" (func $nope (result i32))) (import "__proto__" "gone" (func $gone))
      (import "x" "long" (func $long (result i64))) (memory (export "memory") 1)`,
  }));
  assert.equal(load(module).codes, ["wasm/missing-import", "wasm/missing-import", "wasm/missing-import"]);
  const host = new Host(module, { unknownImports: "stub" });
  host.request();
  assert.equal(host.notes(), [12, 0]);
  assert.match(host.env.texts(3)[0]!, /env\.constructor is not known here/);
});

test("every function of every table can be imported, under both WASI names", async () => {
  const fn = (module: string, name: string, params: readonly string[], results: readonly string[]): string =>
    `(import "${module}" "${name}" (func ${params.length > 0 ? `(param ${params.join(" ")})` : ""} ${
      results.length > 0 ? `(result ${results})` : ""
    }))`;
  const imports = [
    ...HOSTCALLS.map((row) => fn("env", row.name, row.params.map((p) => valueTypeOf(p.kind)), ["i32"])),
    ...WASI_MODULES.flatMap((module) => WASI_FUNCTIONS.map((row) => fn(module, row.name, row.params, row.results))),
    ...SHIMS.map((row) => fn(row.module, row.name, row.params, row.results)),
  ];
  const module = await compile(
    guestText({ callbacks: {}, memory: `${imports.join("\n")} (memory (export "memory") 1)` }),
  );
  assert.equal(load(module).text, "[]");
});

test("the same import twice, as Go's modules have it", async () => {
  const wasi = '(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))';
  const module = await compile(guestText({ callbacks: {}, memory: `${wasi} ${wasi} (memory (export "memory") 1)` }));
  assert.equal(load(module).codes, []);
});

test("memories that cannot be used", async () => {
  for (
    const [memory, maxMemoryBytes, text] of [
      ["", 65536, "it has none"],
      ['(memory (export "memory") 2)', 65536, "131072 bytes, at most 65536"],
    ] as const
  ) {
    const module = await compile(`(module (func (export "proxy_abi_version_0_2_1")) ${memory}
      (func (export "malloc") (param i32) (result i32) (i32.const 0)))`);
    const { codes, text: found } = load(module, { maxMemoryBytes });
    assert.equal(codes, ["wasm/unusable-memory"]);
    assert.match(found, text);
  }
});

test("an imported memory is made, as large as allowed", async () => {
  const module = await compile(guestText({
    callbacks: {
      proxy_on_request_headers:
        "(call $note (memory.grow (i32.const 1))) (call $note (memory.grow (i32.const 1))) (i32.const 0)",
    },
    memory: '(import "env" "memory" (memory 1 9)) (import "env" "table" (table 1 funcref))',
  }));
  const host = new Host(module, { maxMemoryBytes: 2 * 65536 });
  host.request();
  assert.equal(host.notes(), [1, 0xffffffff]);
});

// --- Start ---

test("the start functions, in order", async () => {
  const start = (name: string, mark: number, type = ""): string =>
    `(func (export "${name}") ${type} (call $note (i32.const ${mark})) ${
      type.includes("result") ? "(i32.const 0)" : ""
    })`;
  const main = start("main", 2, "(param i32 i32) (result i32)");
  const rows: [string, number[]][] = [
    [start("_initialize", 1) + main + start("__main_void", 3, "(result i32)") + start("_start", 4), [1, 2]],
    [start("_initialize", 1) + start("__main_void", 3, "(result i32)"), [1, 3]],
    [start("_initialize", 1), [1]],
    [start("_start", 4) + main, [4]],
  ];
  for (const [fields, expected] of rows) {
    assert.equal(new Host(await guest({ callbacks: {}, fields })).notes(), expected);
  }
});

test("while a guest starts it may log and little else", async () => {
  const logging = await guest({
    callbacks: {},
    fields: `(func (export "_initialize") ${note("proxy_log", i32(2), s("up"))})`,
  });
  const host = new Host(logging);
  assert.equal(host.env.texts(2), ["up"]);
  const asking = await guest({
    callbacks: {},
    fields: `(func (export "_initialize") ${note("proxy_get_header_map_value", i32(0), s("a"), out)})`,
  });
  const { codes, text } = load(asking);
  assert.equal(codes, ["wasm/start-failed"]);
  assert.match(text, "restricted_callback: proxy_get_header_map_value was called while the guest starts");
});

test("a start section runs before there is a memory, unless there is a meter", async () => {
  const text = guestText({ callbacks: {}, fields: `(func $go ${note("proxy_log", i32(2), s("x"))}) (start $go)` });
  for (const [limits, status] of [[null, 6], [DEFAULT_METER, 0]] as const) {
    const compiled = await compileModule(assemble(text), limits);
    assert.ok("module" in compiled);
    assert.equal(new Host((compiled as { module: WasmModule }).module).notes(), [status]);
  }
});

test("proc_exit(0) ends _start, anything else fails it", async () => {
  const exit = (code: number): Promise<WasmModule> =>
    guest({ callbacks: {}, fields: `(func (export "_start") (call $proc_exit (i32.const ${code})) (unreachable))` });
  assert.equal(load(await exit(0)).codes, []);
  const { codes, text } = load(await exit(3));
  assert.equal(codes, ["wasm/start-failed"]);
  assert.match(text, "proc_exit(3)");
});

test("a guest that refuses to start or its configuration, with its last words", async () => {
  const refusing = await guest({ callbacks: { proxy_on_vm_start: "(i32.const 0)" } });
  const { codes, manager, env } = load(refusing);
  assert.equal(codes, ["wasm/vm-start-refused"]);
  assert.is(manager.liveVms, 0);
  assert.equal(env.happened, ["created", "destroyed"]);
  const configured = await guest({
    callbacks: { proxy_on_configure: `(drop (call $proxy_log ${i32(5)} ${s("no such key")})) (i32.const 0)` },
  });
  const result = load(configured);
  assert.equal(result.codes, ["wasm/configure-refused"]);
  assert.match(result.text, "no such key");
  const trapping = load(await guest({ callbacks: { proxy_on_configure: "unreachable" } }));
  assert.equal(trapping.codes, ["wasm/trap"]);
  assert.is(trapping.manager.liveVms, 0);
});

// --- Traps ---

const TRAPPING = {
  callbacks: {
    proxy_on_request_headers: "(if (i32.eq (local.get $a) (i32.const 5)) (then (call $deep))) (i32.const 1)",
    proxy_on_response_headers: "(i32.const 0)",
    proxy_on_done: "(call $note (i32.const 7)) (i32.const 1)",
  },
  fields: "(func $deep (call $deeper)) (func $deeper unreachable)",
};
const POISON = { ...GET, poison: "1" };

test("a trap: 503 once, a backtrace by name, the VM is not called any more", async () => {
  const host = new Host(await guest(TRAPPING));
  const { stream, filter, status } = host.request(POISON);
  assert.is(status, 4);
  assert.equal(stream.replies.map((reply) => [reply.status, reply.body.length, reply.details, reply.grpcStatus]), [[
    503,
    0,
    "wasm_fail_stream",
    14,
  ]]);
  const failure = host.plugin.root.vm.failure!;
  assert.is(failure.state, "RuntimeError");
  assert.match(failure.diagnostic.message, /^Function: proxy_on_request_headers failed: .*unreachable/);
  assert.equal(failure.diagnostic.stack!.map((frame) => frame.replace(/ \(0x[0-9a-f]+\)/, "")), [
    "deeper",
    "deep",
    "proxy_on_request_headers",
  ]);
  assert.match(host.env.texts(5)[0]!, /in-VM backtrace:\n\s+0: deeper \(0x/);
  filter.onResponseHeaders!(stream.requestHeaders!, true);
  filter.onDone!();
  filter.onDestroy!();
  assert.is(stream.replies.length, 1);
  assert.equal(host.notes(), []);
  assert.equal(host.env.happened, ["created", "failed"]);
});

test("streams that wait for the guest that failed are failed too, others of theirs go on", async () => {
  const host = new Host(await guest(TRAPPING));
  const waiting = host.request();
  const gone = host.request();
  gone.filter.onDestroy!();
  host.request(POISON);
  assert.equal(waiting.stream.replies.map((reply) => reply.details), ["wasm_fail_stream"]);
  assert.equal(gone.stream.events, []);
});

test("FAIL_CLOSED: later streams are answered 503", async () => {
  const host = new Host(await guest(TRAPPING));
  host.request(POISON);
  const { stream, status } = host.request();
  assert.is(status, 4);
  assert.is(stream.replies[0]!.status, 503);
});

test("FAIL_OPEN: the stream goes on, those that wait are resumed, later ones have no filter", async () => {
  const host = new Host(await guest(TRAPPING), { failurePolicy: "FAIL_OPEN" });
  const waiting = host.request();
  const { stream, status } = host.request(POISON);
  assert.is(status, 0);
  assert.equal(stream.events, []);
  assert.equal(waiting.stream.events, ["continueRequest"]);
  assert.is(host.plugin.createHttpFilter(stream), null);
  const envoy = new Host(await guest(TRAPPING), { failurePolicy: "FAIL_OPEN", compat: "envoy" });
  assert.is(envoy.request(POISON).stream.replies.length, 1);
});

test("FAIL_OPEN: not for a stream whose bytes the guest has taken", async () => {
  const host = new Host(
    await guest({
      callbacks: { proxy_on_request_body: "(if (local.get $b) (then unreachable)) (i32.const 3)" },
    }),
    { failurePolicy: "FAIL_OPEN" },
  );
  const { stream, filter } = host.request(GET, false);
  assert.is(filter.onRequestBody!(queueOf("x"), false), 3);
  assert.is(filter.onRequestBody!(queueOf("y"), true), 3);
  assert.is(stream.replies.length, 1);
});

test("FAIL_RELOAD: a new VM for the next stream after the back-off", async () => {
  const host = new Host(await guest(TRAPPING), { failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1000 });
  host.request(POISON).filter.onDestroy!();
  assert.is(host.request().stream.replies.length, 1);
  host.env.clock.advance(1500);
  const { stream, filter } = host.request();
  assert.is(stream.replies.length, 0);
  filter.onDestroy!();
  assert.equal(host.env.happened, [
    "created",
    "failed",
    "vm_reload_backoff",
    "created",
    "destroyed",
    "vm_reload_success",
  ]);
  assert.is(host.manager.liveVms, 1);
});

test("2000 reloads leave one VM and no timer", async () => {
  const host = new Host(await guest(TRAPPING), { failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1 });
  for (let i = 0; i < 2000; i++) {
    host.request(POISON).filter.onDestroy!();
    host.env.clock.advance(2);
  }
  assert.is(host.request().stream.replies.length, 0);
  assert.is(host.manager.liveVms, 1);
  assert.is(host.env.clock.armedTimers, 0);
});

test("endless recursion is a trap like others", async () => {
  const host = new Host(
    await guest({ callbacks: { proxy_on_request_headers: "(call $f) (i32.const 0)" }, fields: "(func $f (call $f))" }),
  );
  host.request();
  assert.match(host.plugin.root.vm.failure!.diagnostic.message, /call stack is exhausted/);
});

test("a guest that catches the exception still dies", async () => {
  const text = guestText({
    callbacks: { proxy_on_request_headers: `(try (do (call $proc_exit (i32.const 1))) (catch_all)) (i32.const 0)` },
  });
  const host = new Host(await compile(text));
  const { stream, status } = host.request();
  assert.is(status, 4);
  assert.is(stream.replies.length, 1);
  assert.is(host.plugin.root.vm.failure!.state, "RuntimeError");
});

test("host functions in the allocator trap, logging does not", async () => {
  const build = (body: string): Promise<WasmModule> =>
    guest({
      callbacks: {
        proxy_on_request_headers: `(drop (call $proxy_get_header_map_value ${i32(0)} ${
          s("x-a")
        } ${out})) (i32.const 0)`,
      },
      allocator: `(func (export "malloc") (param i32) (result i32) ${body} (i32.const 0x200))`,
    });
  assert.is(new Host(await build(`(drop (call $proxy_log ${i32(2)} ${s("x")}))`)).request().status, 0);
  const host = new Host(await build("(drop (call $proxy_done))"));
  assert.is(host.request().stream.replies.length, 1);
  assert.match(
    host.plugin.root.vm.failure!.diagnostic.message,
    /proxy_done was called while the guest allocates memory/,
  );
});

test("a trap in a tick, a queue, the end of a plugin", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_vm_start: `(drop (call $proxy_set_tick_period_milliseconds (i32.const 5))) (i32.const 1)`,
        proxy_on_tick: "unreachable",
      },
    }),
  );
  host.env.clock.advance(5);
  assert.is(host.plugin.root.vm.failure!.state, "RuntimeError");
  assert.is(host.env.clock.armedTimers, 0);
  const ending = new Host(await guest({ callbacks: { proxy_on_done: "unreachable" } }));
  ending.plugin.dispose();
  assert.is(ending.manager.liveVms, 0);
});

// --- Capabilities ---

test("restricted functions refuse and say so, restricted callbacks are not called", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${note("proxy_get_header_map_value", i32(0), s("x-a"), out)}
          ${note("fd_write", i32(1, 0, 0, OUT))} ${note("proxy_log", i32(2), s("allowed"))} (i32.const 0)`,
        proxy_on_request_body: "(i32.const 3)",
      },
    }),
    { allowedCapabilities: ["proxy_on_request_headers", "proxy_log"] },
  );
  const { filter } = host.request(GET, false);
  assert.equal(host.notes(), [10, 76, 0]);
  assert.is(filter.onRequestBody, undefined);
  assert.equal(host.env.texts(4), [
    "Attempted call to restricted proxy-wasm capability: proxy_get_header_map_value",
    "Attempted call to restricted proxy-wasm capability: fd_write",
  ]);
});

// --- Compilers' run times ---

test("AssemblyScript: abort traps with its text, trace, seed, Date.now, console", async () => {
  // An AssemblyScript string: its size, then UTF-16.
  const utf16 = (text: string): string => Array.from(text, (char) => char + "\0").join("");
  const message = utf16("boom");
  const build = (body: string): Promise<WasmModule> =>
    guest({
      callbacks: {
        proxy_on_request_headers: `(local.set $x ${s(`\x08\0\0\0${message}`).split(") (")[0]})) ${body} (i32.const 0)`,
      },
    });
  const at = "(i32.add (local.get $x) (i32.const 4))";
  const aborting = new Host(await build(`(call $abort ${at} ${at} (i32.const 41) (i32.const 5))`));
  aborting.request();
  assert.match(aborting.plugin.root.vm.failure!.diagnostic.message, "abort: boom at boom:41:5");
  assert.is(aborting.env.texts(5)[0], "abort: boom at boom:41:5");
  const host = new Host(
    await build(
      `(call $trace ${at} (i32.const 2) (f64.const 1.5) (f64.const 2) (f64.const 0) (f64.const 0) (f64.const 0))
      (f64.store (i32.const 0x200) (call $seed)) (f64.store (i32.const 0x208) (call $Date.now))
      (call $console.warn ${at}) (call $console.log (i32.const 1)) (call $console.error (i32.const ${BAD}))
      (call $emscripten_notify_memory_growth (i32.const 0)) (call $note (call $pthread_equal (i32.const 3) (i32.const 3)))`,
    ),
  );
  host.request();
  assert.equal(host.notes(), [1]);
  assert.equal(host.env.texts(2), ["boom 1.5 2", ""]);
  assert.equal(host.env.texts(3), ["boom"]);
  const { memory } = host.plugin.root.vm;
  const view = new DataView(memory.copy(0x200, 16).buffer);
  assert.ok(view.getFloat64(0, true) > 0);
  assert.is(view.getFloat64(8, true), host.env.clock.wallMs());
});

test("run answers what was noted", async () => {
  assert.equal((await run("(call $note (i32.const 5))")).notes, [5]);
});

// --- The CPU budget ---

const SPIN = {
  callbacks: { proxy_on_request_headers: "(call $outer) (i32.const 0)" },
  fields: "(func $outer (call $spin)) (func $spin (loop $l (br $l)))",
};

test("a callback that spends its budget: 503 once, told with plugin, callback and function", async () => {
  const host = new Host(await guest(SPIN), { cpuBudget: 10_000 });
  const { stream, status } = host.request();
  assert.is(status, 4);
  assert.equal(stream.replies.map((reply) => [reply.status, reply.details]), [[503, "wasm_fail_stream"]]);
  const { diagnostic } = host.plugin.root.vm.failure!;
  assert.is(
    diagnostic.message,
    'Function: proxy_on_request_headers failed: cpu budget exhausted: plugin "test" has spent the 10000 units of this call',
  );
  assert.equal(diagnostic.stack!.map((frame) => frame.replace(/ \(0x[0-9a-f]+\)/, "")), [
    "spin",
    "outer",
    "proxy_on_request_headers",
  ]);
});

test("every callback has the whole budget, and what it spent is counted", async () => {
  const turns =
    "(local.set $x (i32.const 5000)) (loop $l (br_if $l (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))";
  const host = new Host(await guest({ callbacks: { proxy_on_request_headers: `${turns} (i32.const 0)` } }), {
    cpuBudget: 8000,
  });
  const before = host.plugin.root.vm.fuelSpent;
  for (let i = 0; i < 3; i++) assert.is(host.request().status, 0);
  assert.is(host.plugin.root.vm.failure, null);
  assert.is(host.plugin.root.vm.fuelSpent - before, 3 * 5001);
});

test("the start has a budget of its own", async () => {
  const turns = (count: number): string =>
    `(local.set $x (i32.const ${count})) (loop $l (br_if $l (local.tee $x (i32.sub (local.get $x) (i32.const 1))))) (i32.const 1)`;
  const module = await guest({ callbacks: { proxy_on_configure: turns(5000), proxy_on_vm_start: turns(5000) } });
  assert.equal(load(module, { cpuBudget: 100, startCpuBudget: 6000 }).codes, []);
  const { codes, text, manager } = load(module, { cpuBudget: 10_000, startCpuBudget: 4000 });
  assert.equal(codes, ["wasm/trap"]);
  assert.match(text, "proxy_on_vm_start failed: cpu budget exhausted");
  assert.is(manager.liveVms, 0);
});

test("start functions that never end", async () => {
  const endless = "(loop $l (br $l))";
  const parts = { startCpuBudget: 10_000 };
  for (const name of ["_initialize", "_start"]) {
    const { codes, text } = load(await guest({ callbacks: {}, fields: `(func (export "${name}") ${endless})` }), parts);
    assert.equal(codes, ["wasm/start-failed"], name);
    assert.match(text, `${name} failed: cpu budget exhausted`);
  }
  const compiled = await compileModule(
    assemble(guestText({ callbacks: {}, fields: `(func $s ${endless}) (start $s)` })),
    { startBudget: 10_000, maxMemoryPages: 100, maxTableElements: 100 },
  );
  assert.ok("module" in compiled);
  if ("module" in compiled) assert.equal(load(compiled.module, parts).codes, ["wasm/start-failed"]);
});

test("host functions are paid for: by the call, and by what they move", async () => {
  const spent = async (body: string): Promise<number> => {
    const { host } = await run(body);
    const { vm } = host.plugin.root;
    const before = vm.fuelSpent;
    host.request();
    return vm.fuelSpent - before;
  };
  const nothing = await spent("");
  assert.is(await spent("(drop (call $proxy_done))") - nothing, 63);
  const log = (size: number): string => `(drop (call $proxy_log ${i32(2)} ${i32(0, size)}))`;
  assert.is(await spent(log(64)) - nothing, 63);
  assert.is(await spent(log(64_000)) - nothing, 63 + 4000);
});

test("a charge that does not fit into the fuel leaves nothing of it", async () => {
  const host = new Host(await guest({ callbacks: {} }));
  const { vm } = host.plugin.root;
  vm.charge(2 ** 32);
  assert.is(vm.memory.fuel!.value, -1);
});

test("an endless loop in the allocator ends the call that needed it", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `(drop (call $proxy_get_property ${s("plugin_name")} ${out})) (i32.const 0)`,
      },
      allocator: `(func (export "malloc") (param i32) (result i32) (loop $l (br $l)) (i32.const 0))`,
    }),
    { cpuBudget: 10_000 },
  );
  const { stream } = host.request();
  assert.is(stream.replies.length, 1);
  assert.match(host.plugin.root.vm.failure!.diagnostic.message, "cpu budget exhausted");
});

test("a guest that catches what stopped it gets no farther than its next loop", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers:
          "(try (do (call $proc_exit (i32.const 1))) (catch_all)) (loop $l (br $l)) (i32.const 0)",
      },
    }),
    { cpuBudget: 2_000_000_000 },
  );
  const { stream } = host.request();
  assert.is(stream.replies.length, 1);
  assert.match(host.plugin.root.vm.failure!.diagnostic.message, "proc_exit");
});

test("a plugin without a meter runs its module as it is", async () => {
  const compiled = await compileModule(assemble(guestText({ callbacks: {} })), null);
  assert.ok("module" in compiled && compiled.module.meter === null);
  if ("module" in compiled) assert.equal(load(compiled.module, { cpuBudget: 0 }).codes, []);
});

test.run();
