// host/upstream/cluster.ts: a cluster on one worker: hosts, load balancer, circuit breakers, pools.
// hot: chooseHost and httpPool run per request; see bench/micro/pool.bench.ts
/**
 * @see Envoy: source/common/upstream/upstream_impl.cc, cluster_manager_impl.cc ThreadLocalClusterManagerImpl
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type Live, NO_RUNTIME, type Runtime, RuntimeValue } from "../base/runtime.ts";
import type { ConfiguredFilter } from "../http/conn_manager/conn_manager_config.ts";
import type { OverrideHost } from "../http/filter.ts";
import type { CompileFormat } from "../http/header_ops.ts";
import { HashPolicy } from "../http/hash_policy.ts";
import { compileStatsMatcher } from "../matching/stats_matcher.ts";
import { MatchedScope } from "../observe/matched_scope.ts";
import { type FilterMetadata, filterMetadata } from "../observe/stream_info.ts";
import { LocalCount, ResourcePriority } from "./circuit_breaker.ts";
import { createResourceManagers, type ResourceManager } from "./resource_manager.ts";
import type { Dialer } from "./conn_pool/dialer.ts";
import { type ClusterEnvironment, loneFinder } from "./cluster_environment.ts";
import { createDiscovery, createProvidingDiscovery } from "./discovery/create.ts";
import type { ClusterFinder, Discovery, DiscoveryContext } from "./discovery/discovery.ts";
import { ActiveChecks } from "./health/active_checks.ts";
import { CheckConnection } from "./health/check_connection.ts";
import { ClusterHealth } from "./health/cluster_health.ts";
import { HostHealthExchange } from "./health/exchange.ts";
import { HealthFlag, type Host, type HostPool } from "./host.ts";
import type { HttpPool } from "./conn_pool/http_pool.ts";
import { HttpPools } from "./conn_pool/http_pools.ts";
import type { LoadBalancerContext } from "./lb/context.ts";
import { createBalancer } from "./lb/create_balancer.ts";
import type { ClusterBalancer } from "./lb/picker.ts";
import { Membership } from "./membership.ts";
import { liveOutlierDetection } from "./outlier/runtime.ts";
import { ClusterOutliers } from "./outlier/cluster_outliers.ts";
import type { ClusterPlan, DropOverloadPlan, EndpointsPlan } from "./plan.ts";
import type { PoolCluster } from "./conn_pool/pool.ts";
import { Preconnect } from "./conn_pool/preconnect.ts";
import { PrioritySet } from "./priority.ts";
import { MirrorPolicy } from "./mirror_policy.ts";
import { RetryPolicy } from "./retry_policy.ts";
import { ClusterStats } from "./stats.ts";
import { TcpPool } from "./conn_pool/tcp_pool.ts";
import { Traffic } from "./traffic.ts";

const asWritten: CompileFormat = (text) => ({ format: () => text });
const ownCells = (_name: string, count: number): Int32Array => new Int32Array(count);
/** What a worker shares with others about hosts that it alone has found. */
const NOTHING_SHARED: Pick<ClusterEnvironment, "primary" | "hostHealth" | "names" | "createCells"> = {};

export class Cluster implements PoolCluster {
  readonly plan: ClusterPlan;
  readonly metadata: FilterMetadata;
  /** In place of the route's; null leaves that. */
  readonly retryPolicy: RetryPolicy | null;
  /** In place of the route's; null leaves that. */
  readonly hashPolicy: HashPolicy | null;
  /** In place of the route's; empty leaves those. */
  readonly mirrorPolicies: readonly MirrorPolicy[];
  readonly stats: ClusterStats;
  readonly resources: readonly [ResourceManager, ResourceManager];
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly shedsConnections: () => boolean;
  readonly runtime: Runtime;
  /** Percent of healthy hosts below which all hosts are used. */
  readonly panicThreshold: Live<number>;
  readonly priorities: PrioritySet;
  /** Null when nobody watches what becomes of requests. */
  readonly outliers: ClusterOutliers | null;
  readonly preconnect: Preconnect | null;
  #traffic: Traffic | null = null;
  readonly #httpPools: HttpPools;
  readonly balancer: ClusterBalancer;
  readonly #discovery: Discovery;
  #dropOverload: DropOverloadPlan | null;
  /** Percent of the requests that are turned away. */
  readonly #maintenance: Live<number>;
  /** Pools of hosts that are gone, which still have something open. */
  readonly #draining = new Set<HostPool>();
  #onDrained: (() => void) | null = null;
  #ready = false;
  #health: ClusterHealth | null = null;
  readonly #createHealth: () => ClusterHealth;
  readonly #members: Membership;
  /** Null when nobody is to check the hosts, or another worker does. */
  readonly #checks: ActiveChecks | null;
  readonly #createHttpFilters: () => readonly ConfiguredFilter[] | null;
  #httpFilters: readonly ConfiguredFilter[] | null | undefined = undefined;

