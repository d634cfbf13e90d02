// host/http/h2/session.ts: the state of an HTTP/2 connection, of either side, and the end of it.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message and per chunk; see bench/micro/h2.bench.ts
/**
 * Knows the open streams, both flow-control windows, and what the peer said of itself. `inbound.ts` turns the
 * peer's frames into calls of this; streams write through it.
 *
 * What is wrong with a message ends the connection, as in Envoy, unless the options say that its stream is
 * enough; what is wrong with a frame always does.
 *
 * @see Envoy: source/common/http/http2/codec_impl.cc ConnectionImpl
 * @module
 */
import { CloseType } from "../../net/filter.ts";
import { type CodecError, StreamResetReason } from "../codec.ts";
import { connectionError, floodError, Http2Details } from "./errors.ts";
import { FloodGuard } from "./flood_guard.ts";
import {
  DEFAULT_WINDOW_SIZE,
  ErrorCode,
  goAwayFrame,
  MAX_WINDOW_SIZE,
  pingFrame,
  rstStreamFrame,
  windowUpdateFrame,
} from "./frame.ts";
import { FrameWriter, type Http2Connection } from "./frame_writer.ts";
import { HpackEncoder } from "./hpack_encoder.ts";
import { Keepalive, type Timing } from "./keepalive.ts";
import type { Http2Options } from "./options.ts";
import { SendScheduler } from "./send_scheduler.ts";
import { openingFrames, PeerSettings } from "./settings.ts";
import type { Http2Stats } from "./stats.ts";
import type { Http2Stream, StreamOwner } from "./stream.ts";

/** What differs between the two sides: the codecs. */
export interface SessionOwner {
  /** Whether a stream of this number has not been there yet. */
  isIdle(streamId: number): boolean;
  /** HEADERS came for a stream that is idle. Returns the new stream; null: its message is of no interest. */
  acceptStream(streamId: number): Http2Stream | null;
  /** Gives a message's head to the stream's decoder. `contentLength` is -1 when there is none. */
  onHead(stream: Http2Stream, contentLength: number, end: boolean): void;
  onGoAway(lastStreamId: number, errorCode: number): void;
  onPeerSettings(settings: PeerSettings): void;
  /** Client: gives the stream a number. */
  openStream(stream: Http2Stream): boolean;
  /** The stream is out of the connection: ended well (null), or reset. */
  onStreamClosed(stream: Http2Stream, reason: StreamResetReason | null): void;
  /** The largest of the peer's streams that something was done for. */
  readonly lastPeerStreamId: number;
}

/** So many streams that this side reset are remembered: what the peer sent before it knew is dropped. */
const REMEMBERED_RESETS = 512;

export class Session implements StreamOwner {
  readonly isServer: boolean;
  readonly options: Http2Options;
  readonly stats: Http2Stats;
  readonly encoder: HpackEncoder;
  readonly writer: FrameWriter;
  readonly scheduler: SendScheduler;
  readonly guard: FloodGuard;
  readonly streamBufferLimitBytes: number;
  readonly bufferLimitBytes: number;
  readonly peer: PeerSettings = new PeerSettings();
  readonly streams: Map<number, Http2Stream> = new Map<number, Http2Stream>();
  readonly keepalive: Keepalive | null;
  readonly owner: SessionOwner;
  /** The connection is over: nothing is read any more. */
  done = false;
  /** Why; null while nothing is wrong. */
  error: CodecError | null = null;
  /** Bytes are being looked at: who called will be told of an error. */
  dispatching = false;
  readonly #connection: Http2Connection;
  readonly #timing: Timing;
  readonly #resets = new Set<number>();
  /** What the peer may still send, and what it sent that was dealt with since it was last told. */
  #receiveWindow: number;
  #consumedBytes = 0;
  #countedPending = 0;
  #above = false;

