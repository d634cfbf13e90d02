// host/http/h2/stream.ts: one request and its response on an HTTP/2 connection: the sending side, and its state.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message and per chunk; see bench/micro/h2.bench.ts
/**
 * The same class on both sides of the connection: what differs is which of the two messages is sent.
 *
 * @see Envoy: source/common/http/http2/codec_impl.cc ConnectionImpl::StreamImpl
 * @see RFC 9113 §5.1
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import type { Timer } from "../../base/clock.ts";
import { StreamResetReason } from "../codec.ts";
import type {
  RequestEncoder,
  ResponseDecoder,
  ResponseEncoder,
  StreamCallbacks,
  StreamDecoder,
  StreamMeter,
} from "../codec.ts";
import type { HeaderMap } from "../header_map.ts";
import { ErrorCode, FRAME_HEADER_BYTES, headersFrames } from "./frame.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { requestBlock, requestProblem, responseBlock, trailersBlock, written } from "./header_writer.ts";
import type { HpackEncoder } from "./hpack_encoder.ts";
import type { SendingStream, SendScheduler } from "./send_scheduler.ts";

/** The connection as its streams know it. */
export interface StreamOwner {
  readonly isServer: boolean;
  readonly encoder: HpackEncoder;
  readonly writer: FrameWriter;
  readonly scheduler: SendScheduler;
  /** So many bytes may wait in one stream, and in all of them together, before who sends them is told. */
  readonly streamBufferLimitBytes: number;
  readonly bufferLimitBytes: number;
  /** Client: the stream gets its number. False: there are none left, or the connection is over. */
  open(stream: Http2Stream): boolean;
  /** The first HEADERS of the message that is sent went out. */
  onMessageStarted(stream: Http2Stream): void;
  /** END_STREAM went out. */
  onEndSent(stream: Http2Stream): void;
  /** The message ended and bytes of it wait, or some of them went. */
  armFlushTimer(stream: Http2Stream): void;
  onLocalReset(stream: Http2Stream, code: ErrorCode): void;
  /** The peer may send so many bytes more on this stream. */
  onConsumed(stream: Http2Stream, bytes: number): void;
}

/** Below this many bytes nobody is told to stop, however much waits elsewhere. Less than a first read gives. */
const SMALL_BUFFER_BYTES = 8 * 1024;
const NO_BYTES: ByteQueue = new ByteQueue();

export class Http2Stream implements ResponseEncoder, RequestEncoder, SendingStream, StreamMeter {
  readonly #owner: StreamOwner;
  id = 0;
  /** Who gets the message that is received; on the client side a ResponseDecoder. */
  decoder: (StreamDecoder & StreamCallbacks) | null = null;

  // Receiving.
  /** The head of the message was given to the decoder. */
  headReceived = false;
  remoteEnded = false;
  /** What `content-length` says; -1: nothing. */
  contentLength = -1;
  bodyBytesReceived = 0;
  /** What the peer may still send. */
  receiveWindow = 0;
  /** Given to the decoder, and not given back to the peer yet. */
  consumedBytes = 0;
  /** The same, while the decoder does not want more. */
  heldBytes = 0;
  readDisables = 0;
  informationalResponses = 0;

  // Sending.
  sendWindow = 0;
  pending: ByteQueue = NO_BYTES;
  isQueued = false;
  bodyBytesSent = 0;
  bodyFramesSent = 0;
  flushTimer: Timer | null = null;
  /** Null: as the connection says. */
  flushTimeoutMs: number | null = null;
  /** Nobody may send any more: END_STREAM is sent or waits behind `pending`, or the stream was reset. */
  #sendOver = false;
  #headersSent = false;
  endSent = false;
  #pendingTrailers: HeaderMap | null = null;
  /** Taken out of the connection: nothing comes, nothing goes. */
  closed = false;
  /** The request's method is HEAD: its response has no body, whatever its length says. */
  isHead = false;
  /** The request is an upgrade to this protocol, by extended CONNECT. */
  upgrade: string | null = null;
  /** Server: what the client is told when the response ends before the request. */
  endCode: ErrorCode = ErrorCode.NoError;

  #toldPendingHigh = false;
  #toldConnectionHigh = false;

  wireBytesReceived = 0;
  headerBytesReceived = 0;
  headerBytesSent = 0;
  #headerFrameBytesSent = 0;

  constructor(owner: StreamOwner) {
    this.#owner = owner;
  }

  get meter(): StreamMeter {
    return this;
  }

  get wireBytesSent(): number {
    return this.#headerFrameBytesSent + this.bodyBytesSent + this.bodyFramesSent * FRAME_HEADER_BYTES;
  }

  get pendingBytes(): number {
    return this.pending.length;
  }

  get endsAfterPending(): boolean {
    return this.#sendOver;
  }

  get endsWithData(): boolean {
    return this.#pendingTrailers === null;
  }

  setFlushTimeoutMs(timeoutMs: number): void {
    this.flushTimeoutMs = timeoutMs;
  }

  noteConnectError(): void {
    this.endCode = ErrorCode.ConnectError;
  }

