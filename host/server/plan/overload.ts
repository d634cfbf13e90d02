// host/server/plan/overload.ts: an OverloadManager message as a plan.
/**
 * @see Envoy: source/server/overload_manager_impl.cc OverloadManagerImpl
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import {
  ACTION_PREFIX,
  LOAD_SHED_POINTS,
  OVERLOAD_ACTIONS,
  type OverloadAction,
  POINT_PREFIX,
  type ScaledTimerKind,
  type ScaledTimerPlan,
} from "../../net/overload.ts";
import type { MonitorPlan, OverloadPlan, ResourcePlan, TriggeredPlan, TriggerPlan } from "../overload/plan.ts";

const UNSUPPORTED = "config/unsupported";
const MONITORS = "envoy.extensions.resource_monitors.";
const TIMERS_CONFIG = "envoy.config.overload.v3.ScaleTimersOverloadActionConfig";
const SHRINK_CONFIG = "envoy.config.overload.v3.ShrinkHeapConfig";

const TIMER_KINDS: Readonly<Record<string, ScaledTimerKind>> = {
  HTTP_DOWNSTREAM_CONNECTION_IDLE: "connection_idle",
  HTTP_DOWNSTREAM_STREAM_IDLE: "stream_idle",
  TRANSPORT_SOCKET_CONNECT: "transport_socket_connect",
  HTTP_DOWNSTREAM_CONNECTION_MAX: "connection_max",
  HTTP_DOWNSTREAM_STREAM_FLUSH: "stream_flush",
};

export function planOverload(node: ConfigNode): OverloadPlan {
  const names = new Set<string>();
  const monitors = node.messages("resource_monitors").flatMap((each) => {
    const plan = planMonitor(each);
    if (plan === null) return [];
    if (names.has(plan.name)) {
      each.error("config/duplicate", `Duplicate resource monitor ${plan.name}`, { field: "name" });
    }
    names.add(plan.name);
    return [plan];
  });
  const buffers = node.message("buffer_factory_config");
  let timers: readonly ScaledTimerPlan[] = [];
  let shrinkHeapIntervalMs = 10_000;
  const actions = planTriggered(node, "actions", ACTION_PREFIX, OVERLOAD_ACTIONS, names, (name, each) => {
    if (name === "reduce_timeouts") timers = planTimers(each);
    else if (name === "shrink_heap") shrinkHeapIntervalMs = planShrinkInterval(each, shrinkHeapIntervalMs);
    else refuseConfig(name, each);
    if (name === "reset_high_memory_stream" && buffers === null) {
      each.error("config/missing-field", `Overload action ${ACTION_PREFIX}${name} requires buffer_factory_config`, {
        field: "name",
      });
    }
  });
  const points = planTriggered(node, "loadshed_points", POINT_PREFIX, LOAD_SHED_POINTS, names, () => {});
  return {
    refreshIntervalMs: node.durationMs("refresh_interval", 1000),
    monitors,
    actions,
    points,
    timers,
    minimumAccountToTrackPowerOfTwo: buffers?.number("minimum_account_to_track_power_of_two", 0) ?? 0,
    shrinkHeapIntervalMs,
  };
}

function planMonitor(node: ConfigNode): MonitorPlan | null {
  const name = node.string("name");
  const config = node.any("typed_config");
  if (config === null) return null;
  const resource = planResource(config);
  if (resource === null) {
    node.error(UNSUPPORTED, `resource monitor '${name}' is not supported`, { field: "typed_config" });
    return null;
  }
  return { name, ...resource };
}

function planResource(config: ConfigNode): ResourcePlan | null {
  switch (config.typeName) {
    case `${MONITORS}fixed_heap.v3.FixedHeapConfig`:
      return planHeap(config);
    case `${MONITORS}injected_resource.v3.InjectedResourceConfig`:
      return { kind: "injected_resource", path: config.string("filename") };
    case `${MONITORS}downstream_connections.v3.DownstreamConnectionsConfig`:
      return { kind: "downstream_connections", max: config.number("max_active_downstream_connections") };
    case `${MONITORS}cpu_utilization.v3.CpuUtilizationConfig`:
      return { kind: "cpu_utilization", mode: config.enum("mode") === "CONTAINER" ? "CONTAINER" : "HOST" };
    case `${MONITORS}cgroup_memory.v3.CgroupMemoryConfig`:
      return { kind: "cgroup_memory", maxBytes: config.number("max_memory_bytes", Infinity) };
    default:
      return null;
  }
}

function planHeap(config: ConfigNode): ResourcePlan {
  const runtime = config.message("max_heap_size_bytes_runtime");
  const maxBytes = runtime === null ? config.number("max_heap_size_bytes", 0) : runtime.number("default_value", 0);
  if (runtime !== null && config.number("max_heap_size_bytes", 0) > 0) {
    config.error("config/conflict", "there is max_heap_size_bytes or max_heap_size_bytes_runtime, not both", {
      field: "max_heap_size_bytes_runtime",
    });
  } else if (maxBytes === 0) {
    config.error("config/missing-field", "fixed_heap: max heap size must be greater than 0");
  }
  return { kind: "fixed_heap", maxBytes, runtimeKey: runtime?.runtimeKey("runtime_key") ?? "" };
}

function planTriggered<Name extends string>(
  manager: ConfigNode,
  field: "actions" | "loadshed_points",
  prefix: string,
  known: readonly Name[],
  monitors: ReadonlySet<string>,
  planConfig: (name: Name, node: ConfigNode) => void,
): TriggeredPlan<Name>[] {
  const plans: TriggeredPlan<Name>[] = [];
  for (const node of manager.messages(field)) {
    const fullName = node.string("name");
    const name = known.find((each) => prefix + each === fullName);
    const triggers = node.messages("triggers").flatMap((each) => planTrigger(each, monitors) ?? []);
    if (name === undefined) {
      node.error(UNSUPPORTED, `${fullName} is not supported`, {
        field: "name",
        help: `there are ${known.map((each) => prefix + each).join(", ")}`,
      });
      continue;
    }
    if (plans.some((each) => each.name === name)) {
      node.error("config/duplicate", `${fullName} is there twice`, { field: "name" });
      continue;
    }
    if (new Set(triggers.map((each) => each.resource)).size < triggers.length) {
      node.error("config/duplicate", `Duplicate trigger resource for ${fullName}`, { field: "triggers" });
    }
    planConfig(name, node);
    plans.push({ name, triggers });
  }
  return plans;
}

function planTrigger(node: ConfigNode, monitors: ReadonlySet<string>): TriggerPlan | null {
  const resource = node.string("name");
  if (!monitors.has(resource)) {
    node.error("config/unknown-reference", `Unknown trigger resource ${resource}`, { field: "name" });
  }
  const threshold = node.message("threshold");
  if (threshold !== null) {
    return { resource, scalingThreshold: null, saturationThreshold: threshold.number("value") };
  }
  const scaled = node.message("scaled");
  if (scaled === null) return null;
  const scalingThreshold = scaled.number("scaling_threshold");
  const saturationThreshold = scaled.number("saturation_threshold");
  if (scalingThreshold >= saturationThreshold) {
    scaled.error("config/conflict", "scaling_threshold must be less than saturation_threshold", {
      field: "scaling_threshold",
    });
  }
  return { resource, scalingThreshold, saturationThreshold };
}

function planTimers(action: ConfigNode): ScaledTimerPlan[] {
  const config = action.any("typed_config");
  if (config?.typeName !== TIMERS_CONFIG) {
    action.error("config/missing-field", `reduce_timeouts needs a ${TIMERS_CONFIG}`, { field: "typed_config" });
    return [];
  }
  const plans: ScaledTimerPlan[] = [];
  for (const node of config.messages("timer_scale_factors")) {
    const type = node.enum("timer");
    const kind = TIMER_KINDS[type];
    if (kind === undefined) {
      node.error(UNSUPPORTED, `timers of type ${type} are not scaled`, { field: "timer" });
      continue;
    }
    if (plans.some((each) => each.kind === kind)) {
      node.error("config/duplicate", `Found duplicate entry for timer type ${type}`, { field: "timer" });
    }
    const ms = node.durationMs("min_timeout", null);
    const fraction = (node.message("min_scale")?.number("value") ?? 0) / 100;
    plans.push({ kind, minimum: ms === null ? { fraction } : { ms } });
  }
  return plans;
}

function planShrinkInterval(action: ConfigNode, defaultMs: number): number {
  const config = action.any("typed_config");
  if (config === null) return defaultMs;
  if (config.typeName !== SHRINK_CONFIG) {
    action.error("config/conflict", `shrink_heap has a ${SHRINK_CONFIG} or nothing`, { field: "typed_config" });
    return defaultMs;
  }
  config.accept("max_unfreed_memory_bytes", "the runtime gives back what it does not need, all of it");
  return config.durationMs("timer_interval", defaultMs);
}

function refuseConfig(name: OverloadAction, action: ConfigNode): void {
  if (!action.has("typed_config")) return;
  action.error("config/conflict", `Overload action ${ACTION_PREFIX}${name} takes no configuration`, {
    field: "typed_config",
  });
}
