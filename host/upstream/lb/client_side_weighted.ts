// host/upstream/lb/client_side_weighted.ts: round robin by weights that the hosts themselves report.
// pure: no I/O, no clock, no runtime globals
/**
 * Hosts say how busy they are, in responses or, when asked to, by themselves. From time to time each host gets the
 * weight that its last report gives it; those that have not reported for long enough, or not for a while, get the
 * median of the others.
 *
 * Each worker goes by the reports that came to it.
 *
 * @see https://github.com/grpc/proposal/blob/master/A58-client-side-weighted-round-robin-lb-policy.md
 * @see Envoy: source/extensions/load_balancing_policies/common/orca_weight_manager.cc
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { Host } from "../host.ts";
import { type LoadReport, readLoadReport } from "../orca/load_report.ts";
import { ReportStreams } from "../orca/report_streams.ts";
import { ReportStreamStats } from "../orca/stats.ts";
import { weightOf } from "../orca/utilization.ts";
import type { ClientSideWeightedPlan } from "./plan.ts";
import type { PrioritySet } from "../priority.ts";
import type { LoadBalancerContext } from "./context.ts";
import type { HostPolicyData } from "./host_data.ts";
import type { BalancerEnvironment, ClusterBalancer } from "./picker.ts";

/** The weight that a host's reports give it. */
export class ReportedWeight implements HostPolicyData {
  readonly #plan: ClientSideWeightedPlan;
  readonly #clock: Clock;
  #weight = 0;
  /** The first report since there was none; infinite when there is none. */
  #sinceMs = Infinity;
  #lastMs = 0;

  constructor(plan: ClientSideWeightedPlan, clock: Clock) {
    this.#plan = plan;
    this.#clock = clock;
  }

  onResponseHeaders(headers: HeaderMap): boolean {
    return this.#read(headers);
  }

  onResponseTrailers(trailers: HeaderMap): void {
    this.#read(trailers);
  }

  onFailure(): void {}

  /** Null while it does not count: too new, or too old. */
  current(nowMs: number): number | null {
    if (this.#sinceMs > nowMs - this.#plan.blackoutMs) return null;
    if (this.#lastMs >= nowMs - this.#plan.expirationMs) return this.#weight;
    this.#sinceMs = Infinity;
    return null;
  }

  #read(headers: HeaderMap): boolean {
    const report = readLoadReport(headers);
    if (report !== null) this.take(report);
    return report !== null;
  }

  /** False when it gives no weight. */
  take(report: LoadReport): boolean {
    const weight = weightOf(report, this.#plan);
    if (weight === null) return false;
    const nowMs = this.#clock.nowMs();
    this.#weight = weight;
    this.#lastMs = nowMs;
    if (this.#sinceMs === Infinity) this.#sinceMs = nowMs;
    return true;
  }
}

export class ClientSideWeightedBalancer implements ClusterBalancer {
  readonly #plan: ClientSideWeightedPlan;
  readonly #priorities: PrioritySet;
  readonly #clock: Clock;
  /** Picks by the hosts' weights. */
  readonly #weighted: ClusterBalancer;
  readonly #timer: Timer;
  /** Null when reports are those in responses. */
  readonly #streams: ReportStreams | null;

  constructor(plan: ClientSideWeightedPlan, environment: BalancerEnvironment, weighted: ClusterBalancer) {
    const { clock, priorities } = environment;
    this.#plan = plan;
    this.#priorities = priorities;
    this.#clock = clock;
    this.#weighted = weighted;
    this.#watch([...priorities.hosts()]);
    priorities.onMemberUpdate((added) => {
      this.#watch(added);
      this.#update();
    });
    this.#streams = plan.reportStream === null
      ? null
      : new ReportStreams(plan.reportStream, priorities, environment, new ReportStreamStats(environment.scope), take);
    this.#timer = clock.createTimer(() => {
      this.#update();
      this.#timer.enable(plan.updatePeriodMs);
    });
    this.#timer.enable(plan.updatePeriodMs);
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    return this.#weighted.chooseHost(context);
  }

  peekAnotherHost(): Host | null {
    return this.#weighted.peekAnotherHost?.() ?? null;
  }

  close(): void {
    this.#timer.disable();
    this.#streams?.close();
    this.#weighted.close?.();
  }

  #watch(hosts: readonly Host[]): void {
    for (const host of hosts) host.policyData ??= new ReportedWeight(this.#plan, this.#clock);
  }

  #update(): void {
    const nowMs = this.#clock.nowMs();
    const changed = new Set<number>();
    for (const { hosts, priority } of this.#priorities.hostSets) if (updateWeights(hosts, nowMs)) changed.add(priority);
    // Their order of turns is made anew.
    if (changed.size > 0) this.#priorities.refreshHealth(changed);
  }
}

function take(host: Host, report: LoadReport): boolean {
  return host.policyData instanceof ReportedWeight && host.policyData.take(report);
}

/** True when a host weighs something else than before. */
function updateWeights(hosts: readonly Host[], nowMs: number): boolean {
  let changed = false;
  const weights: number[] = [];
  const others: Host[] = [];
  const set = (host: Host, weight: number): void => {
    const atLeastOne = Math.max(1, weight);
    if (host.weight === atLeastOne) return;
    host.weight = atLeastOne;
    changed = true;
  };
  for (const host of hosts) {
    const weight = host.policyData instanceof ReportedWeight ? host.policyData.current(nowMs) : null;
    if (weight === null) {
      others.push(host);
    } else {
      weights.push(weight);
      set(host, weight);
    }
  }
  const rest = median(weights);
  for (const host of others) set(host, rest);
  return changed;
}

/** 1 without any. */
function median(weights: readonly number[]): number {
  if (weights.length === 0) return 1;
  const sorted = [...weights].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[upper]! : Math.trunc((sorted[upper - 1]! + sorted[upper]!) / 2);
}
