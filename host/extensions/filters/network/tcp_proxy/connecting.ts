// host/extensions/filters/network/tcp_proxy/connecting.ts: gets a connection to an upstream, with one try or several.
/**
 * What a filter before has left in the filter state takes precedence over the plan.
 *
 * @see Envoy: source/common/tcp_proxy/tcp_proxy.cc
 * @module
 */
import { latin1Slice } from "../../../../base/bytes.ts";
import type { Clock, Timer } from "../../../../base/clock.ts";
import type { Random } from "../../../../base/random.ts";
import type { Connection } from "../../../../net/connection_port.ts";
import { ResponseFlag, type StreamInfo, type UpstreamInfo } from "../../../../observe/stream_info.ts";
import type { TcpClusterPort, TcpConnectFailure, TcpConnectHandle, TcpFlowControl } from "./cluster_port.ts";
import type { TcpProxyPlan, WeightedClusterPlan } from "./plan.ts";
import type { TcpProxyStats } from "./stats.ts";

const CLUSTER_STATE = "envoy.tcp_proxy.cluster";

/** Envoy's numbers in `tcp_initializion_failure:<n>` (its spelling). */
const InitFailure = { ConnectFailed: 0, NoHealthyUpstream: 1, ResourceLimitExceeded: 2, NoRoute: 3 } as const;

export interface ConnectingOptions {
  readonly plan: TcpProxyPlan;
  readonly clusters: TcpClusterPort;
  readonly random: Random;
  readonly stats: TcpProxyStats;
}

export interface ConnectingCallbacks {
  /** Before every try: false ends it. */
  mayConnect(): boolean;
  /** The facts of the stream have the upstream. */
  onConnected(connection: Connection, flowControl: TcpFlowControl): void;
  /** No try is left; the facts of the stream say why. */
  onGivenUp(details: string): void;
}

export class Connecting {
  readonly #info: StreamInfo;
  readonly #clock: Clock;
  readonly #options: ConnectingOptions;
  readonly #callbacks: ConnectingCallbacks;
  #handle: TcpConnectHandle | null = null;
  #backoffTimer: Timer | null = null;
  #attempts = 0;
  #cancelled = false;

  constructor(info: StreamInfo, clock: Clock, options: ConnectingOptions, callbacks: ConnectingCallbacks) {
    this.#info = info;
    this.#clock = clock;
    this.#options = options;
    this.#callbacks = callbacks;
  }

  /** No callback comes any more. */
  cancel(): void {
    this.#cancelled = true;
    this.#handle?.cancel();
    this.#handle = null;
    this.#backoffTimer?.disable();
  }

  start(): void {
    this.#connect();
  }

  #connect(): void {
    if (this.#cancelled || !this.#callbacks.mayConnect()) return;
    const { plan, clusters } = this.#options;
    const { name: clusterName, metadataMatch } = this.#pickCluster();
    if (this.#attempts >= plan.maxConnectAttempts) {
      this.#info.setFlag(ResponseFlag.UpstreamRetryLimitExceeded);
      clusters.onConnectAttemptsExceeded?.(clusterName);
      return this.#giveUp(InitFailure.ConnectFailed);
    }
    this.#attempts++;
    this.#info.clusterName = clusterName;
    let settled = false;
    const context = {
      info: this.#info,
      hashInput: this.#hashInput(),
      ...(metadataMatch !== undefined && { metadataMatch }),
    };
    const handle = clusters.connect(clusterName, context, {
      onConnected: (connection, upstream, flowControl) => {
        settled = true;
        this.#handle = null;
        this.#onConnected(connection, upstream, flowControl);
      },
      onFailure: (reason, details, upstream) => {
        settled = true;
        this.#handle = null;
        this.#onFailure(reason, details, upstream);
      },
    });
    if (!settled) this.#handle = handle;
  }

  #pickCluster(): Omit<WeightedClusterPlan, "weight"> {
    const own = ownText(this.#info, CLUSTER_STATE);
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

  #hashInput(): string | null {
    const policy = this.#options.plan.hashPolicy;
    if (policy === null) return null;
    if (policy.kind === "source_ip") return this.#info.connection.directRemoteAddress.address || null;
    return ownText(this.#info, policy.key);
  }

  #onConnected(connection: Connection, upstream: UpstreamInfo, flowControl: TcpFlowControl): void {
    const info = this.#info;
    info.attemptCount = this.#attempts;
    info.upstream = upstream;
    upstream.localAddress = connection.info.localAddress;
    upstream.connection = connection.info;
    upstream.poolReadyMs = this.#clock.nowMs();
    this.#callbacks.onConnected(connection, flowControl);
  }

  #onFailure(reason: TcpConnectFailure, details: string, upstream: UpstreamInfo | null): void {
    if (this.#cancelled) return;
    if (upstream !== null) this.#note(upstream, details);
    switch (reason) {
      case "no_cluster":
        this.#options.stats.downstreamCxNoRoute.inc();
        this.#info.clusterName = "";
        this.#info.setFlag(ResponseFlag.NoClusterFound);
        return this.#giveUp(InitFailure.NoRoute);
      case "no_healthy_upstream":
        this.#info.setFlag(ResponseFlag.NoHealthyUpstream);
        return this.#giveUp(InitFailure.NoHealthyUpstream);
      case "overflow":
        this.#info.setFlag(ResponseFlag.UpstreamOverflow);
        return this.#giveUp(InitFailure.ResourceLimitExceeded);
      case "remote":
      case "timeout":
        this.#info.attemptCount = this.#attempts;
        this.#info.setFlag(ResponseFlag.UpstreamConnectionFailure);
        break;
      case "local":
        this.#info.attemptCount = this.#attempts;
        break;
    }
    this.#retry();
  }

  /** Where there is no host, what is known of the attempt before stays. */
  #note(upstream: UpstreamInfo, details: string): void {
    upstream.transportFailureReason = details;
    if (upstream.host !== null || this.#info.upstream === null) this.#info.upstream = upstream;
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
    this.#callbacks.onGivenUp(`tcp_initializion_failure:${failure}`);
  }
}

/** What a filter before has left. */
export function ownText(info: StreamInfo, name: string): string | null {
  const state = info.findFilterState(name);
  return state === null ? null : latin1Slice(state.value, 0, state.value.length);
}
