// host/router/attempts/attempt_log.ts: what is logged of one attempt.
// pure: no I/O, no clock, no runtime globals
/**
 * Where the router has an access log, each attempt has a record of its own at its end, and, where that is wanted,
 * when it has a connection and at intervals. What a record says is seen from the upstream's side: bytes received
 * are the response's.
 *
 * @see Envoy: source/common/router/upstream_request.cc UpstreamRequest::upstreamLog
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import type { AccessLogEntry } from "../../http/conn_manager/conn_manager_config.ts";
import { noteBytes } from "../../http/conn_manager/stream_facts.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { Route } from "../../http/route.ts";
import type { AccessLogType } from "../../observe/formatter.ts";
import { StreamInfo, type UpstreamInfo } from "../../observe/stream_info.ts";
import type { RoutedRequest } from "../routed_request.ts";
import type { UpstreamLog } from "../router_config.ts";

export class AttemptLog implements AccessLogEntry {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  accessLogType: AccessLogType = "UpstreamEnd";
  readonly #log: UpstreamLog;
  readonly #request: RoutedRequest;
  #timer: Timer | null = null;
  #ended = false;

  constructor(log: UpstreamLog, request: RoutedRequest, headers: HeaderMap, upstream: UpstreamInfo) {
    this.#log = log;
    this.#request = request;
    this.requestHeaders = headers;
    const { clock, info: whole } = request.stream;
    const info = this.info = new StreamInfo(whole.connection, clock.nowMs(), clock.wallMs());
    info.remoteAddress = whole.remoteAddress;
    info.requestId = whole.requestId;
    info.routeName = whole.routeName;
    info.virtualHostName = whole.virtualHostName;
    info.routeMetadata = whole.routeMetadata;
    info.virtualHostMetadata = whole.virtualHostMetadata;
    info.listenerName = whole.listenerName;
    info.filterChainName = whole.filterChainName;
    info.trafficDirection = whole.trafficDirection;
    info.listenerMetadata = whole.listenerMetadata;
    info.upstream = upstream;
    info.clusterName = upstream.clusterName;
    if (log.flushIntervalMs > 0) this.#logEvery(log.flushIntervalMs);
  }

  route(): Route | null {
    return this.#request.stream.route();
  }

  onConnected(): void {
    this.info.protocol = this.info.upstream!.protocol ?? "";
    if (this.#log.flushOnUpstreamStream) this.#write("UpstreamPoolReady");
  }

  onResponseHeaders(headers: HeaderMap): void {
    this.responseHeaders = headers;
    this.info.responseCode = headers.status;
  }

  /** The attempt is over. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.disable();
    this.info.endMs = this.#request.stream.clock.nowMs();
    this.#write("UpstreamEnd");
  }

  #logEvery(intervalMs: number): void {
    const timer = this.#timer = this.#request.stream.clock.createTimer(() => {
      this.#write("UpstreamPeriodic");
      timer.enable(intervalMs);
    });
    timer.enable(intervalMs);
  }

  #write(type: AccessLogType): void {
    this.accessLogType = type;
    const { stream } = this.#request;
    stream.noteWireBytes?.();
    noteBytes(this.info, stream.info);
    for (const logger of this.#log.loggers) logger.log(this);
  }
}
