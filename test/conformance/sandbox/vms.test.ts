// test/conformance/sandbox/vms.test.ts: groups 23, 29, 30, 31, 32: many VMs, ticks, reloads, upgrades, and neighbours.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { type Plugin, pluginConfig, PluginManager } from "../../../host/wasm/mod.ts";
import { FakeHttpStream, GET, guest, Host, i32, note, OUT, out, s } from "../../host/wasm/guest.ts";
import { HostileEnvironment, strike, striker } from "./strike.ts";

const POISON = { ...GET, poison: "1" };
const POISONABLE = "(if (i32.eq (local.get $a) (i32.const 5)) (then unreachable)) (i32.const 0)";

// --- Numbers of VMs ---

test("16,000 VMs: the limit comes first, with a clear error; what is freed can be used again", async () => {
  const env = new HostileEnvironment();
  const manager = new PluginManager(env);
  const module = await guest({ callbacks: {} });
  const plugins: Plugin[] = [];
  let refused = 0;
  for (let i = 0; i < 16_000; i++) {
    const loaded = manager.load(pluginConfig({ name: `p${i}`, vmId: `vm${i}` }), module);
    if ("config" in loaded) {
      plugins.push(loaded);
      continue;
    }
    refused++;
    assert.equal(loaded.map((row) => row.code), ["wasm/too-many-vms"]);
    assert.match(loaded[0]!.message, "512");
  }
  assert.is(plugins.length, 512);
  assert.is(refused, 16_000 - 512);
  assert.is(manager.liveVms, 512);
  assert.is(env.limits.get("vms"), refused);
  plugins[0]!.dispose();
  const again = manager.load(pluginConfig({ name: "again", vmId: "again" }), module);
  assert.ok("config" in again);
  // Those that are there work.
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of(GET);
  assert.is(plugins[511]!.createHttpFilter(stream)!.onRequestHeaders!(stream.requestHeaders, true), 0);
  for (const plugin of plugins) plugin.dispose();
});

test("a limit of one: an update keeps what runs, a reload waits", async () => {
  const env = new HostileEnvironment();
  const manager = new PluginManager(env, 1);
  const module = await guest({ callbacks: { proxy_on_request_headers: POISONABLE } });
  const config = pluginConfig({ name: "p", failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1 });
  const plugin = manager.load(config, module) as Plugin;
  const problems = plugin.update({ config: pluginConfig({ name: "p", vmId: "other" }), module });
  assert.equal(problems.map((row) => row.code), ["wasm/too-many-vms"]);
  assert.is(plugin.config.vmId, "");
  const stream = new FakeHttpStream();
  const filter = plugin.createHttpFilter(stream)!;
  stream.requestHeaders = HeaderMap.of(POISON);
  filter.onRequestHeaders!(stream.requestHeaders, true);
  env.clock.advance(10);
  // The failed VM still counts while its stream lives.
  assert.is.not(plugin.createHttpFilter(new FakeHttpStream()), null);
  assert.ok(env.happened.includes("vm_reload_failure"));
  assert.is(manager.liveVms, 1);
});

// --- Ticks ---

test("a tick period of 0, of 1 ms, of 2³²-1; a thousand changes of it leave one timer", async () => {
  const host = new Host(
    await striker(
      "proxy_on_tick",
      `(call $note (i32.const 1)) (loop $more
        (drop (call $proxy_set_tick_period_milliseconds (i32.add (i32.const 1) (i32.and (local.get $x) (i32.const 7)))))
        (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 1000))))
       (drop (call $proxy_set_tick_period_milliseconds (i32.const 1)))`,
    ),
  );
  host.env.clock.advance(14);
  assert.is(host.notes().length, 10);
  assert.is(host.env.clock.armedTimers, 1);
  const never = new Host(
    await striker(
      "proxy_on_vm_start",
      `${note("proxy_set_tick_period_milliseconds", i32(-1))}
    ${note("proxy_set_tick_period_milliseconds", i32(0))} (i32.const 1)`,
    ),
  );
  assert.equal(never.notes(), [0, 0]);
  assert.is(never.env.clock.armedTimers, 0);
});

