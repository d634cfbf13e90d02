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
import type { CallArgument, CallName, CallResult, WorkerEvent, WorkerLink } from "./worker_protocol.ts";

/** Without a heartbeat for so long a worker is given up. */
export const STALL_LIMIT_MS = 10_000;
const CHECK_MS = 1000;

export interface WorkerPoolOptions {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly concurrency: number;
  readonly stallLimitMs?: number;
  seed(index: number, heartbeat: SharedArrayBuffer): WorkerSeed;
  onEvent(index: number, event: WorkerEvent): void;
  /** Brings a replacement to where the others are. */
  prepare(link: WorkerLink): Promise<void>;
  /** A worker is gone: what it had counted as open is not open any more. */
  onWorkerGone(index: number): void;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #links: WorkerLink[] = [];
  readonly #heartbeat: SharedArrayBuffer;
  readonly #lastBeats: number[] = [];
  readonly #lastBeatMs: number[] = [];
  readonly #timer: Timer;
  #closing = false;
  #replacing: Promise<void> = Promise.resolve();
  replacements = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#heartbeat = new SharedArrayBuffer(options.concurrency * 4);
    this.#timer = options.platform.clock.createTimer(() => this.#checkHeartbeats());
    for (let index = 0; index < options.concurrency; index++) this.#links.push(this.#spawn(index));
    this.#timer.enable(CHECK_MS);
  }

  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /** Calls every worker; a worker that is being replaced is left out. */
  async callAll<Name extends CallName>(name: Name, argument: CallArgument<Name>): Promise<CallResult<Name>[]> {
    const settled = await Promise.allSettled(this.#links.map((link) => link.call(name, argument)));
    return settled.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#timer.disable();
    await Promise.all(this.#links.map((link) => link.terminate()));
  }

  #spawn(index: number): WorkerLink {
    const { platform } = this.#options;
    this.#lastBeats[index] = 0;
    this.#lastBeatMs[index] = platform.clock.nowMs();
    const link: WorkerLink = new ThreadWorkerLink(platform, this.#options.seed(index, this.#heartbeat), {
      onEvent: (event) => this.#options.onEvent(index, event),
      onExit: (reason) => {
        if (!this.#closing && this.#links[index] === link) this.#replace(index, reason);
      },
    });
    return link;
  }

  #replace(index: number, reason: string): void {
    this.replacements++;
    this.#options.logger.error("a worker ended and is replaced: its connections are lost", { worker: index, reason });
    this.#options.onWorkerGone(index);
    this.#replacing = this.#replacing.then(async () => {
      if (this.#closing) return;
      const link = this.#spawn(index);
      this.#links[index] = link;
      await this.#options.prepare(link).catch((error: unknown) => {
        this.#options.logger.error("a replacement worker does not start", { worker: index, err: String(error) });
      });
    });
  }

  #checkHeartbeats(): void {
    const beats = new Int32Array(this.#heartbeat);
    const now = this.#options.platform.clock.nowMs();
    const limit = this.#options.stallLimitMs ?? STALL_LIMIT_MS;
    for (let index = 0; index < this.#links.length; index++) {
      const count = Atomics.load(beats, index);
      if (count !== this.#lastBeats[index]) {
        this.#lastBeats[index] = count;
        this.#lastBeatMs[index] = now;
      } else if (now - this.#lastBeatMs[index]! > limit) {
        this.#lastBeatMs[index] = now;
        this.#options.logger.critical("a worker does not answer and is stopped", { worker: index });
        void this.#links[index]!.terminate();
      }
    }
    if (!this.#closing) this.#timer.enable(CHECK_MS);
  }
}
