// test/host/extensions/common/wasm/plugin_status.test.ts: status, statistics and traced calls of a worker's plugins.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../../host/base/random.ts";
import { UnansweredHttpCalls } from "../../../../../host/extensions/common/wasm/http_calls.ts";
import type { WasmPluginPlan } from "../../../../../host/extensions/common/wasm/plugin_plan.ts";
import { WasmPlugins, type WasmPluginSnapshot } from "../../../../../host/extensions/common/wasm/plugins.ts";
import { HeaderMap } from "../../../../../host/http/header_map.ts";
import { LogRegistry } from "../../../../../host/observe/log.ts";
import { StatsStore } from "../../../../../host/observe/stats.ts";
import { type CallTraceMode, SharedStore, type WasmModule } from "../../../../../host/wasm/mod.ts";
import { FakeHttpStream, guest, i32, OUT, s } from "../../../wasm/guest.ts";

const NODE = { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} };
const EMPTY = new Uint8Array(0);

function snapshot(
  name: string,
  module: WasmModule,
  version = 1,
  callTrace: CallTraceMode = "off",
  plan: Partial<WasmPluginPlan> = {},
): WasmPluginSnapshot {
  return {
    key: name,
    module,
    version,
    callTrace,
    plan: {
      name,
      rootId: `${name}_root`,
      vmId: "vm",
      code: { kind: "inline", bytes: EMPTY },
      vmConfiguration: EMPTY,
      pluginConfiguration: EMPTY,
      environment: [],
      failurePolicy: "FAIL_RELOAD",
      reloadBackoffMs: 1000,
      allowOnHeadersStopIteration: false,
      allowedCapabilities: null,
      limits: {},
      direction: "UNSPECIFIED",
      ...plan,
    },
  };
}

class World {
  readonly clock = new ManualClock();
  readonly stats: StatsStore = StatsStore.create();
  log: string[] = [];
  readonly logs: LogRegistry = new LogRegistry({
    clock: this.clock,
    format: { pattern: "%l %v" },
    destination: { write: (line) => void this.log.push(line.trimEnd()) },
  });
  readonly plugins: WasmPlugins = new WasmPlugins({
    clock: this.clock,
    random: new SeededRandom(1),
    stats: this.stats,
    httpCalls: new UnansweredHttpCalls(new Set(["auth"])),
    grpc: { call: () => "unknown_upstream", openStream: () => "unknown_upstream" },
    logger: this.logs.logger("wasm"),
    shared: SharedStore.create(this.clock),
  });

  stream(key: string, path = "/"): { onDestroy?(): void } {
    const stream = new FakeHttpStream();
    stream.requestHeaders = HeaderMap.of({ ":path": path, ":method": "GET", ":authority": "a" });
    const filter = this.plugins.plugin(key).createHttpFilter(stream)!;
    filter.onRequestHeaders!(stream.requestHeaders, true);
    return filter;
  }

  values(): Record<string, number | null> {
    this.plugins.publishStats();
    const names = ["calls", "traps", "memory_bytes", "vm_reload_success"];
    return Object.fromEntries(names.map((name) => [name, this.stats.valueOf(`wasm.guard.${name}`)]));
  }
}

const drop = (name: string, ...args: string[]): string => `(drop (call $${name} ${args.join(" ")}))`;
const MODULE = await guest({
  callbacks: {
    proxy_on_configure: [
      drop("proxy_set_tick_period_milliseconds", i32(700)),
      drop("proxy_set_shared_data", s("k1"), s("v"), i32(0)),
      drop("proxy_set_shared_data", s("k2"), s("v"), i32(0)),
      drop("proxy_register_shared_queue", s("jobs"), i32(OUT)),
      drop("proxy_enqueue_shared_queue", `(i32.load (i32.const ${OUT}))`, s("m")),
      "(i32.const 1)",
    ].join("\n"),
    proxy_on_request_headers: `
      (if (call $proxy_get_header_map_value (i32.const 0) ${s("trap")} ${i32(OUT, OUT + 4)}) (then) (else
        ${drop("proxy_log", i32(5), s("oh no"))} unreachable))
      ${drop("proxy_http_call", s("auth"), i32(0x3000, 61), i32(0, 0), i32(0, 0), i32(0, OUT))}
      (i32.const 0)`,
  },
  // :method GET, :path /, :authority a
  fields:
    `(data (i32.const 0x3000) "\\03\\00\\00\\00\\07\\00\\00\\00\\03\\00\\00\\00\\05\\00\\00\\00\\01\\00\\00\\00\\0a\\00\\00\\00\\01\\00\\00\\00:method\\00GET\\00:path\\00/\\00:authority\\00a\\00")`,
});

