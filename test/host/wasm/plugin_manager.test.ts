// test/host/wasm/plugin_manager.test.ts: sharing, hot swap, roll-back, try-outs, the end of plugins.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import {
  type Plugin,
  type PluginConfig,
  pluginConfig,
  PluginManager,
  type WasmModule,
} from "../../../host/wasm/mod.ts";
import { FakeEnvironment, FakeHttpStream, GET, guest, Host, i32, note, s } from "./guest.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A guest that adds `x-v: version` to requests and notes its callbacks in shared data. */
function version(value: string, more: Record<string, string> = {}): Promise<WasmModule> {
  return guest({
    callbacks: {
      proxy_on_request_headers: `(drop (call $proxy_add_header_map_value ${i32(0)} ${s("x-v")} ${
        s(value)
      })) (i32.const 0)`,
      proxy_on_done: `(drop (call $proxy_log ${i32(2)} ${s(`done ${value}`)})) (i32.const 1)`,
      proxy_on_delete: `(drop (call $proxy_log ${i32(2)} ${s(`delete ${value}`)}))`,
      ...more,
    },
  });
}

function load(manager: PluginManager, module: WasmModule, parts: Partial<PluginConfig> = {}): Plugin {
  const plugin = manager.load(pluginConfig({ name: "p", ...parts }), module);
  if (!("createHttpFilter" in plugin)) throw new Error(JSON.stringify(plugin));
  return plugin;
}

function seen(plugin: Plugin): { value: string | null; end: () => void } {
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of(GET);
  const filter = plugin.createHttpFilter(stream)!;
  filter.onRequestHeaders!(stream.requestHeaders, true);
  return { value: stream.requestHeaders.get("x-v"), end: () => filter.onDestroy!() };
}

test("equal plugins share a VM and a root context", async () => {
  const manager = new PluginManager(new FakeEnvironment());
  const module = await version("1");
  const a = load(manager, module);
  const b = load(manager, module);
  assert.is(a.root, b.root);
  const otherRoot = load(manager, module, { pluginConfiguration: bytes("c") });
  assert.is.not(otherRoot.root, a.root);
  assert.is(otherRoot.root.vm, a.root.vm);
  const differing: Partial<PluginConfig>[] = [
    { vmId: "other" },
    { vmConfiguration: bytes("v") },
    { environment: { A: "1" } },
    { allowedCapabilities: ["proxy_log"] },
  ];
  for (const parts of differing) assert.is.not(load(manager, module, parts).root.vm, a.root.vm, JSON.stringify(parts));
  assert.is(manager.liveVms, 5);
  a.dispose();
  assert.is(b.root.isDeleted, false);
  b.dispose();
  b.dispose();
  assert.is(a.root.isDeleted, true);
  assert.is(manager.liveVms, 5);
  otherRoot.dispose();
  assert.is(manager.liveVms, 4);
});

test("a swap: new streams get the new version, old ones finish on the old, which is then freed", async () => {
  const env = new FakeEnvironment();
  const manager = new PluginManager(env);
  const plugin = load(manager, await version("1"));
  const oldVm = plugin.root.vm;
  const first = seen(plugin);
  assert.is(first.value, "1");
  assert.equal(plugin.update({ config: plugin.config, module: await version("2") }), []);
  const second = seen(plugin);
  assert.is(second.value, "2");
  assert.is(manager.liveVms, 2);
  assert.equal(env.texts(2), []);
  first.end();
  assert.equal(env.texts(2).slice(0, 4), ["done 1", "delete 1", "done 1", "delete 1"]);
  assert.is(manager.liveVms, 1);
  assert.is(oldVm.contexts.size, 0);
  second.end();
  assert.is(plugin.status().generation, 2);
});

test("a version that refuses or traps leaves the old one in place", async () => {
  const manager = new PluginManager(new FakeEnvironment());
  const plugin = load(manager, await version("1"));
  for (const body of ["(i32.const 0)", "unreachable"]) {
    const problems = plugin.update({ config: plugin.config, module: await version("2", { proxy_on_configure: body }) });
    assert.is(problems.length, 1);
    assert.is(seen(plugin).value, "1");
  }
  assert.is(plugin.status().generation, 1);
  assert.is(plugin.status().canRollBack, false);
  assert.is(plugin.rollBack(), null);
});

test("a configuration that is refused does not hurt plugins that share the VM", async () => {
  const manager = new PluginManager(new FakeEnvironment());
  const module = await version("1", { proxy_on_configure: "(i32.eqz (local.get $a))" });
  const plugin = load(manager, module);
  const problems = plugin.update({ config: { ...plugin.config, pluginConfiguration: bytes("bad") }, module });
  assert.is((problems[0] as { code: string }).code, "wasm/configure-refused");
  assert.is(plugin.root.vm.failure, null);
  assert.is(seen(plugin).value, "1");
  assert.is(plugin.root.vm.contexts.size, 2);
});

