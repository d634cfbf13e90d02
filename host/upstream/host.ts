// host/upstream/host.ts: one upstream endpoint.
// hot: counters of every request; see bench/micro/pool.bench.ts
/**
 * A host is an address with a weight, a locality, a state of health, numbers of its own and the pools that
 * connect to it. It lives as long as its address is in the cluster; what hangs on a host survives an update
 * that keeps it.
 *
 * @see Envoy: source/common/upstream/upstream_impl.h HostImpl
 * @module
 */
import { type FilterMetadata, filterMetadata, type SocketAddress } from "../observe/stream_info.ts";
import type { ResourcePriority } from "./circuit_breaker.ts";
import type { OutlierMonitor } from "./outlier/monitor.ts";
import type { HostPolicyData } from "./lb/host_data.ts";
import { ipAddress, pipeAddress } from "../net/address.ts";
import type { ClusterPlan, EndpointHealth, EndpointHealthCheckPlan, LocalityPlan } from "./plan.ts";
import type { ClusterStats } from "./stats.ts";

/** Why a host is not healthy; bits. @see Envoy: envoy/upstream/upstream.h HEALTH_FLAG_ENUM_VALUES */
export const HealthFlag = {
  FailedActiveHc: 0x1,
  FailedOutlierCheck: 0x2,
  FailedEdsHealth: 0x4,
  DegradedActiveHc: 0x8,
  DegradedEdsHealth: 0x10,
  PendingDynamicRemoval: 0x20,
  PendingActiveHc: 0x40,
  ExcludedViaImmediateHcFail: 0x80,
  ActiveHcTimeout: 0x100,
  EdsStatusDraining: 0x200,
  DegradedOutlierDetection: 0x400,
} as const;
export type HealthFlag = (typeof HealthFlag)[keyof typeof HealthFlag];

const UNHEALTHY: number = HealthFlag.FailedActiveHc | HealthFlag.FailedOutlierCheck | HealthFlag.FailedEdsHealth |
  HealthFlag.EdsStatusDraining;
const EXCLUDED: number = HealthFlag.PendingActiveHc | HealthFlag.ExcludedViaImmediateHcFail |
  HealthFlag.EdsStatusDraining;
const DEGRADED: number = HealthFlag.DegradedActiveHc | HealthFlag.DegradedEdsHealth |
  HealthFlag.DegradedOutlierDetection;

/** Names as `/clusters` prints them, in its order. */
const HEALTH_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [HealthFlag.FailedActiveHc, "failed_active_hc"],
  [HealthFlag.FailedOutlierCheck, "failed_outlier_check"],
  [HealthFlag.FailedEdsHealth, "failed_eds_health"],
  [HealthFlag.DegradedActiveHc, "degraded_active_hc"],
  [HealthFlag.DegradedEdsHealth, "degraded_eds_health"],
  [HealthFlag.PendingDynamicRemoval, "pending_dynamic_removal"],
  [HealthFlag.PendingActiveHc, "pending_active_hc"],
  [HealthFlag.ExcludedViaImmediateHcFail, "excluded_via_immediate_hc_fail"],
  [HealthFlag.ActiveHcTimeout, "active_hc_timeout"],
  [HealthFlag.EdsStatusDraining, "eds_status_draining"],
  [HealthFlag.DegradedOutlierDetection, "degraded_outlier_detection"],
];

/** What load balancers want to know. */
export type CoarseHealth = "healthy" | "degraded" | "unhealthy";

/** What is common to all pools of a host. */
export interface HostPool {
  /** True when nothing is open and nobody waits. */
  readonly idle: boolean;
  /** Streams that there could be more of, on connections that are open or on the way. */
  readonly room: number;
  /** Closes connections as they become free; `onIdle` comes once nothing is left. */
  drain(onIdle: () => void): void;
  /** Ends everything at once: connections are cut, those who wait fail. */
  close(): void;
}

/** Who checks a host. @see Envoy: envoy/upstream/health_check_host_monitor.h */
export interface HealthMonitor {
  /** A response to a request said that the host is not to be asked any more. */
  setUnhealthy(host: Host): void;
}

