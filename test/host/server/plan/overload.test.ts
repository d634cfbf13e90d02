// test/host/server/plan/overload.test.ts: OverloadManager messages to plans.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import type { OverloadPlan } from "../../../../host/server/overload/plan.ts";
import { planOverload } from "../../../../host/server/plan/overload.ts";

const registry = loadRegistry();
const TYPE = "type.googleapis.com/envoy.extensions.resource_monitors";
const HEAP = `{ name: heap, typed_config: { "@type": ${TYPE}.fixed_heap.v3.FixedHeapConfig, max_heap_size_bytes: 7 } }`;
const MONITORS = `resource_monitors: [ ${HEAP} ]\n`;
const TRIGGERS = "triggers: [ { name: heap, threshold: { value: 0.5 } } ]";

function plan(yaml: string): { plan: OverloadPlan; problems: string[] } {
  const typeName = "envoy.config.overload.v3.OverloadManager";
  const { root, diagnostics } = loadBootstrap({ registry, typeName, yaml });
  const planned = planOverload(root!);
  const problems = diagnostics.all.filter((each) => each.severity === "error")
    .map((each) => `${each.code} ${each.at}: ${each.message}`);
  return { plan: planned, problems };
}

test("monitors of every kind", () => {
  const { plan: planned, problems } = plan(`refresh_interval: 0.25s
resource_monitors:
- ${HEAP}
- { name: changing, typed_config: { "@type": ${TYPE}.fixed_heap.v3.FixedHeapConfig, max_heap_size_bytes_runtime: { default_value: 9, runtime_key: k } } }
- { name: file, typed_config: { "@type": ${TYPE}.injected_resource.v3.InjectedResourceConfig, filename: /x } }
- { name: cx, typed_config: { "@type": ${TYPE}.downstream_connections.v3.DownstreamConnectionsConfig, max_active_downstream_connections: 9 } }
- { name: cpu, typed_config: { "@type": ${TYPE}.cpu_utilization.v3.CpuUtilizationConfig } }
- { name: own_cpu, typed_config: { "@type": ${TYPE}.cpu_utilization.v3.CpuUtilizationConfig, mode: CONTAINER } }
- { name: memory, typed_config: { "@type": ${TYPE}.cgroup_memory.v3.CgroupMemoryConfig, max_memory_bytes: 8 } }
- { name: any_memory, typed_config: { "@type": ${TYPE}.cgroup_memory.v3.CgroupMemoryConfig } }`);
  assert.equal(problems, []);
  assert.is(planned.refreshIntervalMs, 250);
  assert.equal(planned.monitors, [
    { name: "heap", kind: "fixed_heap", maxBytes: 7, runtimeKey: "" },
    { name: "changing", kind: "fixed_heap", maxBytes: 9, runtimeKey: "k" },
    { name: "file", kind: "injected_resource", path: "/x" },
    { name: "cx", kind: "downstream_connections", max: 9 },
    { name: "cpu", kind: "cpu_utilization", mode: "HOST" },
    { name: "own_cpu", kind: "cpu_utilization", mode: "CONTAINER" },
    { name: "memory", kind: "cgroup_memory", maxBytes: 8 },
    { name: "any_memory", kind: "cgroup_memory", maxBytes: Infinity },
  ]);
});

test("actions and points, with both kinds of triggers", () => {
  const { plan: planned, problems } = plan(`${MONITORS}
actions:
- { name: envoy.overload_actions.stop_accepting_requests, ${TRIGGERS} }
- name: envoy.overload_actions.reduce_timeouts
  triggers: [ { name: heap, scaled: { scaling_threshold: 0.1, saturation_threshold: 0.2 } } ]
  typed_config:
    "@type": type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig
    timer_scale_factors:
    - { timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 2s }
    - { timer: HTTP_DOWNSTREAM_CONNECTION_MAX, min_scale: { value: 10 } }
    - { timer: HTTP_DOWNSTREAM_STREAM_FLUSH, min_timeout: 1s }
- name: envoy.overload_actions.shrink_heap
  ${TRIGGERS}
  typed_config: { "@type": type.googleapis.com/envoy.config.overload.v3.ShrinkHeapConfig, timer_interval: 3s }
loadshed_points:
- { name: envoy.load_shed_points.tcp_listener_accept, ${TRIGGERS} }`);
  assert.equal(problems, []);
  const usual = [{ resource: "heap", scalingThreshold: null, saturationThreshold: 0.5 }];
  assert.equal(planned.actions, [
    { name: "stop_accepting_requests", triggers: usual },
    { name: "reduce_timeouts", triggers: [{ resource: "heap", scalingThreshold: 0.1, saturationThreshold: 0.2 }] },
    { name: "shrink_heap", triggers: usual },
  ]);
  assert.equal(planned.points, [{ name: "tcp_listener_accept", triggers: usual }]);
  assert.equal(planned.timers, [
    { kind: "connection_idle", minimum: { ms: 2000 } },
    { kind: "connection_max", minimum: { fraction: 0.1 } },
    { kind: "stream_flush", minimum: { ms: 1000 } },
  ]);
  assert.is(planned.shrinkHeapIntervalMs, 3000);
});