test("back to the version before, and forth", async () => {
  const manager = new PluginManager(new FakeEnvironment());
  const plugin = load(manager, await version("1"));
  plugin.update({ config: plugin.config, module: await version("2") });
  assert.equal(plugin.rollBack(), []);
  assert.is(seen(plugin).value, "1");
  assert.equal(plugin.rollBack(), []);
  assert.is(seen(plugin).value, "2");
});

test("a hundred swaps leave what was there before", async () => {
  const env = new FakeEnvironment();
  const manager = new PluginManager(env);
  const versions = [await version("1"), await version("2")];
  const plugin = load(manager, versions[0]!);
  const open: (() => void)[] = [];
  for (let i = 0; i < 100; i++) {
    open.push(seen(plugin).end);
    assert.equal(plugin.update({ config: plugin.config, module: versions[(i + 1) % 2]! }), []);
    if (open.length > 3) open.shift()!();
  }
  for (const end of open) end();
  assert.is(manager.liveVms, 1);
  assert.is(plugin.root.vm.contexts.size, 1);
  assert.is(env.clock.armedTimers, 0);
  assert.is(
    env.happened.filter((event) => event === "created").length -
      env.happened.filter((event) => event === "destroyed").length,
    1,
  );
});

test("shared data survives a swap, and ends with the last VM of its vm_id", async () => {
  const env = new FakeEnvironment();
  const manager = new PluginManager(env);
  const plugin = load(manager, await version("1"), { vmId: "v" });
  env.shared.set("v", bytes("k"), bytes("1"), 0);
  plugin.update({ config: plugin.config, module: await version("2") });
  assert.equal(env.shared.get("v", bytes("k")), bytes("1"));
  plugin.dispose();
  env.shared.retain("v");
  assert.is(env.shared.get("v", bytes("k")), null);
});

test("a try-out finds what loading would, and leaves nothing", async () => {
  const env = new FakeEnvironment();
  const manager = new PluginManager(env);
  const good = await version("1");
  const plugin = load(manager, good);
  assert.equal(manager.tryOut(pluginConfig({ name: "p" }), good), []);
  const bad = await version("2", { proxy_on_vm_start: "(i32.const 0)" });
  assert.is(manager.tryOut(pluginConfig({ name: "p" }), bad).length, 1);
  assert.is(manager.tryOut(pluginConfig({ name: "p" }), await guest({ callbacks: {}, marker: null })).length, 1);
  assert.equal(manager.tryOut(pluginConfig({ name: "p" }), await version("3", { proxy_on_done: "(i32.const 0)" })), []);
  assert.is(manager.liveVms, 1);
  assert.is(seen(plugin).value, "1");
});

test("a plugin that is not done yet is deleted after proxy_done", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_vm_start: `(drop (call $proxy_set_tick_period_milliseconds (i32.const 10))) (i32.const 1)`,
        proxy_on_done: "(call $note (i32.const 1)) (i32.const 0)",
        proxy_on_tick: `${note("proxy_done")} ${note("proxy_done")} (call $note (i32.const 2))`,
        proxy_on_delete: "(call $note (i32.const 3))",
      },
    }),
  );
  const { root } = host.plugin;
  host.plugin.dispose();
  assert.is(root.isDeleted, false);
  assert.is(host.manager.liveVms, 1);
  host.env.clock.advance(10);
  assert.equal(host.notes(), [1, 0, 1, 2, 3]);
  assert.is(root.isDeleted, true);
  assert.is(host.manager.liveVms, 0);
  assert.is(host.env.clock.armedTimers, 0);
});

test("a plugin on a VM that failed is loaded on a new one", async () => {
  const manager = new PluginManager(new FakeEnvironment());
  const module = await version("1", { proxy_on_request_body: "unreachable" });
  const a = load(manager, module);
  a.root.vm.fail("RuntimeError", { code: "wasm/trap", severity: "error", message: "x" });
  const b = load(manager, module);
  assert.is.not(b.root.vm, a.root.vm);
  assert.is(seen(b).value, "1");
  a.dispose();
  assert.is(manager.liveVms, 1);
});

test("a VM that is failed from outside fails the streams that wait for it at once", async () => {
  const manager = new PluginManager(new FakeEnvironment());
  const plugin = load(manager, await guest({ callbacks: { proxy_on_request_headers: "(i32.const 1)" } }));
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of(GET);
  plugin.createHttpFilter(stream)!.onRequestHeaders!(stream.requestHeaders, true);
  plugin.root.vm.fail("RuntimeError", { code: "wasm/trap", severity: "error", message: "x" });
  assert.equal(stream.events, ["sendLocalReply"]);
});

test("what admin pages show", async () => {
  const manager = new PluginManager(new FakeEnvironment());
  const module = await version("1");
  const plugin = load(manager, module, { rootId: "r", vmId: "v" });
  const { end } = seen(plugin);
  const status = plugin.status();
  assert.equal(status.source, { pluginName: "p", rootId: "r", vmId: "v" });
  assert.is(status.digest, module.digest);
  assert.is(status.abiVersion, "0.2.1");
  assert.is(status.memoryBytes, 65536);
  assert.is(status.streams, 1);
  assert.is(status.failure, null);
  end();
  assert.is(plugin.status().streams, 0);
});

test.run();