/** The cluster that a host belongs to, for another one that chose it. */
export interface HostOwner {
  readonly plan: ClusterPlan;
  readonly stats: ClusterStats;
  httpPool(host: Host, priority: ResourcePriority, downstream: string, connectionId: number): HostPool;
  canUseHttpPool(host: Host, priority: ResourcePriority, downstream: string, connectionId: number): boolean;
  tcpPool(host: Host, priority: ResourcePriority): HostPool;
}

export interface HostOptions {
  /** What tells the host from the others of its cluster, on all workers; its priority and address by default. */
  readonly key?: string;
  readonly owner?: HostOwner;
  readonly address: SocketAddress;
  readonly additionalAddresses?: readonly SocketAddress[];
  /** The DNS name that the address comes from, or the endpoint's `hostname`. */
  readonly hostname: string;
  readonly locality: LocalityPlan;
  readonly weight: number;
  readonly priority: number;
  readonly health: EndpointHealth;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly localityMetadata?: Readonly<Record<string, unknown>>;
  readonly healthCheck?: EndpointHealthCheckPlan;
}

export class Host {
  /** Whose pools, limits and numbers count, also when another cluster chose the host. Null for one on its own. */
  readonly owner: HostOwner | null;
  readonly key: string;
  /** Where new connections go. Changes only in a LOGICAL_DNS cluster. */
  address: SocketAddress;
  /** Where it can be reached, too. */
  additionalAddresses: readonly SocketAddress[];
  readonly hostname: string;
  readonly locality: LocalityPlan;
  readonly priority: number;
  weight: number;
  readonly localityMetadata: FilterMetadata;
  #metadata: Readonly<Record<string, unknown>>;
  #filterMetadata: FilterMetadata | null = null;
  readonly canary: boolean;

  cxTotal = 0;
  cxActive = 0;
  cxConnectFail = 0;
  /** Requests given to a connection. */
  rqTotal = 0;
  rqActive = 0;
  rqPendingActive = 0;
  /** Counted by the router: 5xx and resets, other responses, timeouts. */
  rqError = 0;
  rqSuccess = 0;
  rqTimeout = 0;

  /**
   * Pools by `ResourcePriority`, those of HTTP/2 behind those of HTTP/1; the cluster makes them when they are first
   * needed, and knows what they are.
   */
  readonly httpPools: [HostPool | null, HostPool | null, HostPool | null, HostPool | null] = [null, null, null, null];
  /** Those of clients' connections that have pools of their own; null until there is one. */
  downstreamPools: Map<number, HostPool> | null = null;
  readonly tcpPools: [HostPool | null, HostPool | null] = [null, null];

  /** Told when the host says that it is not to be asked; null where nobody checks it. */
  healthMonitor: HealthMonitor | null = null;
  /** Told of what becomes of attempts; null in a cluster without outlier detection. */
  outlierMonitor: OutlierMonitor<Host> | null = null;
  /** Of the load balancing policy, where it goes by what becomes of attempts. */
  policyData: HostPolicyData | null = null;

  /**
   * When it became healthy: set by whoever checks health, or else by load balancers for which it matters; -1 when
   * nobody has said so.
   */
  healthySinceMs = -1;
  readonly #healthCheck: EndpointHealthCheckPlan | null;
  #healthFlags = 0;
  #configuredHealth: EndpointHealth = "UNKNOWN";

  constructor(options: HostOptions) {
    this.owner = options.owner ?? null;
    this.key = options.key ?? `${options.priority} ${options.address.text}`;
    this.address = options.address;
    this.additionalAddresses = options.additionalAddresses ?? [];
    this.hostname = options.hostname;
    this.locality = options.locality;
    this.weight = options.weight;
    this.priority = options.priority;
    this.#metadata = options.metadata;
    this.localityMetadata = filterMetadata(options.localityMetadata);
    this.canary = this.lbMetadata["canary"] === true;
    this.#healthCheck = options.healthCheck ?? null;
    this.setConfiguredHealth(options.health);
  }

  /** Where checks go. */
  get healthCheckAddress(): SocketAddress {
    const check = this.#healthCheck;
    if (check === null) return this.address;
    if (check.address !== "" && check.port === 0) return pipeAddress(check.address);
    return check.port === 0 ? this.address : ipAddress(check.address || this.address.address, check.port);
  }

  /** The host name to check with; "" for that of the check. */
  get healthCheckHostname(): string {
    return this.#healthCheck?.hostname ?? "";
  }

