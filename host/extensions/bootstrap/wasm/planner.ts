// host/extensions/bootstrap/wasm/planner.ts: the WasmService message: a plugin that serves no stream.
/**
 * A service is its plugin's own context, with timers, callouts and queues. Every worker runs one; a singleton
 * runs on the first worker alone, and again on the one that takes its place.
 *
 * @see Envoy: api/envoy/extensions/wasm/v3/wasm.proto WasmService, source/extensions/bootstrap/wasm/config.cc
 * @module
 */
import { planWasmPlugin } from "../../common/wasm/plan.ts";
import type { BootstrapExtensionPlanner } from "../../define.ts";

export const planner: BootstrapExtensionPlanner = {
  plan(config, context): void {
    const singleton = config.bool("singleton");
    planWasmPlugin(config, {
      ...context,
      addWasmPlugin: (node, plan) => context.addWasmPlugin(node, singleton ? { ...plan, singleton } : plan),
    });
  },
};
