// test/host/server/overload/manager.test.ts: from what is measured to what workers refuse.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { OverloadState } from "../../../../host/net/overload.ts";
import { LogRegistry } from "../../../../host/observe/log.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import type { OverloadPlan, ResourcePlan, TriggerPlan } from "../../../../host/server/overload/plan.ts";
import { ServerOverload } from "../../../../host/server/overload/server_overload.ts";
import { StreamResets } from "../../../../host/server/overload/stream_resets.ts";

const encoder = new TextEncoder();

const QUIET = new LogRegistry({ clock: new ManualClock(), format: "json", destination: { write() {} } }).logger("main");

const NOTHING: OverloadPlan = {
  refreshIntervalMs: 1000,
  monitors: [],
  actions: [],
  points: [],
  timers: [],
  minimumAccountToTrackPowerOfTwo: 0,
  shrinkHeapIntervalMs: 10_000,
};

/** A machine of which a test says what it is like. */
class Machine {
  readonly clock = new ManualClock();
  readonly files = new Map<string, string>();
  rssBytes = 0;
  openConnections = 0;
  readonly runtime: Record<string, number> = {};
  shrunk = 0;
  readonly store = StatsStore.create();
  readonly overload: ServerOverload;
  readonly state: OverloadState;

  constructor(plan: Partial<OverloadPlan>) {
    const { clock } = this;
    this.overload = new ServerOverload({
      platform: {
        clock,
        memoryUsage: () => ({ rssBytes: this.rssBytes, heapUsedBytes: 0, heapTotalBytes: 0, externalBytes: 0 }),
        readFile: (path) => {
          const text = this.files.get(path);
          return text === undefined
            ? { ok: false, code: "ENOENT", message: "" }
            : { ok: true, bytes: encoder.encode(text) };
        },
        availableParallelism: () => 4,
      },
      stats: this.store,
      logger: QUIET,
      proxy: {
        openConnections: () => this.openConnections,
        runtimeInteger: (key, otherwise) => this.runtime[key] ?? otherwise,
      },
      onShrinkHeap: () => this.shrunk++,
    });
    const handle = this.adopt(plan)!;
    this.state = new OverloadState(structuredClone(handle), new SeededRandom(1), this.store);
  }

  adopt(plan: Partial<OverloadPlan> | null) {
    const whole = plan === null ? null : { ...NOTHING, ...plan };
    this.overload.adopt(whole);
    return this.overload.handleOf(whole);
  }

  stat(name: string): number | null {
    return this.store.valueOf(`overload.${name}`);
  }
}

const INJECTED: ResourcePlan & { name: string } = { name: "r", kind: "injected_resource", path: "/r" };

function trigger(saturationThreshold: number, scalingThreshold: number | null = null, resource = "r"): TriggerPlan {
  return { resource, saturationThreshold, scalingThreshold };
}

test("a threshold is nothing or everything, from its value on", () => {
  const machine = new Machine({
    monitors: [INJECTED],
    actions: [{ name: "stop_accepting_requests", triggers: [trigger(0.8)] }],
  });
  const signal = machine.state.action("stop_accepting_requests")!;
  const seen = ["0.79", "0.8", "1", "0"].map((pressure) => {
    machine.files.set("/r", pressure);
    machine.clock.advance(1000);
    return [signal.value, signal.fires(), machine.stat("envoy.overload_actions.stop_accepting_requests.active")];
  });
  assert.equal(seen, [[0, false, 0], [1, true, 1], [1, true, 1], [0, false, 0]]);
  assert.is(machine.state.action("shrink_heap"), null);
});