  get activeHealthCheckDisabled(): boolean {
    return this.#healthCheck?.disabled ?? false;
  }

  /** True while a pool has a connection, or somebody waits for one. */
  get inUse(): boolean {
    return this.allPools.some((pool) => !pool.idle);
  }

  get allHttpPools(): HostPool[] {
    const pools = this.httpPools.filter((pool) => pool !== null);
    return this.downstreamPools === null ? pools : [...pools, ...this.downstreamPools.values()];
  }

  get allPools(): HostPool[] {
    return [...this.allHttpPools, ...this.tcpPools.filter((pool) => pool !== null)];
  }

  /** Streams that there could be more of: of all pools, without a list of them. */
  get room(): number {
    let room = 0;
    for (const pool of this.httpPools) if (pool !== null) room += pool.room;
    for (const pool of this.tcpPools) if (pool !== null) room += pool.room;
    if (this.downstreamPools !== null) { for (const pool of this.downstreamPools.values()) room += pool.room; }
    return room;
  }

  /** Whoever asks for a pool from now on gets another one. */
  forgetPools(): void {
    this.httpPools.fill(null);
    this.downstreamPools = null;
    this.tcpPools.fill(null);
  }

  get metadata(): Readonly<Record<string, unknown>> {
    return this.#metadata;
  }

  set metadata(metadata: Readonly<Record<string, unknown>>) {
    if (metadata !== this.#metadata) this.#filterMetadata = null;
    this.#metadata = metadata;
  }

  /** What of it is for load balancers: the namespace `envoy.lb`. */
  get lbMetadata(): Readonly<Record<string, unknown>> {
    const lb = this.#metadata["envoy.lb"];
    return typeof lb === "object" && lb !== null ? lb as Record<string, unknown> : {};
  }

  /** The same as streams refer to it. */
  get filterMetadata(): FilterMetadata {
    return this.#filterMetadata ??= filterMetadata(this.#metadata);
  }

  get healthFlags(): number {
    return this.#healthFlags;
  }

  /**
   * Sets or clears a flag; true when that changed something. The host set has to be told (`ClusterHealth.set` does).
   */
  setHealthFlag(flag: HealthFlag, on: boolean): boolean {
    const before = this.#healthFlags;
    this.#healthFlags = on ? before | flag : before & ~flag;
    return this.#healthFlags !== before;
  }

  /** Takes over the health that configuration states; true when that changed something. */
  setConfiguredHealth(health: EndpointHealth): boolean {
    const before = this.#healthFlags;
    this.#configuredHealth = health;
    this.setHealthFlag(HealthFlag.FailedEdsHealth, health === "UNHEALTHY" || health === "TIMEOUT");
    this.setHealthFlag(HealthFlag.EdsStatusDraining, health === "DRAINING");
    this.setHealthFlag(HealthFlag.DegradedEdsHealth, health === "DEGRADED");
    return this.#healthFlags !== before;
  }

  /** What is found out comes before what is configured, and what is bad before what is not. */
  get healthStatus(): EndpointHealth {
    const flags = this.#healthFlags, configured = this.#configuredHealth;
    if ((flags & (HealthFlag.FailedActiveHc | HealthFlag.FailedOutlierCheck)) !== 0) return "UNHEALTHY";
    if (configured === "UNHEALTHY" || configured === "DRAINING" || configured === "TIMEOUT") return configured;
    return (flags & HealthFlag.DegradedActiveHc) !== 0 ? "DEGRADED" : configured;
  }

  get coarseHealth(): CoarseHealth {
    if ((this.#healthFlags & UNHEALTHY) !== 0) return "unhealthy";
    return (this.#healthFlags & DEGRADED) !== 0 ? "degraded" : "healthy";
  }

  /** True for a host that counts neither as healthy nor as unhealthy. */
  get excluded(): boolean {
    return (this.#healthFlags & EXCLUDED) !== 0;
  }

  /** As `/clusters` prints it: `healthy`, or `/failed_active_hc` and the like. */
  get healthFlagsText(): string {
    if (this.#healthFlags === 0) return "healthy";
    let text = "";
    for (const [flag, name] of HEALTH_FLAG_NAMES) if ((this.#healthFlags & flag) !== 0) text += "/" + name;
    return text;
  }
}
