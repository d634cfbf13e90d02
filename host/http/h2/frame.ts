// host/http/h2/frame.ts: the numbers of HTTP/2, and frames that are always written alike.
// pure: no I/O, no clock, no runtime globals
// hot: runs per frame; see bench/micro/h2.bench.ts
/**
 * Frames go out as latin1 text, one character a byte, like the heads of HTTP/1: what is short and made of
 * pieces is cheaper to join as text than to copy into arrays.
 *
 * @see RFC 9113 §4, §6, §7
 * @module
 */

export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const FrameFlag = { EndStream: 1, Ack: 1, EndHeaders: 4, Padded: 8, Priority: 32 } as const;

/** @see RFC 9113 §7 */
export const ErrorCode = {
  NoError: 0,
  ProtocolError: 1,
  InternalError: 2,
  FlowControlError: 3,
  SettingsTimeout: 4,
  StreamClosed: 5,
  FrameSizeError: 6,
  RefusedStream: 7,
  Cancel: 8,
  CompressionError: 9,
  ConnectError: 10,
  EnhanceYourCalm: 11,
  InadequateSecurity: 12,
  Http11Required: 13,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

export const SettingId = {
  HeaderTableSize: 1,
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
  EnableConnectProtocol: 8,
} as const;

/** What a client's connection begins with. @see RFC 9113 §3.4 */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** So much of it says that it is no HTTP/1, as in Envoy. */
export const PREFACE_PREFIX_LENGTH = 12;

export const FRAME_HEADER_BYTES = 9;
/** Largest payload before settings say otherwise, and the largest that is sent. */
export const DEFAULT_MAX_FRAME_SIZE = 16384;
export const DEFAULT_WINDOW_SIZE = 65535;
export const MAX_WINDOW_SIZE = 0x7fffffff;
export const MAX_STREAM_ID = 0x7fffffff;

const fromCodes = String.fromCharCode;

/** The nine bytes in front of each payload. */
export function frameHeader(length: number, type: FrameType, flags: number, streamId: number): string {
  return fromCodes(
    length >> 16,
    (length >> 8) & 255,
    length & 255,
    type,
    flags,
    streamId >>> 24,
    (streamId >> 16) & 255,
    (streamId >> 8) & 255,
    streamId & 255,
  );
}

/** Four bytes, most significant first. */
export function uint32Text(value: number): string {
  return fromCodes(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
}

/** A SETTINGS frame with these identifiers and values, in order. */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): string {
  let payload = "";
  for (const [id, value] of settings) payload += fromCodes(id >> 8, id & 255) + uint32Text(value);
  return frameHeader(payload.length, FrameType.Settings, 0, 0) + payload;
}

export const SETTINGS_ACK: string = frameHeader(0, FrameType.Settings, FrameFlag.Ack, 0);

/** `payload` has eight characters. */
export function pingFrame(payload: string, ack: boolean): string {
  return frameHeader(8, FrameType.Ping, ack ? FrameFlag.Ack : 0, 0) + payload;
}

export function goAwayFrame(lastStreamId: number, code: ErrorCode): string {
  return frameHeader(8, FrameType.GoAway, 0, 0) + uint32Text(lastStreamId) + uint32Text(code);
}

export function rstStreamFrame(streamId: number, code: ErrorCode): string {
  return frameHeader(4, FrameType.RstStream, 0, streamId) + uint32Text(code);
}

export function windowUpdateFrame(streamId: number, increment: number): string {
  return frameHeader(4, FrameType.WindowUpdate, 0, streamId) + uint32Text(increment);
}

/** A header block as HEADERS, and CONTINUATION where it is longer than a frame may be. */
export function headersFrames(streamId: number, block: string, endStream: boolean, maxFrameSize: number): string {
  const flags = endStream ? FrameFlag.EndStream : 0;
  if (block.length <= maxFrameSize) {
    return frameHeader(block.length, FrameType.Headers, flags | FrameFlag.EndHeaders, streamId) + block;
  }
  let out = frameHeader(maxFrameSize, FrameType.Headers, flags, streamId) + block.slice(0, maxFrameSize);
  for (let at = maxFrameSize; at < block.length; at += maxFrameSize) {
    const piece = block.slice(at, at + maxFrameSize);
    const last = at + maxFrameSize >= block.length;
    out += frameHeader(piece.length, FrameType.Continuation, last ? FrameFlag.EndHeaders : 0, streamId) + piece;
  }
  return out;
}