test("ticks do not pile up: one that is late comes once", async () => {
  const host = new Host(await striker("proxy_on_tick", "(call $note (i32.const 1))"));
  const { clock } = host.env;
  for (let i = 0; i < 10; i++) clock.advance(5);
  assert.is(host.notes().length, 10);
});

test("400 VMs that tick: one of them in a loop, the others go on", async () => {
  const env = new HostileEnvironment();
  const manager = new PluginManager(env);
  const good = await striker(
    "proxy_on_tick",
    "(i32.store (i32.const 0x400) (i32.add (i32.load (i32.const 0x400)) (i32.const 1)))",
  );
  const bad = await striker("proxy_on_tick", "(loop (br 0))");
  const plugins = Array.from({ length: 400 }, (_, i) =>
    manager.load(
      pluginConfig({ name: `p${i}`, vmId: `vm${i}`, cpuBudget: 1000 }),
      i === 200 ? bad : good,
    ) as Plugin);
  env.clock.advance(50);
  plugins.forEach((plugin, i) => {
    if (i === 200) assert.match(plugin.root.vm.failure!.diagnostic.message, "proxy_on_tick failed: cpu budget");
    else assert.is(plugin.root.vm.memory.getU32(0x400), 10);
  });
  assert.is(env.clock.armedTimers, 399);
  for (const plugin of plugins) plugin.dispose();
  assert.is(env.clock.armedTimers, 0);
  assert.is(manager.liveVms, 0);
});

// --- Failures under load ---

test("FAIL_RELOAD: every hundredth request is poison; all others are answered, or fail closed within the back-off", async () => {
  const host = new Host(await guest({ callbacks: { proxy_on_request_headers: POISONABLE } }), {
    failurePolicy: "FAIL_RELOAD",
    reloadIntervalMs: 10,
  });
  let failed = 0;
  const open: ReturnType<typeof host.request>[] = [];
  for (let i = 1; i <= 20_000; i++) {
    const each = host.request(i % 100 === 0 ? POISON : GET);
    open.push(each);
    if (each.stream.replies.length > 0) {
      failed++;
      assert.equal(each.stream.replies.map((reply) => reply.status), [503]);
    }
    // Streams live on for a while: old VMs too.
    if (open.length > 50) open.shift()!.filter.onDestroy?.();
    host.env.clock.advance(1);
  }
  for (const each of open) each.filter.onDestroy?.();
  const outcomes = (what: string): number => host.env.happened.filter((each) => each === what).length;
  assert.is(outcomes("failed"), 200);
  assert.is(outcomes("vm_reload_success"), host.plugin.root.vm.failure === null ? 200 : 199);
  // Each failure costs its own request and those of the back-off, 10 to 15 ms.
  assert.ok(failed >= 200 && failed <= 200 * 16, String(failed));
  assert.is(failed - 200, outcomes("vm_reload_backoff"));
  assert.is(host.manager.liveVms, 1);
  assert.is(host.env.clock.armedTimers, 0);
});

test("a guest that fails to start again waits each time, and says so once a try", async () => {
  const env = new HostileEnvironment();
  // It starts once; later the shared data tells it not to.
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_configure: `(i32.ne (call $proxy_get_shared_data ${s("broken")} ${out} ${
          i32(OUT + 8)
        }) (i32.const 0))`,
        proxy_on_request_headers: POISONABLE,
      },
    }),
    { failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 100 },
    env,
  );
  env.shared.set("vm", fromUtf8("broken"), fromUtf8("1"), 0);
  const { filter } = host.request(POISON);
  for (let i = 0; i < 1000; i++) {
    assert.is(host.request().stream.replies.length, 1);
    env.clock.advance(1);
  }
  const tries = env.happened.filter((each) => each === "vm_reload_failure").length;
  assert.ok(tries >= 6 && tries <= 10, String(tries));
  assert.is(host.manager.liveVms, 1);
  filter.onDestroy!();
});

