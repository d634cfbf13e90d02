// host/http/h2/errors.ts: what can be wrong with an HTTP/2 connection, as Envoy logs it.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/http2/codec_impl.cc Http2ResponseCodeDetailValues
 * @module
 */
import type { CodecError } from "../codec.ts";

/** `response_code_details` of streams that the codec ends. */
export const Http2Details = {
  InvalidField: "http2.invalid.header.field",
  MessagingRule: "http2.violation.of.messaging.rule",
  HeadersTooLarge: "http2.header_list_size_too_large",
  TooManyHeaders: "http2.too_many_headers",
  UnexpectedUnderscore: "http2.unexpected_underscore",
  RemoteReset: "http2.remote_reset",
  RemoteRefused: "http2.remote_refuse",
  EmptyFramesFlood: "http2.inbound_empty_frames_flood",
  PriorityFlood: "http2.inbound_priority_frames_flood",
  WindowUpdateFlood: "http2.inbound_window_update_frames_flood",
  OutboundFlood: "http2.outbound_frames_flood",
  OutboundControlFlood: "http2.outbound_control_frames_flood",
  /** What Envoy says of all that its library found wrong. */
  Other: "http2.unknown.nghttp2.error",
  /** Of the other streams of a connection that failed, in Envoy's words. */
  ConnectionError: "codec_error:The_user_callback_function_failed",
  PingTimeout: "http2_ping_timeout",
} as const;

/** The connection cannot go on. What can be told the peer was told by GOAWAY. */
export function connectionError(message: string): CodecError {
  return { status: 0, body: "", details: Http2Details.ConnectionError, message };
}

/** The same for a peer that sends what only costs. */
export function floodError(message: string): CodecError {
  return { ...connectionError(message), isFlood: true };
}
