// test/conformance/sandbox/loops.test.ts: groups 1, 2, 8, 27: code that does not come to an end.
import { test } from "uvu";
import * as assert from "uvu/assert";
import wabtFactory from "wabt";
import { compileModule, type WasmModule } from "../../../host/wasm/mod.ts";
import { assemble, guest, guestText, i32, out, s } from "../../host/wasm/guest.ts";
import { happen, strike, striker, STRUCK } from "./strike.ts";

const BUDGET = { cpuBudget: 100_000, startCpuBudget: 200_000 };
const LOOP = "(loop $more (br $more)) (unreachable)";
const AT_START = ["proxy_on_context_create", "proxy_on_vm_start", "proxy_on_configure"];

for (const name of STRUCK) {
  test(`an endless loop in ${name}`, async () => {
    const { plugin, diagnostics, failure, env, stream, connection } = strike(await striker(name, LOOP), name, BUDGET);
    if (AT_START.includes(name)) {
      assert.equal(diagnostics.map((row) => row.code), ["wasm/trap"]);
      assert.match(diagnostics[0]!.message, `${name} failed: cpu budget exhausted`);
      assert.match(diagnostics[0]!.message, /has spent the (100000|200000) units/);
      return;
    }
    assert.is(failure?.state, "RuntimeError");
    assert.match(failure!.diagnostic.message, `${name} failed: cpu budget exhausted: plugin "hostile" has spent`);
    assert.ok(plugin!.root.vm.fuelSpent >= BUDGET.cpuBudget);
    assert.ok(plugin!.root.vm.fuelSpent < BUDGET.cpuBudget + BUDGET.startCpuBudget);
    // The stream in question is answered at most once; nothing calls the guest again.
    assert.ok(stream.replies.length <= 1 && connection.events.length <= 1);
    const { calls } = plugin!.root.vm;
    env.clock.advance(100_000);
    happen("proxy_on_foreign_function", env, plugin!);
    assert.is(plugin!.root.vm.calls, calls);
    assert.is(env.clock.armedTimers, 0);
  });
}

const BODIES: Readonly<Record<string, string>> = {
  "br_table": "(loop $more (block $a (br_table $more $more $a (i32.const 1)))) (unreachable)",
  "br_if": "(loop $more (br_if $more (i32.const 1))) (unreachable)",
  "a loop in a loop": "(loop $a (loop $b (br_if $b (i32.const 0)) (br $a))) (unreachable)",
  "a loop that catches": "(loop $more (try (do (throw $tag)) (catch_all)) (br $more)) (unreachable)",
  "a loop that calls the host": `(loop $more (drop (call $proxy_log ${i32(0, 0, 0)})) (br $more)) (unreachable)`,
  "a loop that calls the host through a table": `(loop $more (drop (call_indirect (type $log) ${
    i32(0, 0, 0)
  } (i32.const 0))) (br $more)) (unreachable)`,
  "memory.fill": `(memory.grow (i32.const 15)) (drop)
    (loop $more (memory.fill (i32.const 0) (i32.const 0) (i32.const 1000000)) (br $more)) (unreachable)`,
  "memory.copy": `(drop (memory.grow (i32.const 31)))
    (loop $more (memory.copy (i32.const 0) (i32.const 1000000) (i32.const 1000000)) (br $more)) (unreachable)`,
  "memory.grow": "(loop $more (drop (memory.grow (i32.const 1))) (br $more)) (unreachable)",
  "large reads of the host": `(drop (memory.grow (i32.const 31))) (loop $more (drop (call $proxy_log ${
    i32(0, 0, 2000000)
  })) (br $more)) (unreachable)`,
};

for (const [what, body] of Object.entries(BODIES)) {
  test(`${what}: stopped by the budget`, async () => {
    const fields = `(tag $tag) (type $log (func (param i32 i32 i32) (result i32))) (table funcref (elem $proxy_log))
      (func $unused (drop (call $proxy_log ${i32(0, 0, 0)})))`;
    const module = await striker("proxy_on_request_headers", body, { fields });
    const { failure, stream } = strike(module, "proxy_on_request_headers", BUDGET);
    assert.match(failure!.diagnostic.message, /cpu budget exhausted/);
    assert.equal(stream.replies.map((reply) => reply.status), [503]);
  });
}