test("a guest whose start takes long is started for a tenth of the time at most", async () => {
  const env = new HostileEnvironment();
  let isSlow = false;
  env.foreignFunctions.set("start", () => {
    if (isSlow) env.clock.advance(300);
    return 0;
  });
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_configure: `(drop (call $proxy_call_foreign_function ${s("start")} ${i32(0, 0, 0, 0)})) (i32.const 1)`,
        proxy_on_request_headers: POISONABLE,
      },
    }),
    { failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1 },
    env,
  );
  isSlow = true;
  const end = env.clock.nowMs() + 30_000;
  let starts = 0;
  while (env.clock.nowMs() < end) {
    const before = env.happened.length;
    host.request(POISON).filter.onDestroy?.();
    if (env.happened.slice(before).includes("vm_reload_success")) starts++;
    env.clock.advance(1);
  }
  assert.ok(starts >= 5 && starts <= 10, String(starts));
});

test("a hundred upgrades with streams under way: each stream keeps its version, and the VMs of old ones go", async () => {
  const modules = await Promise.all([1, 2].map((version) =>
    guest({
      callbacks: {
        proxy_on_request_headers: "(i32.const 1)",
        proxy_on_response_headers: `(drop (call $proxy_add_header_map_value ${i32(2)} ${s("x-version")} ${
          s(String(version))
        })) (i32.const 0)`,
      },
    })
  ));
  const host = new Host(modules[0]!);
  const open: [version: string, each: ReturnType<typeof host.request>][] = [];
  for (let i = 0; i < 100; i++) {
    open.push([String(i % 2 + 1), host.request()]);
    assert.equal(host.plugin.update({ config: host.plugin.config, module: modules[(i + 1) % 2]! }), []);
    if (i % 10 !== 9) continue;
    for (const [version, { stream, filter }] of open.splice(0)) {
      stream.responseHeaders = HeaderMap.of({ ":status": "200" });
      filter.onResponseHeaders!(stream.responseHeaders, true);
      assert.is(stream.responseHeaders.get("x-version"), version);
      filter.onDestroy!();
    }
    assert.is(host.manager.liveVms, 1);
  }
});

test("upgrades to what fails to start, traps, loops: what runs stays", async () => {
  const host = new Host(await guest({ callbacks: { proxy_on_request_headers: "(i32.const 0)" } }));
  const bad = [
    { proxy_on_vm_start: "(i32.const 0)" },
    { proxy_on_configure: "(i32.const 0)" },
    { proxy_on_configure: "unreachable" },
    { proxy_on_configure: "(loop (br 0)) (unreachable)" },
    { proxy_on_context_create: "unreachable" },
  ];
  for (const callbacks of bad) {
    const config = pluginConfig({ name: "test", rootId: "root", vmId: "vm", startCpuBudget: 1000, cpuBudget: 1000 });
    const problems = host.plugin.update({ config, module: await guest({ callbacks }) });
    assert.is(problems.length, 1);
    assert.is(host.manager.liveVms, 1);
    assert.is(host.request().status, 0);
  }
});

// --- Neighbours ---

test("a trap touches no other VM, of the same code neither", async () => {
  const env = new HostileEnvironment();
  const module = await guest({ callbacks: { proxy_on_request_headers: POISONABLE } });
  const hosts = ["a", "b", "c"].map((vmId) => new Host(module, { vmId, name: vmId }, env));
  const waiting = hosts.map((host) => host.request());
  hosts[1]!.request(POISON);
  assert.equal(hosts.map((host) => host.plugin.root.vm.failure !== null), [false, true, false]);
  assert.equal(waiting.map(({ stream }) => stream.replies.length), [0, 0, 0]);
  assert.equal(hosts.map((host) => host.request().stream.replies.length), [0, 1, 0]);
});

