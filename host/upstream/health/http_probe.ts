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
import { CheckHeaders } from "./check_headers.ts";
import { hasSegments } from "./payload.ts";
import type { HttpCheckPlan, StatusRange } from "./plan.ts";
import type { ProbeCallbacks, ProbeEnvironment, ProbeTarget } from "./probe.ts";
import { RequestProbe } from "./request_probe.ts";

export class HttpProbe extends RequestProbe {
  readonly #plan: HttpCheckPlan;
  readonly #headers: CheckHeaders;
  readonly #isService: StringPredicate | null;
  #response: HeaderMap | null = null;
  readonly #body = new ByteQueue();

  constructor(plan: HttpCheckPlan, environment: ProbeEnvironment, target: ProbeTarget, callbacks: ProbeCallbacks) {
    super(environment, target, callbacks, plan.protocol);
    this.#plan = plan;
    this.#headers = new CheckHeaders(environment, target.host, plan.requestHeaders, plan.host, plan.protocol);
    this.#isService = plan.serviceName === null ? null : compileStringMatcher(plan.serviceName);
  }

  protected override send(encoder: RequestEncoder): void {
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

  protected override forgetAnswer(): void {
    this.#response = null;
    this.#body.clear();
  }

  override onHeaders(headers: HeaderMap, end: boolean): void {
    this.#response = headers;
    if (end) this.#onResponse();
  }

  override onData(data: ByteQueue, end: boolean): void {
    const limit = this.#plan.responseBufferBytes;
    const isEnough = this.#plan.receive.length === 0 || (limit > 0 && this.#body.length >= limit);
    if (isEnough) data.clear();
    else data.moveTo(this.#body);
    if (end) this.#onResponse();
  }

  override onTrailers(): void {
    this.#onResponse();
  }

  #onResponse(): void {
    const response = this.#response!;
    const body = this.#takeBody();
    this.endAnswer();
    this.#judge(response, body);
  }

  #takeBody(): Uint8Array {
    const limit = this.#plan.responseBufferBytes;
    if (this.#body.length === 0) return EMPTY_BYTES;
    const bytes = this.#body.toBytes();
    return limit === 0 ? bytes : bytes.subarray(0, limit);
  }

  #verifiesService(): boolean {
    const { runtime, random } = this.environment.cluster;
    const percent = runtime.integer("health_check.verify_cluster", 100);
    return percent >= 100 || random.uint32() % 100 < percent;
  }

  #judge(response: HeaderMap, body: Uint8Array): void {
    const { receive, expectedStatuses, retriableStatuses } = this.#plan;
    const { status } = response;
    if (receive.length > 0 && !hasSegments(body, receive)) return this.#fail(response, false);
    if (!isIn(status, expectedStatuses)) return this.#fail(response, isIn(status, retriableStatuses));
    if (this.#isService !== null && this.#verifiesService()) {
      this.target.stats.verifyCluster.inc();
      const service = response.get("x-envoy-upstream-healthchecked-cluster") ?? "";
      if (!this.#isService(service)) return this.callbacks.onFailure("ACTIVE", false, status);
    }
    this.callbacks.onSuccess(response.has("x-envoy-degraded"));
  }

  #fail(response: HeaderMap, retriable: boolean): void {
    if (response.has("x-envoy-immediate-health-check-fail")) this.callbacks.onImmediateFailure();
    this.callbacks.onFailure("ACTIVE", retriable, response.status);
  }
}

function isIn(status: number, ranges: readonly StatusRange[]): boolean {
  for (const [start, end] of ranges) if (status >= start && status < end) return true;
  return false;
}
