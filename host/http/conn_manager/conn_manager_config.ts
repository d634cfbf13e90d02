// host/http/conn_manager/conn_manager_config.ts: what a connection manager is configured with.
// pure: no I/O, no clock, no runtime globals
/**
 * `ConnectionManagerPlan` is plain data, made from the HttpConnectionManager message on the main thread and
 * posted to workers; `ConnectionManagerConfig` is what a worker makes of it once.
 *
 * @see Envoy: source/common/http/conn_manager_config.h
 * @module
 */
import type { CidrBlock } from "../../base/cidr.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { StringMatcherPlan } from "../../matching/string_matcher.ts";
import type { AccessLogType } from "../../observe/formatter.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { ConnectionManagerStats } from "./conn_manager_stats.ts";
import type { HttpDate } from "../date.ts";
import type { HttpFilterFactory } from "../filter.ts";
import type { Http2Plan } from "../h2/options.ts";
import type { HeaderKeyFormat } from "../header_key_formatter.ts";
import type { HeaderMap } from "../header_map.ts";
import type { HeaderMutation } from "../header_mutation.ts";
import type { ConnectionManagerOverload, ConnectionManagerTimers } from "./overload.ts";
import type { IpDetectionPlan } from "./original_ip.ts";
import type { ProxyStatusPlan } from "./proxy_status.ts";
import type { RewrittenReply } from "../local_reply.ts";
import type { PathPlan } from "../path.ts";
import type { Route, RouteConfigProvider } from "../route.ts";
import type { RouteResolutionStats } from "./route_resolution.ts";

/** Settings with Envoy's names and defaults; times in milliseconds, 0 = off. */
export interface ConnectionManagerPlan {
  readonly statPrefix: string;
  readonly serverName: string;
  readonly serverHeaderTransformation: "OVERWRITE" | "APPEND_IF_ABSENT" | "PASS_THROUGH";
  readonly via: string;
  /** Null: responses do not say what went wrong. */
  readonly proxyStatus: ProxyStatusPlan | null;
  readonly addUserAgent: boolean;
  readonly useRemoteAddress: boolean;
  readonly skipXffAppend: boolean;
  readonly xffNumTrustedHops: number;
  readonly appendXForwardedPort: boolean;
  /** Asked for the client's address, in this order; none: x-forwarded-for says it. */
  readonly originalIpDetection: readonly IpDetectionPlan[];
  readonly internalAddresses: readonly CidrBlock[];
  readonly internalUnixSockets: boolean;
  /** Ports that stand for TLS or for none, where a proxy before this one says which one was asked for. */
  readonly forwardProto: { readonly httpsPorts: readonly number[]; readonly httpPorts: readonly number[] } | null;
  /** Empty: as it is. */
  readonly schemeToOverwrite: "" | "http" | "https";
  readonly schemeMatchUpstream: boolean;
  readonly generateRequestId: boolean;
  /** A digit of the request id says whether the request is traced. */
  readonly packTraceReason: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly alwaysSetRequestIdInResponse: boolean;
  readonly path: PathPlan;
  readonly stripMatchingHostPort: boolean;
  readonly stripAnyHostPort: boolean;
  readonly stripTrailingHostDot: boolean;
  readonly proxy100Continue: boolean;
  /** A request that is refused under overload is answered with `x-envoy-local-overloaded`. */
  readonly appendLocalOverload: boolean;
  readonly streamIdleTimeoutMs: number;
  /** How long a response that is made may wait for the client's window (HTTP/2). */
  readonly streamFlushTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly requestHeadersTimeoutMs: number;
  readonly maxStreamDurationMs: number;
  readonly delayedCloseTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Up to so many percent are added to it, at random. */
  readonly drainTimeoutJitterPercent: number;
  readonly idleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  /** Up to so many percent are added to it, at random. */
  readonly maxConnectionDurationJitterPercent: number;
  readonly maxRequestsPerConnection: number;
  /** Streams are logged each time that so much time has passed, too. */
  readonly accessLogFlushIntervalMs: number;
  readonly flushAccessLogOnNewRequest: boolean;
  readonly flushLogOnTunnelSuccessfullyEstablished: boolean;
  readonly upgrades: readonly UpgradePlan[];
  /** `AUTO`: HTTP/2 where a connection begins as it does, else HTTP/1. */
  readonly codecType: "AUTO" | "HTTP1" | "HTTP2";
  readonly http1: Http1Plan;
  readonly http2: Http2Plan;
}

