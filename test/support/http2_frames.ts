// test/support/http2_frames.ts: HTTP/2 frames as text, written by hand, so that they can be wrong.
/**
 * One character is one byte. Shares nothing with the codecs under test: header blocks are literals without
 * Huffman codes and without the table.
 *
 * @see RFC 9113 §4, RFC 7541 §6.2.2
 * @module
 */

export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export const Frame = {
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

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

/** Names of error codes, by number. */
export const ERROR_NAMES: readonly string[] = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
];

export type Fields = readonly (readonly [name: string, value: string])[];

export function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

export function frame(type: number, flags: number, streamId: number, payload: string): string {
  return uint32(payload.length).slice(1) + String.fromCharCode(type, flags) + uint32(streamId) + payload;
}

export function settings(values: readonly (readonly [id: number, value: number])[] = []): string {
  const payload = values.map(([id, value]) => String.fromCharCode(id >> 8, id & 255) + uint32(value)).join("");
  return frame(Frame.Settings, 0, 0, payload);
}

export const SETTINGS_ACK: string = frame(Frame.Settings, ACK, 0, "");

export function ping(payload: string, ack = false): string {
  return frame(Frame.Ping, ack ? ACK : 0, 0, payload);
}

export function windowUpdate(streamId: number, increment: number): string {
  return frame(Frame.WindowUpdate, 0, streamId, uint32(increment));
}

export function rstStream(streamId: number, code: number): string {
  return frame(Frame.RstStream, 0, streamId, uint32(code));
}

export function goAway(lastStreamId: number, code = 0): string {
  return frame(Frame.GoAway, 0, 0, uint32(lastStreamId) + uint32(code));
}

export function data(streamId: number, body: string, end = false): string {
  return frame(Frame.Data, end ? END_STREAM : 0, streamId, body);
}

/** HEADERS with the whole block. */
export function headers(streamId: number, fields: Fields, end = true): string {
  return frame(Frame.Headers, END_HEADERS | (end ? END_STREAM : 0), streamId, block(fields));
}

/** A block of literals. */
export function block(fields: Fields): string {
  return fields.map(([name, value]) => "\0" + text(name) + text(value)).join("");
}

function text(value: string): string {
  return integer(value.length, 127) + value;
}

/** An integer behind a prefix of these bits, all others zero. @see RFC 7541 §5.1 */
export function integer(value: number, mask: number): string {
  if (value < mask) return String.fromCharCode(value);
  let out = String.fromCharCode(mask);
  let left = value - mask;
  for (; left >= 128; left = Math.floor(left / 128)) out += String.fromCharCode((left & 127) | 128);
  return out + String.fromCharCode(left);
}

/** The fields of a plain request. */
export function request(path = "/", more: Fields = [], method = "GET"): Fields {
  return [[":method", method], [":scheme", "http"], [":path", path], [":authority", "a.example"], ...more];
}
