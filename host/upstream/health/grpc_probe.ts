// host/upstream/health/grpc_probe.ts: checks a host by a call of grpc.health.v1.Health/Check.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/health_checkers/grpc/health_checker_impl.cc
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { fromLatin1 } from "../../base/bytes.ts";
import type { RequestEncoder } from "../../http/codec.ts";
import { encodeGrpcFrame, GrpcFrameDecoder } from "../../http/grpc_frames.ts";
import { formatGrpcTimeout } from "../../http/grpc_timeout.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { isGrpcContentType } from "../../http/local_reply.ts";
import { CheckHeaders } from "./check_headers.ts";
import { encodeHealthCheckRequest, readServingStatus, SERVING } from "./grpc_messages.ts";
import type { GrpcCheckPlan } from "./plan.ts";
import type { ProbeCallbacks, ProbeEnvironment, ProbeTarget } from "./probe.ts";
import { RequestProbe } from "./request_probe.ts";

const PATH = "/grpc.health.v1.Health/Check";
const MESSAGE_LIMIT_BYTES = 1024 * 1024;

export class GrpcProbe extends RequestProbe {
  readonly #headers: CheckHeaders;
  readonly #request: Uint8Array;
  #frames = new GrpcFrameDecoder(MESSAGE_LIMIT_BYTES);
  /** What the one message of the response says; null before it came. */
  #servingStatus: number | null = null;

  constructor(plan: GrpcCheckPlan, environment: ProbeEnvironment, target: ProbeTarget, callbacks: ProbeCallbacks) {
    super(environment, target, callbacks, "HTTP/2");
    this.#headers = new CheckHeaders(environment, target.host, plan.initialMetadata, plan.authority, "HTTP/2");
    this.#request = encodeGrpcFrame(encodeHealthCheckRequest(fromLatin1(plan.serviceName)));
  }

  /** A call that takes too long ends alone. */
  override onTimeout(): void {
    if (this.canGiveUp) this.giveUp();
    else this.close();
  }

  protected override send(encoder: RequestEncoder): void {
    const headers = this.#headers.create("POST", PATH);
    headers.set("te", "trailers");
    headers.set("content-type", "application/grpc");
    this.#headers.addConfigured(headers);
    headers.set("grpc-timeout", formatGrpcTimeout(this.target.timeoutMs));
    encoder.encodeHeaders(headers, false);
    const body = new ByteQueue();
    body.push(this.#request);
    encoder.encodeData(body, true);
  }

  protected override forgetAnswer(): void {
    this.#frames = new GrpcFrameDecoder(MESSAGE_LIMIT_BYTES);
    this.#servingStatus = null;
  }

  override onHeaders(headers: HeaderMap, end: boolean): void {
    const isCall = headers.status === 200 && isGrpcContentType(headers.get("content-type"));
    if (end || !isCall) this.#onAnswer(false, end);
  }

  override onData(data: ByteQueue, end: boolean): void {
    // The end of a call is in trailers.
    if (end) {
      data.clear();
      return this.#onAnswer(false, true);
    }
    let isBad = false;
    const problem = this.#frames.decode(data, (message) => {
      if (message.length === 0) return true;
      isBad = this.#servingStatus !== null;
      this.#servingStatus = readServingStatus(message);
      isBad ||= this.#servingStatus === null;
      return !isBad;
    });
    if (problem !== null || isBad) this.#onAnswer(false, false);
  }

  override onTrailers(trailers: HeaderMap): void {
    this.#onAnswer(trailers.get("grpc-status") === "0" && this.#servingStatus === SERVING, true);
  }

  /** `whole`: the response has ended by itself. */
  #onAnswer(serving: boolean, whole: boolean): void {
    if (whole) this.endAnswer();
    else this.giveUp();
    if (serving) this.callbacks.onSuccess(false);
    else this.callbacks.onFailure("ACTIVE", false, 0);
  }
}
