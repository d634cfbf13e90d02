// test/conformance/component/plugins.test.ts: a worker's plugins whose code is a component: status, statistics, versions.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { UnansweredHttpCalls } from "../../../host/extensions/common/wasm/http_calls.ts";
import type { WasmPluginPlan } from "../../../host/extensions/common/wasm/plugin_plan.ts";
import { WasmPlugins, type WasmPluginSnapshot } from "../../../host/extensions/common/wasm/plugins.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { LogRegistry } from "../../../host/observe/log.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { SharedStore, type WasmHttpFilter, type WasmModule } from "../../../host/wasm/mod.ts";
import { FakeHttpStream, guest } from "../../host/wasm/guest.ts";
import { component, finish } from "./component.ts";

const NODE = { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} };
const EMPTY = new Uint8Array(0);
const RUST = await component("rust_http");

function snapshot(
  module: WasmModule,
  version: number,
  configuration = "",
  plan: Partial<WasmPluginPlan> = {},
): WasmPluginSnapshot {
  return {
    key: "guard",
    module,
    version,
    callTrace: "off",
    plan: {
      name: "guard",
      rootId: "guard_root",
      vmId: "vm",
      code: { kind: "inline", bytes: EMPTY },
      vmConfiguration: EMPTY,
      pluginConfiguration: new TextEncoder().encode(configuration),
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
  readonly log: string[] = [];
  readonly plugins: WasmPlugins = new WasmPlugins({
    clock: this.clock,
    random: new SeededRandom(1),
    stats: this.stats,
    httpCalls: new UnansweredHttpCalls(new Set(["auth"])),
    grpc: { call: () => "unknown_upstream", openStream: () => "unknown_upstream" },
    logger: new LogRegistry({
      clock: this.clock,
      format: { pattern: "%l %v" },
      destination: { write: (line) => void this.log.push(line.trimEnd()) },
    }).logger("wasm"),
    shared: SharedStore.create(this.clock),
  });

  stream(test = ""): { readonly stream: FakeHttpStream; readonly filter: WasmHttpFilter | null } {
    const stream = new FakeHttpStream();
    const headers = { ":path": "/", ":method": "GET", ":authority": "a", "x-cluster": "auth" };
    stream.requestHeaders = HeaderMap.of(test === "" ? headers : { ...headers, "x-test": test });
    const filter = this.plugins.plugin("guard").createHttpFilter(stream);
    if (filter !== null) filter.onRequestHeaders?.(stream.requestHeaders, true);
    return { stream, filter };
  }

  value(name: string): number | null {
    this.plugins.publishStats();
    return this.stats.valueOf(`wasm.guard.${name}`);
  }
}

test("status: world, roots, contexts, timers, calls, queues, shared data, memory, fuel", () => {
  const world = new World();
  assert.equal(world.plugins.update([snapshot(RUST, 1, "tick")], NODE), []);
  const calling = world.stream("callout");
  world.stream("shared");
  const [status] = world.plugins.status();
  assert.equal([status!.version, status!.streams, status!.failure], [1, 2, null]);
  assert.is(status!.digest, RUST.digest);
  assert.is(status!.shared.keys, 1);
  const [vm] = status!.vms;
  assert.equal([vm!.state, vm!.contexts, vm!.memoryLimitBytes], ["serving", 3, 256 << 20]);
  assert.ok(vm!.memoryBytes >= 1 << 20 && vm!.memoryBytes < 4 << 20, String(vm!.memoryBytes));
  assert.equal(
    vm!.roots.map((root) => [root.source.rootId, root.streams, root.tickPeriodMs, root.httpCalls, root.isDraining]),
    [["guard_root", 2, 100, 1, false]],
  );
  assert.ok(vm!.calls >= 5 && vm!.fuelSpent > vm!.calls);
  assert.equal(structuredClone(status), status, "plain data");
  finish(calling.filter!);
  assert.is(world.plugins.status()[0]!.streams, 1);
});

test("statistics: calls, fuel, memory, traps, reloads, limits", () => {
  const world = new World();
  world.plugins.update([snapshot(RUST, 1, "", { limits: { maxHttpCalls: 1 } })], NODE);
  assert.equal([world.value("traps"), world.value("vm_reload_success")], [0, 0]);
  const before = [world.value("calls")!, world.value("fuel_spent")!];
  finish(world.stream().filter!);
  assert.ok(world.value("calls")! > before[0]! && world.value("fuel_spent")! > before[1]!);
  assert.is(world.value("memory_bytes"), world.plugins.status()[0]!.memoryBytes);
  world.stream("callout");
  assert.is(world.stream("callout").stream.requestHeaders!.get("x-error"), "reset");
  assert.is(world.value("limit.http_calls"), 1);
  const spent = world.value("fuel_spent")!;
  assert.is(world.stream("loop").stream.replies[0]!.status, 503);
  assert.is(world.value("traps"), 1);
  assert.ok(world.value("fuel_spent")! >= spent + 49_000_000, "the budget of the call is spent");
  const status = world.plugins.status()[0]!;
  assert.match(status.failure!, "cpu budget exhausted");
  world.clock.advance(2000);
  assert.is(world.stream().stream.requestHeaders!.get("x-request"), "seen");
  assert.is(world.value("vm_reload_success"), 1);
  assert.match(world.plugins.status()[0]!.lastFailure!.message, "cpu budget exhausted");
  assert.ok(world.plugins.status()[0]!.lastFailure!.backtrace.length > 0);
});

test("versions: a component in place of a module and the other way round; old streams stay where they began", async () => {
  const world = new World();
  const module = await guest({ callbacks: { proxy_on_request_headers: "(i32.const 1)" } });
  world.plugins.update([snapshot(module, 1)], NODE);
  const old = world.stream();
  assert.equal(world.plugins.swap(snapshot(RUST, 2)), { ok: true });
  assert.is(world.plugins.status()[0]!.abiVersion, "nuncio:filter@0.1.0");
  const states = (): string[] => world.plugins.status()[0]!.vms.map((vm) => vm.state);
  assert.equal(states(), ["draining", "serving"]);
  const fresh = world.stream();
  assert.is(fresh.stream.requestHeaders!.get("x-request"), "seen");
  finish(old.filter!);
  assert.equal(states(), ["serving"]);
  const refused = world.plugins.swap(snapshot(RUST, 3, "refuse"));
  assert.not.ok(refused.ok);
  if (!refused.ok) assert.match(refused.message, "wasm plugin 'guard'");
  assert.is(world.stream().stream.requestHeaders!.get("x-request"), "seen", "what was refused changes nothing");
  assert.equal(world.plugins.swap(snapshot(module, 4)), { ok: true });
  assert.is(world.stream().stream.requestHeaders!.get("x-request"), null);
  finish(fresh.filter!);
  world.plugins.update([], NODE);
  assert.is(world.stats.valueOf("wasm.wasm_vm_count"), 2, "two streams are left, one of each kind");
});

test("failure policies: closed, open", () => {
  const closed = new World();
  closed.plugins.update([snapshot(RUST, 1, "", { failurePolicy: "FAIL_CLOSED" })], NODE);
  assert.equal(["trap", ""].map((test) => closed.stream(test).stream.replies[0]!.status), [503, 503]);
  closed.clock.advance(10_000);
  assert.is(closed.stream().stream.replies[0]!.status, 503, "for good");
  const open = new World();
  open.plugins.update([snapshot(RUST, 1, "", { failurePolicy: "FAIL_OPEN" })], NODE);
  assert.equal(open.stream("trap").stream.replies, []);
  assert.is(open.stream().filter, null);
});

test("as an access logger a component gets an object for each entry, which ends with it", () => {
  const world = new World();
  world.plugins.update([snapshot(RUST, 1)], NODE);
  const plugin = world.plugins.plugin("guard");
  for (let i = 0; i < 3; i++) {
    const stream = new FakeHttpStream();
    stream.requestHeaders = HeaderMap.of({ ":path": "/" });
    plugin.log(stream);
  }
  assert.is(plugin.status().failure, null);
  assert.is(world.plugins.status()[0]!.vms[0]!.contexts, 1);
  assert.is(world.log.filter((line) => line.includes("stream over")).length, 3);
  world.plugins.close();
  assert.is(world.stats.valueOf("wasm.wasm_vm_count"), 0);
});

test("a component of the other world leaves streams and connections alone", async () => {
  const world = new World();
  world.plugins.update([snapshot(await component("rust_tcp"), 1)], NODE);
  const { stream, filter } = world.stream();
  assert.equal(stream.events, []);
  if (filter !== null) finish(filter);
  assert.is(world.plugins.status()[0]!.failure, null);
});

test.run();
