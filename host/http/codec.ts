// host/http/codec.ts: the codec ports: one connection's bytes to many streams' messages and back.
// pure: no I/O, no clock, no runtime globals
/**
 * The connection manager and the upstream pools know these interfaces only; HTTP/1.1 is a codec that has
 * one stream at a time, HTTP/2 one that has many. A codec is sans-io: bytes come by `dispatch`, go by a
 * `ByteSink`, and no input makes it throw: what is wrong with it is a `CodecError` value.
 *
 * @see Envoy: envoy/http/codec.h
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { HeaderMap } from "./header_map.ts";

/** Where a codec's bytes go: a connection. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
  /** Writes text of which every character is one byte. */
  writeLatin1(text: string): void;
  /** Between `cork` and `uncork` writes are gathered into as few system calls as possible. */
  cork(): void;
  uncork(): void;
}

/** Why a stream ended early. @see Envoy: envoy/http/stream_reset_handler.h */
export const StreamResetReason = {
  LocalReset: "local_reset",
  LocalRefusedStreamReset: "local_refused_stream_reset",
  RemoteReset: "remote_reset",
  RemoteRefusedStreamReset: "remote_refused_stream_reset",
  LocalConnectionFailure: "local_connection_failure",
  RemoteConnectionFailure: "remote_connection_failure",
  ConnectionTimeout: "connection_timeout",
  ConnectionTermination: "connection_termination",
  Overflow: "overflow",
  ConnectError: "remote_error_with_CONNECT_request",
  ProtocolError: "protocol_error",
  OverloadManager: "overload_manager",
} as const;
export type StreamResetReason = (typeof StreamResetReason)[keyof typeof StreamResetReason];

export type Protocol = "HTTP/1.0" | "HTTP/1.1" | "HTTP/2" | "HTTP/3";

/** What was wrong with a peer's bytes. */
export interface CodecError {
  /** The status a server answers, before it closes the connection; 0 when no answer is possible. */
  readonly status: number;
  /** The body text of that answer. */
  readonly body: string;
  /** `response_code_details`, for example `http1.codec_error`. */
  readonly details: string;
  /** What was found and what was expected, for the debug log. */
  readonly message: string;
  /** Nothing was wrong but the number of frames, which is not counted as a protocol error. */
  readonly isFlood?: true;
}

/** The receiving half of a stream: what the codec tells its user. */
export interface StreamDecoder {
  onHeaders(headers: HeaderMap, end: boolean): void;
  /** `data` is lent: it is empty again when the call returns. */
  onData(data: ByteQueue, end: boolean): void;
  /** Ends the message. */
  onTrailers(trailers: HeaderMap): void;
}

/** What a response decoder is told besides. */
export interface ResponseDecoder extends StreamDecoder {
  /** An informational response (100, 102, 103 …); 101 comes as `onHeaders`. */
  on1xxHeaders(headers: HeaderMap): void;
}