test("a scaled trigger fires the more often the higher the pressure", () => {
  const machine = new Machine({
    monitors: [INJECTED],
    points: [{ name: "tcp_listener_accept", triggers: [trigger(0.9, 0.5)] }],
  });
  const signal = machine.state.point("tcp_listener_accept")!;
  const shed = (pressure: string): number => {
    machine.files.set("/r", pressure);
    machine.clock.advance(1000);
    let count = 0;
    for (let i = 0; i < 10_000; i++) if (signal.fires()) count++;
    return count;
  };
  assert.is(shed("0.5"), 0);
  const some = shed("0.6");
  assert.ok(some > 2300 && some < 2700, String(some));
  assert.is(machine.stat("envoy.load_shed_points.tcp_listener_accept.scale_percent"), 25);
  assert.is(shed("0.9"), 10_000);
  assert.is(machine.stat("envoy.load_shed_points.tcp_listener_accept.shed_load_count"), 10_000 + some);
});

test("of several triggers the highest counts", () => {
  const machine = new Machine({
    monitors: [INJECTED, { name: "heap", kind: "fixed_heap", maxBytes: 1000, runtimeKey: "" }],
    actions: [{ name: "disable_http_keepalive", triggers: [trigger(0.5), trigger(1, 0.5, "heap")] }],
  });
  const signal = machine.state.action("disable_http_keepalive")!;
  machine.files.set("/r", "0.5");
  machine.rssBytes = 750;
  machine.clock.advance(1000);
  assert.is(signal.value, 1);
  machine.files.set("/r", "0");
  machine.clock.advance(1000);
  assert.is(signal.value, 0.5);
  assert.is(machine.stat("heap.pressure"), 75);
});

test("a resource that cannot be measured changes nothing, and is counted", () => {
  const machine = new Machine({
    monitors: [INJECTED],
    actions: [{ name: "reject_incoming_connections", triggers: [trigger(0.5)] }],
  });
  machine.files.set("/r", "0.7");
  machine.clock.advance(1000);
  for (const bad of ["", "much", "1.5", "-1"]) {
    machine.files.set("/r", bad);
    machine.clock.advance(1000);
  }
  machine.files.delete("/r");
  machine.clock.advance(1000);
  assert.is(machine.stat("r.failed_updates"), 5);
  assert.is(machine.stat("r.pressure"), 70);
  assert.ok(machine.state.action("reject_incoming_connections")!.saturated);
});

