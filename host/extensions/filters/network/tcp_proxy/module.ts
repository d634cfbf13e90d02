// host/extensions/filters/network/tcp_proxy/module.ts: makes the TCP proxies of a chain.
/** @module */
import { TcpClusters } from "../../../../upstream/tcp_clusters.ts";
import type { FactoryContext, NetworkFilterModule } from "../../../define.ts";
import { createTcpProxy, type TcpAccessLogPort } from "./filter.ts";
import type { TcpProxyPlan } from "./plan.ts";
import { TcpProxyStats } from "./stats.ts";

export const module: NetworkFilterModule = {
  halfClose: true,
  createTerminal(plan, context) {
    const tcpPlan = plan as TcpProxyPlan;
    return createTcpProxy({
      plan: tcpPlan,
      clusters: new TcpClusters(context.clusters),
      random: context.random,
      stats: createStats(tcpPlan, context),
      accessLogs: createAccessLogs(tcpPlan, context),
      shedsConnect: context.overload?.point("tcp_proxy_upstream_connect") ?? null,
      shedsData: context.overload?.point("tcp_proxy_on_data") ?? null,
    });
  },
  createUnreached(plan, context) {
    const tcpPlan = plan as TcpProxyPlan;
    const stats = createStats(tcpPlan, context);
    const accessLogs = createAccessLogs(tcpPlan, context);
    return (info) => {
      stats.downstreamCxTotal.inc();
      info.endMs = context.clock.nowMs();
      for (const each of accessLogs) each.log(info, "TcpConnectionEnd");
    };
  },
};

function createStats(plan: TcpProxyPlan, context: FactoryContext): TcpProxyStats {
  return new TcpProxyStats(context.stats.scope(`tcp.${plan.statPrefix}`));
}

function createAccessLogs(plan: TcpProxyPlan, context: FactoryContext): TcpAccessLogPort[] {
  return context.createAccessLoggers(plan.accessLog).map((logger) => ({
    log: (info, accessLogType) =>
      logger.log({ info, requestHeaders: null, responseHeaders: null, responseTrailers: null, accessLogType }),
  }));
}
