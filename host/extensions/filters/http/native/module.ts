// host/extensions/filters/http/native/module.ts: native filters on HTTP streams.
/** @module */
import type { NativeFilterPlan } from "../../../common/native/filter.ts";
import type { HttpFilterModule } from "../../../define.ts";
import { GuardedHttpFilter } from "./guarded_filter.ts";

export const module: HttpFilterModule = {
  create(use, context) {
    const plan = use.plan as NativeFilterPlan;
    const filter = context.nativeFilter(plan);
    if (filter?.kind !== "http") throw new Error(`native HTTP filter '${plan.name}' is not on this thread`);
    const logger = context.logger("filter");
    const errors = context.stats.scope(`native.${plan.name}`).counter("errors");
    const onError = (error: unknown): void => {
      errors.inc();
      logger.error("a native filter threw", {
        filter: plan.name,
        err: error instanceof Error ? error.stack ?? error.message : String(error),
      });
    };
    return (stream) => GuardedHttpFilter.create(filter, stream, plan.config, onError);
  },
};
