// host/extensions/filters/http/wasm/planner.ts: a WebAssembly filter in an HTTP chain, as plain data.
/** @module */
import type { HttpFilterPlanner } from "../../../define.ts";
import { planWasmPlugin } from "../../../common/wasm/plan.ts";
import type { WasmFilterPlan } from "../../../common/wasm/filter_plan.ts";

export const planner: HttpFilterPlanner = {
  plan(config, context): WasmFilterPlan | null {
    const plugin = planWasmPlugin(config, context);
    return plugin === null ? null : { plugin };
  },
};
