// host/http/h2/client.ts: the HTTP/2 client codec: many requests at a time on one connection.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message; see bench/micro/h2.bench.ts
/**
 * @see Envoy: source/common/http/http2/codec_impl.cc ClientConnectionImpl
 * @see RFC 9113
 * @module
 */
import {
  type ClientCodec,
  type ClientCodecCallbacks,
  type CodecError,
  type Protocol,
  type RequestEncoder,
  type ResponseDecoder,
  type StreamCallbacks,
  StreamResetReason,
} from "../codec.ts";
import { Http2Details } from "./errors.ts";
import { ErrorCode, MAX_STREAM_ID, PREFACE } from "./frame.ts";
import type { Http2Connection } from "./frame_writer.ts";
import { Inbound } from "./inbound.ts";
import type { Timing } from "./keepalive.ts";
import type { Http2Options } from "./options.ts";
import { Session, type SessionOwner } from "./session.ts";
import type { PeerSettings } from "./settings.ts";
import type { Http2Stats } from "./stats.ts";
import { Http2Stream } from "./stream.ts";

/** Informational responses passed on for one request, and those after which the peer is broken. */
const PASSED_INFORMATIONAL_RESPONSES = 100;
const MAX_INFORMATIONAL_RESPONSES = 10_000;

/** Client side of an HTTP/2 connection. */
export class Http2ClientCodec implements ClientCodec, SessionOwner {
  readonly protocol: Protocol = "HTTP/2";
  readonly lastPeerStreamId: number = 0;
  readonly #session: Session;
  readonly #inbound: Inbound;
  readonly #callbacks: ClientCodecCallbacks;
  #nextId = 1;
  #goingAway = false;

  constructor(
    connection: Http2Connection,
    callbacks: ClientCodecCallbacks,
    options: Http2Options,
    stats: Http2Stats,
    timing: Timing,
  ) {
    this.#callbacks = callbacks;
    this.#session = new Session(false, connection, options, stats, timing, this);
    this.#inbound = new Inbound(this.#session);
    this.#session.begin(PREFACE);
  }

  get activeStreams(): number {
    return this.#session.streams.size;
  }

  get reusable(): boolean {
    return !this.#goingAway && !this.#session.done && this.#nextId <= MAX_STREAM_ID;
  }

  newStream(decoder: ResponseDecoder & StreamCallbacks): RequestEncoder {
    const stream = new Http2Stream(this.#session);
    stream.decoder = decoder;
    return stream;
  }

  dispatch(bytes: Uint8Array): CodecError | null {
    const error = this.#inbound.dispatch(bytes, 0);
    if (error !== null) this.#resetAll(StreamResetReason.ProtocolError, error.details);
    return error;
  }

  onConnectionClosed(reason: StreamResetReason, details: string): void {
    // An error of this side's own finding is the reason, however the connection then ended.
    this.#resetAll(this.#session.error === null ? reason : StreamResetReason.ProtocolError, details);
  }

  goAway(): void {
    this.#goingAway = true;
    this.#session.stats.goawaySent.inc();
    this.#session.goAway(0, ErrorCode.NoError);
  }

  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {
    this.#session.onWatermark(true);
  }

  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {
    this.#session.onWatermark(false);
  }

  // SessionOwner

  isIdle(streamId: number): boolean {
    return streamId >= this.#nextId || (streamId & 1) === 0;
  }

  acceptStream(_streamId: number): Http2Stream | null {
    this.#session.fail(ErrorCode.ProtocolError, "a server may not open streams");
    return null;
  }

  openStream(stream: Http2Stream): boolean {
    if (!this.reusable) return false;
    stream.id = this.#nextId;
    this.#nextId += 2;
    return true;
  }

  onHead(stream: Http2Stream, contentLength: number, end: boolean): void {
    const session = this.#session;
    const headers = this.#inbound.blocks.reader.headers;
    const { status } = headers;
    if (status < 200) {
      if (end || status === 101) return session.failMessage(stream, Http2Details.MessagingRule);
      if (++stream.informationalResponses > MAX_INFORMATIONAL_RESPONSES) {
        session.failMessage(stream, Http2Details.MessagingRule);
      } else if (stream.informationalResponses <= PASSED_INFORMATIONAL_RESPONSES) {
        stream.on1xxHeaders(headers);
      }
      return;
    }
    stream.headReceived = true;
    if (!stream.isHead && status !== 304) stream.contentLength = contentLength;
    if (end && stream.contentLength > 0) return session.failMessage(stream, Http2Details.MessagingRule);
    if (stream.upgrade !== null && status === 200) {
      // Inside the proxy an upgrade looks as it does in HTTP/1.
      headers.status = 101;
      headers.set("upgrade", stream.upgrade);
      headers.set("connection", "upgrade");
      stream.contentLength = -1;
    }
    stream.remoteEnded = end;
    stream.decoder!.onHeaders(headers, end);
    if (end) session.afterRemoteEnd(stream);
  }

  onGoAway(lastStreamId: number, errorCode: number): void {
    this.#goingAway = true;
    const session = this.#session;
    for (const stream of [...session.streams.values()]) {
      if (stream.id > lastStreamId && !stream.closed) session.onRefused(stream);
    }
    this.#callbacks.onGoAway(errorCode);
  }

  onPeerSettings(settings: PeerSettings): void {
    this.#callbacks.onMaxStreamsChanged(
      Math.min(settings.maxConcurrentStreams, this.#session.options.maxConcurrentStreams),
    );
  }

  onStreamClosed(_stream: Http2Stream, reason: StreamResetReason | null): void {
    if (reason !== null) this.#callbacks.onStreamReset?.(reason);
    this.#callbacks.onStreamClosed();
  }

  #resetAll(reason: StreamResetReason, details: string): void {
    const open = [...this.#session.streams.values()];
    this.#session.close();
    for (const stream of open) {
      this.#callbacks.onStreamReset?.(reason);
      stream.onResetStream(reason, details);
    }
  }
}
