// host/extensions/filters/http/native/guarded_filter.ts: a native filter whose errors end its stream and nothing else.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { ByteQueue } from "../../../../base/byte_queue.ts";
import {
  DataStatus,
  type FilterStream,
  HeadersStatus,
  type HttpFilter,
  TrailersStatus,
} from "../../../../http/filter.ts";
import type { HeaderMap } from "../../../../http/header_map.ts";
import type { NativeFilterConfig, NativeHttpFilter } from "../../../common/native/filter.ts";

type Throws = (error: unknown) => void;

export class GuardedHttpFilter implements HttpFilter {
  readonly #filter: HttpFilter;
  readonly #stream: FilterStream;
  readonly #onError: Throws;
  /** It threw: nothing more is asked of it. */
  #failed = false;

  private constructor(filter: HttpFilter, stream: FilterStream, onError: Throws) {
    this.#filter = filter;
    this.#stream = stream;
    this.#onError = onError;
  }

  /** A filter that cannot even be made is one that throws at its first callback. */
  static create(
    { create }: NativeHttpFilter,
    stream: FilterStream,
    config: NativeFilterConfig,
    onError: Throws,
  ): HttpFilter | null {
    try {
      const filter = create(stream, config);
      return filter === null ? null : new GuardedHttpFilter(filter, stream, onError);
    } catch (error) {
      return new GuardedHttpFilter({ onRequestHeaders: () => rethrow(error) }, stream, onError);
    }
  }

  get wantsEndApart(): boolean {
    return this.#filter.wantsEndApart === true;
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    const call = (): HeadersStatus => this.#filter.onRequestHeaders?.(headers, end) ?? HeadersStatus.Continue;
    return this.#call(call, HeadersStatus.StopIteration);
  }

  onRequestBody(body: ByteQueue, end: boolean): DataStatus {
    const call = (): DataStatus => this.#filter.onRequestBody?.(body, end) ?? DataStatus.Continue;
    return this.#call(call, DataStatus.StopIterationNoBuffer);
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    const call = (): TrailersStatus => this.#filter.onRequestTrailers?.(trailers) ?? TrailersStatus.Continue;
    return this.#call(call, TrailersStatus.StopIteration);
  }

  // The reply that says that it failed passes it, too.
  onResponseHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    if (this.#failed) return HeadersStatus.Continue;
    const call = (): HeadersStatus => this.#filter.onResponseHeaders?.(headers, end) ?? HeadersStatus.Continue;
    return this.#call(call, HeadersStatus.StopIteration);
  }

  onResponseBody(body: ByteQueue, end: boolean): DataStatus {
    if (this.#failed) return DataStatus.Continue;
    const call = (): DataStatus => this.#filter.onResponseBody?.(body, end) ?? DataStatus.Continue;
    return this.#call(call, DataStatus.StopIterationNoBuffer);
  }

  onResponseTrailers(trailers: HeaderMap): TrailersStatus {
    if (this.#failed) return TrailersStatus.Continue;
    const call = (): TrailersStatus => this.#filter.onResponseTrailers?.(trailers) ?? TrailersStatus.Continue;
    return this.#call(call, TrailersStatus.StopIteration);
  }

  onDone(): void {
    this.#call(() => this.#filter.onDone?.(), undefined);
  }

  onLog(): void {
    this.#call(() => this.#filter.onLog?.(), undefined);
  }

  onDestroy(): void {
    // Also after an error: it may hold something.
    this.#failed = false;
    this.#call(() => this.#filter.onDestroy?.(), undefined);
  }

  #call<Result>(call: () => Result, failure: Result): Result {
    if (this.#failed) return failure;
    try {
      return call();
    } catch (error) {
      this.#failed = true;
      this.#onError(error);
      this.#stream.sendLocalReply({ status: 500, details: "native_filter_error" });
      return failure;
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}
