// host/extensions/filters/network/tcp_proxy/filter.ts: joins a downstream and an upstream connection.
// hot: runs per chunk; see bench/macro/scenarios.ts
/**
 * Connects upstream as soon as the downstream connection begins, and reads nothing from the client before.
 * Then bytes go from one connection to the other as they are: no copy, and the reader of one pauses while
 * the writer of the other is above its high watermark.
 *
 * @see Envoy: source/common/tcp_proxy/tcp_proxy.cc
 * @module
 */
import type { Clock, Timer } from "../../../../base/clock.ts";
import type { Random } from "../../../../base/random.ts";
import { latin1Slice } from "../../../../base/bytes.ts";
import type { Connection, ConnectionHandler } from "../../../../net/connection_port.ts";
import type { OverloadSignal } from "../../../../net/overload.ts";
import { CloseType, PeerType } from "../../../../net/filter.ts";
import type { TerminalContext, TerminalFilterFactory } from "../../../../net/network_chain.ts";
import type { AccessLogType } from "../../../../observe/formatter.ts";
import { ResponseFlag, type StreamInfo, type UpstreamInfo } from "../../../../observe/stream_info.ts";
import type { TcpClusterPort, TcpConnectFailure, TcpConnectHandle, TcpHostInfo } from "./cluster_port.ts";
import type { TcpProxyPlan, WeightedClusterPlan } from "./plan.ts";
import type { TcpProxyStats } from "./stats.ts";

/** Writes access log lines. */
export interface TcpAccessLogPort {
  log(info: StreamInfo, type: AccessLogType): void;
}

export interface TcpProxyOptions {
  readonly plan: TcpProxyPlan;
  readonly clusters: TcpClusterPort;
  readonly random: Random;
  readonly stats: TcpProxyStats;
  readonly accessLogs: readonly TcpAccessLogPort[];
  /** Connections that are not made under overload, and those that end when bytes come; absent or null: none. */
  readonly shedsConnect?: OverloadSignal | null;
  readonly shedsData?: OverloadSignal | null;
}

/** The terminal filter of a chain; the chain is given `halfClose: true`. */
export function createTcpProxy(options: TcpProxyOptions): TerminalFilterFactory {
  return (connection, context) => startTcpProxy(connection, context, options);
}

/** Joins `connection` to an upstream. */
export function startTcpProxy(connection: Connection, context: TerminalContext, options: TcpProxyOptions): void {
  new TcpProxy(connection, context, options).start();
}

/** Objects of the filter state that take precedence over the plan. @see Envoy: source/common/tcp_proxy/tcp_proxy.cc */
const CLUSTER_STATE = "envoy.tcp_proxy.cluster";
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const IDLE_TIMEOUT_STATE = "envoy.tcp_proxy.per_connection_idle_timeout_ms";

/** Envoy's numbers in `tcp_initializion_failure:<n>` (its spelling). */
const InitFailure = { ConnectFailed: 0, NoHealthyUpstream: 1, ResourceLimitExceeded: 2, NoRoute: 3 } as const;

class TcpProxy implements ConnectionHandler {
  readonly downstream: Connection;
  readonly context: TerminalContext;
  readonly info: StreamInfo;
  readonly #options: TcpProxyOptions;
  readonly #clock: Clock;
  readonly #stats: TcpProxyStats;
  readonly #idleTimeoutMs: number;
  readonly #idleTimer: Timer | null;
  /** Somebody else counts the bytes. */
  readonly #isCounted: boolean;
  #durationTimer: Timer | null = null;
  #logTimer: Timer | null = null;
  #backoffTimer: Timer | null = null;
  #upstream: Connection | null = null;
  #host: TcpHostInfo | null = null;
  #connecting: TcpConnectHandle | null = null;
  #attempts = 0;
  /** This side gave up on the connection: nothing that is queued matters any more. */
  #aborted = false;
  #done = false;

  constructor(downstream: Connection, context: TerminalContext, options: TcpProxyOptions) {
    this.downstream = downstream;
    this.context = context;
    this.info = context.info;
    this.#options = options;
    this.#clock = context.clock;
    this.#stats = options.stats;
    this.#isCounted = context.countsBytes === true;
    this.#idleTimeoutMs = this.#ownNumber(IDLE_TIMEOUT_STATE) ?? options.plan.idleTimeoutMs;
    this.#idleTimer = this.#idleTimeoutMs > 0 ? this.#clock.createTimer(() => this.#onIdle()) : null;
  }

