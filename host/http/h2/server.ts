// host/http/h2/server.ts: the HTTP/2 server codec.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message; see bench/micro/h2.bench.ts
/**
 * @see Envoy: source/common/http/http2/codec_impl.cc ServerConnectionImpl
 * @see RFC 9113
 * @module
 */
import { fromLatin1 } from "../../base/bytes.ts";
import type { CodecError, Protocol, ResponseEncoder, ServerCodec, ServerCodecCallbacks } from "../codec.ts";
import { Http2Details } from "./errors.ts";
import { ErrorCode, MAX_STREAM_ID, PREFACE } from "./frame.ts";
import type { Http2Connection } from "./frame_writer.ts";
import { Inbound } from "./inbound.ts";
import type { Timing } from "./keepalive.ts";
import type { Http2Options } from "./options.ts";
import { Session, type SessionOwner } from "./session.ts";
import type { Http2Stats } from "./stats.ts";
import { Http2Stream } from "./stream.ts";

const PREFACE_BYTES = fromLatin1(PREFACE);

/** Server side of an HTTP/2 connection. */
export class Http2ServerCodec implements ServerCodec, SessionOwner {
  readonly protocol: Protocol = "HTTP/2";
  readonly hasBufferedInput: boolean = false;
  lastPeerStreamId = 0;
  readonly #session: Session;
  readonly #inbound: Inbound;
  readonly #callbacks: ServerCodecCallbacks;
  #prefaceBytes = 0;
  /** Streams above this number are not served any more. */
  #lastServedId: number = MAX_STREAM_ID;

  constructor(
    connection: Http2Connection,
    callbacks: ServerCodecCallbacks,
    options: Http2Options,
    stats: Http2Stats,
    timing: Timing,
  ) {
    this.#callbacks = callbacks;
    this.#session = new Session(true, connection, options, stats, timing, this);
    this.#inbound = new Inbound(this.#session);
    this.#session.begin("");
  }

  /** A new stream's head has begun and not ended. */
  get inHead(): boolean {
    return this.#inbound.blocks.streamId > this.lastPeerStreamId;
  }

  get wantsToWrite(): boolean {
    return this.#session.wantsToWrite;
  }

  *flushing(): Generator<ResponseEncoder> {
    for (const stream of this.#session.streams.values()) {
      if (stream.endsAfterPending && stream.pendingBytes > 0) yield stream;
    }
  }

  dispatch(bytes: Uint8Array): CodecError | null {
    let from = 0;
    while (this.#prefaceBytes < PREFACE_BYTES.length && from < bytes.length) {
      if (bytes[from++] !== PREFACE_BYTES[this.#prefaceBytes++]) return this.#failPreface();
    }
    return from < bytes.length ? this.#inbound.dispatch(bytes, from) : null;
  }

  onEndOfInput(): CodecError | null {
    return null;
  }

  resumeInput(): CodecError | null {
    return null;
  }

  /** New streams are still served, but the client should open them elsewhere. */
  shutdownNotice(): void {
    this.#session.goAway(MAX_STREAM_ID, ErrorCode.NoError);
  }

  goAway(): void {
    this.#lastServedId = this.lastPeerStreamId;
    this.#session.stats.goawaySent.inc();
    this.#session.goAway(this.lastPeerStreamId, ErrorCode.NoError);
  }

  onConnectionClosed(): void {
    this.#session.close();
  }

  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {
    this.#session.onWatermark(true);
  }

  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {
    this.#session.onWatermark(false);
  }

  // SessionOwner

  isIdle(streamId: number): boolean {
    // Even numbers would be of streams that the server opens, which it never does.
    return streamId > this.lastPeerStreamId || (streamId & 1) === 0;
  }

  acceptStream(streamId: number): Http2Stream | null {
    const session = this.#session;
    if ((streamId & 1) === 0) {
      session.fail(ErrorCode.ProtocolError, "a client's streams have odd numbers");
      return null;
    }
    if (streamId > this.#lastServedId) return null;
    this.lastPeerStreamId = streamId;
    if (session.streams.size >= session.options.maxConcurrentStreams) {
      session.refuse(streamId);
      return null;
    }
    const stream = new Http2Stream(session);
    stream.id = streamId;
    stream.decoder = this.#callbacks.onNewStream(stream);
    session.add(stream);
    return stream;
  }

  onHead(stream: Http2Stream, contentLength: number, end: boolean): void {
    const headers = this.#inbound.blocks.reader.headers;
    stream.headReceived = true;
    stream.isHead = headers.method === "HEAD";
    stream.upgrade = headers.protocol;
    if (headers.method !== "CONNECT" && headers.protocol === null) stream.contentLength = contentLength;
    if (end && stream.contentLength > 0) return this.#session.failMessage(stream, Http2Details.MessagingRule);
    stream.remoteEnded = end;
    stream.decoder!.onHeaders(headers, end);
    if (end) this.#session.afterRemoteEnd(stream);
  }

  onGoAway(_lastStreamId: number): void {
    this.#callbacks.onGoAway();
  }

  onPeerSettings(): void {}

  openStream(): boolean {
    return false;
  }

  onStreamClosed(): void {
    if (!this.#session.wantsToWrite) this.#callbacks.onFlushed?.();
  }

  #failPreface(): CodecError | null {
    this.#prefaceBytes = PREFACE_BYTES.length;
    const session = this.#session;
    session.dispatching = true;
    session.fail(ErrorCode.ProtocolError, "the connection does not begin as HTTP/2 does");
    return session.error;
  }
}
