// host/extensions/common/wasm/plan.ts: the PluginConfig message as plain data.
/**
 * @see Envoy: api/envoy/extensions/wasm/v3/wasm.proto, source/extensions/common/wasm/plugin.cc
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import type { PlanContext } from "../../define.ts";
import { planCode } from "./code_plan.ts";
import type { FailurePolicy, WasmPluginPlan } from "./plugin_plan.ts";

const RUNTIMES = new Set(["", "envoy.wasm.runtime.v8", "envoy.wasm.runtime.wasmtime", "envoy.wasm.runtime.wamr"]);

/** Reads `Wasm.config` of a filter; null after an error was reported. */
export function planWasmPlugin(filter: ConfigNode, context: PlanContext): string | null {
  const config = filter.message("config");
  if (config === null) {
    filter.error("config/missing-field", "the wasm filter has no config");
    return null;
  }
  const vm = config.message("vm_config");
  if (vm === null) {
    config.error("config/missing-field", "PluginConfig has no vm_config");
    return null;
  }
  const runtime = vm.string("runtime");
  if (!RUNTIMES.has(runtime)) {
    vm.error("config/unsupported", `runtime '${runtime}' cannot run here`, {
      field: "runtime",
      help: "use envoy.wasm.runtime.v8",
    });
  }
  vm.accept("allow_precompiled", "modules are compiled here; a precompiled section is ignored");
  vm.accept("nack_on_code_cache_miss", "code is fetched before the configuration is accepted");
  const code = planCode(vm, context);
  const capabilities = config.message("capability_restriction_config") ?? vm.message("capability_restriction_config");
  const allowed = capabilities?.messageMap("allowed_capabilities").map(([name]) => name) ?? [];
  const plan: WasmPluginPlan | null = code === null ? null : {
    name: config.string("name"),
    rootId: config.string("root_id"),
    vmId: vm.string("vm_id"),
    code,
    vmConfiguration: anyBytes(vm.any("configuration")),
    pluginConfiguration: anyBytes(config.any("configuration")),
    environment: planEnvironment(vm.message("environment_variables"), context),
    failurePolicy: planFailurePolicy(config),
    reloadBackoffMs: config.message("reload_config")?.message("backoff")?.durationMs("base_interval", 1000) ?? 1000,
    allowOnHeadersStopIteration: config.bool("allow_on_headers_stop_iteration"),
    allowedCapabilities: allowed.length === 0 ? null : allowed,
    limits: context.wasmLimits(config.string("name")),
    direction: context.listener.trafficDirection,
  };
  return plan === null ? null : context.addWasmPlugin(config, plan);
}

/** StringValue and BytesValue are unwrapped, everything else is passed on as it is encoded. */
function anyBytes(value: ConfigNode | null): Uint8Array {
  if (value === null) return new Uint8Array(0);
  if (value.typeName === "google.protobuf.StringValue") return new TextEncoder().encode(value.string("value"));
  if (value.typeName === "google.protobuf.BytesValue") return value.bytes("value");
  return value.toBinary();
}

function planEnvironment(node: ConfigNode | null, context: PlanContext): [string, string][] {
  if (node === null) return [];
  const entries = new Map<string, string>(node.stringMap("key_values"));
  for (const [index, name] of node.strings("host_env_keys").entries()) {
    if (entries.has(name)) {
      node.error("config/duplicate", `environment variable ${name} is given twice`, { field: "host_env_keys", index });
    }
    const value = context.env(name);
    if (value !== undefined) entries.set(name, value);
  }
  return [...entries];
}

function planFailurePolicy(config: ConfigNode): FailurePolicy {
  const failOpen = config.bool("fail_open");
  const policy = config.enum("failure_policy");
  if (failOpen && policy !== "UNSPECIFIED") {
    config.error("config/conflict", "only one of fail_open and failure_policy can be set", { field: "fail_open" });
  }
  if (policy === "FAIL_OPEN" || policy === "FAIL_RELOAD" || policy === "FAIL_CLOSED") return policy;
  return failOpen ? "FAIL_OPEN" : "FAIL_CLOSED";
}
