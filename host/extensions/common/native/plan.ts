// host/extensions/common/native/plan.ts: reads a NativeFilter message.
/** @module */
import { nearestName } from "../../../base/suggest.ts";
import type { ConfigNode } from "../../../config/node.ts";
import type { PlanContext } from "../../define.ts";
import type { NativeFilter, NativeFilterConfig, NativeFilterPlan } from "./filter.ts";

/** Null after a problem was reported on the node. */
export function planNativeFilter(
  kind: NativeFilter["kind"],
  node: ConfigNode,
  context: PlanContext,
): NativeFilterPlan | null {
  const name = node.string("filter");
  const config = (node.json("config") ?? {}) as NativeFilterConfig;
  const found = context.nativeFilter(kind, name);
  if (found.filter !== null) return { ...found.filter, config };
  const near = nearestName(name, found.names);
  node.error("config/native-filter", found.problem, {
    field: "filter",
    ...(near !== null && { help: `there is '${near}'` }),
  });
  return null;
}