  encode1xxHeaders(headers: HeaderMap): void {
    const status = headers.status;
    if (this.#sendOver || this.#headersSent || status < 100 || status > 199 || status === 101) return;
    this.#writeHeaders(responseBlock(this.#owner.encoder, headers), false);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): string | null {
    if (this.#sendOver || this.#headersSent) return null;
    const owner = this.#owner;
    let block: string;
    if (owner.isServer) {
      if (headers.status === 0) headers.status = 500;
      // A 101 that the client did not ask for means nothing to it.
      if (headers.status < 200 && (headers.status !== 101 || this.upgrade === null)) headers.status = 502;
      block = responseBlock(owner.encoder, headers);
    } else {
      const problem = requestProblem(headers);
      if (problem !== null) return problem;
      if (!owner.open(this)) return "the connection takes no more streams";
      this.isHead = headers.method === "HEAD";
      if (headers.protocol !== null) this.upgrade = headers.protocol;
      block = requestBlock(owner.encoder, headers);
    }
    this.#headersSent = true;
    this.headerBytesSent = written.fieldBytes;
    if (end) this.#sendOver = true;
    this.#writeHeaders(block, end);
    owner.onMessageStarted(this);
    if (end) this.#onEndSent();
    return null;
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.#sendOver || !this.#headersSent) return data.clear();
    if (end) this.#sendOver = true;
    const owner = this.#owner;
    if (this.pending.length === 0) {
      if (owner.scheduler.send(this, data, end)) {
        if (end) this.#onEndSent();
        return;
      }
      if (this.closed) return data.clear();
    }
    if (this.pending === NO_BYTES) this.pending = new ByteQueue();
    owner.scheduler.pendingBytes += data.length;
    data.moveTo(this.pending);
    owner.scheduler.enqueue(this);
    if (end) owner.armFlushTimer(this);
    else this.#checkPending();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#sendOver || !this.#headersSent) return;
    this.#sendOver = true;
    if (this.pending.length > 0) {
      this.#pendingTrailers = trailers;
      this.#owner.armFlushTimer(this);
      return;
    }
    this.#writeTrailers(trailers);
  }

  resetStream(reason: StreamResetReason): void {
    if (this.closed) return;
    this.#sendOver = true;
    this.#owner.onLocalReset(this, errorCodeOf(reason));
  }

  /** The codec sees for itself whether a tunnel was accepted. */
  enableTunnel(): void {}

  readDisable(disable: boolean): void {
    if (this.closed) return;
    if (disable) {
      this.readDisables++;
      return;
    }
    if (this.readDisables === 0 || --this.readDisables > 0 || this.heldBytes === 0) return;
    const bytes = this.heldBytes;
    this.heldBytes = 0;
    this.#owner.onConsumed(this, bytes);
  }

  // From the scheduler.

  onPendingSent(ended: boolean): void {
    if (this.closed) return;
    if (!ended) {
      if (this.#sendOver) this.#owner.armFlushTimer(this);
      else this.#checkPending();
      return;
    }
    const trailers = this.#pendingTrailers;
    this.#pendingTrailers = null;
    if (trailers === null) this.#onEndSent();
    else this.#writeTrailers(trailers);
  }

  // From the connection.

  /** The connection is above its high watermark, or no longer. */
  onConnectionWatermark(above: boolean): void {
    if (this.#toldConnectionHigh === above || this.decoder === null || this.#sendOver) return;
    this.#toldConnectionHigh = above;
    if (above) this.decoder.onAboveWriteBufferHighWatermark();
    else this.decoder.onBelowWriteBufferLowWatermark();
  }

  /** Nothing more is sent. */
  abandon(): void {
    this.#sendOver = true;
    this.flushTimer?.disable();
    this.#pendingTrailers = null;
  }

  onResetStream(reason: StreamResetReason, details: string): void {
    this.decoder?.onResetStream(reason, details);
  }

  on1xxHeaders(headers: HeaderMap): void {
    (this.decoder as ResponseDecoder & StreamCallbacks).on1xxHeaders(headers);
  }

  /** Stops and starts who sends, by what waits here and in all streams together. */
  #checkPending(): void {
    const owner = this.#owner;
    const bytes = this.pending.length;
    const crowded = owner.scheduler.pendingBytes > owner.bufferLimitBytes;
    if (!this.#toldPendingHigh) {
      if (bytes <= (crowded ? SMALL_BUFFER_BYTES : owner.streamBufferLimitBytes)) return;
      this.#toldPendingHigh = true;
      this.decoder!.onAboveWriteBufferHighWatermark();
    } else {
      if (bytes > (crowded ? SMALL_BUFFER_BYTES : owner.streamBufferLimitBytes) / 2) return;
      this.#toldPendingHigh = false;
      this.decoder!.onBelowWriteBufferLowWatermark();
    }
  }

  #writeHeaders(block: string, end: boolean): void {
    const owner = this.#owner;
    const frames = headersFrames(this.id, block, end, owner.scheduler.maxFrameSize);
    this.#headerFrameBytesSent += frames.length;
    owner.writer.headers(frames);
  }

  #writeTrailers(trailers: HeaderMap): void {
    const block = trailersBlock(this.#owner.encoder, trailers);
    this.headerBytesSent += written.fieldBytes;
    if (block === "") this.#owner.scheduler.send(this, NO_BYTES, true);
    else this.#writeHeaders(block, true);
    this.#onEndSent();
  }

  #onEndSent(): void {
    this.endSent = true;
    this.flushTimer?.disable();
    this.#owner.onEndSent(this);
  }
}

/** What the peer is told. */
function errorCodeOf(reason: StreamResetReason): ErrorCode {
  switch (reason) {
    case StreamResetReason.LocalRefusedStreamReset:
      return ErrorCode.RefusedStream;
    case StreamResetReason.ConnectError:
      return ErrorCode.ConnectError;
    case StreamResetReason.ProtocolError:
      return ErrorCode.ProtocolError;
    default:
      return ErrorCode.InternalError;
  }
}
