// host/router/plan/filter_config.ts: typed_per_filter_config as plain data.
/**
 * @see Envoy: source/common/router/config_impl.cc PerFilterConfigs
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { FilterConfigPlan } from "../plan.ts";
import type { RoutePlanContext } from "./context.ts";

const FILTER_CONFIG = "envoy.config.route.v3.FilterConfig";

/** The entries of `typed_per_filter_config`, by the filters' names in the chain. */
export function planFilterConfigs(node: ConfigNode, context: RoutePlanContext): FilterConfigPlan[] {
  return node.anyMap("typed_per_filter_config").map(([name, message]) => {
    if (message.typeName !== FILTER_CONFIG) {
      return { name, disabled: false, config: context.planFilterConfig(name, message) };
    }
    const disabled = message.bool("disabled");
    const inner = message.any("config");
    message.accept("is_optional", "every filter that a configuration names is known, or an error");
    return { name, disabled, config: inner === null ? null : context.planFilterConfig(name, inner) };
  });
}