test("a plugin's VMs: roots, contexts, timers, calls, shared data, queues, memory, fuel", () => {
  const world = new World();
  assert.equal(world.plugins.update([snapshot("guard", MODULE), snapshot("other", MODULE)], NODE), []);
  const first = world.stream("guard");
  world.stream("guard");
  const [guard, other] = world.plugins.status();
  assert.equal([guard!.version, guard!.streams, guard!.failure, guard!.lastFailure], [1, 2, null, null]);
  assert.equal(guard!.shared.keys, 2);
  assert.ok(guard!.shared.bytes > 0);
  // Both registered the queue, each put a message into it.
  assert.equal(guard!.shared.queues, [{ name: "jobs", messages: 2 }]);
  assert.is(guard!.vms.length, 1);
  const [vm] = guard!.vms;
  assert.equal([vm!.state, vm!.contexts, vm!.memoryBytes, vm!.memoryLimitBytes], ["serving", 4, 65536, 256 << 20]);
  assert.is(vm!.digest, MODULE.digest);
  assert.ok(vm!.fuelSpent > 0);
  assert.is(guard!.memoryBytes, 65536);
  assert.equal(
    vm!.roots.map((root) => [root.source.pluginName, root.streams, root.tickPeriodMs, root.httpCalls, root.isDraining]),
    [["guard", 2, 700, 2, false], ["other", 0, 700, 0, false]],
  );
  // The same VM, seen from the other one.
  assert.equal(other!.vms, guard!.vms);
  assert.is(other!.streams, 0);
  assert.equal(structuredClone(guard), guard);
  first.onDestroy!();
  assert.is(world.plugins.status()[0]!.streams, 1);
});

test("old versions with streams drain; a failure stays to be seen after the VM was made anew", () => {
  const world = new World();
  world.plugins.update([snapshot("guard", MODULE)], NODE);
  const old = world.stream("guard");
  world.plugins.swap(snapshot("guard", MODULE, 2, "lengths"));
  const states = () => world.plugins.status()[0]!.vms.map((vm) => vm.state);
  assert.equal(states(), ["draining", "serving"]);
  old.onDestroy!();
  assert.equal(states(), ["serving"]);
  world.clock.advance(5000);
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of({ trap: "1" });
  const filter = world.plugins.plugin("guard").createHttpFilter(stream)!;
  filter.onRequestHeaders!(stream.requestHeaders, true);
  const [failed] = world.plugins.status();
  assert.equal(states(), ["failed"]);
  assert.match(failed!.failure!, "Function: proxy_on_request_headers failed: unreachable");
  const { wallMs, message, notes, backtrace } = failed!.lastFailure!;
  assert.is(wallMs, world.clock.wallMs());
  assert.is(message, failed!.failure);
  assert.equal(notes, ["its last words: oh no"]);
  assert.match(backtrace[0]!, /^proxy_on_request_headers \(0x/);
  filter.onDestroy!();
  world.clock.advance(5000);
  world.stream("guard");
  const [again] = world.plugins.status();
  assert.equal(states(), ["serving"]);
  assert.is(again!.failure, null);
  assert.is(again!.lastFailure!.message, message);
});

test("statistics: what VMs count, those that are gone too, each thing once", () => {
  const world = new World();
  world.plugins.update([snapshot("guard", MODULE)], NODE);
  // Configured; nothing else is called.
  assert.equal(world.values(), { calls: 1, traps: 0, memory_bytes: 65536, vm_reload_success: 0 });
  const spent = world.stats.valueOf("wasm.guard.fuel_spent")!;
  assert.ok(spent > 0);
  world.stream("guard");
  world.stream("guard");
  assert.is(world.stats.valueOf("wasm.guard.calls"), 1, "nothing is counted per call");
  assert.is(world.values()["calls"], 3);
  assert.is(world.values()["calls"], 3);
  assert.ok(world.stats.valueOf("wasm.guard.fuel_spent")! > spent);
  // A second VM beside the first, which has a stream.
  world.plugins.swap(snapshot("guard", MODULE, 2, "lengths"));
  assert.equal(world.values(), { calls: 4, traps: 0, memory_bytes: 2 * 65536, vm_reload_success: 0 });
  world.plugins.close();
  assert.is(world.values()["memory_bytes"], 65536);
  const trapping = new World();
  trapping.plugins.update([snapshot("guard", MODULE)], NODE);
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of({ trap: "1" });
  const filter = trapping.plugins.plugin("guard").createHttpFilter(stream)!;
  filter.onRequestHeaders!(stream.requestHeaders, true);
  filter.onDestroy!();
  trapping.clock.advance(5000);
  trapping.stream("guard").onDestroy!();
  assert.equal(trapping.values(), { calls: 4, traps: 1, memory_bytes: 65536, vm_reload_success: 1 });
  trapping.plugins.close();
  assert.equal(trapping.values(), { calls: 4, traps: 1, memory_bytes: 0, vm_reload_success: 1 });
});

test("traced calls are in the wasm log: debug, or info where debug is not shown; equal lines too", async () => {
  const quiet = await guest({ callbacks: { proxy_on_request_headers: "(i32.const 0)" } });
  const world = new World();
  world.plugins.update(
    [snapshot("guard", quiet, 1, "lengths"), snapshot("other", quiet, 1, "off", { vmId: "b" })],
    NODE,
  );
  world.stream("other");
  for (let i = 0; i < 20; i++) world.stream("guard").onDestroy!();
  const lines = world.log.filter((line) =>
    line.includes("> proxy_on_request_headers(num_headers=3, end_of_stream=true)")
  );
  assert.is(lines.length, 20);
  assert.match(lines[0]!, /^info #2 > /);
  world.log = [];
  world.logs.setLevel("wasm", "debug");
  world.stream("guard");
  assert.match(world.log[0]!, /^debug #22 > /);
  world.log = [];
  world.logs.setLevel("wasm", "warning");
  world.stream("guard");
  assert.equal(world.log, []);
});

test.run();
