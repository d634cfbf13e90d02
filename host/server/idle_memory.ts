// host/server/idle_memory.ts: a thread that has nothing to do gives back memory that it does not use.
/**
 * The runtime looks for garbage when more is made. After a burst of work a thread that only waits would keep
 * what the burst left, and the room for more of it, as long as it waits: with thousands of idle connections
 * that is a third of its memory. So a thread in which hardly anything happens collects once, when that is
 * worth it. A request that comes just then waits as it does for any other collection.
 *
 * @module
 */
import type { Timer } from "../base/clock.ts";
import type { Platform } from "../platform/mod.ts";

const QUIET_MS = 10_000;
/** Health checks, statistics and the like are no work. */
const QUIET_EVENTS = 50;
/** The heap has to have grown by so much since the last time. */
const WORTH_BYTES = 16 * 1024 * 1024;

export class IdleMemory {
  readonly #platform: Pick<Platform, "memoryUsage" | "collectGarbage">;
  readonly #events: () => number;
  readonly #timer: Timer;
  #seenEvents: number;
  #heapBytes = 0;

  /** `events` is how many events the thread has handled. */
  constructor(platform: Pick<Platform, "clock" | "memoryUsage" | "collectGarbage">, events: () => number) {
    this.#platform = platform;
    this.#events = events;
    this.#seenEvents = events();
    this.#timer = platform.clock.createTimer(() => this.#look());
    this.#timer.enable(QUIET_MS);
  }

  stop(): void {
    this.#timer.disable();
  }

  #look(): void {
    this.#timer.enable(QUIET_MS);
    const events = this.#events();
    const quiet = events - this.#seenEvents < QUIET_EVENTS;
    this.#seenEvents = events;
    if (!quiet || this.#platform.memoryUsage().heapTotalBytes < this.#heapBytes + WORTH_BYTES) return;
    this.#platform.collectGarbage();
    this.#heapBytes = this.#platform.memoryUsage().heapTotalBytes;
  }
}