  constructor(
    isServer: boolean,
    connection: Http2Connection,
    options: Http2Options,
    stats: Http2Stats,
    timing: Timing,
    owner: SessionOwner,
  ) {
    this.isServer = isServer;
    this.options = options;
    this.stats = stats;
    this.owner = owner;
    this.#connection = connection;
    this.#timing = timing;
    this.guard = new FloodGuard(options, stats);
    this.encoder = new HpackEncoder(options.hpackTableBytes, options.huffmanEncoding);
    this.writer = new FrameWriter(connection, options, stats, (details) => this.#onOutboundFlood(details));
    this.scheduler = new SendScheduler(this.writer, this.guard);
    this.bufferLimitBytes = options.bufferLimitBytes;
    this.streamBufferLimitBytes = Math.min(options.initialStreamWindowBytes, options.bufferLimitBytes);
    this.#receiveWindow = Math.max(options.initialConnectionWindowBytes, DEFAULT_WINDOW_SIZE);
    const { keepalive } = options;
    this.keepalive = keepalive === null ? null : new Keepalive(
      keepalive,
      timing,
      (payload) => this.writer.control(pingFrame(payload, false)),
      () => this.#onKeepaliveTimeout(),
    );
  }

  /** The first bytes of this side. */
  begin(preface: string): void {
    this.writer.control(preface + openingFrames(this.options, this.isServer));
  }

  /** Bytes wait for the peer to make room. */
  get wantsToWrite(): boolean {
    return this.scheduler.pendingBytes > 0;
  }

  /** The connection is above its high watermark, or no longer. */
  onWatermark(above: boolean): void {
    this.#above = above;
    this.scheduler.blocked = above;
    this.writer.publish(!this.done);
    if (!above) this.scheduler.pump();
    for (const stream of this.streams.values()) stream.onConnectionWatermark(above);
    this.publishPending();
  }

  /** The connection is gone. */
  close(): void {
    this.done = true;
    this.keepalive?.close();
    for (const stream of this.streams.values()) this.#detach(stream);
    this.streams.clear();
    this.writer.publish(false);
    this.publishPending();
  }

  goAway(lastStreamId: number, code: ErrorCode): void {
    if (this.done) return;
    this.writer.control(goAwayFrame(lastStreamId, code));
  }

  /** Ends the connection; the peer is told why. */
  fail(code: ErrorCode, message: string): void {
    if (this.done) return;
    // Of a server's, Envoy counts the orderly ones only.
    if (!this.isServer) this.stats.goawaySent.inc();
    this.goAway(this.owner.lastPeerStreamId, code);
    this.#stop(connectionError(message), CloseType.FlushWrite);
  }

  /** Ends the connection for frames that only cost, on this stream or on none. */
  failFlood(stream: Http2Stream | null, details: string): void {
    if (stream !== null) this.#cut(stream, details);
    if (this.done) return;
    this.goAway(this.owner.lastPeerStreamId, ErrorCode.EnhanceYourCalm);
    this.#stop(floodError(details), CloseType.FlushWrite);
  }

  /** Ends the connection for what happened on this stream. */
  failWith(stream: Http2Stream, code: ErrorCode, details: string): void {
    this.#cut(stream, details);
    this.fail(code, details);
  }

  #cut(stream: Http2Stream, details: string): void {
    if (!stream.closed) {
      this.#remove(stream);
      stream.onResetStream(StreamResetReason.ProtocolError, details);
      this.owner.onStreamClosed(stream, StreamResetReason.ProtocolError);
    }
  }

  /** Resets a stream for what the peer did on it. */
  failStream(stream: Http2Stream, code: ErrorCode, reason: StreamResetReason, details: string): void {
    if (stream.closed) return;
    this.#reset(stream, code);
    stream.onResetStream(reason, details);
    this.owner.onStreamClosed(stream, reason);
    if (this.guard.onStreamError()) this.fail(ErrorCode.EnhanceYourCalm, "too many streams had to be reset");
  }

  /** A message is malformed. */
  failMessage(stream: Http2Stream, details: string): void {
    this.stats.rxMessagingError.inc();
    if (this.options.streamErrorOnInvalidMessage) {
      this.failStream(stream, ErrorCode.ProtocolError, StreamResetReason.ProtocolError, details);
    } else {
      this.failWith(stream, ErrorCode.ProtocolError, details);
    }
  }

