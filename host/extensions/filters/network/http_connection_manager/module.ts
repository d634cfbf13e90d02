// host/extensions/filters/network/http_connection_manager/module.ts: makes the connection managers of a chain.
/** @module */
import type { ChainInfo } from "../../../../http/conn_manager/stream_facts.ts";
import { ConnectionManager, type ServerCodecFactory } from "../../../../http/conn_manager/conn_manager.ts";
import type { ConnectionManagerConfig } from "../../../../http/conn_manager/conn_manager_config.ts";
import { connectionManagerOverload, connectionManagerTimers } from "../../../../http/conn_manager/overload.ts";
import { RouteResolutionStats } from "../../../../http/conn_manager/route_resolution.ts";
import { ConnectionManagerStats } from "../../../../http/conn_manager/conn_manager_stats.ts";
import { Http1ServerCodec } from "../../../../http/h1/server.ts";
import { HTTP1_SERVER_DEFAULTS, type Http1ServerOptions } from "../../../../http/h1/options.ts";
import type { Http2Options } from "../../../../http/h2/options.ts";
import { Http2ServerCodec } from "../../../../http/h2/server.ts";
import { Http2Stats } from "../../../../http/h2/stats.ts";
import { compileStringMatcher } from "../../../../matching/string_matcher.ts";
import type { Connection } from "../../../../net/connection_port.ts";
import type { TerminalContext } from "../../../../net/network_chain.ts";
import { compileLine } from "../../../../observe/format_plan.ts";
import { compileHeaderMutation } from "../../../../http/header_mutation.ts";
import type { CompileFormat } from "../../../../http/header_ops.ts";
import { compileFormat } from "../../../../observe/formatter.ts";
import type { StreamInfo } from "../../../../observe/stream_info.ts";
import { RouteTable, type RouteTableOptions } from "../../../../router/routes/route_table.ts";
import { ScopedRoutes } from "../../../../router/routes/scoped_routes.ts";
import type { DrainableConnection, FactoryContext, NetworkFilterModule } from "../../../define.ts";
import { compileLocalReplies } from "./local_replies.ts";
import type { HttpConnectionManagerPlan } from "./planner.ts";

export const module: NetworkFilterModule = {
  createTerminal(plan, context) {
    const config = createConfig(plan as HttpConnectionManagerPlan, context);
    const createCodec = codecFactory(config, new Http2Stats(context.stats));
    let chainInfo: ChainInfo | null = null;
    return (connection: Connection, terminal: TerminalContext): DrainableConnection => {
      // The same for all connections of the chain, which need not keep a `StreamInfo` each for it.
      chainInfo ??= chainInfoOf(terminal.info);
      const manager = new ConnectionManager(connection, config, createCodec, chainInfo);
      connection.setHandler(manager);
      return manager;
    };
  },
};

function chainInfoOf(info: StreamInfo): ChainInfo {
  const { listenerName, filterChainName, trafficDirection, listenerMetadata } = info;
  return { listenerName, filterChainName, trafficDirection, listenerMetadata };
}

function createConfig(plan: HttpConnectionManagerPlan, context: FactoryContext): ConnectionManagerConfig {
  const { manager } = plan;
  const prefix = `http.${manager.statPrefix}`;
  const httpStats = context.stats.scope(prefix);
  const formats: CompileFormat = (text, omitEmptyValues = true) => {
    const { format } = compileFormat(text, context.world, { omitEmptyValues });
    return { format };
  };
  const routeOptions: RouteTableOptions = {
    compileFormat: formats,
    compileBody: (plan) => compileLine(plan, context.world),
    stats: context.stats,
    runtime: context.runtime,
    expressions: context.world.expressions ?? null,
  };
  const routes = plan.routes.kind === "table"
    ? new RouteTable(plan.routes.config, routeOptions)
    : new ScopedRoutes(plan.routes.scopes, routeOptions);
  return {
    plan: manager,
    clock: context.clock,
    random: context.random,
    dates: context.dates,
    stats: new ConnectionManagerStats(
      httpStats,
      context.stats.scope(`listener.${context.listener.statPrefix}.${prefix}`),
    ),
    routes: { current: () => routes },
    routeResolutions: plan.recordsRouteResolutions ? new RouteResolutionStats(httpStats) : null,
    filters: context.createHttpFilters(plan.httpFilters, httpStats),
    upgradeFilters: plan.upgradeFilters.map((uses) => context.createHttpFilters(uses, httpStats)),
    accessLoggers: context.createAccessLoggers(plan.accessLog),
    earlyHeaderMutations: plan.earlyHeaderMutations.map((mutation) => compileHeaderMutation(mutation, formats)),
    localReplies: plan.localReplies === null ? null : compileLocalReplies(plan.localReplies, context),
    localAddress: context.localAddress,
    serviceCluster: context.serviceCluster,
    serviceNode: context.serviceNode,
    bufferLimitBytes: context.bufferLimitBytes,
    drain: context.drain,
    overload: connectionManagerOverload(context.overload),
    timers: connectionManagerTimers(context.overload, context.clock),
  };
}

function codecFactory(config: ConnectionManagerConfig, http2Stats: Http2Stats): ServerCodecFactory {
  const { http1, http2, streamFlushTimeoutMs } = config.plan;
  const ignoredUpgrades = http1.ignoredUpgrades.map(compileStringMatcher);
  const options: Http1ServerOptions = {
    ...HTTP1_SERVER_DEFAULTS,
    enableTrailers: http1.enableTrailers,
    lenient: http1.lenient,
    headerKeyFormat: http1.headerKeyFormat,
    allowChunkedLength: http1.allowChunkedLength,
    allowCustomMethods: http1.allowCustomMethods,
    ignoresUpgrade: ignoredUpgrades.length === 0 ? null : (protocol) => ignoredUpgrades.some((each) => each(protocol)),
    allowAbsoluteUrl: http1.allowAbsoluteUrl,
    // Envoy: codec_settings_.validate_scheme_.
    rejectHttpsUrl: config.plan.useRemoteAddress && config.plan.xffNumTrustedHops === 0,
    acceptHttp10: http1.acceptHttp10,
    defaultHostForHttp10: http1.defaultHostForHttp10,
    headersWithUnderscoresAction: http1.headersWithUnderscoresAction,
    maxRequestHeadersBytes: http1.maxRequestHeadersKib * 1024,
    maxRequestHeadersCount: http1.maxHeadersCount,
  };
  const http2Options: Http2Options = {
    ...http2,
    maxHeadersBytes: options.maxRequestHeadersBytes,
    maxHeadersCount: options.maxRequestHeadersCount,
    headersWithUnderscoresAction: http1.headersWithUnderscoresAction,
    flushTimeoutMs: streamFlushTimeoutMs,
    bufferLimitBytes: config.bufferLimitBytes > 0 ? config.bufferLimitBytes : Infinity,
  };
  return (connection, callbacks, isHttp2) =>
    isHttp2
      ? new Http2ServerCodec(connection, callbacks, http2Options, http2Stats, config)
      : new Http1ServerCodec(connection, callbacks, options);
}