test("a filter sees nothing of another one: not its memory, its data, its queues, its metrics' numbers, its configuration", async () => {
  const env = new HostileEnvironment();
  const owner = new Host(
    await guest({
      callbacks: {
        proxy_on_configure: `
          (drop (call $proxy_set_shared_data ${s("secret")} ${s("value")} ${i32(0)}))
          (drop (call $proxy_register_shared_queue ${s("queue")} ${i32(OUT)}))
          (drop (call $proxy_define_metric ${i32(0)} ${s("metric")} ${i32(OUT + 4)}))
          (memory.copy (i32.const 0x400) ${s("in memory")}) (i32.const 1)`,
      },
    }),
    {
      vmId: "owner",
      name: "owner",
      pluginConfiguration: fromUtf8("secret configuration"),
      environment: { SECRET: "1" },
    },
    env,
  );
  const looker = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: [
          note("proxy_get_shared_data", s("secret"), out, i32(OUT + 8)),
          note("proxy_resolve_shared_queue", s(""), s("queue"), i32(OUT)),
          note("proxy_get_metric", i32(4), i32(OUT + 8)),
          note("proxy_increment_metric", i32(4), "(i64.const 1)"),
          note("proxy_get_buffer_bytes", i32(7, 0, 100), out),
          note("environ_sizes_get", i32(OUT + 16, OUT + 20)),
          note("proxy_set_effective_context", i32(owner.plugin.root.id + 1)),
          "(call $note (i32.load (i32.const 0x400)))",
        ].join("\n") + "(i32.const 0)",
      },
    }),
    { vmId: "looker", name: "looker" },
    env,
  );
  looker.request();
  const notes = looker.notes();
  assert.equal(notes.slice(0, 6), [1, 1, 1, 1, 1, 0]);
  assert.is(looker.u32(OUT + 16), 0);
  assert.is(notes[7], 0);
  assert.is(env.stats.get("counter metric")!.value, 0);
});

test("plugins that share a VM share its failure, and its streams are answered once each", async () => {
  const env = new HostileEnvironment();
  const manager = new PluginManager(env);
  const module = await guest({
    callbacks: { proxy_on_request_headers: POISONABLE.replace("(i32.const 0)", "(i32.const 1)") },
  });
  const [one, two] = ["one", "two"].map((name) => manager.load(pluginConfig({ name, vmId: "vm" }), module) as Plugin);
  assert.is(manager.liveVms, 1);
  const start = (plugin: Plugin, headers: Record<string, string>): FakeHttpStream => {
    const stream = new FakeHttpStream();
    stream.requestHeaders = HeaderMap.of(headers);
    plugin.createHttpFilter(stream)!.onRequestHeaders!(stream.requestHeaders, true);
    return stream;
  };
  const waiting = [one!, two!, one!, two!].map((plugin) => start(plugin, GET));
  const poisoned = start(one!, POISON);
  for (const stream of [...waiting, poisoned]) assert.is(stream.replies.length, 1);
});

test("a guest that never says that it is done does not keep its VM for ever", async () => {
  const { plugin, manager, env } = strike(await striker("proxy_on_done", "(i32.const 0)"), "proxy_on_tick");
  plugin!.dispose();
  assert.is(manager.liveVms, 1);
  env.clock.advance(60_000);
  assert.is(manager.liveVms, 0);
  assert.is(env.clock.armedTimers, 0);
  assert.match(env.texts(3)[0]!, "has not called proxy_done for 30 s");
});

test("a VM that fails while its plugin waits to be done goes at once", async () => {
  const { plugin, manager, env } = strike(
    await striker("proxy_on_tick", "(call $tick)", {
      fields: `(func $tick (if (i32.load (i32.const 0x400)) (then unreachable)))
        (func (export "proxy_on_done") (param i32) (result i32) (i32.store (i32.const 0x400) (i32.const 1)) (i32.const 0))`,
    }),
    "proxy_on_tick",
  );
  plugin!.dispose();
  assert.is(manager.liveVms, 1);
  env.clock.advance(5);
  assert.is(manager.liveVms, 0);
  assert.is(env.clock.armedTimers, 0);
});

test.run();
