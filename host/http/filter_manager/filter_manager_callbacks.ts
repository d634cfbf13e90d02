// host/http/filter_manager/filter_manager_callbacks.ts: what is below a filter manager.
// pure: no I/O, no clock, no runtime globals
/**
 * The connection manager, the authors' test harness and the middleware adapters each implement it.
 *
 * @see Envoy: source/common/http/filter_manager.h FilterManagerCallbacks
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { Clock } from "../../base/clock.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { LocalReply, UpstreamStream } from "../filter.ts";
import type { HeaderMap } from "../header_map.ts";
import type { ReplyRewriter } from "../local_reply.ts";
import type { Route } from "../route.ts";

/** What a stream's owner does for its filter manager. */
export interface FilterManagerCallbacks extends ReplyRewriter {
  readonly info: StreamInfo;
  readonly clock: Clock;
  /** A stable random number of the stream, for fractions and weights. */
  readonly random: number;
  readonly bufferLimitBytes: number;
  /** Of requests, where it is another one. */
  readonly requestBufferLimitBytes?: number;
  route(): Route | null;
  clearRouteCache(): void;
  /** The response, after all filters. */
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, end: boolean): void;
  encodeData(data: ByteQueue, end: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Ends the stream without, or in the middle of, a response. */
  resetStream(details: string): void;
  /** Stops or goes on reading the request. */
  readDisable(disable: boolean): void;
  /** Notes the bytes of the client's connection so far; absent where there is none. */
  noteWireBytes?(): void;
  /** Begins the stream anew; absent where that cannot be. */
  recreateStream?(response: HeaderMap, body: ByteQueue | null): boolean;
  /** Takes local replies that are not to pass these filters: theirs is only a part of the way. */
  answer?(reply: LocalReply): void;
  /** The attempt that these filters belong to; absent for those of a listener. */
  readonly upstream?: UpstreamStream;
}