test("connections, the memory of a control group, and its processors", () => {
  const machine = new Machine({
    monitors: [
      { name: "connections", kind: "downstream_connections", max: 8 },
      { name: "memory", kind: "cgroup_memory", maxBytes: Infinity },
      { name: "less", kind: "cgroup_memory", maxBytes: 500 },
      { name: "container", kind: "cpu_utilization", mode: "CONTAINER" },
    ],
  });
  machine.openConnections = 6;
  machine.files.set("/sys/fs/cgroup/memory.current", "250\n");
  machine.files.set("/sys/fs/cgroup/memory.max", "1000\n");
  machine.files.set("/sys/fs/cgroup/cpu.stat", "usage_usec 1000000\nuser_usec 1\n");
  machine.files.set("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  machine.clock.advance(1000);
  assert.equal(["connections", "memory", "less"].map((name) => machine.stat(`${name}.pressure`)), [75, 25, 50]);
  for (let i = 2; i < 200; i++) {
    // One processor of two that it may use.
    machine.files.set("/sys/fs/cgroup/cpu.stat", `usage_usec ${i * 1_000_000}\n`);
    machine.clock.advance(1000);
  }
  const pressure = machine.stat("container.pressure")!;
  assert.ok(pressure >= 48 && pressure <= 50, String(pressure));
});

test("the memory of an older control group; one without a limit", () => {
  const machine = new Machine({ monitors: [{ name: "memory", kind: "cgroup_memory", maxBytes: Infinity }] });
  machine.files.set("/sys/fs/cgroup/memory/memory.usage_in_bytes", "300");
  machine.files.set("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000");
  machine.clock.advance(1000);
  assert.is(machine.stat("memory.pressure"), 30);
  machine.files.set("/sys/fs/cgroup/memory.current", "300");
  machine.files.set("/sys/fs/cgroup/memory.max", "max");
  machine.clock.advance(1000);
  assert.is(machine.stat("memory.pressure"), 0);
});

test("the processors of the machine, with what they did before dampened", () => {
  const files = (work: number, idle: number): string => `cpu  ${work} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 1 2 3\n`;
  const machine = new Machine({ monitors: [{ name: "host", kind: "cpu_utilization", mode: "HOST" }] });
  machine.files.set("/proc/stat", files(0, 0));
  machine.clock.advance(1000);
  machine.files.set("/proc/stat", files(100, 0));
  machine.clock.advance(1000);
  assert.is(machine.stat("host.pressure"), 5);
  machine.files.set("/proc/stat", files(200, 0));
  machine.clock.advance(1000);
  assert.is(machine.stat("host.pressure"), 9);
});

test("another configuration: what is measured changes at once, and what is no longer asked for ends", () => {
  const action = { name: "stop_accepting_requests", triggers: [trigger(0.8)] } as const;
  const machine = new Machine({ monitors: [INJECTED], actions: [action] });
  const signal = machine.state.action("stop_accepting_requests")!;
  machine.files.set("/r", "0.85");
  machine.clock.advance(1000);
  assert.is(signal.value, 1);
  const { triggers: _, ...rest } = action;
  machine.adopt({ monitors: [INJECTED], actions: [{ ...rest, triggers: [trigger(0.9)] }] });
  assert.is(signal.value, 0, "what workers have follows");
  machine.files.set("/r", "0.95");
  machine.clock.advance(1000);
  assert.is(signal.value, 1);
  machine.adopt({ monitors: [INJECTED], actions: [{ ...rest, triggers: [trigger(0.5)] }] });
  assert.is(signal.value, 1);
  assert.is(machine.adopt(null), null);
  assert.is(signal.value, 0);
  assert.is(machine.clock.armedTimers, 0);
  assert.is(machine.stat("r.pressure"), null);
});

test("streams are looked at when the state has changed", () => {
  const { clock, store, files, state } = new Machine({
    monitors: [INJECTED],
    actions: [{ name: "reset_high_memory_stream", triggers: [trigger(1, 0)] }],
    minimumAccountToTrackPowerOfTwo: 10,
  });
  let looks = 0;
  const resets = new StreamResets({
    clock,
    stats: store,
    logger: QUIET,
    accounts: () => {
      looks++;
      return [{ bufferedBytes: 100_000, shed() {} }];
    },
  });
  resets.update(state);
  for (const pressure of ["0", "0.5", "0.5", "0"]) {
    files.set("/r", pressure);
    clock.advance(2000);
  }
  assert.is(looks, 2);
  assert.is(store.valueOf("envoy.overload_actions.reset_high_memory_stream.count"), 2);
  resets.update(null);
  files.set("/r", "1");
  clock.advance(2000);
  assert.is(looks, 2);
});

test("how much memory there is may be a runtime value", () => {
  const machine = new Machine({ monitors: [{ name: "heap", kind: "fixed_heap", maxBytes: 1000, runtimeKey: "max" }] });
  machine.rssBytes = 500;
  const pressures = [undefined, 2000, 0].map((max) => {
    if (max !== undefined) machine.runtime["max"] = max;
    machine.clock.advance(1000);
    return machine.stat("heap.pressure");
  });
  assert.equal(pressures, [50, 25, 25]);
  assert.is(machine.stat("heap.failed_updates"), 1);
});

test("memory is given back now and then while there is too little", () => {
  const machine = new Machine({
    monitors: [{ name: "heap", kind: "fixed_heap", maxBytes: 1000, runtimeKey: "" }],
    actions: [{ name: "shrink_heap", triggers: [trigger(0.9, null, "heap")] }],
    shrinkHeapIntervalMs: 3000,
  });
  machine.clock.advance(6000);
  assert.is(machine.shrunk, 0);
  machine.rssBytes = 950;
  machine.clock.advance(6000);
  assert.is(machine.shrunk, 2);
  machine.overload.stop();
  assert.is(machine.clock.armedTimers, 0);
});

test.run();