export interface UpgradePlan {
  /** Lower case, for example `websocket`. */
  readonly type: string;
  readonly enabled: boolean;
  /** Index in `ConnectionManagerConfig.upgradeFilters`; -1 for the connection manager's own filters. */
  readonly filters: number;
}

export interface Http1Plan {
  readonly maxRequestHeadersKib: number;
  readonly maxHeadersCount: number;
  readonly acceptHttp10: boolean;
  readonly defaultHostForHttp10: string;
  readonly enableTrailers: boolean;
  /** A 400 of the proxy's own does not end the connection. */
  readonly streamErrorOnInvalidMessage: boolean;
  readonly allowAbsoluteUrl: boolean;
  readonly allowChunkedLength: boolean;
  readonly allowCustomMethods: boolean;
  /** `ignore_http_11_upgrade`. */
  readonly ignoredUpgrades: readonly StringMatcherPlan[];
  readonly headersWithUnderscoresAction: "ALLOW" | "REJECT_REQUEST" | "DROP_HEADER";
  /** Bare LF or CR, line folding and two Hosts, as Envoy takes them. */
  readonly lenient: boolean;
  /** How the names of headers are spelled; null: in lower case. */
  readonly headerKeyFormat: HeaderKeyFormat | null;
}

/** A filter of a chain: what makes it, and whether a stream gets it. */
export interface ConfiguredFilter {
  /** Its name in the chain, which per-route configuration goes by. */
  readonly name: string;
  /** Off unless the route turns it on. */
  readonly disabled: boolean;
  /** The terminal filter is in every stream. */
  readonly terminal: boolean;
  readonly create: HttpFilterFactory;
}

/** The facts that a finished stream is logged with. */
export interface AccessLogEntry {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
  readonly accessLogType: AccessLogType;
  /** The stream's route, where there are routes. */
  route?(): Route | null;
}

/** Writes a line, or not: its own filter decides. Must not throw. */
export interface AccessLogger {
  log(entry: AccessLogEntry): void;
}

/** `local_reply_config`: what answers of the proxy's own look like. */
export interface LocalReplies {
  /** Changes `headers`, and says what else the reply has instead. */
  rewrite(headers: HeaderMap, status: number, body: Uint8Array, stream: RepliedStream): RewrittenReply;
}

/** The facts that a local reply is made with. */
export interface RepliedStream {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap | null;
}

export interface ConnectionManagerConfig {
  readonly plan: ConnectionManagerPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly dates: HttpDate;
  readonly stats: ConnectionManagerStats;
  readonly routes: RouteConfigProvider;
  /** Absent or null: nobody wants to know how long routes are looked for. */
  readonly routeResolutions?: RouteResolutionStats | null;
  readonly filters: readonly ConfiguredFilter[];
  /** Chains of `upgrade_configs[].filters`, by `UpgradePlan.filters`. */
  readonly upgradeFilters: readonly (readonly ConfiguredFilter[])[];
  /** Changes that requests undergo before anything looks at them. */
  readonly earlyHeaderMutations: readonly HeaderMutation[];
  readonly accessLoggers: readonly AccessLogger[];
  /** Null: local replies stay as they are. */
  readonly localReplies: LocalReplies | null;
  /** This machine's own address, which stands for a loopback peer in x-forwarded-for. */
  readonly localAddress: string;
  /** Cluster and zone of this proxy, for `add_user_agent`. */
  readonly serviceCluster: string;
  readonly serviceNode: string;
  readonly bufferLimitBytes: number;
  /** Whether this response should be the connection's last one. Asked once per response. */
  readonly drain: DrainDecision;
  /** What is refused under overload; null for nothing, ever. */
  readonly overload: ConnectionManagerOverload | null;
  readonly timers: ConnectionManagerTimers;
}

export interface DrainDecision {
  drainClose(): boolean;
}
