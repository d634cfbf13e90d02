// host/upstream/health/request_probe.ts: checks by requests, one after the other.
// pure: no I/O, no clock, no runtime globals
/**
 * The connection is kept for the next request as long as the check, the codec and the host want that. What is
 * asked, and what an answer means, is up to the kind of check.
 *
 * @see Envoy: source/extensions/health_checkers/http/health_checker_impl.cc
 * @see Envoy: source/extensions/health_checkers/grpc/health_checker_impl.cc
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import { type RequestEncoder, StreamResetReason } from "../../http/codec.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { CheckConnection, type CheckConnectionCallbacks, type CheckStream } from "./check_connection.ts";
import type { HealthProbe, ProbeCallbacks, ProbeEnvironment, ProbeTarget } from "./probe.ts";

export abstract class RequestProbe implements HealthProbe, CheckStream, CheckConnectionCallbacks {
  protected readonly target: ProbeTarget;
  protected readonly callbacks: ProbeCallbacks;
  protected readonly environment: ProbeEnvironment;
  readonly #protocol: "HTTP/1.1" | "HTTP/2";
  #connection: CheckConnection | null = null;
  /** Of the request that is out. */
  #encoder: RequestEncoder | null = null;
  /** A request is being answered, or waits for the connection. */
  #inFlight = false;
  /** The connection may serve the next check, too. */
  #reuse = false;

  constructor(
    environment: ProbeEnvironment,
    target: ProbeTarget,
    callbacks: ProbeCallbacks,
    protocol: "HTTP/1.1" | "HTTP/2",
  ) {
    this.environment = environment;
    this.#protocol = protocol;
    this.target = target;
    this.callbacks = callbacks;
  }

  /** Sends the request. */
  protected abstract send(encoder: RequestEncoder): void;
  /** The answer that came so far, if any, is none. */
  protected abstract forgetAnswer(): void;
  abstract onHeaders(headers: HeaderMap, end: boolean): void;
  abstract onData(data: ByteQueue, end: boolean): void;
  abstract onTrailers(trailers: HeaderMap): void;

  check(): void {
    if (this.#connection === null) {
      this.#reuse = this.target.reuseConnection;
      this.#connection = new CheckConnection(this.environment, this.target.host, this.#protocol, this);
    }
    this.#inFlight = true;
    this.#connection.newStream(this);
  }

  onTimeout(): void {
    this.close();
  }

  close(): void {
    this.#endRequest();
    this.#connection?.close();
  }

  /** A request is out, and nobody minds that another follows when it is given up. */
  protected get canGiveUp(): boolean {
    return this.#encoder !== null && this.#reuse;
  }

  /** The answer is whole. */
  protected endAnswer(): void {
    this.#endRequest();
    this.#closeUnlessReusable();
  }

  /** The rest of the answer is of no interest. */
  protected giveUp(): void {
    const encoder = this.#encoder;
    this.#endRequest();
    encoder?.resetStream(StreamResetReason.LocalReset);
    this.#closeUnlessReusable();
  }

  #endRequest(): void {
    this.#inFlight = false;
    this.#encoder = null;
    this.forgetAnswer();
  }

  #closeUnlessReusable(): void {
    if (!this.#reuse || this.#connection?.reusable !== true) this.#connection?.closeSoon();
  }

  // CheckStream

  onReady(encoder: RequestEncoder): void {
    this.#encoder = encoder;
    this.send(encoder);
  }

  on1xxHeaders(): void {}

  onResetStream(): void {
    if (!this.#inFlight) return;
    this.endAnswer();
    this.callbacks.onFailure("NETWORK", false, 0);
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
    if (failed) this.callbacks.onFailure("NETWORK", false, 0);
  }

  onClosed(): void {
    this.#connection = null;
    this.#endRequest();
  }
}
