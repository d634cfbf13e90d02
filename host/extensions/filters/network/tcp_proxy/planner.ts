// host/extensions/filters/network/tcp_proxy/planner.ts: the planner of tcp_proxy.
/** @module */
import { nearestName } from "../../../../base/suggest.ts";
import type { NetworkFilterPlanner } from "../../../define.ts";
import { clustersOf, planTcpProxy } from "./plan.ts";

export const planner: NetworkFilterPlanner = {
  terminal: true,
  plan(config, context) {
    const plan = planTcpProxy(config, (node) => context.planAccessLog(node));
    for (const name of clustersOf(plan)) {
      if (name === "" || context.clusterNames.has(name)) continue;
      const near = nearestName(name, [...context.clusterNames]);
      config.error("config/unknown-cluster", `tcp_proxy: unknown cluster '${name}'`, {
        ...(near !== null && { help: `a cluster with a similar name exists: ${near}` }),
      });
    }
    return plan;
  },
};
