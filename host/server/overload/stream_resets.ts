// host/server/overload/stream_resets.ts: a worker's streams under the action reset_high_memory_stream.
/**
 * Streams are looked at when the state of the action has changed, and then only.
 *
 * @see Envoy: source/server/worker_impl.cc WorkerImpl::resetStreamsUsingExcessiveMemory
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { resetHighMemoryStreams, type StreamAccount } from "../../http/conn_manager/high_memory_streams.ts";
import type { OverloadSignal, OverloadState } from "../../net/overload.ts";
import type { Logger } from "../../observe/log.ts";
import type { Counter, StatsScope } from "../../observe/stats.ts";

export interface StreamResetsOptions {
  readonly clock: Clock;
  /** The root. */
  readonly stats: StatsScope;
  readonly logger: Logger;
  /** All streams of the worker. */
  readonly accounts: () => Iterable<StreamAccount>;
}

export class StreamResets {
  readonly #accounts: () => Iterable<StreamAccount>;
  readonly #logger: Logger;
  readonly #count: Counter;
  readonly #timer: Timer;
  #signal: OverloadSignal | null = null;
  #minimum = 0;
  #intervalMs = 0;
  /** The state when it was looked at last. */
  #seen = 0;

  constructor({ clock, stats, logger, accounts }: StreamResetsOptions) {
    this.#accounts = accounts;
    this.#logger = logger;
    this.#count = stats.counter("envoy.overload_actions.reset_high_memory_stream.count");
    this.#timer = clock.createTimer(() => this.#look());
  }

  /** Goes by this from now on. */
  update(state: OverloadState | null): void {
    this.#timer.disable();
    this.#signal = state?.action("reset_high_memory_stream") ?? null;
    if (this.#signal === null) return;
    this.#minimum = state!.handle.minimumAccountToTrackPowerOfTwo;
    if (this.#minimum === 0) return;
    this.#intervalMs = state!.handle.refreshIntervalMs;
    this.#timer.enable(this.#intervalMs);
  }

  stop(): void {
    this.#timer.disable();
  }

  #look(): void {
    const { value } = this.#signal!;
    if (value !== this.#seen) {
      this.#seen = value;
      const resets = resetHighMemoryStreams(this.#accounts(), value, this.#minimum);
      this.#count.add(resets);
      if (resets > 0) this.#logger.warn("streams that hold much memory were reset", { count: resets });
    }
    this.#timer.enable(this.#intervalMs);
  }
}
