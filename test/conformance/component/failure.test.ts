// test/conformance/component/failure.test.ts: components that trap, loop, eat memory; what then becomes of streams.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { meterOptions, pluginConfig, PluginManager } from "../../../host/wasm/mod.ts";
import { FakeEnvironment, Host, queueOf } from "../../host/wasm/guest.ts";
import { ask, component, finish, host, respond } from "./component.ts";

const CONTINUE = 0;
const STOP_ALL = 4;

test("a trap answers its stream once, and every later one, with 503", async () => {
  const on = await host("rust_http");
  const before = ask(on, "pause");
  const { stream, status, filter } = ask(on, "trap");
  assert.is(status, STOP_ALL);
  assert.equal(stream.replies.map((reply) => [reply.status, reply.details]), [[503, "wasm_fail_stream"]]);
  assert.equal(before.stream.replies.map((reply) => reply.status), [503], "one that waited for the guest, too");
  assert.is(ask(on, "").stream.replies[0]!.status, 503);
  finish(filter);
  finish(before.filter);
  assert.match(on.plugin.status().failure!.diagnostic.message, "unreachable");
  assert.equal(on.env.happened, ["created", "failed"]);
});

test("fail open: streams go on as if there were no filter", async () => {
  const on = await host("rust_http", "", { failurePolicy: "FAIL_OPEN" });
  const { stream, status } = ask(on, "trap");
  assert.is(status, CONTINUE);
  assert.is(stream.replies.length, 0);
  assert.is(on.plugin.createHttpFilter(stream), null);
});

test("fail reload: a new VM for new streams", async () => {
  const on = await host("rust_http", "again", { failurePolicy: "FAIL_RELOAD" });
  assert.is(ask(on, "trap").stream.replies[0]!.status, 503);
  on.env.clock.advance(2000);
  assert.is(ask(on, "").stream.requestHeaders!.get("x-request"), "seen");
  assert.ok(on.env.happened.includes("vm_reload_success"));
});

test("a trap in a response callback and in a body callback", async () => {
  const response = ask(await host("rust_http"), "response trap");
  assert.is(respond(response), STOP_ALL);
  assert.is(response.stream.replies[0]!.status, 503);
  const { filter, stream } = ask(await host("rust_http"), "body trap", {}, false);
  assert.is(filter.onRequestBody!(queueOf("x"), true), 3);
  assert.is(stream.replies[0]!.status, 503);
});

test("the backtrace names the guest's functions", async () => {
  const on = await host("rust_http");
  ask(on, "recurse");
  const { diagnostic } = on.plugin.status().failure!;
  assert.match(diagnostic.message, "call stack is exhausted");
  assert.match(diagnostic.stack![0]!, "recurse");
});

test("a loop is stopped by its budget", async () => {
  const on = await host("rust_http", "", { cpuBudget: 1_000_000 });
  const { stream, status } = ask(on, "loop");
  assert.is(status, STOP_ALL);
  assert.is(stream.replies[0]!.status, 503);
  assert.match(on.plugin.status().failure!.diagnostic.message, "cpu budget exhausted");
});

test("a loop while it is configured is stopped by the start budget", async () => {
  await assertRejects(host("rust_http", "loop", { startCpuBudget: 1_000_000 }), /cpu budget exhausted/);
});

test("a budget is for each callback: many small ones do not add up", async () => {
  const on = await host("rust_http", "", { cpuBudget: 20_000 });
  for (let i = 0; i < 500; i++) finish(ask(on, "").filter);
  assert.is(on.plugin.status().failure, null);
  assert.ok(on.plugin.root.vm.fuelSpent > 100_000, `spent ${on.plugin.root.vm.fuelSpent}`);
});

test("memory ends at its limit", async () => {
  const config = pluginConfig({ name: "test", maxMemoryBytes: 8 << 20 });
  const env = new FakeEnvironment();
  const module = await component("rust_http", meterOptions(config));
  const on = new Host(module, { maxMemoryBytes: 8 << 20 }, env);
  const { stream } = ask(on, "memory");
  const blocks = Number(stream.requestHeaders!.get("x-blocks"));
  assert.ok(blocks >= 4 && blocks < 8, `${blocks} blocks of a mebibyte`);
  assert.ok(on.plugin.status().memoryBytes <= 8 << 20);
});

test("a component that begins with more memory than it may have is refused", async () => {
  const small = meterOptions(pluginConfig({ maxMemoryBytes: 1 << 16 }));
  await assertRejects(component("rust_http", small), /memory/);
});

test("VMs: one for each plugin, none left", async () => {
  const env = new FakeEnvironment();
  const manager = new PluginManager(env);
  const module = await component("rust_http");
  const plugins = ["a", "b"].map((rootId) => manager.load(pluginConfig({ name: rootId, rootId, vmId: "vm" }), module));
  assert.is(manager.liveVms, 2, "a component cannot tell two plugins apart");
  for (const plugin of plugins) if ("dispose" in plugin) plugin.dispose();
  assert.is(manager.liveVms, 0);
  assert.equal(manager.tryOut(pluginConfig({}), module), []);
  assert.is(manager.liveVms, 0);
});

test("a new version takes new streams, the old one finishes its own", async () => {
  const env = new FakeEnvironment();
  const on = await host("rust_http", "tick", {}, env);
  const old = ask(on, "tick");
  const js = await component("js_http");
  const config = { ...on.plugin.config, pluginConfiguration: new TextEncoder().encode("hello") };
  assert.equal(on.plugin.update({ config, module: js }), []);
  assert.is(on.manager.liveVms, 2);
  const fresh = ask(on, "");
  assert.is(fresh.stream.requestHeaders!.get("x-greeting"), "hello");
  env.clock.advance(100);
  assert.is(old.stream.requestHeaders!.get("x-resumed"), "by tick");
  finish(old.filter);
  assert.is(on.manager.liveVms, 1);
  const refused = { ...config, pluginConfiguration: new TextEncoder().encode("refuse") };
  assert.is(on.plugin.update({ config: refused, module: js }).length, 1, "a refused version changes nothing");
  assert.is(ask(on, "").stream.requestHeaders!.get("x-greeting"), "hello");
  assert.equal(on.plugin.rollBack(), []);
  assert.is(ask(on, "").stream.requestHeaders!.get("x-request"), "seen");
});

async function assertRejects(promise: Promise<unknown>, pattern: RegExp): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.match((error as Error).message, pattern);
    return;
  }
  assert.unreachable("it was accepted");
}

test.run();
