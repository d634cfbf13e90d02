// host/extensions/filters/network/wasm/planner.ts: a WebAssembly filter in a network chain, as plain data.
/** @module */
import type { NetworkFilterPlanner } from "../../../define.ts";
import { planWasmPlugin } from "../../../common/wasm/plan.ts";
import type { WasmFilterPlan } from "../../../common/wasm/filter_plan.ts";

export const planner: NetworkFilterPlanner = {
  plan(config, context): WasmFilterPlan | null {
    const plugin = planWasmPlugin(config, context);
    return plugin === null ? null : { plugin };
  },
};
