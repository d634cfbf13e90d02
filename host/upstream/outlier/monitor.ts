// host/upstream/outlier/monitor.ts: counts what requests say of one host.
// pure: no I/O, no clock, no runtime globals
// hot: once per attempt, of clusters with outlier detection; see bench/micro/pool.bench.ts
/**
 * The numbers are in cells that workers share, so that five errors in a row are five whoever saw them. Who counts
 * the one that reaches a threshold tells the detector; nobody else does.
 *
 * @see Envoy: source/common/upstream/outlier_detection_impl.cc DetectorHostMonitorImpl
 * @module
 */
import type { Live } from "../../base/runtime.ts";
import type { EjectionType, OutlierDetectionPlan } from "./plan.ts";

/** What becomes of an attempt, where it is no response. */
export type OutlierResult =
  /** There is a connection; what becomes of the request is said later. */
  | "connected"
  /** There is a connection, and more is not expected to be said (TCP). */
  | "connected_finally"
  | "connect_failed"
  | "timeout"
  /** A request of another protocol than HTTP. */
  | "request_succeeded"
  | "request_failed";

/** Who is told that a host is found to be an outlier. */
export interface OutlierSink<H> {
  onOutlier(host: H, type: EjectionType): void;
}

/** Whole numbers that a host's monitors on all workers share. */
export const OUTLIER_CELLS = 12;

const CONSECUTIVE_5XX = 0;
const CONSECUTIVE_GATEWAY_FAILURE = 1;
const CONSECUTIVE_LOCAL_ORIGIN_FAILURE = 2;
/** Which bucket is counted in, 0 or 1: the other one is of the interval before. */
const CURRENT = 3;
/** Four each: external total and successes, local total and successes. */
const BUCKETS = 4;
const BUCKET_BITS = 2;
const LOCAL = 2;

/** Requests of an interval, by where their errors come from. */
export interface SuccessCount {
  readonly total: number;
  readonly successes: number;
}

export class OutlierMonitor<H = unknown> {
  readonly host: H;
  readonly #plan: Live<OutlierDetectionPlan>;
  readonly #sink: OutlierSink<H>;
  readonly #cells: Int32Array;

  constructor(host: H, plan: Live<OutlierDetectionPlan>, sink: OutlierSink<H>, cells: Int32Array) {
    this.host = host;
    this.#plan = plan;
    this.#sink = sink;
    this.#cells = cells;
  }

  /** A response with this status; for gRPC the HTTP status that the gRPC status stands for. */
  putResponse(status: number): void {
    const cells = this.#cells;
    const bucket = this.#bucket();
    Atomics.add(cells, bucket, 1);
    if (status < 500 || status > 599) {
      Atomics.add(cells, bucket + 1, 1);
      this.#clear(CONSECUTIVE_5XX);
      this.#clear(CONSECUTIVE_GATEWAY_FAILURE);
      return;
    }
    const plan = this.#plan.current;
    if (status < 502 || status > 504) this.#clear(CONSECUTIVE_GATEWAY_FAILURE);
    else this.#count(CONSECUTIVE_GATEWAY_FAILURE, plan.consecutiveGatewayFailure, "CONSECUTIVE_GATEWAY_FAILURE");
    this.#count(CONSECUTIVE_5XX, plan.consecutive5xx, "CONSECUTIVE_5XX");
  }

  /** The end of an attempt; `status` is what the client was told in place of a response, 0 if there is none. */
  putResult(result: OutlierResult, status = 0): void {
    if (this.#plan.current.splitsLocalOrigin) return this.#putSplitResult(result);
    if (status !== 0) return this.putResponse(status);
    if (result !== "connected") this.putResponse(STATUS_OF_RESULT[result]);
  }

  /** The host says of itself that it is degraded. */
  putDegraded(): void {
    if (this.#plan.current.detectsDegraded) this.#sink.onOutlier(this.host, "DEGRADED");
  }

  /** Counts of errors in a row begin anew. */
  clear(type: EjectionType): void {
    if (type === "CONSECUTIVE_5XX") this.#clear(CONSECUTIVE_5XX);
    else if (type === "CONSECUTIVE_GATEWAY_FAILURE") this.#clear(CONSECUTIVE_GATEWAY_FAILURE);
    else if (type === "CONSECUTIVE_LOCAL_ORIGIN_FAILURE") this.#clear(CONSECUTIVE_LOCAL_ORIGIN_FAILURE);
  }

  clearAll(): void {
    this.#clear(CONSECUTIVE_5XX);
    this.#clear(CONSECUTIVE_GATEWAY_FAILURE);
    this.#clear(CONSECUTIVE_LOCAL_ORIGIN_FAILURE);
  }

  /** Begins another interval. Only one worker does it. */
  nextInterval(): void {
    const cells = this.#cells;
    const next = cells[CURRENT]! ^ 1;
    const bucket = BUCKETS + (next << BUCKET_BITS);
    for (let cell = bucket; cell < bucket + BUCKETS; cell++) Atomics.store(cells, cell, 0);
    Atomics.store(cells, CURRENT, next);
  }

  /** What was counted in the interval before this one. */
  lastInterval(origin: "external" | "local"): SuccessCount {
    const cells = this.#cells;
    const bucket = BUCKETS + ((cells[CURRENT]! ^ 1) << BUCKET_BITS) + (origin === "local" ? LOCAL : 0);
    return { total: cells[bucket]!, successes: cells[bucket + 1]! };
  }

  #putSplitResult(result: OutlierResult): void {
    const cells = this.#cells;
    switch (result) {
      case "connected":
      case "connected_finally":
        return this.#putLocalSuccess();
      case "timeout":
      case "connect_failed":
        Atomics.add(cells, this.#bucket() + LOCAL, 1);
        return this.#count(
          CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
          this.#plan.current.consecutiveLocalOriginFailure,
          "CONSECUTIVE_LOCAL_ORIGIN_FAILURE",
        );
      case "request_failed":
        return this.putResponse(503);
      case "request_succeeded":
        this.putResponse(200);
        return this.#putLocalSuccess();
    }
  }

  #putLocalSuccess(): void {
    const bucket = this.#bucket() + LOCAL;
    Atomics.add(this.#cells, bucket, 1);
    Atomics.add(this.#cells, bucket + 1, 1);
    this.#clear(CONSECUTIVE_LOCAL_ORIGIN_FAILURE);
  }

  #bucket(): number {
    return BUCKETS + (this.#cells[CURRENT]! << BUCKET_BITS);
  }

  #count(cell: number, threshold: number, type: EjectionType): void {
    if (Atomics.add(this.#cells, cell, 1) + 1 === threshold) this.#sink.onOutlier(this.host, type);
  }

  #clear(cell: number): void {
    if (this.#cells[cell] !== 0) Atomics.store(this.#cells, cell, 0);
  }
}

const STATUS_OF_RESULT: Readonly<Record<Exclude<OutlierResult, "connected">, number>> = {
  connected_finally: 200,
  request_succeeded: 200,
  timeout: 504,
  connect_failed: 503,
  request_failed: 500,
};
