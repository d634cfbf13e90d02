// host/extensions/filters/network/wasm/module.ts: the wasm filters of a connection.
/** @module */
import type { WasmFilterPlan } from "../../../common/wasm/filter_plan.ts";
import type { NetworkFilterModule } from "../../../define.ts";

export const module: NetworkFilterModule = {
  createFilter(plan, context) {
    const plugin = context.wasm.plugin((plan as WasmFilterPlan).plugin);
    return (stream) => plugin.createNetworkFilter(stream);
  },
};
