// host/upstream/health/grpc_probe.ts: checks a host by a call of grpc.health.v1.Health/Check.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/health_checkers/grpc/health_checker_impl.cc
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { fromLatin1 } from "../../base/bytes.ts";
import { type RequestEncoder, StreamResetReason } from "../../http/codec.ts";
import { encodeGrpcFrame, GrpcFrameDecoder } from "../../http/grpc_frames.ts";
import { formatGrpcTimeout } from "../../http/grpc_timeout.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { isGrpcContentType } from "../../http/local_reply.ts";
import { CheckConnection, type CheckConnectionCallbacks, type CheckStream } from "./check_connection.ts";
import { CheckHeaders } from "./check_headers.ts";
import { encodeHealthCheckRequest, readServingStatus, SERVING } from "./grpc_messages.ts";
import type { GrpcCheckPlan } from "./plan.ts";
import type { HealthProbe, ProbeCallbacks, ProbeEnvironment, ProbeTarget } from "./probe.ts";

const PATH = "/grpc.health.v1.Health/Check";
const MESSAGE_LIMIT_BYTES = 1024 * 1024;

export class GrpcProbe implements HealthProbe, CheckStream, CheckConnectionCallbacks {
  readonly #environment: ProbeEnvironment;
  readonly #target: ProbeTarget;
  readonly #callbacks: ProbeCallbacks;
  readonly #headers: CheckHeaders;
  readonly #request: Uint8Array;
  #connection: CheckConnection | null = null;
  #encoder: RequestEncoder | null = null;
  /** A call is open, or waits for the connection. */
  #inFlight = false;
  /** The host wants to go: it answers the open call, and gets no other one. */
  #goingAway = false;
  #frames = new GrpcFrameDecoder(MESSAGE_LIMIT_BYTES);
  /** What the one message of the response says; null before it came. */
  #servingStatus: number | null = null;

  constructor(plan: GrpcCheckPlan, environment: ProbeEnvironment, target: ProbeTarget, callbacks: ProbeCallbacks) {
    this.#environment = environment;
    this.#target = target;
    this.#callbacks = callbacks;
    this.#headers = new CheckHeaders(environment, target.host, plan.initialMetadata, plan.authority, "HTTP/2");
    this.#request = encodeGrpcFrame(encodeHealthCheckRequest(fromLatin1(plan.serviceName)));
  }

  check(): void {
    this.#frames = new GrpcFrameDecoder(MESSAGE_LIMIT_BYTES);
    this.#servingStatus = null;
    this.#connection ??= new CheckConnection(this.#environment, this.#target.host, "HTTP/2", this);
    this.#inFlight = true;
    this.#connection.newStream(this);
  }

  onTimeout(): void {
    if (this.#encoder === null || this.#goingAway || !this.#target.reuseConnection) return this.close();
    this.#resetStream();
  }

  close(): void {
    this.#inFlight = false;
    this.#encoder = null;
    this.#connection?.close();
  }

  #resetStream(): void {
    const encoder = this.#encoder;
    this.#encoder = null;
    this.#inFlight = false;
    encoder?.resetStream(StreamResetReason.LocalReset);
  }

  // CheckStream

  onReady(encoder: RequestEncoder): void {
    this.#encoder = encoder;
    const headers = this.#headers.create("POST", PATH);
    headers.set("te", "trailers");
    headers.set("content-type", "application/grpc");
    this.#headers.addConfigured(headers);
    headers.set("grpc-timeout", formatGrpcTimeout(this.#target.timeoutMs));
    encoder.encodeHeaders(headers, false);
    const body = new ByteQueue();
    body.push(this.#request);
    encoder.encodeData(body, true);
  }

  on1xxHeaders(): void {}

  onHeaders(headers: HeaderMap, end: boolean): void {
    if (headers.status !== 200 || end) return this.#onCallEnd(false, end);
    if (!isGrpcContentType(headers.get("content-type"))) this.#onCallEnd(false, false);
  }

  onData(data: ByteQueue, end: boolean): void {
    // The end of a call is in trailers.
    if (end) {
      data.clear();
      return this.#onCallEnd(false, true);
    }
    let isBad = false;
    const problem = this.#frames.decode(data, (message) => {
      if (message.length === 0) return true;
      isBad = this.#servingStatus !== null;
      this.#servingStatus = readServingStatus(message);
      isBad ||= this.#servingStatus === null;
      return !isBad;
    });
    if (problem !== null || isBad) this.#onCallEnd(false, false);
  }

  onTrailers(trailers: HeaderMap): void {
    this.#onCallEnd(trailers.get("grpc-status") === "0" && this.#servingStatus === SERVING, true);
  }

  onResetStream(): void {
    if (!this.#inFlight) return;
    this.#inFlight = false;
    this.#encoder = null;
    if (this.#goingAway || !this.#target.reuseConnection) this.#connection?.closeSoon();
    this.#callbacks.onFailure("NETWORK", false, 0);
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  // CheckConnectionCallbacks

  onGoAway(errorCode: number): void {
    if (this.#inFlight && errorCode === 0) {
      this.#goingAway = true;
      return;
    }
    const failed = this.#inFlight;
    this.close();
    if (failed) this.#callbacks.onFailure("NETWORK", false, 0);
  }

  onClosed(): void {
    this.#connection = null;
    this.#goingAway = false;
  }

  /** `over`: the response has ended by itself. */
  #onCallEnd(serving: boolean, over: boolean): void {
    if (!this.#inFlight) return;
    if (over) {
      this.#inFlight = false;
      this.#encoder = null;
    } else {
      this.#resetStream();
    }
    if (this.#goingAway || !this.#target.reuseConnection) this.#connection?.closeSoon();
    if (serving) this.#callbacks.onSuccess(false);
    else this.#callbacks.onFailure("ACTIVE", false, 0);
  }
}