test("mutual recursion by tail calls, which needs no stack: stopped by the budget", async () => {
  const wabt = await wabtFactory();
  const text = guestText({
    callbacks: { proxy_on_request_headers: "(return_call $ping (i32.const 1))" },
    fields: `(func $ping (param i32) (result i32) (return_call $pong (local.get 0)))
      (func $pong (param i32) (result i32) (return_call $ping (local.get 0)))`,
  });
  const parsed = wabt.parseWat("guest.wat", text, { tail_call: true });
  const compiled = await compileModule(parsed.toBinary({}).buffer);
  parsed.destroy();
  assert.ok("module" in compiled);
  const { failure } = strike((compiled as { module: WasmModule }).module, "proxy_on_request_headers", BUDGET);
  assert.match(failure!.diagnostic.message, /cpu budget exhausted/);
});

test("a loop in the allocator, called by the host in the middle of a host function", async () => {
  for (const name of ["malloc", "proxy_on_memory_allocate"]) {
    const module = await striker(
      "proxy_on_request_headers",
      `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out})) (i32.const 0)`,
      { allocator: `(func (export "${name}") (param i32) (result i32) ${LOOP})` },
    );
    const { failure, stream } = strike(module, "proxy_on_request_headers", BUDGET);
    assert.match(failure!.diagnostic.message, "proxy_on_request_headers failed: cpu budget exhausted");
    assert.is(stream.replies.length, 1);
  }
});

test("the allocator spends the callback's budget, not one of its own", async () => {
  // Each allocation takes a tenth of it.
  const module = await striker(
    "proxy_on_request_headers",
    `(loop $more (drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out})) (br $more)) (unreachable)`,
    {
      fields: "(global $calls (mut i32) (i32.const 0))",
      allocator: `(func (export "malloc") (param i32) (result i32) (local $i i32)
        (i32.store (i32.const 0x400) (i32.add (i32.load (i32.const 0x400)) (i32.const 1)))
        (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))
        (i32.const 0x500))`,
    },
  );
  const { failure, plugin } = strike(module, "proxy_on_request_headers", BUDGET);
  assert.match(failure!.diagnostic.message, /cpu budget exhausted/);
  const calls = plugin!.root.vm.memory.getU32(0x400);
  assert.ok(calls > 0 && calls <= 10, String(calls));
});

const STARTS: Readonly<Record<string, string>> = {
  "start section": `(func $go ${LOOP}) (start $go)`,
  "_initialize": `(func (export "_initialize") ${LOOP})`,
  "_start": `(func (export "_start") ${LOOP})`,
  "main": `(func (export "_initialize")) (func (export "main") (param i32 i32) (result i32) ${LOOP})`,
  "__main_void": `(func (export "_initialize")) (func (export "__main_void") (result i32) ${LOOP})`,
};

for (const [where, fields] of Object.entries(STARTS)) {
  test(`an endless loop in ${where}`, async () => {
    const compiled = await compileModule(assemble(guestText({ callbacks: {}, fields })), METER);
    assert.ok("module" in compiled);
    const { diagnostics, manager } = strike((compiled as { module: WasmModule }).module, "", BUDGET);
    assert.equal(diagnostics.map((row) => row.code), ["wasm/start-failed"]);
    assert.match(diagnostics[0]!.message, new RegExp(`Function: ${where} failed: .*cpu budget exhausted`));
    assert.is(manager.liveVms, 0);
  });
}

const METER = { startBudget: BUDGET.startCpuBudget, maxMemoryPages: 16, maxTableElements: 100 };

test("many callbacks, each within its budget, go on for ever: a budget is for one call", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers:
        "(local.set $x (i32.const 0)) (loop $more (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 50000)))) (i32.const 0)",
    },
  });
  const { plugin, env, failure } = strike(module, "proxy_on_request_headers", BUDGET);
  for (let i = 0; i < 20; i++) happen("proxy_on_request_headers", env, plugin!);
  assert.is(failure, null);
  assert.is(plugin!.root.vm.failure, null);
});

test.run();