test("streams are reset from a size on", () => {
  const action = `actions: [ { name: envoy.overload_actions.reset_high_memory_stream, ${TRIGGERS} } ]`;
  const { plan: planned, problems } = plan(
    `${MONITORS}buffer_factory_config: { minimum_account_to_track_power_of_two: 20 }\n${action}`,
  );
  assert.equal(problems, []);
  assert.is(planned.minimumAccountToTrackPowerOfTwo, 20);
});

test("what there is for HTTP/3 is known", () => {
  const { problems } = plan(`${MONITORS}
actions: [ { name: envoy.overload_actions.close_idle_http_connections, ${TRIGGERS} } ]
loadshed_points: [ { name: envoy.load_shed_points.http3_server_go_away_on_dispatch, ${TRIGGERS} } ]`);
  assert.equal(problems, []);
});

const TIMERS = `typed_config: { "@type": type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig,`;
const REDUCE = `actions: [ { name: envoy.overload_actions.reduce_timeouts, ${TRIGGERS}`;
const IDLE = "{ timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 2s }";

const REFUSED: readonly (readonly [string, RegExp])[] = [
  [
    `resource_monitors: [ { name: heap, typed_config: { "@type": ${TYPE}.fixed_heap.v3.FixedHeapConfig } } ]`,
    /max heap size must be greater than 0/,
  ],
  [
    `resource_monitors: [ ${
      HEAP.replace("7", "7, max_heap_size_bytes_runtime: { default_value: 9, runtime_key: k }")
    } ]`,
    /max_heap_size_bytes or max_heap_size_bytes_runtime, not both/,
  ],
  [`resource_monitors: [ ${HEAP}, ${HEAP} ]`, /^config\/duplicate .*Duplicate resource monitor heap/],
  [`${MONITORS}actions: [ { name: envoy.overload_actions.x, ${TRIGGERS} } ]`, /^config\/unsupported actions\[0\]/],
  [
    `${MONITORS}actions: [ { name: envoy.overload_actions.reset_high_memory_stream, ${TRIGGERS} } ]`,
    /reset_high_memory_stream requires buffer_factory_config/,
  ],
  [`${MONITORS}loadshed_points: [ { name: x, ${TRIGGERS} } ]`, /^config\/unsupported loadshed_points\[0\]/],
  [
    `${MONITORS}actions: [ { name: envoy.overload_actions.shrink_heap, triggers: [ { name: nobody, threshold: {} } ] } ]`,
    /Unknown trigger resource nobody/,
  ],
  [
    `${MONITORS}actions: [ { name: envoy.overload_actions.shrink_heap, triggers: [ { name: heap, threshold: {} }, { name: heap, threshold: {} } ] } ]`,
    /Duplicate trigger resource/,
  ],
  [
    `${MONITORS}actions: [ { name: envoy.overload_actions.shrink_heap, ${TRIGGERS} }, { name: envoy.overload_actions.shrink_heap, ${TRIGGERS} } ]`,
    /is there twice/,
  ],
  [
    `${MONITORS}actions: [ { name: envoy.overload_actions.shrink_heap, triggers: [ { name: heap, scaled: { scaling_threshold: 0.9, saturation_threshold: 0.9 } } ] } ]`,
    /scaling_threshold must be less than saturation_threshold/,
  ],
  [`${MONITORS}${REDUCE} } ]`, /reduce_timeouts needs a/],
  [
    `${MONITORS}${REDUCE}, ${TIMERS} timer_scale_factors: [ ${IDLE}, ${IDLE} ] } } ]`,
    /Found duplicate entry for timer/,
  ],
  [
    `${MONITORS}actions: [ { name: envoy.overload_actions.stop_accepting_requests, ${TRIGGERS}, ${TIMERS} timer_scale_factors: [ ${IDLE} ] } } ]`,
    /takes no configuration/,
  ],
];

for (const [yaml, expected] of REFUSED) {
  test(`refused: ${expected.source}`, () => {
    const { problems } = plan(yaml);
    assert.is(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, expected);
  });
}

test.run();
