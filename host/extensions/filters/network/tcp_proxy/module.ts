// host/extensions/filters/network/tcp_proxy/module.ts: makes the TCP proxies of a chain.
/** @module */
import { TcpClusters } from "../../../../upstream/tcp_clusters.ts";
import type { NetworkFilterModule } from "../../../define.ts";
import { createTcpProxy } from "./filter.ts";
import type { TcpProxyPlan } from "./plan.ts";
import { TcpProxyStats } from "./stats.ts";

export const module: NetworkFilterModule = {
  halfClose: true,
  createTerminal(plan, context) {
    const tcpPlan = plan as TcpProxyPlan;
    const loggers = context.createAccessLoggers(tcpPlan.accessLog);
    return createTcpProxy({
      plan: tcpPlan,
      clusters: new TcpClusters(context.clusters),
      random: context.random,
      stats: new TcpProxyStats(context.stats.scope(`tcp.${tcpPlan.statPrefix}`)),
      accessLogs: loggers.map((logger) => ({
        log: (info, accessLogType) =>
          logger.log({ info, requestHeaders: null, responseHeaders: null, responseTrailers: null, accessLogType }),
      })),
    });
  },
};