  /** A body is not as long as `content-length` says. Envoy's library resets the stream for it, whatever is set. */
  failLength(stream: Http2Stream): void {
    this.failStream(stream, ErrorCode.ProtocolError, StreamResetReason.ProtocolError, Http2Details.RemoteReset);
  }

  /** The peer reset a stream. */
  onRemoteReset(stream: Http2Stream, code: number): void {
    this.stats.rxReset.inc();
    this.#remove(stream);
    let reason: StreamResetReason = StreamResetReason.RemoteReset;
    if (code === ErrorCode.RefusedStream) reason = StreamResetReason.RemoteRefusedStreamReset;
    else if (code === ErrorCode.ConnectError) reason = StreamResetReason.ConnectError;
    stream.onResetStream(
      reason,
      code === ErrorCode.RefusedStream ? Http2Details.RemoteRefused : Http2Details.RemoteReset,
    );
    this.owner.onStreamClosed(stream, reason);
    if (this.isServer && this.guard.onReset(this.#timing.clock.nowMs())) {
      this.fail(ErrorCode.InternalError, "too many streams were reset");
    }
  }

  /** A stream that the peer did nothing for, as it says itself. */
  onRefused(stream: Http2Stream): void {
    this.#remove(stream);
    stream.onResetStream(StreamResetReason.RemoteRefusedStreamReset, Http2Details.RemoteRefused);
    this.owner.onStreamClosed(stream, StreamResetReason.RemoteRefusedStreamReset);
  }

  /** A stream begins. */
  add(stream: Http2Stream): void {
    stream.sendWindow = this.peer.initialWindowBytes;
    stream.receiveWindow = this.options.initialStreamWindowBytes;
    this.streams.set(stream.id, stream);
    this.stats.streamsActive.inc();
    if (this.#above) stream.onConnectionWatermark(true);
  }

  /** The message that is received is over, and the decoder knows. */
  afterRemoteEnd(stream: Http2Stream): void {
    if (stream.closed) return;
    if (stream.endSent) {
      this.#remove(stream);
      this.owner.onStreamClosed(stream, null);
    } else if (!this.isServer) {
      // A response that came early: the rest of the request is of no use to anybody.
      this.#reset(stream, ErrorCode.InternalError);
      this.owner.onStreamClosed(stream, StreamResetReason.LocalReset);
    }
  }

  /** Whether this side reset the stream not long ago. */
  wasReset(streamId: number): boolean {
    return this.#resets.has(streamId);
  }

  /** Refuses a stream that was never opened. */
  refuse(streamId: number): void {
    this.stats.streamRefusedErrors.inc();
    this.sendReset(streamId, ErrorCode.RefusedStream);
  }

  sendReset(streamId: number, code: ErrorCode): void {
    if (this.done) return;
    this.stats.txReset.inc();
    if (this.#resets.size >= REMEMBERED_RESETS) {
      for (const oldest of this.#resets) {
        this.#resets.delete(oldest);
        break;
      }
    }
    this.#resets.add(streamId);
    this.writer.control(rstStreamFrame(streamId, code));
  }

  /** DATA of this length came; false: there was no room for it. */
  onDataReceived(bytes: number): boolean {
    this.#receiveWindow -= bytes;
    return this.#receiveWindow >= 0;
  }

  /** Bytes of no stream were dealt with. */
  creditConnection(bytes: number): void {
    this.#consumedBytes += bytes;
    const window = Math.max(this.options.initialConnectionWindowBytes, DEFAULT_WINDOW_SIZE);
    if (this.#consumedBytes < window / 2 || this.done) return;
    this.writer.control(windowUpdateFrame(0, this.#consumedBytes));
    this.#receiveWindow += this.#consumedBytes;
    this.#consumedBytes = 0;
  }

  /** The peer's settings changed the windows of all streams; false: one became too large. */
  changeWindows(difference: number): boolean {
    for (const stream of this.streams.values()) {
      stream.sendWindow += difference;
      if (stream.sendWindow > MAX_WINDOW_SIZE) return false;
      this.scheduler.enqueue(stream);
    }
    return true;
  }

  /** Brings the statistics of bytes that wait up to date. */
  publishPending(): void {
    const pending = this.done ? 0 : this.scheduler.pendingBytes;
    if (pending === this.#countedPending) return;
    this.stats.pendingSendBytes.add(pending - this.#countedPending);
    this.#countedPending = pending;
  }

  // StreamOwner

  open(stream: Http2Stream): boolean {
    if (this.done || !this.owner.openStream(stream)) return false;
    this.keepalive?.onNewStream();
    this.add(stream);
    return true;
  }

  onMessageStarted(_stream: Http2Stream): void {
    this.guard.openedStreams++;
  }

  onEndSent(stream: Http2Stream): void {
    if (stream.closed) return;
    if (stream.remoteEnded) this.#remove(stream);
    // With a response that is over nobody listens to the request any more (RFC 9113 §8.1).
    else if (this.isServer) this.#reset(stream, stream.endCode);
    else return;
    this.owner.onStreamClosed(stream, null);
  }

  armFlushTimer(stream: Http2Stream): void {
    this.publishPending();
    const flushTimeoutMs = stream.flushTimeoutMs ?? this.options.flushTimeoutMs;
    if (flushTimeoutMs <= 0) return;
    const { clock, timers } = this.#timing;
    stream.flushTimer ??= (timers?.streamFlush ?? clock).createTimer(() => {
      this.stats.txFlushTimeout.inc();
      this.#reset(stream, ErrorCode.InternalError);
      this.owner.onStreamClosed(stream, StreamResetReason.LocalReset);
    });
    stream.flushTimer.enable(flushTimeoutMs);
  }

  onLocalReset(stream: Http2Stream, code: ErrorCode): void {
    // One that was never sent has nothing to reset.
    if (stream.id === 0) stream.closed = true;
    else this.#reset(stream, code);
    this.owner.onStreamClosed(stream, StreamResetReason.LocalReset);
  }

  onConsumed(stream: Http2Stream, bytes: number): void {
    this.creditConnection(bytes);
    if (stream.remoteEnded || stream.closed) return;
    stream.consumedBytes += bytes;
    if (stream.consumedBytes < this.options.initialStreamWindowBytes / 2 || this.done) return;
    this.writer.control(windowUpdateFrame(stream.id, stream.consumedBytes));
    stream.receiveWindow += stream.consumedBytes;
    stream.consumedBytes = 0;
  }

  #reset(stream: Http2Stream, code: ErrorCode): void {
    if (stream.closed) return;
    this.#remove(stream);
    this.sendReset(stream.id, code);
  }

  #remove(stream: Http2Stream): void {
    this.streams.delete(stream.id);
    this.#detach(stream);
  }

  #detach(stream: Http2Stream): void {
    stream.closed = true;
    stream.abandon();
    this.scheduler.remove(stream);
    this.stats.streamsActive.dec();
    const held = stream.heldBytes;
    stream.heldBytes = 0;
    if (held > 0) this.creditConnection(held);
    if (!this.dispatching) this.publishPending();
  }

  /** Nothing is read any more. Outside of a dispatch nobody asks for the error: the connection is closed from here. */
  #stop(error: CodecError, type: CloseType): void {
    this.done = true;
    this.error = error;
    this.keepalive?.close();
    // Not from within the caller, who may be in the middle of a message.
    if (!this.dispatching) RESOLVED.then(() => this.#connection.close(type, error.message));
  }

  #onOutboundFlood(details: string): void {
    if (!this.done) this.#stop(floodError(details), CloseType.NoFlush);
  }

  #onKeepaliveTimeout(): void {
    this.stats.keepaliveTimeout.inc();
    this.#connection.close(CloseType.NoFlush, Http2Details.PingTimeout);
  }
}

const RESOLVED: Promise<void> = Promise.resolve();
