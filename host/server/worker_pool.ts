// host/server/worker_pool.ts: all workers: calls to every one, replacement of those that die or stall.
/**
 * A worker that ends by an error, or whose heartbeat stops, is replaced; its listeners never stop being
 * bound, as the other workers have them too. Only its own streams are lost, and that is said.
 *
 * @module
 */
import type { Timer } from "../base/clock.ts";
import type { Logger } from "../observe/log.ts";
import type { Platform } from "../platform/mod.ts";
import { ThreadWorkerLink, type WorkerSeed } from "./worker_link.ts";
import type { WorkerEvent, WorkerLink } from "./worker_protocol.ts";

/** Without a heartbeat for so long a worker is given up. */
const STALL_LIMIT_MS = 10_000;
const CHECK_MS = 1000;
/** A check that comes so late says nothing about workers. */
const LATE_CHECK_MS = 3 * CHECK_MS;
/** A worker that ends within this time after its start is not replaced at once: it would end again. */
const QUICK_DEATH_MS = 10_000;
const FIRST_BACKOFF_MS = 100;
const MOST_BACKOFF_MS = 30_000;

export interface WorkerPoolOptions {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly concurrency: number;
  readonly stallLimitMs?: number;
  seed(index: number, heartbeat: SharedArrayBuffer): WorkerSeed;
  onEvent(index: number, event: WorkerEvent): void;
  /** Brings a replacement to where the others are. */
  prepare(link: WorkerLink): Promise<void>;
  /** A worker hangs and its thread cannot be stopped: it still has its share of every listening socket. */
  onWorkerStuck(index: number): void;
  /** A worker is gone: what it had counted as open is not open any more. */
  onWorkerGone(index: number): void;
}

/** One worker's place; threads come and go in it. */
interface Place {
  link: WorkerLink;
  ready: boolean;
  startMs: number;
  lastBeat: number;
  lastBeatMs: number;
  /** Ends in a row, each soon after its start. */
  quickDeaths: number;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #places: Place[] = [];
  readonly #heartbeat: SharedArrayBuffer;
  readonly #timer: Timer;
  /** While set, a worker that ends is a failed start, not one to replace. */
  #starting: ((problem: string | null) => void) | null = null;
  readonly #stuck = new Set<number>();
  #closing = false;
  #lastCheckMs: number;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#lastCheckMs = options.platform.clock.nowMs();
    this.#heartbeat = new SharedArrayBuffer(options.concurrency * 4);
    this.#timer = options.platform.clock.createTimer(() => this.#checkHeartbeats());
  }

  get links(): readonly WorkerLink[] {
    return this.#places.map((place) => place.link);
  }

  /** Starts all workers; settles when they are ready, or with what kept one from starting. */
  async start(): Promise<string[]> {
    const { concurrency, platform } = this.#options;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#starting = resolve;
    let ready = 0;
    for (let index = 0; index < concurrency; index++) {
      const link = this.#spawn(index, () => {
        if (++ready === concurrency) resolve(null);
      });
      const now = platform.clock.nowMs();
      this.#places.push({ link, ready: false, startMs: now, lastBeat: 0, lastBeatMs: now, quickDeaths: 0 });
    }
    this.#timer.enable(CHECK_MS);
    const problem = await promise;
    this.#starting = null;
    return problem === null ? [] : [problem];
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#timer.disable();
    await Promise.all(this.#places.map((place) => place.link.terminate()));
  }

  #spawn(index: number, onReady: () => void): WorkerLink {
    const { platform } = this.#options;
    const link: WorkerLink = new ThreadWorkerLink(platform, this.#options.seed(index, this.#heartbeat), {
      onEvent: (event) => {
        if (event.kind === "ready") {
          this.#places[index]!.ready = true;
          onReady();
        }
        this.#options.onEvent(index, event);
      },
      onExit: (reason) => {
        if (this.#closing) return;
        if (this.#starting !== null) this.#starting(`worker ${index} does not start: ${reason}`);
        else if (this.#places[index]!.link === link) this.#replace(index, reason);
      },
    });
    return link;
  }

  #replace(index: number, reason: string): void {
    const { platform, logger } = this.#options;
    const place = this.#places[index]!;
    const now = platform.clock.nowMs();
    place.quickDeaths = now - place.startMs < QUICK_DEATH_MS ? place.quickDeaths + 1 : 0;
    const delayMs = place.quickDeaths < 2 ? 0 : Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** place.quickDeaths);
    if (this.#stuck.has(index)) {
      this.#options.onWorkerGone(index);
      return this.#options.onWorkerStuck(index);
    }
    logger.error("a worker ended and is replaced: its connections are lost", { worker: index, reason });
    this.#options.onWorkerGone(index);
    if (delayMs === 0) return this.#fill(index);
    place.lastBeatMs = now + delayMs;
    platform.clock.createTimer(() => this.#fill(index)).enable(delayMs);
  }

  #fill(index: number): void {
    if (this.#closing) return;
    const { platform, logger, prepare } = this.#options;
    const place = this.#places[index]!;
    place.ready = false;
    place.startMs = place.lastBeatMs = platform.clock.nowMs();
    const link = this.#spawn(index, () => {
      prepare(link).then(
        () => logger.info("a replacement worker serves", { worker: index }),
        (error: unknown) => logger.error("a replacement worker does not start", { worker: index, err: String(error) }),
      );
    });
    place.link = link;
  }

  #checkHeartbeats(): void {
    const beats = new Int32Array(this.#heartbeat);
    const now = this.#options.platform.clock.nowMs();
    const limitMs = this.#options.stallLimitMs ?? STALL_LIMIT_MS;
    // Whoever stopped this thread (a debugger, SIGSTOP, a sleeping laptop) stopped the workers too.
    const late = now - this.#lastCheckMs > LATE_CHECK_MS;
    this.#lastCheckMs = now;
    for (const [index, place] of this.#places.entries()) {
      if (this.#stuck.has(index)) continue;
      const count = Atomics.load(beats, index);
      if (count !== place.lastBeat || late) {
        place.lastBeat = count;
        place.lastBeatMs = Math.max(now, place.lastBeatMs);
      } else if (now - place.lastBeatMs > (place.ready ? limitMs : STALL_LIMIT_MS)) {
        place.lastBeatMs = now;
        this.#options.logger.critical("a worker does not answer and is stopped", { worker: index });
        if (!this.#options.platform.stopsBusyWorkers) this.#stuck.add(index);
        void place.link.terminate();
      }
    }
    if (!this.#closing) this.#timer.enable(CHECK_MS);
  }
}
