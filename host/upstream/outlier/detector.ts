// host/upstream/outlier/detector.ts: ejects the hosts that are outliers, and takes them back.
// pure: no I/O, no clock, no runtime globals
/**
 * Errors in a row eject a host at once; success rates and failure percentages are looked at once in an interval,
 * and so are those that were ejected long enough. How long that is grows with every ejection, and shrinks again
 * with every interval without one. There is one detector for all workers.
 *
 * @see Envoy: source/common/upstream/outlier_detection_impl.cc DetectorImpl
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Live } from "../../base/runtime.ts";
import { HealthFlag, type Host } from "../host.ts";
import type { OutlierEvent, OutlierRates } from "./event_log.ts";
import type { OutlierMonitor, OutlierSink } from "./monitor.ts";
import type { EjectionType, OutlierDetectionPlan } from "./plan.ts";
import type { OutlierStats } from "./stats.ts";

export interface DetectorOptions {
  readonly clusterName: string;
  readonly plan: Live<OutlierDetectionPlan>;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: OutlierStats;
  /** Sets or clears a flag of a host, on all workers. */
  readonly setFlag: (host: Host, flag: HealthFlag, on: boolean) => void;
  readonly onEvent: ((event: OutlierEvent) => void) | null;
}

/** Of all hosts with enough requests, in the last interval; -1 where there were not enough of them. */
export interface SuccessRates {
  average: number;
  ejectionThreshold: number;
}

type Origin = "external" | "local";

/** How long a host is out, and how often it was: of ejections, and of degradations. */
class Penalty {
  readonly flag: HealthFlag;
  /** How often its base time it lasts. */
  backoff = 0;
  jitterMs = 0;
  startMs = -1;
  endMs = -1;

  constructor(flag: HealthFlag) {
    this.flag = flag;
  }
}

/** What is known of a host. */
class HostRecord {
  readonly host: Host;
  readonly monitor: OutlierMonitor<Host>;
  readonly ejection = new Penalty(HealthFlag.FailedOutlierCheck);
  readonly degradation = new Penalty(HealthFlag.DegradedOutlierDetection);
  ejections = 0;
  readonly successRate: Record<Origin, number> = { external: -1, local: -1 };

  constructor(host: Host, monitor: OutlierMonitor<Host>) {
    this.host = host;
    this.monitor = monitor;
  }

  get ejected(): boolean {
    return (this.host.healthFlags & HealthFlag.FailedOutlierCheck) !== 0;
  }
}

interface RatedHost {
  readonly record: HostRecord;
  readonly successRate: number;
}

