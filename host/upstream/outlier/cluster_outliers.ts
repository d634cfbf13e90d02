// host/upstream/outlier/cluster_outliers.ts: the outlier detection of a cluster on one worker.
// pure: no I/O, no clock, no runtime globals
/**
 * Every worker has monitors, which count together; the primary one has the detector, and hears from the others
 * when they find an outlier.
 *
 * @see Envoy: source/common/upstream/outlier_detection_impl.cc DetectorImpl::initialize
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Live } from "../../base/runtime.ts";
import {
  compileMatchPredicate,
  type MatchPredicatePlan,
  type ResponseHeadersPredicate,
} from "../../matching/match_predicate.ts";
import type { StatsScope } from "../../observe/stats.ts";
import type { ClusterHealth } from "../health/cluster_health.ts";
import { HealthFlag, type Host } from "../host.ts";
import type { PrioritySet } from "../priority.ts";
import { OutlierDetector } from "./detector.ts";
import { outlierEventLine } from "./event_log.ts";
import { OUTLIER_CELLS, OutlierMonitor, type OutlierSink } from "./monitor.ts";
import type { OutlierDetectionPlan } from "./plan.ts";
import { OutlierStats } from "./stats.ts";

export interface ClusterOutliersOptions {
  readonly clusterName: string;
  readonly plan: Live<OutlierDetectionPlan>;
  readonly errorMatcher: MatchPredicatePlan | null;
  readonly clock: Clock;
  readonly random: Random;
  /** That of the cluster. */
  readonly stats: StatsScope;
  readonly priorities: PrioritySet;
  readonly health: ClusterHealth;
  /** A host was ejected: its connections may be why, so others are made if it is asked again. */
  readonly onEjected: (host: Host) => void;
  /** This worker decides. */
  readonly primary: boolean;
  /** Numbers that workers share under this name. */
  readonly createCells: (name: string, count: number) => Int32Array;
  /** Takes lines of the event log; null when there is none. */
  readonly writeEvent: ((line: string) => void) | null;
}

/** As `/clusters` shows it; -1 where there is no figure. */
export interface OutlierStatus {
  readonly successRateAverage: number;
  readonly successRateEjectionThreshold: number;
  readonly localOriginSuccessRateAverage: number;
  readonly localOriginSuccessRateEjectionThreshold: number;
}

const CELLS_PREFIX = "outlier_detection ";
const NO_RATES = { average: -1, ejectionThreshold: -1 };

export class ClusterOutliers {
  /** The responses that are errors, where that is not those of 5xx. */
  readonly isError: ResponseHeadersPredicate | null;
  /** Null on workers that only report. */
  readonly #detector: OutlierDetector | null;

  constructor(options: ClusterOutliersOptions) {
    const { plan, priorities, health, createCells, errorMatcher } = options;
    this.isError = errorMatcher === null ? null : compileMatchPredicate(errorMatcher);
    const detector = options.primary ? createDetector(options) : null;
    this.#detector = detector;
    const sink: OutlierSink<Host> = {
      onOutlier(host, type) {
        if (detector === null) return health.reportOutlier(host, type);
        detector.onOutlier(host, type);
        // The next request may be on its way.
        health.settle();
      },
    };
    priorities.onMemberUpdate((added, removed) => {
      for (const host of removed) detector?.removeHost(host);
      for (const host of added) {
        const cells = createCells(`${CELLS_PREFIX}${health.id} ${host.key}`, OUTLIER_CELLS);
        host.outlierMonitor = new OutlierMonitor<Host>(host, plan, sink, cells);
        detector?.addHost(host, host.outlierMonitor);
      }
    });
    if (detector !== null) health.onRemoteOutlier((host, type) => detector.onOutlier(host, type));
    health.onRemoteFlag((host, flag, on) => {
      if (on && flag === HealthFlag.FailedOutlierCheck) options.onEjected(host);
    });
  }

  get status(): OutlierStatus {
    const external = this.#detector?.rates("external") ?? NO_RATES;
    const local = this.#detector?.rates("local") ?? NO_RATES;
    return {
      successRateAverage: external.average,
      successRateEjectionThreshold: external.ejectionThreshold,
      localOriginSuccessRateAverage: local.average,
      localOriginSuccessRateEjectionThreshold: local.ejectionThreshold,
    };
  }

  successRate(host: Host, origin: "external" | "local"): number {
    return this.#detector?.successRate(host, origin) ?? -1;
  }

  /** A host passed an active health check. */
  onHealthCheckPassed(host: Host): void {
    this.#detector?.onHealthCheckPassed(host);
  }

  close(): void {
    this.#detector?.close();
  }
}

function createDetector(options: ClusterOutliersOptions): OutlierDetector {
  const { clusterName, plan, clock, random, stats, health, writeEvent } = options;
  return new OutlierDetector({
    clusterName,
    plan,
    clock,
    random,
    stats: new OutlierStats(stats),
    setFlag(host, flag, on) {
      health.set(host, flag, on);
      if (on && flag === HealthFlag.FailedOutlierCheck) options.onEjected(host);
    },
    onEvent: writeEvent === null ? null : (event) => writeEvent(outlierEventLine(event, clock.wallMs())),
  });
}