  constructor(plan: ClusterPlan, environment: ClusterEnvironment, clusters: ClusterFinder | null = null) {
    const all = environment.stats.scope("cluster").scope(plan.statName);
    const scope = plan.statsMatcher === null ? all : new MatchedScope(all, compileStatsMatcher(plan.statsMatcher));
    const { clock, random, createCount, createClientCodec, ownLocality = null, local = null } = environment;
    const { runtime = NO_RUNTIME, compileFormat = asWritten } = environment;
    const { primary = true, hostHealth, names = null, createCells = ownCells } = plan.hostsPerWorker === true
      ? NOTHING_SHARED
      : environment;
    this.plan = plan;
    this.#dropOverload = plan.dropOverload;
    this.metadata = filterMetadata(plan.metadata);
    const { retryPolicy, hashPolicies, mirrorPolicies } = plan.http;
    this.retryPolicy = retryPolicy === null ? null : new RetryPolicy(retryPolicy);
    this.mirrorPolicies = mirrorPolicies.map((each) => new MirrorPolicy(each, compileFormat, runtime));
    this.hashPolicy = hashPolicies.length === 0 ? null : new HashPolicy(hashPolicies);
    this.clock = clock;
    this.random = random;
    this.runtime = runtime;
    this.dialer = environment.dialer;
    this.shedsConnections = environment.shedsConnections ?? (() => false);
    this.#httpPools = new HttpPools(this, createClientCodec);
    this.#createHttpFilters = () => {
      const { filters } = plan.http;
      return filters.length === 0 ? null : environment.createHttpFilters?.(filters, scope) ?? null;
    };
    this.stats = new ClusterStats(scope, primary, ownLocality?.zone, plan.trackedStats);
    this.resources = createResourceManagers(plan.circuitBreakers, plan.name, scope, {
      clock,
      runtime,
      createCount: (resource) => createCount === undefined ? new LocalCount() : createCount(plan.name, resource),
    });
    this.panicThreshold = new RuntimeValue(
      runtime,
      (now) => Math.min(100, now.integer("upstream.healthy_panic_threshold", plan.loadBalancing.panicThresholdPercent)),
    );
    this.#maintenance = new RuntimeValue(runtime, (now) => now.integer(`upstream.maintenance_mode.${plan.name}`, 0));
    this.priorities = new PrioritySet(plan.overprovisioningFactor, this.panicThreshold, plan.weightedPriorityHealth);
    this.priorities.onMemberUpdate((added, removed) => {
      for (const host of removed) this.#drainHost(host);
      if (plan.closeConnectionsOnHostSetChange && added.length + removed.length > 0) this.#renewPools();
    });
    this.#createHealth = () => {
      const exchange = hostHealth ?? new HostHealthExchange(clock, null);
      return new ClusterHealth(plan, this.priorities, this.stats, exchange, primary, clock);
    };
    const { outlierDetection } = plan;
    this.outliers = outlierDetection === null ? null : new ClusterOutliers({
      clusterName: plan.name,
      plan: liveOutlierDetection(outlierDetection, runtime),
      errorMatcher: plan.http.errorMatcher,
      clock,
      random,
      stats: scope,
      priorities: this.priorities,
      health: this.health,
      onEjected: (host) => this.onHostHealthFailure(host),
      primary,
      createCells,
      writeEvent: environment.writeOutlierEvent ?? null,
    });
    this.#members = new Membership(this, ownLocality);
    this.#checks = this.#createChecks(environment, primary);
    const context: DiscoveryContext = {
      plan,
      clock,
      random,
      stats: this.stats,
      dns: environment.dns.get(plan.dns.resolver),
      names,
      members: this.#members,
      priorities: this.priorities,
      clusters: clusters ?? loneFinder(environment),
      setDropOverload: (drop) => {
        this.#dropOverload = drop;
      },
    };
    const { provided, loadBalancing } = plan;
    if (loadBalancing.policy === "CLUSTER_PROVIDED") {
      this.#discovery = this.balancer = createProvidingDiscovery(context, provided!);
    } else {
      this.#discovery = createDiscovery(context);
      this.balancer = createBalancer(loadBalancing, {
        clusterName: plan.name,
        priorities: this.priorities,
        clock,
        random,
        runtime,
        stats: this.stats.loadBalancer,
        local: local?.name === plan.name ? null : local,
        scope,
        countTraffic: () => this.#countTraffic(),
        connectForReports: (host, address, callbacks) =>
          new CheckConnection({ cluster: this, createClientCodec }, host, "HTTP/2", callbacks, address),
      });
    }
    this.preconnect = plan.preconnect === null
      ? null
      : new Preconnect(plan.preconnect, this.balancer, this.priorities, this.stats, this.#countTraffic());
  }

  get traffic(): Traffic | null {
    return this.#traffic;
  }

  #countTraffic(): Traffic {
    return this.#traffic ??= new Traffic();
  }

  get name(): string {
    return this.plan.name;
  }

  /** Hosts, healthy or not. */
  get endpointCount(): number {
    let count = 0;
    for (const set of this.priorities.hostSets) count += set.hosts.length;
    return count;
  }

  /** True once the first attempt to find hosts ended, and those that it found were checked. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Begins to look for hosts. */
  start(onReady: () => void): void {
    const end = (): void => {
      this.#ready = true;
      onReady();
    };
    this.#discovery.start(() => {
      if (this.plan.health.checks.length === 0 || this.health.checked) end();
      else if (this.#checks !== null) this.#checks.whenChecked(end);
      else this.health.whenChecked(end);
    });
  }

  /** Takes another list of endpoints, in a cluster that has them from elsewhere. */
  updateEndpoints(endpoints: EndpointsPlan): void {
    this.#discovery.updateEndpoints?.(endpoints);
  }

  /** Whether a request is turned away because somebody said so, for a while. */
  isInMaintenance(): boolean {
    const percent = this.#maintenance.current;
    return percent !== 0 && this.random.uint32() % 100 < percent;
  }

  /** Whether a request is turned away, to keep the hosts from more than they can carry. */
  dropsRequest(): "no" | "by chance" | "always" {
    const drop = this.#dropOverload;
    if (drop === null) return "no";
    if (drop.fraction >= 1) return "always";
    return this.random.fraction() < drop.fraction ? "by chance" : "no";
  }

  /** Where it is said whether hosts are healthy. Made for whoever says it. */
  get health(): ClusterHealth {
    return this.#health ??= this.#createHealth();
  }

  /** The filters of every request to this cluster; null for none. Made at the first one. */
  get httpFilters(): readonly ConfiguredFilter[] | null {
    return this.#httpFilters === undefined ? this.#httpFilters = this.#createHttpFilters() : this.#httpFilters;
  }

  /** Whoever asks for a host gives a context, even when he has nothing special to say. */
  get asksContext(): boolean {
    return this.balancer.asksContext ?? false;
  }

  /** A host for a request; null when there is none (`no healthy upstream`). */
  chooseHost(context: LoadBalancerContext | null): Host | null {
    const wanted = context === null ? null : context.overrideHost();
    const host = wanted === null ? this.balancer.chooseHost(context) : this.#chooseOverridden(wanted, context);
    if (host === null) this.stats.upstreamCxNoneHealthy.inc();
    return host;
  }

  #chooseOverridden(wanted: OverrideHost, context: LoadBalancerContext | null): Host | null {
    const host = this.priorities.hostAt(wanted.address);
    if (host !== null && this.plan.overrideHostStatuses.includes(host.healthStatus)) return host;
    return wanted.strict ? null : this.balancer.chooseHost(context);
  }

  /**
   * The pool of HTTP connections to a host. `downstream` is what the client of the request speaks, and
   * `connectionId` the connection that it came on, if it has one (-1).
   */
  httpPool(host: Host, priority: ResourcePriority, downstream = "", connectionId = -1): HttpPool {
    const { owner } = host;
    if (owner !== this && owner !== null) return owner.httpPool(host, priority, downstream, connectionId) as HttpPool;
    return this.#httpPools.get(host, priority, downstream, connectionId);
  }

  /** False when that pool would be one more than the cluster may use; that is counted. */
  canUseHttpPool(host: Host, priority: ResourcePriority, downstream: string, connectionId: number): boolean {
    const owner = host.owner ?? this;
    if (owner !== this) return owner.canUseHttpPool(host, priority, downstream, connectionId);
    return this.#httpPools.canUse(host, priority, downstream, connectionId);
  }

  tcpPool(host: Host, priority: ResourcePriority): TcpPool {
    const { owner } = host;
    if (owner !== this && owner !== null) return owner.tcpPool(host, priority) as TcpPool;
    const pool = host.tcpPools[priority] ??= new TcpPool(host, this, priority);
    return pool as TcpPool;
  }

  /**
   * Ends the cluster: no more look-ups; connections close as their streams end. `onDrained` comes when
   * nothing is left, maybe at once.
   */
  drain(onDrained: () => void): void {
    this.#stop();
    for (const host of this.priorities.hosts()) this.#drainHost(host);
    this.#onDrained = onDrained;
    this.#checkDrained();
  }

  /** Ends everything at once. */
  close(): void {
    this.#stop();
    const pools = [...this.#draining];
    for (const host of this.priorities.hosts()) pools.push(...host.allPools);
    for (const pool of pools) pool.close();
  }

  /** Closes free connections, and the others after their streams; new ones are made when needed. */
  drainConnections(): void {
    for (const host of this.priorities.hosts()) drainHttpConnections(host);
  }

  /** An active check of a host succeeded. */
  onHealthCheckPassed(host: Host): void {
    this.outliers?.onHealthCheckPassed(host);
  }

  /** A host became unhealthy: its connections may be why, so others are made if it is asked again. */
  onHostHealthFailure(host: Host): void {
    drainHttpConnections(host);
    // Names are looked up again soon; a control plane may have nothing to say for long.
    const leaves = (host.healthFlags & HealthFlag.PendingDynamicRemoval) !== 0;
    if (leaves && this.plan.type === "EDS") this.#members.reviewRemovals();
    if (!this.plan.health.closeConnectionsOnFailure) return;
    for (const pool of host.tcpPools) (pool as TcpPool | null)?.closeConnections();
  }

  /** `primary`: this worker checks, where anybody does. */
  #createChecks(environment: ClusterEnvironment, primary: boolean): ActiveChecks | null {
    const { checks } = this.plan.health;
    if (checks.length === 0) return null;
    const { health } = this;
    health.onRemoteFlag((host, flag, on) => {
      if (on && flag === HealthFlag.FailedActiveHc) this.onHostHealthFailure(host);
    });
    const { healthChecks, createClientCodec } = environment;
    const active = healthChecks === undefined || !primary
      ? null
      : new ActiveChecks({ ...healthChecks, createClientCodec, cluster: this });
    const monitor = active ?? health;
    this.priorities.onBeforeMemberUpdate((added) => {
      for (const host of added) if (!host.activeHealthCheckDisabled) host.healthMonitor = monitor;
    });
    if (active !== null) health.onFailureAsked((host) => active.setUnhealthy(host));
    return active;
  }

  /** Nothing is found out any more. */
  #stop(): void {
    this.#discovery.close();
    this.#checks?.close();
    this.balancer.close?.();
    this.outliers?.close();
    this.#health?.close();
  }

  /** Connections end as they become free; whoever asks from now on gets others. */
  #renewPools(): void {
    for (const host of this.priorities.hosts()) {
      this.#drainHost(host);
      host.forgetPools();
    }
  }

  #drainHost(host: Host): void {
    for (const pool of host.allPools) {
      this.#draining.add(pool);
      pool.drain(() => {
        this.#draining.delete(pool);
        this.#checkDrained();
      });
    }
  }

  #checkDrained(): void {
    if (this.#onDrained === null || this.#draining.size > 0) return;
    const onDrained = this.#onDrained;
    this.#onDrained = null;
    onDrained();
  }
}

function drainHttpConnections(host: Host): void {
  for (const pool of host.allHttpPools) (pool as HttpPool).drainConnections();
}
