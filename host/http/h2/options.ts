// host/http/h2/options.ts: what can be set on the HTTP/2 codecs, with Envoy's names and defaults.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/core/v3/protocol.proto Http2ProtocolOptions, KeepaliveSettings
 * @module
 */
import type { HeadersWithUnderscoresAction } from "../h1/options.ts";

/** When PING frames ask whether the peer is still there. */
export interface KeepalivePlan {
  /** Between an answer and the next PING; 0: none are sent by this. */
  readonly intervalMs: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Most that is added to the interval at random, in percent. */
  readonly jitterPercent: number;
  /** Nothing came for this long: a PING goes ahead of a new stream; 0: never. */
  readonly idleIntervalMs: number;
}

/** Plain data: the Http2ProtocolOptions message. */
export interface Http2Plan {
  /** Of the tables in both directions. */
  readonly hpackTableBytes: number;
  readonly maxConcurrentStreams: number;
  readonly initialStreamWindowBytes: number;
  readonly initialConnectionWindowBytes: number;
  /** Extended CONNECT (RFC 8441). */
  readonly allowConnect: boolean;
  readonly maxOutboundFrames: number;
  readonly maxOutboundControlFrames: number;
  readonly maxConsecutiveEmptyFrames: number;
  readonly maxPriorityFramesPerStream: number;
  readonly maxWindowUpdatesPerDataFrame: number;
  /** Resets by the client: so many at once, and so many each second. */
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
  /** Most bytes of a name, and of a value. */
  readonly maxHeaderFieldBytes: number;
  /** Values of ASCII only. */
  readonly disallowObsText: boolean;
  readonly huffmanEncoding: boolean;
  /** A malformed message ends its stream only, not the connection. */
  readonly streamErrorOnInvalidMessage: boolean;
  readonly keepalive: KeepalivePlan | null;
  /** Sent in SETTINGS besides what the codec sends. */
  readonly customSettings: readonly (readonly [id: number, value: number])[];
}

/** What a codec needs besides. */
export interface Http2Options extends Http2Plan {
  /** Most bytes of names and values of one message, and of its trailers. */
  readonly maxHeadersBytes: number;
  /** Most fields; each crumb of a cookie is one. */
  readonly maxHeadersCount: number;
  readonly headersWithUnderscoresAction: HeadersWithUnderscoresAction;
  /** How long the peer may take to make room for the rest of a message that is over; 0: for ever. */
  readonly flushTimeoutMs: number;
  /** So many bytes of a stream that the peer has no room for are kept before who sends them has to wait. */
  readonly bufferLimitBytes: number;
}

/** Envoy's defaults. */
export const HTTP2_DEFAULTS: Http2Plan = {
  hpackTableBytes: 4096,
  maxConcurrentStreams: 1024,
  initialStreamWindowBytes: 16 * 1024 * 1024,
  initialConnectionWindowBytes: 24 * 1024 * 1024,
  allowConnect: false,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1000,
  maxConsecutiveEmptyFrames: 1,
  maxPriorityFramesPerStream: 100,
  maxWindowUpdatesPerDataFrame: 10,
  streamResetBurst: 1000,
  streamResetRate: 33,
  maxHeaderFieldBytes: 64 * 1024,
  disallowObsText: false,
  huffmanEncoding: true,
  streamErrorOnInvalidMessage: false,
  keepalive: null,
  customSettings: [],
};

export const HTTP2_SERVER_DEFAULTS: Http2Options = {
  ...HTTP2_DEFAULTS,
  maxHeadersBytes: 60 * 1024,
  maxHeadersCount: 100,
  headersWithUnderscoresAction: "ALLOW",
  flushTimeoutMs: 300_000,
  bufferLimitBytes: 1024 * 1024,
};

export const HTTP2_CLIENT_DEFAULTS: Http2Options = {
  ...HTTP2_SERVER_DEFAULTS,
  maxHeadersBytes: 80 * 1024,
  flushTimeoutMs: 0,
};
