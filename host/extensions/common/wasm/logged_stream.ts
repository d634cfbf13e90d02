// host/extensions/common/wasm/logged_stream.ts: finished streams, as an access log's guest sees them.
// pure: no I/O, no clock, no runtime globals
/**
 * All that is left to do with a stream that is over is to read it. What would act on it has no effect.
 *
 * @module
 */
import type { ByteQueue } from "../../../base/byte_queue.ts";
import type { Clock } from "../../../base/clock.ts";
import type { AccessLogEntry } from "../../../http/conn_manager/conn_manager_config.ts";
import type { FilterStream } from "../../../http/filter.ts";
import { HeaderMap } from "../../../http/header_map.ts";
import type { Route } from "../../../http/route.ts";
import type { NetworkFilterStream } from "../../../net/filter.ts";
import type { StreamInfo } from "../../../observe/stream_info.ts";

/** An HTTP stream. */
export class LoggedStream implements FilterStream {
  readonly info: StreamInfo;
  readonly clock: Clock;
  readonly requestHeaders: HeaderMap | null;
  /** Envoy's access logs do not have them. */
  readonly requestTrailers: HeaderMap | null = null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
  readonly bufferedRequestBody: ByteQueue | null = null;
  readonly bufferedResponseBody: ByteQueue | null = null;
  readonly bufferLimitBytes = 0;
  readonly #entry: AccessLogEntry;

  constructor(entry: AccessLogEntry, clock: Clock) {
    this.info = entry.info;
    this.clock = clock;
    this.requestHeaders = entry.requestHeaders;
    this.responseHeaders = entry.responseHeaders;
    this.responseTrailers = entry.responseTrailers;
    this.#entry = entry;
  }

  /** A stream that ended before a route was looked for has none. */
  route(): Route | null {
    return this.info.virtualHostName === "" ? null : this.#entry.route?.() ?? null;
  }

  clearRouteCache(): void {}
  continueRequest(): void {}
  continueResponse(): void {}
  setUpstreamOverrideHost(): void {}
  sendLocalReply(): void {}
  resetStream(): void {}

  addRequestTrailers(): HeaderMap {
    return new HeaderMap();
  }

  addResponseTrailers(): HeaderMap {
    return new HeaderMap();
  }
}

/** A connection without HTTP. */
export class LoggedConnection implements NetworkFilterStream {
  readonly info: StreamInfo;
  readonly clock: Clock;

  constructor(info: StreamInfo, clock: Clock) {
    this.info = info;
    this.clock = clock;
  }

  continueReading(): void {}
  continueWriting(): void {}
  close(): void {}
  readDisable(): void {}
  setWatermarkCallbacks(): void {}
  notifyUpstreamClose(): void {}

  write(data: ByteQueue): void {
    data.clear();
  }
}
