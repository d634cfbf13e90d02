// host/http/route.ts: routes as the HTTP stack and its filters see them.
// pure: no I/O, no clock, no runtime globals
/**
 * The port between `http` and `router`: the connection manager asks a `RouteConfig` for a route and hands
 * it on; only `router` knows what is in one.
 *
 * @see Envoy: envoy/router/router.h
 * @module
 */
import type { FilterMetadata, StreamInfo } from "../observe/stream_info.ts";
import type { HeaderMap } from "./header_map.ts";

/** A matched route. `router` narrows it by class; others read what is here. */
export interface Route {
  readonly name: string;
  readonly virtualHostName: string;
  readonly metadata?: FilterMetadata;
  readonly virtualHostMetadata?: FilterMetadata;
  /** The cluster that the request goes to; null for direct responses and redirects. */
  readonly clusterName: string | null;
  /** `typed_per_filter_config` of the most specific level, by name of the filter in the chain. */
  perFilterConfig(filterName: string): unknown;
  /** Whether the route turns a filter off (true) or on (false); null when it says nothing. */
  filterDisabled(filterName: string): boolean | null;
  /** Changes an answer of the proxy's own as it does the responses of upstreams. */
  finalizeLocalReply?(headers: HeaderMap, requestHeaders: HeaderMap | null, info: StreamInfo): void;
  /** Whether the route allows an upgrade to this protocol, in lower case; null when it says nothing. */
  allowsUpgrade?(type: string): boolean | null;
  /** How much of a request may be held, where that is more than the connection's limit; null says nothing. */
  readonly requestBufferLimitBytes?: number | null;
  /** Milliseconds without stream activity before a 504, or null for the connection manager's. */
  readonly idleTimeoutMs: number | null;
  /** Milliseconds that the end of a response may wait for the peer; 0: for ever, null: the connection manager's. */
  readonly flushTimeoutMs?: number | null;
  /** `max_stream_duration`; null says nothing. */
  readonly streamDuration?: StreamDuration | null;
}

/** How long the streams of a route may last. */
export interface StreamDuration {
  /** Most milliseconds; 0: no limit, null: the connection manager's. */
  readonly maxMs: number | null;
  /** Caps a `grpc-timeout` header, which then is the limit; 0 takes it as it is, null does not look at it. */
  readonly grpcTimeoutHeaderMaxMs: number | null;
  /** What is subtracted from that header, so that the proxy answers before the client gives up. */
  readonly grpcTimeoutHeaderOffsetMs: number;
}

/** A route configuration, static or from RDS. */
export interface RouteConfig {
  readonly name: string;
  /** Lower-case names of headers that requests from outside must not have. */
  internalOnlyHeaders?(headers: HeaderMap): readonly string[];
  /**
   * The first route that matches, or null; then `info` has what is known of the virtual host. `random` is a stable
   * number of this stream, for fractions.
   */
  route(headers: HeaderMap, info: StreamInfo, random: number): Route | null;
}

/** Holds the newest route configuration; streams read it once. */
export interface RouteConfigProvider {
  current(): RouteConfig | null;
}
