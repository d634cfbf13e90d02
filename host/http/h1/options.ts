// host/http/h1/options.ts: what can be set on the HTTP/1.1 codecs, with Envoy's names and defaults.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/core/v3/protocol.proto Http1ProtocolOptions, HttpProtocolOptions
 * @module
 */

import type { HeaderKeyFormat } from "../header_key_formatter.ts";

/** What happens to a request header whose name has an underscore. */
export type HeadersWithUnderscoresAction = "ALLOW" | "REJECT_REQUEST" | "DROP_HEADER";

/** Settings of both sides. */
export interface Http1Options {
  /** Passes trailers on; otherwise they are read, checked and dropped. */
  readonly enableTrailers: boolean;
  /** Takes a message that has both `content-length` and `transfer-encoding: chunked` as chunked. */
  readonly allowChunkedLength: boolean;
  /**
   * Envoy's leniency: a bare LF ends a line, a bare CR in a value is removed, folded lines are joined, two
   * Hosts are joined by a comma, statuses up to 999 pass.
   */
  readonly lenient: boolean;
  /** How the names of headers are spelled; null: in lower case. */
  readonly headerKeyFormat: HeaderKeyFormat | null;
}

/** Settings of the server side. */
export interface Http1ServerOptions extends Http1Options {
  /** Takes `GET http://host/path`; otherwise such a target stays in `:path`, as it is. */
  readonly allowAbsoluteUrl: boolean;
  /** Refuses `GET https://host/path`: the connection is plain, and nobody before this proxy had TLS. */
  readonly rejectHttpsUrl: boolean;
  readonly acceptHttp10: boolean;
  /** The authority of an HTTP/1.0 request without Host; empty means none. */
  readonly defaultHostForHttp10: string;
  /** Takes any token as a method, not only the known ones. */
  readonly allowCustomMethods: boolean;
  /** Upgrades that are passed over as if they had not been asked for; null for none. */
  readonly ignoresUpgrade: ((protocol: string) => boolean) | null;
  readonly headersWithUnderscoresAction: HeadersWithUnderscoresAction;
  /** Most bytes of target, names and values together. */
  readonly maxRequestHeadersBytes: number;
  readonly maxRequestHeadersCount: number;
}

/** Settings of the client side. */
export interface Http1ClientOptions extends Http1Options {
  /** Sends `GET http://host/path HTTP/1.1`, for an upstream that is a forward proxy. */
  readonly sendFullyQualifiedUrl: boolean;
  readonly maxResponseHeadersBytes: number;
  readonly maxResponseHeadersCount: number;
  /** Informational responses passed on for one request; more are read and dropped. */
  readonly maxInformationalResponses: number;
}

/** Envoy's defaults. */
export const HTTP1_SERVER_DEFAULTS: Http1ServerOptions = {
  enableTrailers: false,
  allowChunkedLength: false,
  lenient: false,
  headerKeyFormat: null,
  allowAbsoluteUrl: true,
  rejectHttpsUrl: false,
  acceptHttp10: false,
  defaultHostForHttp10: "",
  allowCustomMethods: false,
  ignoresUpgrade: null,
  headersWithUnderscoresAction: "ALLOW",
  maxRequestHeadersBytes: 60 * 1024,
  maxRequestHeadersCount: 100,
};

/** Envoy's defaults. */
export const HTTP1_CLIENT_DEFAULTS: Http1ClientOptions = {
  enableTrailers: false,
  allowChunkedLength: false,
  lenient: false,
  headerKeyFormat: null,
  sendFullyQualifiedUrl: false,
  maxResponseHeadersBytes: 80 * 1024,
  maxResponseHeadersCount: 100,
  maxInformationalResponses: 100,
};
