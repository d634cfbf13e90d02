// host/upstream/health/http_probe.ts: checks a host by a request over HTTP.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/health_checkers/http/health_checker_impl.cc
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { EMPTY_BYTES } from "../../base/bytes.ts";
import type { RequestEncoder } from "../../http/codec.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { compileStringMatcher, type StringPredicate } from "../../matching/string_matcher.ts";
import { CheckConnection, type CheckConnectionCallbacks, type CheckStream } from "./check_connection.ts";
import { CheckHeaders } from "./check_headers.ts";
import { hasSegments } from "./payload.ts";
import type { HttpCheckPlan, StatusRange } from "./plan.ts";
import type { HealthProbe, ProbeCallbacks, ProbeEnvironment, ProbeTarget } from "./probe.ts";

export class HttpProbe implements HealthProbe, CheckStream, CheckConnectionCallbacks {
  readonly #plan: HttpCheckPlan;
  readonly #environment: ProbeEnvironment;
  readonly #target: ProbeTarget;
  readonly #callbacks: ProbeCallbacks;
  readonly #headers: CheckHeaders;
  readonly #isService: StringPredicate | null;
  #connection: CheckConnection | null = null;
  /** The connection may serve the next check, too. */
  #reuse = false;
  /** A request is being answered. */
  #inFlight = false;
  #response: HeaderMap | null = null;
  readonly #body = new ByteQueue();

  constructor(plan: HttpCheckPlan, environment: ProbeEnvironment, target: ProbeTarget, callbacks: ProbeCallbacks) {
    this.#plan = plan;
    this.#environment = environment;
    this.#target = target;
    this.#callbacks = callbacks;
    this.#headers = new CheckHeaders(environment, target.host, plan.requestHeaders, plan.host, plan.protocol);
    this.#isService = plan.serviceName === null ? null : compileStringMatcher(plan.serviceName);
  }

  check(): void {
    if (this.#connection === null) {
      this.#reuse = this.#target.reuseConnection;
      this.#connection = new CheckConnection(this.#environment, this.#target.host, this.#plan.protocol, this);
    }
    this.#inFlight = true;
    this.#connection.newStream(this);
  }

  onTimeout(): void {
    this.close();
  }

  close(): void {
    this.#inFlight = false;
    this.#connection?.close();
  }

  // CheckStream

  onReady(encoder: RequestEncoder): void {
    const { method, path, send } = this.#plan;
    const headers = this.#headers.create(method, path);
    this.#headers.addConfigured(headers);
    if (send !== null) headers.set("content-length", String(send.length));
    encoder.encodeHeaders(headers, send === null);
    if (send === null) return;
    const body = new ByteQueue();
    body.push(send);
    encoder.encodeData(body, true);
  }

  on1xxHeaders(): void {}

  onHeaders(headers: HeaderMap, end: boolean): void {
    this.#response = headers;
    if (end) this.#onResponse();
  }

  onData(data: ByteQueue, end: boolean): void {
    const limit = this.#plan.responseBufferBytes;
    const isEnough = this.#plan.receive.length === 0 || (limit > 0 && this.#body.length >= limit);
    if (isEnough) data.clear();
    else data.moveTo(this.#body);
    if (end) this.#onResponse();
  }

  onTrailers(): void {
    this.#onResponse();
  }

  onResetStream(): void {
    if (!this.#inFlight) return;
    this.#inFlight = false;
    this.#forget();
    if (!this.#reuse) this.#connection?.closeSoon();
    this.#callbacks.onFailure("NETWORK", false, 0);
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  // CheckConnectionCallbacks

  onGoAway(errorCode: number): void {
    if (this.#inFlight && errorCode === 0) {
      // The host wants to go, and answers first.
      this.#reuse = false;
      return;
    }
    const failed = this.#inFlight;
    this.close();
    if (failed) this.#callbacks.onFailure("NETWORK", false, 0);
  }

  onClosed(): void {
    this.#connection = null;
    this.#inFlight = false;
    this.#forget();
  }

  #forget(): void {
    this.#response = null;
    this.#body.clear();
  }

  #onResponse(): void {
    const response = this.#response!;
    const body = this.#takeBody();
    this.#inFlight = false;
    this.#forget();
    if (!this.#reuse || !this.#connection!.reusable) this.#connection!.closeSoon();
    this.#judge(response, body);
  }

  #takeBody(): Uint8Array {
    const limit = this.#plan.responseBufferBytes;
    if (this.#body.length === 0) return EMPTY_BYTES;
    const bytes = this.#body.toBytes();
    return limit === 0 ? bytes : bytes.subarray(0, limit);
  }

  #judge(response: HeaderMap, body: Uint8Array): void {
    const { receive, expectedStatuses, retriableStatuses } = this.#plan;
    const { status } = response;
    if (receive.length > 0 && !hasSegments(body, receive)) return this.#fail(response, false);
    if (!isIn(status, expectedStatuses)) return this.#fail(response, isIn(status, retriableStatuses));
    if (this.#isService !== null) {
      this.#target.stats.verifyCluster.inc();
      const service = response.get("x-envoy-upstream-healthchecked-cluster") ?? "";
      if (!this.#isService(service)) return this.#callbacks.onFailure("ACTIVE", false, status);
    }
    this.#callbacks.onSuccess(response.has("x-envoy-degraded"));
  }

  #fail(response: HeaderMap, retriable: boolean): void {
    if (response.has("x-envoy-immediate-health-check-fail")) this.#callbacks.onImmediateFailure();
    this.#callbacks.onFailure("ACTIVE", retriable, response.status);
  }
}

function isIn(status: number, ranges: readonly StatusRange[]): boolean {
  for (const [start, end] of ranges) if (status >= start && status < end) return true;
  return false;
}
