// host/extensions/filters/http/wasm/module.ts: the wasm filters of an HTTP stream.
/** @module */
import type { HttpFilter } from "../../../../http/filter.ts";
import type { WasmFilterPlan } from "../../../common/wasm/filter_plan.ts";
import type { HttpFilterModule } from "../../../define.ts";

export const module: HttpFilterModule = {
  create(use, context) {
    const plugin = context.wasm.plugin((use.plan as WasmFilterPlan).plugin);
    // The engine's statuses are proxy-wasm's; those that Envoy does not have were turned into `Continue`.
    return (stream) => plugin.createHttpFilter(stream) as HttpFilter | null;
  },
};
