// host/extensions/filters/http/router/planner.ts: the Router message as plain data.
/** @module */
import type { ConfigNode } from "../../../../config/node.ts";
import type { RouterPlan } from "../../../../router/router_plan.ts";
import type { HttpFilterPlanner } from "../../../define.ts";

export const planner: HttpFilterPlanner = {
  terminal: true,
  plan(config: ConfigNode): RouterPlan {
    config.accept("dynamic_stats", "response codes are always counted");
    config.accept("start_child_span", "there is no tracing yet, so no span to start");
    return {
      suppressEnvoyHeaders: config.bool("suppress_envoy_headers"),
      respectExpectedRqTimeout: config.bool("respect_expected_rq_timeout"),
    };
  },
};
