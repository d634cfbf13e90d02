// host/extensions/filters/network/native/module.ts: native filters on connections.
/** @module */
import type { ByteQueue } from "../../../../base/byte_queue.ts";
import { CloseType, type NetworkFilter, type PeerType, StreamStatus } from "../../../../net/filter.ts";
import type { NativeFilterPlan } from "../../../common/native/filter.ts";
import type { NetworkFilterModule } from "../../../define.ts";

export const module: NetworkFilterModule = {
  createFilter(plan, context) {
    const { id: _id, name, config } = plan as NativeFilterPlan;
    const native = context.nativeFilter(plan as NativeFilterPlan);
    if (native?.kind !== "network") throw new Error(`native network filter '${name}' is not on this thread`);
    const logger = context.logger("filter");
    const errors = context.stats.scope(`native.${name}`).counter("errors");
    return (stream) => {
      const onError = (error: unknown): void => {
        errors.inc();
        const err = error instanceof Error ? error.stack ?? error.message : String(error);
        logger.error("a native filter threw", { filter: name, err });
        stream.close(CloseType.NoFlush, "native_filter_error");
      };
      try {
        const filter = native.create(stream, config);
        return filter === null ? null : new GuardedNetworkFilter(filter, onError);
      } catch (error) {
        return new GuardedNetworkFilter({
          onNewConnection() {
            throw error;
          },
        }, onError);
      }
    };
  },
};

/** A native filter whose errors end its connection and nothing else. */
class GuardedNetworkFilter implements NetworkFilter {
  readonly #filter: NetworkFilter;
  readonly #onError: (error: unknown) => void;
  /** It threw: nothing more is asked of it. */
  #failed = false;

  constructor(filter: NetworkFilter, onError: (error: unknown) => void) {
    this.#filter = filter;
    this.#onError = onError;
  }

  onNewConnection(): StreamStatus {
    return this.#status(() => this.#filter.onNewConnection?.());
  }

  onDownstreamData(data: ByteQueue, end: boolean): StreamStatus {
    return this.#status(() => this.#filter.onDownstreamData?.(data, end));
  }

  onUpstreamData(data: ByteQueue, end: boolean): StreamStatus {
    return this.#status(() => this.#filter.onUpstreamData?.(data, end));
  }

  onDownstreamClose(by: PeerType): void {
    this.#call(() => this.#filter.onDownstreamClose?.(by));
  }

  onUpstreamClose(by: PeerType): void {
    this.#call(() => this.#filter.onUpstreamClose?.(by));
  }

  onDone(): void {
    this.#call(() => this.#filter.onDone?.());
  }

  onLog(): void {
    this.#call(() => this.#filter.onLog?.());
  }

  onDestroy(): void {
    // Also after an error: it may hold something.
    this.#failed = false;
    this.#call(() => this.#filter.onDestroy?.());
  }

  #status(call: () => StreamStatus | undefined): StreamStatus {
    const status = this.#call(call);
    return this.#failed ? StreamStatus.StopIteration : status ?? StreamStatus.Continue;
  }

  #call<Result>(call: () => Result): Result | undefined {
    if (this.#failed) return undefined;
    try {
      return call();
    } catch (error) {
      this.#failed = true;
      this.#onError(error);
      return undefined;
    }
  }
}
