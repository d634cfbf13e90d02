// host/http/h2/inbound.ts: what comes from the peer, frame by frame.
// pure: no I/O, no clock, no runtime globals
// hot: runs per frame; see bench/micro/h2.bench.ts
/**
 * Body bytes of one stream that come in one read are given to its decoder together, however many frames they
 * came in.
 *
 * @see Envoy: source/common/http/http2/codec_impl.cc ConnectionImpl::dispatch
 * @see RFC 9113 §5, §6
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { latin1Slice } from "../../base/bytes.ts";
import { type CodecError, StreamResetReason } from "../codec.ts";
import { Http2Details } from "./errors.ts";
import { ErrorCode, FrameFlag, FrameType, MAX_WINDOW_SIZE, pingFrame, SETTINGS_ACK } from "./frame.ts";
import { FrameEvent, FrameReader } from "./frame_reader.ts";
import { HeaderBlocks } from "./header_blocks.ts";
import { BlockKind, BlockVerdict } from "./header_reader.ts";
import type { Session } from "./session.ts";
import type { Http2Stream } from "./stream.ts";

export class Inbound {
  readonly blocks: HeaderBlocks;
  readonly #session: Session;
  readonly #reader = new FrameReader();
  /** Bytes of `#bodyStream` that its decoder was not given yet. */
  readonly #body = new ByteQueue();
  #bodyStream: Http2Stream | null = null;
  /** Whose DATA frame is being read; null: nobody's. */
  #dataStream: Http2Stream | null = null;
  #sawSettings = false;

  constructor(session: Session) {
    this.#session = session;
    this.blocks = new HeaderBlocks(session.options);
    // What allows more can be used at once, what allows less when the peer knows of it.
    if (session.options.hpackTableBytes > 4096) this.blocks.decoder.setLimitBytes(session.options.hpackTableBytes);
  }

  /** Takes bytes behind the preface. */
  dispatch(bytes: Uint8Array, from: number): CodecError | null {
    const session = this.#session;
    if (session.done || session.dispatching) return null;
    session.keepalive?.onReceived();
    session.dispatching = true;
    const reader = this.#reader;
    let at = from;
    while (!session.done) {
      const event = reader.next(bytes, at);
      at = reader.offset;
      if (event === FrameEvent.NeedMore) break;
      if (event === FrameEvent.Data) {
        this.#onData();
        continue;
      }
      this.#giveBody(false);
      if (session.done) break;
      if (event === FrameEvent.Frame) this.#onFrame();
      else if (event === FrameEvent.TooLarge) session.fail(ErrorCode.FrameSizeError, "the frame is too large");
      else session.fail(ErrorCode.ProtocolError, "the padding is longer than its frame");
    }
    if (!session.done) this.#giveBody(false);
    this.#body.clear();
    this.#bodyStream = null;
    session.dispatching = false;
    session.publishPending();
    return session.error;
  }

  #onFrame(): void {
    const session = this.#session;
    const { type, flags, streamId, bytes, start, end } = this.#reader;
    const length = end - start;
    if (!this.#sawSettings) {
      if (type !== FrameType.Settings || (flags & FrameFlag.Ack) !== 0) {
        return session.fail(ErrorCode.ProtocolError, "SETTINGS expected");
      }
      this.#sawSettings = true;
    }
    const { streamId: begun } = this.blocks;
    if (begun !== 0 && (type !== FrameType.Continuation || streamId !== begun)) {
      // What began is a request all the same, to be counted and logged.
      if (session.isServer && session.owner.isIdle(begun)) session.owner.acceptStream(begun);
      return session.fail(ErrorCode.ProtocolError, "CONTINUATION expected");
    }
    switch (type) {
      case FrameType.Headers:
        return this.#onHeaders(streamId, flags, bytes, start, end);
      case FrameType.Continuation:
        return this.#onContinuation(streamId, flags, bytes, start, end);
      case FrameType.WindowUpdate:
        if (length !== 4) return session.fail(ErrorCode.FrameSizeError, "WINDOW_UPDATE has 4 bytes");
        return this.#onWindowUpdate(streamId, uint32(bytes, start) & MAX_WINDOW_SIZE);
      case FrameType.RstStream:
        if (length !== 4) return session.fail(ErrorCode.FrameSizeError, "RST_STREAM has 4 bytes");
        return this.#onRstStream(streamId, uint32(bytes, start));
      case FrameType.Settings:
        return this.#onSettings(streamId, flags, bytes, start, end);
      case FrameType.Ping:
        if (length !== 8) return session.fail(ErrorCode.FrameSizeError, "PING has 8 bytes");
        if (streamId !== 0) return session.fail(ErrorCode.ProtocolError, "PING is of no stream");
        if ((flags & FrameFlag.Ack) !== 0) session.keepalive?.onAck();
        else session.writer.control(pingFrame(latin1Slice(bytes, start, end), true));
        return;
      case FrameType.Priority:
        return this.#onPriority(streamId, bytes, start, length);
      case FrameType.GoAway:
        if (length < 8) return session.fail(ErrorCode.FrameSizeError, "GOAWAY has 8 bytes or more");
        if (streamId !== 0) return session.fail(ErrorCode.ProtocolError, "GOAWAY is of no stream");
        return session.owner.onGoAway(uint32(bytes, start) & MAX_WINDOW_SIZE, uint32(bytes, start + 4));
      case FrameType.PushPromise:
        return this.#onPushPromise(streamId);
    }
    // Frames of unknown types are dropped (RFC 9113 §4.1).
  }

  // Bodies.

  #onData(): void {
    const session = this.#session;
    const reader = this.#reader;
    if (reader.isFirst) {
      this.#dataStream = this.#beginData();
      if (session.done) return;
    }
    const stream = this.#dataStream;
    const length = reader.end - reader.start;
    if (stream === null || stream.closed) {
      session.creditConnection(length);
    } else {
      if (this.#bodyStream !== stream) this.#giveBody(false);
      this.#bodyStream = stream;
      const { bytes, start, end } = reader;
      this.#body.lend(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
    }
    if (reader.isLast && !session.done) this.#endData(stream);
  }

  /** Whose frame it is; null when its bytes are dropped. */
  #beginData(): Http2Stream | null {
    const session = this.#session;
    const { streamId, length, padding, flags } = this.#reader;
    if (!this.#sawSettings || this.blocks.streamId !== 0 || streamId === 0) {
      session.fail(ErrorCode.ProtocolError, "DATA where it may not be");
      return null;
    }
    if (!session.onDataReceived(length)) {
      session.fail(ErrorCode.FlowControlError, "more DATA than the connection's window allows");
      return null;
    }
    const stream = session.streams.get(streamId) ?? null;
    const flood = session.guard.onMessageFrame(length - padding, (flags & FrameFlag.EndStream) !== 0);
    if (flood !== null) {
      session.failFlood(stream, flood);
      return null;
    }
    if (stream === null) {
      if (session.owner.isIdle(streamId)) session.fail(ErrorCode.ProtocolError, "DATA of an idle stream");
      else if (!session.wasReset(streamId)) this.#failClosed(streamId);
      return null;
    }
    if (stream.remoteEnded) {
      session.failWith(stream, ErrorCode.StreamClosed, Http2Details.ConnectionError);
      return null;
    }
    if (!stream.headReceived) {
      session.failMessage(stream, Http2Details.MessagingRule);
      return null;
    }
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) {
      session.failWith(stream, ErrorCode.FlowControlError, Http2Details.Other);
      return null;
    }
    stream.wireBytesReceived += 9 + length;
    stream.bodyBytesReceived += length - padding;
    if (stream.contentLength >= 0 && stream.bodyBytesReceived > stream.contentLength) {
      this.#giveBody(false);
      session.failLength(stream);
      return null;
    }
    return stream;
  }

  #endData(stream: Http2Stream | null): void {
    const session = this.#session;
    const { padding, flags } = this.#reader;
    if (stream === null || stream.closed) {
      session.creditConnection(padding);
      return;
    }
    if (padding > 0) session.onConsumed(stream, padding);
    if ((flags & FrameFlag.EndStream) === 0) return;
    if (stream.contentLength >= 0 && stream.bodyBytesReceived !== stream.contentLength) {
      session.failLength(stream);
      // Its last bytes are given to nobody.
      this.#giveBody(false);
      return;
    }
    stream.remoteEnded = true;
    this.#giveBody(true);
    session.afterRemoteEnd(stream);
  }

  /** Gives what was gathered. */
  #giveBody(end: boolean): void {
    const stream = this.#bodyStream;
    if (stream === null) return;
    const session = this.#session;
    const body = this.#body;
    const length = body.length;
    this.#bodyStream = null;
    if (!stream.closed && (length > 0 || end)) stream.decoder!.onData(body, end);
    body.clear();
    if (stream.closed) session.creditConnection(length);
    else if (stream.readDisables > 0) stream.heldBytes += length;
    else session.onConsumed(stream, length);
  }

  // Heads and trailers.

  #onHeaders(streamId: number, flags: number, bytes: Uint8Array, payloadStart: number, payloadEnd: number): void {
    const session = this.#session;
    let start = payloadStart;
    let end = payloadEnd;
    if (streamId === 0) return session.fail(ErrorCode.ProtocolError, "HEADERS is of a stream");
    if ((flags & FrameFlag.Padded) !== 0) {
      const padding = start < end ? bytes[start]! : 0;
      if (start + 1 + padding > end) {
        return session.fail(ErrorCode.ProtocolError, "the padding is longer than its frame");
      }
      start++;
      end -= padding;
    }
    if ((flags & FrameFlag.Priority) !== 0) {
      if (end - start < 5) return session.fail(ErrorCode.FrameSizeError, "HEADERS is too short for its priority");
      if ((uint32(bytes, start) & MAX_WINDOW_SIZE) === streamId) {
        return session.fail(ErrorCode.ProtocolError, "the stream depends on itself");
      }
      start += 5;
    }
    const endStream = (flags & FrameFlag.EndStream) !== 0;
    const flood = session.guard.onMessageFrame(end - start, endStream);
    if (flood !== null) return session.failFlood(session.streams.get(streamId) ?? null, flood);
    if ((flags & FrameFlag.EndHeaders) !== 0) {
      this.#onBlock(streamId, endStream, bytes, start, end);
      return;
    }
    this.blocks.begin(streamId, endStream);
    this.#collect(bytes, start, end);
  }

  #onContinuation(streamId: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    const session = this.#session;
    const { blocks } = this;
    if (blocks.streamId === 0) return session.fail(ErrorCode.ProtocolError, "CONTINUATION without HEADERS");
    const flood = session.guard.onMessageFrame(end - start, false);
    if (flood !== null) return session.failFlood(session.streams.get(streamId) ?? null, flood);
    if (!this.#collect(bytes, start, end)) return;
    if ((flags & FrameFlag.EndHeaders) !== 0) this.#onBlock(streamId, blocks.endStream, null, 0, 0);
  }

  #collect(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.blocks.append(bytes, start, end)) return true;
    this.#session.stats.headerOverflow.inc();
    this.#session.fail(ErrorCode.EnhanceYourCalm, "the header block is too long");
    return false;
  }

  /** A whole block; `bytes` is null when it was collected. */
  #onBlock(streamId: number, endStream: boolean, bytes: Uint8Array | null, start: number, end: number): void {
    const session = this.#session;
    let stream = session.streams.get(streamId) ?? null;
    if (stream === null) {
      if (session.owner.isIdle(streamId)) stream = session.owner.acceptStream(streamId);
      else if (!session.wasReset(streamId)) session.fail(ErrorCode.StreamClosed, "HEADERS of a closed stream");
    } else if (stream.remoteEnded) {
      session.failWith(stream, ErrorCode.StreamClosed, Http2Details.ConnectionError);
    }
    if (session.done) return;
    const isTrailers = stream !== null && stream.headReceived;
    let kind: BlockKind = BlockKind.Ignored;
    if (stream !== null) {
      if (session.isServer) kind = isTrailers ? BlockKind.RequestTrailers : BlockKind.Request;
      else kind = isTrailers ? BlockKind.ResponseTrailers : BlockKind.Response;
    }
    const { blocks } = this;
    const verdict = bytes === null ? blocks.finish(kind) : blocks.decode(kind, bytes, start, end);
    if (verdict === null) return session.fail(ErrorCode.CompressionError, "the header block is malformed");
    if (stream === null) return session.stats.headersCbNoStream.inc();
    if (isTrailers && session.isServer) session.stats.trailers.inc();
    const { reader } = blocks;
    stream.headerBytesReceived += reader.fieldBytes;
    stream.wireBytesReceived += 9 + end - start;
    if (reader.droppedUnderscores > 0) {
      session.stats.droppedHeadersWithUnderscores.add(reader.droppedUnderscores);
      reader.droppedUnderscores = 0;
    }
    if (verdict !== BlockVerdict.Good) return this.#failBlock(stream, verdict);
    if (!isTrailers) return session.owner.onHead(stream, reader.contentLength, endStream);
    if (!endStream) return session.failMessage(stream, Http2Details.MessagingRule);
    if (stream.contentLength >= 0 && stream.bodyBytesReceived !== stream.contentLength) {
      return session.failLength(stream);
    }
    stream.remoteEnded = true;
    stream.decoder!.onTrailers(reader.headers);
    session.afterRemoteEnd(stream);
  }

  #failBlock(stream: Http2Stream, verdict: BlockVerdict): void {
    const session = this.#session;
    const { stats } = session;
    let details: string;
    switch (verdict) {
      case BlockVerdict.TooLarge:
        stats.headerListSizeTooLarge.inc();
        details = Http2Details.HeadersTooLarge;
        break;
      case BlockVerdict.TooMany:
        stats.headerOverflow.inc();
        details = Http2Details.TooManyHeaders;
        break;
      case BlockVerdict.Underscore:
        stats.requestsRejectedWithUnderscoresInHeaders.inc();
        details = Http2Details.UnexpectedUnderscore;
        break;
      case BlockVerdict.MessagingRule:
        return session.failMessage(stream, Http2Details.MessagingRule);
      default:
        return session.failMessage(stream, Http2Details.InvalidField);
    }
    session.failStream(stream, ErrorCode.InternalError, StreamResetReason.LocalReset, details);
  }

  // All the others.

  #onSettings(streamId: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    const session = this.#session;
    const length = end - start;
    if (streamId !== 0) return session.fail(ErrorCode.ProtocolError, "SETTINGS is of no stream");
    if ((flags & FrameFlag.Ack) !== 0) {
      if (length !== 0) return session.fail(ErrorCode.FrameSizeError, "an acknowledgement has no settings");
      this.blocks.decoder.setLimitBytes(session.options.hpackTableBytes);
      return;
    }
    if (length % 6 !== 0) return session.fail(ErrorCode.FrameSizeError, "SETTINGS has six bytes for each");
    const { peer } = session;
    const oldWindow = peer.initialWindowBytes;
    const wrong = peer.read(bytes, start, end, !session.isServer);
    if (wrong !== null) return session.fail(wrong, "a setting has a value that it may not have");
    session.encoder.setPeerLimitBytes(peer.headerTableBytes);
    if (!session.changeWindows(peer.initialWindowBytes - oldWindow)) {
      return session.fail(ErrorCode.FlowControlError, "the window of a stream became too large");
    }
    session.writer.control(SETTINGS_ACK);
    session.owner.onPeerSettings(peer);
    session.scheduler.pump();
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    const session = this.#session;
    const flood = session.guard.onWindowUpdate();
    if (flood !== null) return session.failFlood(null, flood);
    const { scheduler } = session;
    if (streamId === 0) {
      if (increment === 0) return session.fail(ErrorCode.ProtocolError, "WINDOW_UPDATE by nothing");
      scheduler.window += increment;
      if (scheduler.window > MAX_WINDOW_SIZE) {
        return session.fail(ErrorCode.FlowControlError, "the connection's window became too large");
      }
      return scheduler.pump();
    }
    const stream = session.streams.get(streamId);
    if (stream === undefined) {
      if (session.owner.isIdle(streamId)) session.fail(ErrorCode.ProtocolError, "WINDOW_UPDATE of an idle stream");
      return;
    }
    if (increment === 0) return session.failWith(stream, ErrorCode.ProtocolError, Http2Details.Other);
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW_SIZE) {
      return session.failStream(
        stream,
        ErrorCode.FlowControlError,
        StreamResetReason.ProtocolError,
        Http2Details.Other,
      );
    }
    scheduler.enqueue(stream);
    scheduler.pump();
  }

  #onRstStream(streamId: number, code: number): void {
    const session = this.#session;
    if (streamId === 0) return session.fail(ErrorCode.ProtocolError, "RST_STREAM is of a stream");
    const stream = session.streams.get(streamId);
    if (stream !== undefined) return session.onRemoteReset(stream, code);
    if (session.owner.isIdle(streamId)) session.fail(ErrorCode.ProtocolError, "RST_STREAM of an idle stream");
  }

  #onPushPromise(streamId: number): void {
    const session = this.#session;
    const stream = session.streams.get(streamId);
    if (stream !== undefined) session.failWith(stream, ErrorCode.ProtocolError, Http2Details.Other);
    else session.fail(ErrorCode.ProtocolError, "PUSH_PROMISE is not allowed");
  }

  #onPriority(streamId: number, bytes: Uint8Array, start: number, length: number): void {
    const session = this.#session;
    if (streamId === 0) return session.fail(ErrorCode.ProtocolError, "PRIORITY is of a stream");
    if (length !== 5) return session.fail(ErrorCode.FrameSizeError, "PRIORITY has 5 bytes");
    if ((uint32(bytes, start) & MAX_WINDOW_SIZE) === streamId) {
      return session.fail(ErrorCode.ProtocolError, "the stream depends on itself");
    }
    const flood = session.guard.onPriority();
    if (flood !== null) session.failFlood(null, flood);
  }

  /** DATA of a stream that is over. */
  #failClosed(streamId: number): void {
    const session = this.#session;
    session.sendReset(streamId, ErrorCode.StreamClosed);
    if (session.guard.onStreamError()) session.fail(ErrorCode.EnhanceYourCalm, "too much DATA of closed streams");
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