/** Events of a stream that are not messages. */
export interface StreamCallbacks {
  /** The stream is over before both messages ended. Comes once, and nothing comes after it. */
  onResetStream(reason: StreamResetReason, details: string): void;
  /** Bytes written to the stream pile up: stop giving it more. Nests: one low for each high. */
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

/** Bytes of one stream on its connection. */
export interface StreamMeter {
  /** Heads, framing and bodies. */
  readonly wireBytesReceived: number;
  readonly wireBytesSent: number;
  /** Header fields alone. */
  readonly headerBytesReceived: number;
  readonly headerBytesSent: number;
}

/** The sending half of a stream. */
export interface StreamEncoder {
  /** What went both ways so far. */
  readonly meter?: StreamMeter;
  /** Bytes of the body that wait for the peer to make room for them; absent where the connection takes them all. */
  readonly pendingBytes?: number;
  encodeHeaders(headers: HeaderMap, end: boolean): void;
  /** Takes all bytes out of `data`. */
  encodeData(data: ByteQueue, end: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Ends the stream at once; the peer sees a reset (HTTP/1: the connection closes). Calls nobody back. */
  resetStream(reason: StreamResetReason): void;
  /** Stops (true) or goes on (false) reading this stream's body; calls nest. */
  readDisable(disable: boolean): void;
}

/** Server side: answers. */
export interface ResponseEncoder extends StreamEncoder {
  /** Who gets the rest of the request, and is told of the stream's end. */
  decoder?: (StreamDecoder & StreamCallbacks) | null;
  encode1xxHeaders(headers: HeaderMap): void;
  /** What the client asked a tunnel to is gone: if the response ends first, it learns that from the reset (HTTP/2). */
  noteConnectError?(): void;
  /**
   * How long the end of the response may wait for the peer to make room for it (HTTP/2: what HTTP/1 is given is the
   * connection's at once); 0: for ever.
   */
  setFlushTimeoutMs?(timeoutMs: number): void;
}

/** Client side. */
export interface RequestEncoder extends StreamEncoder {
  /** Returns a reason when nothing was sent because a pseudo-header is missing or cannot be sent. */
  encodeHeaders(headers: HeaderMap, end: boolean): string | null | void;
  /** The response to CONNECT or Upgrade was accepted: from here on bytes pass unframed. */
  enableTunnel(): void;
}

/** What a server codec's user does. */
export interface ServerCodecCallbacks {
  /** A request begins. The returned decoder gets its parts; `callbacks` go to the same place. */
  onNewStream(encoder: ResponseEncoder): StreamDecoder & StreamCallbacks;
  /** The peer announced that it will not send more requests (HTTP/2 GOAWAY). */
  onGoAway(): void;
  /** A stream left, and no other one waits to be sent. */
  onFlushed?(): void;
}

/** Server side of a connection. */
export interface ServerCodec {
  readonly protocol: Protocol;
  /** Takes bytes; null when all is well. After an error the codec takes no more. */
  dispatch(bytes: Uint8Array): CodecError | null;
  /** The peer sent its end (FIN). */
  onEndOfInput(): CodecError | null;
  /** Announces that no new stream will be served: HTTP/2 GOAWAY, HTTP/1 `connection: close` on the next response. */
  shutdownNotice(): void;
  goAway(): void;
  /** True while the codec has bytes that it could not dispatch yet (HTTP/1 pipelining). */
  readonly hasBufferedInput: boolean;
  /** Dispatches buffered input after a response ended. */
  resumeInput(): CodecError | null;
  /** True while a request's head has begun and not ended (HTTP/1): no stream says so yet. */
  readonly inHead?: boolean;
  /** True when no request is being read. */
  readonly betweenMessages?: boolean;
  /** True when the connection must be closed after the response that is being made or was made last (HTTP/1). */
  readonly closeAfterResponse?: boolean;
  /** True while ended responses wait for the peer to make room for them (HTTP/2). */
  readonly wantsToWrite?: boolean;
  /** The streams of ended responses that wait for the peer to make room for them. */
  flushing?(): Iterable<ResponseEncoder>;
  /** The connection is gone: timers stop, what is counted as open no longer is. */
  onConnectionClosed?(): void;
  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void;
  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void;
}

/** What a client codec's user does. */
export interface ClientCodecCallbacks {
  /** `errorCode` is 0 when the peer only wants to go. */
  onGoAway(errorCode: number): void;
  /** A stream ended before its messages did, of a codec that has many (HTTP/2). */
  onStreamReset?(reason: StreamResetReason): void;
  /** A stream's slot is free again. */
  onStreamClosed(): void;
  /** The most streams that the peer allows at once changed. */
  onMaxStreamsChanged(count: number): void;
}

/** Client side of a connection. */
export interface ClientCodec {
  readonly protocol: Protocol;
  /** Opens a stream; the caller saw to it that there is room. */
  newStream(decoder: ResponseDecoder & StreamCallbacks): RequestEncoder;
  dispatch(bytes: Uint8Array): CodecError | null;
  /**
   * The peer's end (FIN, or a reset when `reason` says so): resets or completes what is open. True when that cut
   * a message in its middle.
   */
  onConnectionClosed(reason: StreamResetReason, details: string): boolean | void;
  /** Streams open now. */
  readonly activeStreams: number;
  /** False once the connection must not be used again (`connection: close`, GOAWAY, an error). */
  readonly reusable: boolean;
  /** The last response came before its request was sent whole: the end of the connection ends that request. */
  readonly cutsRequest?: boolean;
  goAway(): void;
  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void;
  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void;
}
