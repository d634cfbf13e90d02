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
import type { Connection, ConnectionHandler } from "../../../../net/connection_port.ts";
import type { OverloadSignal } from "../../../../net/overload.ts";
import { CloseType, PeerType } from "../../../../net/filter.ts";
import type { TerminalContext, TerminalFilterFactory } from "../../../../net/network_chain.ts";
import type { AccessLogType } from "../../../../observe/formatter.ts";
import { ResponseFlag, type StreamInfo } from "../../../../observe/stream_info.ts";
import type { TcpFlowControl } from "./cluster_port.ts";
import { Connecting, type ConnectingCallbacks, type ConnectingOptions, ownText } from "./connecting.ts";
import type { TcpProxyStats } from "./stats.ts";

/** Writes access log lines. */
export interface TcpAccessLogPort {
  log(info: StreamInfo, type: AccessLogType): void;
}

export interface TcpProxyOptions extends ConnectingOptions {
  readonly accessLogs: readonly TcpAccessLogPort[];
  /** Connections that are not made under overload, and those that end when bytes come; absent or null: none. */
  readonly shedsConnect?: OverloadSignal | null;
  readonly shedsData?: OverloadSignal | null;
}

/** The terminal filter of a chain; the chain is given `halfClose: true`. */
export function createTcpProxy(options: TcpProxyOptions): TerminalFilterFactory {
  return (connection, context) => new TcpProxy(connection, context, options).start();
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const IDLE_TIMEOUT_STATE = "envoy.tcp_proxy.per_connection_idle_timeout_ms";

class TcpProxy implements ConnectionHandler, ConnectingCallbacks {
  readonly downstream: Connection;
  readonly context: TerminalContext;
  readonly info: StreamInfo;
  readonly #options: TcpProxyOptions;
  readonly #clock: Clock;
  readonly #stats: TcpProxyStats;
  readonly #connecting: Connecting;
  readonly #idleTimeoutMs: number;
  readonly #idleTimer: Timer | null;
  /** Somebody else counts the bytes. */
  readonly #isCounted: boolean;
  #durationTimer: Timer | null = null;
  #logTimer: Timer | null = null;
  #upstream: Connection | null = null;
  #flowControl: TcpFlowControl | null = null;
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
    this.#connecting = new Connecting(this.info, this.#clock, options, this);
    this.#idleTimeoutMs = ownIdleTimeoutMs(this.info) ?? options.plan.idleTimeoutMs;
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
    this.#connecting.start();
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
    this.#connecting.cancel();
    this.#idleTimer?.disable();
    this.#durationTimer?.disable();
    this.#logTimer?.disable();
    if (this.#upstream !== null) this.context.notifyUpstreamClose(PeerType.Local);
    this.#closeUpstream(by);
    this.info.endMs = this.#clock.nowMs();
    this.#log("TcpConnectionEnd");
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#upstream?.readDisable(true);
    this.#flowControl?.pausedReading.inc();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#upstream?.readDisable(false);
    this.#flowControl?.resumedReading.inc();
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
    this.#flowControl!.backedUp.inc();
  }

  onUpstreamBelowLowWatermark(): void {
    this.downstream.readDisable(false);
    this.#stats.downstreamFlowControlResumedReading.inc();
    this.#flowControl!.drained.inc();
  }

  // From what connects.

  mayConnect(): boolean {
    if (this.#options.shedsConnect?.fires() !== true) return true;
    this.#shed();
    return false;
  }

  onConnected(upstream: Connection, flowControl: TcpFlowControl): void {
    this.#upstream = upstream;
    this.#flowControl = flowControl;
    upstream.enableHalfClose(true);
    upstream.setDelayedCloseTimeoutMs?.(this.#idleTimeoutMs);
    upstream.setHandler(new Upstream(this));
    this.#idleTimer?.enable(this.#idleTimeoutMs);
    this.#armLogTimer();
    if (this.#options.plan.logOnConnected) this.#log("TcpUpstreamConnected");
    this.downstream.readDisable(false);
  }

  onGivenUp(details: string): void {
    this.#abort(details);
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

function ownIdleTimeoutMs(info: StreamInfo): number | null {
  const text = ownText(info, IDLE_TIMEOUT_STATE);
  return text === null ? null : Math.min(Number(text), MAX_TIMEOUT_MS);
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