  start(): void {
    const { downstream } = this;
    this.#stats.downstreamCxTotal.inc();
    downstream.setStats?.(this.#stats.connection);
    downstream.setDelayedCloseTimeoutMs?.(this.#idleTimeoutMs);
    downstream.enableHalfClose(true);
    downstream.readDisable(true);
    downstream.setHandler(this);
    this.#armDuration();
    if (this.#options.plan.logOnStart) this.#log("TcpConnectionStart");
    this.#connect();
  }

  // From the client.

  onData(bytes: Uint8Array): void {
    if (!this.#isCounted) this.info.bytesReceived += bytes.length;
    if (this.#options.shedsData?.fires() === true) return this.#shed();
    this.#idleTimer?.enable(this.#idleTimeoutMs);
    this.#upstream!.write(bytes);
  }

  onEnd(): void {
    this.info.upstream!.lastByteSentMs = this.#clock.nowMs();
    this.#upstream?.end();
  }

  onClose(by: PeerType): void {
    if (this.#done) return;
    this.#done = true;
    this.#connecting?.cancel();
    this.#connecting = null;
    this.#idleTimer?.disable();
    this.#durationTimer?.disable();
    this.#logTimer?.disable();
    this.#backoffTimer?.disable();
    if (this.#upstream !== null) this.context.notifyUpstreamClose(PeerType.Local);
    this.#closeUpstream(by);
    this.info.endMs = this.#clock.nowMs();
    this.#log("TcpConnectionEnd");
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#upstream?.readDisable(true);
    this.#host?.flowControl?.pausedReading.inc();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#upstream?.readDisable(false);
    this.#host?.flowControl?.resumedReading.inc();
  }

  // From the upstream; called by `Upstream`.

  onUpstreamData(bytes: Uint8Array): void {
    if (!this.#isCounted) this.info.bytesSent += bytes.length;
    this.#idleTimer?.enable(this.#idleTimeoutMs);
    this.downstream.write(bytes);
  }

  onUpstreamEnd(): void {
    this.info.upstream!.lastByteReceivedMs = this.#clock.nowMs();
    this.downstream.end();
    // Nothing comes from there any more: to a filter that is its end, whatever is still to be sent to it.
    if (!this.#done) this.context.notifyUpstreamClose(PeerType.Remote);
  }

  onUpstreamClose(by: PeerType): void {
    const wasReset = this.#upstream?.wasReset === true;
    this.#upstream = null;
    if (this.#done) return;
    this.#idleTimer?.disable();
    this.context.notifyUpstreamClose(by);
    if (wasReset) {
      this.info.setFlag(ResponseFlag.UpstreamRemoteReset);
      this.downstream.close(CloseType.AbortReset, "upstream_reset");
    } else {
      this.downstream.close(CloseType.FlushWrite, "");
    }
  }

  onUpstreamAboveHighWatermark(): void {
    this.downstream.readDisable(true);
    this.#stats.downstreamFlowControlPausedReading.inc();
    this.#host!.flowControl?.backedUp.inc();
  }

  onUpstreamBelowLowWatermark(): void {
    this.downstream.readDisable(false);
    this.#stats.downstreamFlowControlResumedReading.inc();
    this.#host!.flowControl?.drained.inc();
  }

  // Connecting.

  #connect(): void {
    if (this.#done) return;
    if (this.#options.shedsConnect?.fires() === true) return this.#shed();
    const { plan, clusters } = this.#options;
    const { name: clusterName, metadataMatch } = this.#pickCluster();
    if (this.#attempts >= plan.maxConnectAttempts) {
      this.info.setFlag(ResponseFlag.UpstreamRetryLimitExceeded);
      clusters.onConnectAttemptsExceeded?.(clusterName);
      return this.#giveUp(InitFailure.ConnectFailed);
    }
    this.#attempts++;
    this.info.clusterName = clusterName;
    let settled = false;
    const context = {
      info: this.info,
      hashInput: this.#hashInput(),
      ...(metadataMatch !== undefined && { metadataMatch }),
    };
    const handle = clusters.connect(clusterName, context, {
      onConnected: (connection, host) => {
        settled = true;
        this.#connecting = null;
        this.#onConnected(clusterName, connection, host);
      },
      onFailure: (reason, details, host) => {
        settled = true;
        this.#connecting = null;
        this.#onFailure(clusterName, reason, details, host);
      },
    });
    if (!settled) this.#connecting = handle;
  }

  #pickCluster(): Omit<WeightedClusterPlan, "weight"> {
    const own = this.#ownText(CLUSTER_STATE);
    const { clusters, metadataMatch } = this.#options.plan;
    if (own !== null) return { name: own, ...(metadataMatch !== undefined && { metadataMatch }) };
    if (clusters.length === 1) return clusters[0]!;
    let total = 0;
    for (const cluster of clusters) total += cluster.weight;
    let rest = this.#options.random.uint32() % Math.max(1, total);
    for (const cluster of clusters) {
      if (rest < cluster.weight) return cluster;
      rest -= cluster.weight;
    }
    return clusters[0] ?? { name: "" };
  }

  /** What a filter before this one has left for it. */
  #ownText(name: string): string | null {
    const state = this.info.findFilterState(name);
    return state === null ? null : latin1Slice(state.value, 0, state.value.length);
  }

  #ownNumber(name: string): number | null {
    const text = this.#ownText(name);
    return text === null ? null : Math.min(Number(text), MAX_TIMEOUT_MS);
  }

  #hashInput(): string | null {
    const policy = this.#options.plan.hashPolicy;
    if (policy === null) return null;
    if (policy.kind === "source_ip") return this.info.connection.directRemoteAddress.address || null;
    return this.#ownText(policy.key);
  }

  #onConnected(clusterName: string, upstream: Connection, host: TcpHostInfo): void {
    this.#upstream = upstream;
    this.#host = host;
    this.info.attemptCount = this.#attempts;
    this.info.upstream = upstreamInfo(clusterName, host, "");
    this.info.upstream.localAddress = upstream.info.localAddress;
    this.info.upstream.connection = upstream.info;
    this.info.upstream.poolReadyMs = this.#clock.nowMs();
    upstream.enableHalfClose(true);
    upstream.setDelayedCloseTimeoutMs?.(this.#idleTimeoutMs);
    upstream.setHandler(new Upstream(this));
    this.#idleTimer?.enable(this.#idleTimeoutMs);
    this.#armLogTimer();
    if (this.#options.plan.logOnConnected) this.#log("TcpUpstreamConnected");
    this.downstream.readDisable(false);
  }

  #onFailure(clusterName: string, reason: TcpConnectFailure, details: string, host: TcpHostInfo | null): void {
    if (this.#done) return;
    switch (reason) {
      case "no_cluster":
        this.#stats.downstreamCxNoRoute.inc();
        this.info.clusterName = "";
        this.info.setFlag(ResponseFlag.NoClusterFound);
        return this.#giveUp(InitFailure.NoRoute);
      case "no_healthy_upstream":
        this.info.setFlag(ResponseFlag.NoHealthyUpstream);
        return this.#giveUp(InitFailure.NoHealthyUpstream);
      case "overflow":
        this.info.setFlag(ResponseFlag.UpstreamOverflow);
        return this.#giveUp(InitFailure.ResourceLimitExceeded);
      case "remote":
      case "timeout":
        this.info.attemptCount = this.#attempts;
        this.info.setFlag(ResponseFlag.UpstreamConnectionFailure);
        break;
      case "local":
        this.info.attemptCount = this.#attempts;
        break;
    }
    if (host !== null) this.info.upstream = upstreamInfo(clusterName, host, details);
    this.#retry();
  }

  /** Tries again, after a growing wait when one is configured. */
  #retry(): void {
    const { plan, random } = this.#options;
    const { backoff } = plan;
    if (backoff === null || this.#attempts >= plan.maxConnectAttempts) return this.#connect();
    const limitMs = Math.min(backoff.maxMs, backoff.baseMs * 2 ** (this.#attempts - 1));
    this.#backoffTimer ??= this.#clock.createTimer(() => this.#connect());
    this.#backoffTimer.enable(random.fraction() * limitMs);
  }

  #giveUp(failure: number): void {
    this.#abort(`tcp_initializion_failure:${failure}`);
  }

  // Ending.

  #abort(details: string): void {
    this.#aborted = true;
    this.downstream.close(CloseType.NoFlush, details);
  }

  /** There is too much to do to go on with this connection. */
  #shed(): void {
    this.#stats.downstreamCxOverloadClose.inc();
    this.info.setFlag(ResponseFlag.OverloadManager);
    this.#abort("");
  }

  #closeUpstream(by: PeerType): void {
    const upstream = this.#upstream;
    if (upstream === null) return;
    if (this.#aborted) return upstream.close(CloseType.NoFlush, "");
    if (by === PeerType.Remote && this.downstream.wasReset === true) return upstream.close(CloseType.AbortReset, "");
    if (upstream.queuedBytes > 0) {
      // What the client sent still goes to the upstream, within the idle timeout.
      this.#stats.upstreamFlushTotal.inc();
      this.#stats.upstreamFlushActive.inc();
      upstream.setHandler(new Drainer(this.#stats));
    }
    upstream.close(CloseType.FlushWrite, "");
  }

  #onIdle(): void {
    this.#stats.idleTimeout.inc();
    this.#abort("tcp_session_idle_timeout");
  }

  #armDuration(): void {
    const { maxDownstreamConnectionDurationMs: limitMs, durationJitterPercent } = this.#options.plan;
    if (limitMs === 0) return;
    this.#durationTimer = this.#clock.createTimer(() => {
      this.info.setFlag(ResponseFlag.DurationTimeout);
      this.#stats.maxDownstreamConnectionDuration.inc();
      this.#abort("max_connection_duration_reached");
    });
    const jitter = durationJitterPercent === 0 ? 0 : this.#options.random.fraction() * durationJitterPercent / 100;
    this.#durationTimer.enable(limitMs * (1 + jitter));
  }

  #armLogTimer(): void {
    const { logIntervalMs } = this.#options.plan;
    if (logIntervalMs === 0) return;
    const timer = this.#clock.createTimer(() => {
      this.#log("TcpPeriodic");
      timer.enable(logIntervalMs);
    });
    this.#logTimer = timer;
    timer.enable(logIntervalMs);
  }

  #log(type: AccessLogType): void {
    for (const log of this.#options.accessLogs) log.log(this.info, type);
  }
}

/** The upstream connection's events. */
class Upstream implements ConnectionHandler {
  readonly #proxy: TcpProxy;

  constructor(proxy: TcpProxy) {
    this.#proxy = proxy;
  }

  onData(bytes: Uint8Array): void {
    this.#proxy.onUpstreamData(bytes);
  }

  onEnd(): void {
    this.#proxy.onUpstreamEnd();
  }

  onClose(by: PeerType): void {
    this.#proxy.onUpstreamClose(by);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#proxy.onUpstreamAboveHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#proxy.onUpstreamBelowLowWatermark();
  }
}

/** An upstream connection that outlives its client until it has everything. @see Envoy: TcpProxy::Drainer */
class Drainer implements ConnectionHandler {
  readonly #stats: TcpProxyStats;

  constructor(stats: TcpProxyStats) {
    this.#stats = stats;
  }

  onData(): void {}
  onEnd(): void {}
  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  onClose(): void {
    this.#stats.upstreamFlushActive.dec();
  }
}

function upstreamInfo(clusterName: string, host: TcpHostInfo, transportFailureReason: string): UpstreamInfo {
  return {
    clusterName,
    host: host.address,
    hostName: host.hostName,
    hostMetadata: host.metadata ?? null,
    clusterMetadata: host.clusterMetadata ?? null,
    ...(host.locality === undefined ? {} : { locality: host.locality }),
    ...(host.localityMetadata === undefined ? {} : { localityMetadata: host.localityMetadata }),
    localAddress: null,
    connection: null,
    transportFailureReason,
    requestCount: 0,
    endpointCount: 0,
    poolReadyMs: -1,
    firstByteSentMs: -1,
    lastByteSentMs: -1,
    firstByteReceivedMs: -1,
    lastByteReceivedMs: -1,
  };
}