export class OutlierDetector implements OutlierSink<Host> {
  readonly #options: DetectorOptions;
  readonly #records = new Map<Host, HostRecord>();
  readonly #timer: Timer;
  readonly #rates: Record<Origin, SuccessRates> = {
    external: { average: -1, ejectionThreshold: -1 },
    local: { average: -1, ejectionThreshold: -1 },
  };
  #ejected = 0;

  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#timer = options.clock.createTickTimer(() => this.#onInterval());
    this.#timer.enable(options.plan.current.intervalMs);
  }

  /** Of the cluster, in the last interval. */
  rates(origin: Origin): SuccessRates {
    return this.#rates[origin];
  }

  /** Of a host, in the last interval; -1 where it had not enough requests. */
  successRate(host: Host, origin: Origin): number {
    return this.#records.get(host)?.successRate[origin] ?? -1;
  }

  addHost(host: Host, monitor: OutlierMonitor<Host>): void {
    const record = new HostRecord(host, monitor);
    this.#records.set(host, record);
    monitor.clearAll();
    // A detector before this one ejected it, and took with it since when: its time begins anew.
    if (record.ejected) {
      record.ejections++;
      this.#count(1);
      this.#begin(record.ejection);
    }
    if ((host.healthFlags & HealthFlag.DegradedOutlierDetection) !== 0) this.#begin(record.degradation);
  }

  removeHost(host: Host): void {
    if (this.#records.get(host)?.ejected === true) this.#count(-1);
    this.#records.delete(host);
  }

  close(): void {
    this.#timer.disable();
    for (const host of [...this.#records.keys()]) this.removeHost(host);
  }

  onOutlier(host: Host, type: EjectionType): void {
    const record = this.#records.get(host);
    if (record === undefined || record.ejected) return;
    const { stats } = this.#options;
    if (type === "DEGRADED") return this.#degrade(record);
    stats.detected[type].inc();
    this.#eject(record, type, null);
    if (type === "CONSECUTIVE_5XX") stats.consecutive5xx.inc();
    record.monitor.clear(type);
  }

  /** A host passed an active health check. */
  onHealthCheckPassed(host: Host): void {
    const record = this.#records.get(host);
    if (record === undefined || !record.ejected || !this.#plan.healthCheckUnejects) return;
    if ((host.healthFlags & HealthFlag.FailedActiveHc) === 0) this.#uneject(record);
  }

  // Ejections.

  #eject(record: HostRecord, type: Exclude<EjectionType, "DEGRADED">, rates: OutlierRates | null): void {
    const { stats, random } = this.#options;
    const plan = this.#plan;
    const percent = 100 * (this.#ejected + 1) / this.#records.size;
    if (percent > plan.maxEjectionPercent && !(plan.alwaysEjectOneHost && this.#ejected === 0)) {
      stats.overflow.inc();
      return;
    }
    if (type === "CONSECUTIVE_5XX" || type === "SUCCESS_RATE") stats.total.inc();
    const enforced = random.uint32() % 100 < plan.enforcing[type];
    if (enforced) {
      stats.enforcedTotal.inc();
      stats.enforced[type]!.inc();
      record.ejections++;
      this.#count(1);
      this.#begin(record.ejection);
      this.#setFlag(record, record.ejection, true);
    }
    this.#logEjection(record, type, enforced, rates);
  }

  #uneject(record: HostRecord): void {
    this.#count(-1);
    record.monitor.clearAll();
    record.ejection.endMs = this.#nowMs;
    this.#setFlag(record, record.ejection, false);
    this.#logEnd(record);
  }

  #degrade(record: HostRecord): void {
    const { degradation } = record;
    if ((record.host.healthFlags & degradation.flag) !== 0) return;
    this.#options.stats.detected.DEGRADED.inc();
    this.#begin(degradation);
    this.#setFlag(record, degradation, true);
    this.#logEjection(record, "DEGRADED", true, null);
  }

  #begin(penalty: Penalty): void {
    const { random } = this.#options;
    const plan = this.#plan;
    penalty.startMs = this.#nowMs;
    penalty.jitterMs = plan.maxEjectionTimeJitterMs === 0 ? 0 : random.uint32() % (plan.maxEjectionTimeJitterMs + 1);
    if (penalty.backoff * plan.baseEjectionTimeMs < plan.maxEjectionTimeMs + plan.baseEjectionTimeMs) {
      penalty.backoff++;
    }
  }

  #isOver({ startMs, backoff, jitterMs }: Penalty): boolean {
    const { baseEjectionTimeMs, maxEjectionTimeMs } = this.#plan;
    return Math.min(baseEjectionTimeMs * backoff, maxEjectionTimeMs) + jitterMs <= this.#nowMs - startMs;
  }

  #setFlag({ host }: HostRecord, { flag }: Penalty, on: boolean): void {
    this.#options.setFlag(host, flag, on);
  }

  #count(change: number): void {
    this.#ejected += change;
    this.#options.stats.active.add(change);
  }

  // Once in an interval.

  #onInterval(): void {
    const plan = this.#plan;
    for (const record of this.#records.values()) {
      const { host, ejection, degradation, monitor, successRate } = record;
      if (record.ejected && this.#isOver(ejection)) this.#uneject(record);
      if ((host.healthFlags & degradation.flag) !== 0 && this.#isOver(degradation)) {
        degradation.endMs = this.#nowMs;
        this.#setFlag(record, degradation, false);
        this.#logEnd(record);
      }
      monitor.nextInterval();
      successRate.external = successRate.local = -1;
    }
    this.#judge("external");
    this.#judge("local");
    for (const { host, ejection, degradation } of this.#records.values()) {
      for (const penalty of [ejection, degradation]) {
        const isOut = (host.healthFlags & penalty.flag) !== 0;
        if (isOut || penalty.endMs < 0 || this.#nowMs - penalty.endMs < plan.intervalMs) continue;
        if (penalty.backoff > 0) penalty.backoff--;
      }
    }
    this.#timer.enable(plan.intervalMs);
  }

  #judge(origin: Origin): void {
    const { stats } = this.#options;
    const { successRate, failurePercentage } = this.#plan;
    const rates = this.#rates[origin];
    rates.average = rates.ejectionThreshold = -1;
    const hostCount = this.#records.size;
    if (hostCount < successRate.minimumHosts && hostCount < failurePercentage.minimumHosts) return;

    const forRate: RatedHost[] = [];
    const forPercentage: RatedHost[] = [];
    const leastVolume = Math.min(successRate.requestVolume, failurePercentage.requestVolume);
    for (const record of this.#records.values()) {
      if (record.ejected) continue;
      const { total, successes } = record.monitor.lastInterval(origin);
      if (total === 0) continue;
      const rated = { record, successRate: successes * 100 / total };
      if (total >= leastVolume) record.successRate[origin] = rated.successRate;
      if (total >= successRate.requestVolume) forRate.push(rated);
      if (total >= failurePercentage.requestVolume) forPercentage.push(rated);
    }

    if (forRate.length > 0 && forRate.length >= successRate.minimumHosts) {
      Object.assign(rates, ejectionThreshold(forRate.map((each) => each.successRate), successRate.stdevFactor / 1000));
      const type = origin === "external" ? "SUCCESS_RATE" : "SUCCESS_RATE_LOCAL_ORIGIN";
      for (const each of forRate) {
        if (each.successRate >= rates.ejectionThreshold) continue;
        stats.successRate.inc();
        this.#ejectRated(each, type, rates);
      }
    }
    if (forPercentage.length > 0 && forPercentage.length >= failurePercentage.minimumHosts) {
      const type = origin === "external" ? "FAILURE_PERCENTAGE" : "FAILURE_PERCENTAGE_LOCAL_ORIGIN";
      for (const each of forPercentage) {
        if (100 - each.successRate >= failurePercentage.threshold) this.#ejectRated(each, type, rates);
      }
    }
  }

  #ejectRated(
    { record, successRate }: RatedHost,
    type: "SUCCESS_RATE" | "SUCCESS_RATE_LOCAL_ORIGIN" | "FAILURE_PERCENTAGE" | "FAILURE_PERCENTAGE_LOCAL_ORIGIN",
    { average, ejectionThreshold }: SuccessRates,
  ): void {
    this.#options.stats.detected[type].inc();
    // Its success rate may have ejected it a moment ago.
    if (record.ejected) return;
    this.#eject(record, type, { hostSuccessRate: successRate, averageSuccessRate: average, ejectionThreshold });
  }

  // The event log.

  #logEjection(record: HostRecord, type: EjectionType, enforced: boolean, rates: OutlierRates | null): void {
    this.#options.onEvent?.({
      action: "EJECT",
      type,
      ...this.#facts(record, record.ejection.endMs),
      enforced,
      rates,
    });
  }

  #logEnd(record: HostRecord): void {
    this.#options.onEvent?.({
      action: "UNEJECT",
      type: "CONSECUTIVE_5XX",
      ...this.#facts(record, record.ejection.startMs),
      enforced: false,
      rates: null,
    });
  }

  #facts({ host, ejections }: HostRecord, lastActionMs: number) {
    return {
      clusterName: this.#options.clusterName,
      upstreamUrl: host.address.text,
      ejections,
      sinceLastActionMs: lastActionMs < 0 ? null : this.#nowMs - lastActionMs,
    };
  }

  get #plan(): OutlierDetectionPlan {
    return this.#options.plan.current;
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs();
  }
}

/**
 * The mean, and below it by so many standard deviations the rate under which a host is an outlier: of 50, 100, 100,
 * 100, 100 the mean is 90, the deviation 20, and with a factor of 1.9 the threshold 52.
 */
export function ejectionThreshold(rates: readonly number[], stdevFactor: number): SuccessRates {
  let sum = 0;
  for (const rate of rates) sum += rate;
  const average = sum / rates.length;
  let variance = 0;
  for (const rate of rates) variance += (rate - average) ** 2;
  return { average, ejectionThreshold: average - stdevFactor * Math.sqrt(variance / rates.length) };
}
