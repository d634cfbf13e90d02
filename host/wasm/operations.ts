// host/wasm/operations.ts: what is carried out when the guest has returned.
// pure: no I/O, no clock, no runtime globals
/**
 * The guest is never entered while it runs, but for its allocator. What would enter it waits: until the guest has
 * returned, or, if nothing would end it otherwise, for the event loop.
 *
 * @see Envoy: proxy-wasm-cpp-host include/proxy-wasm/wasm.h addAfterVmCallAction
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type Context, Deferred } from "./context.ts";
import { type LimitName, MAX_DEPTH } from "./limits.ts";

/** The VM, as its operations see it. */
export interface OperationsOwner {
  /** A guest frame is on the stack. */
  readonly inGuest: boolean;
  readonly fuelSpent: number;
  readonly options: { readonly maxDeferred: number; readonly cpuBudget: number };
  readonly log: { onLimit(limit: LimitName, text: string): void };
}

export class Operations {
  readonly #owner: OperationsOwner;
  readonly #clock: Clock;
  /** Context, operation, token, context, operation, token, … */
  #waiting: (Context | number)[] = [];
  /** The same, for the event loop. */
  #later: (Context | number)[] = [];
  #laterTimer: Timer | null = null;
  /** Runs of operations inside of one another. */
  #depth = 0;

  constructor(owner: OperationsOwner, clock: Clock) {
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Something is to be carried out now that the guest has returned. */
  get isWaiting(): boolean {
    return this.#waiting.length !== 0;
  }

  /** Has `operation` carried out after the guest has returned, at once when it is not running. */
  defer(context: Context, operation: Deferred, token: number): void {
    const { inGuest, options, log } = this.#owner;
    if (!inGuest) {
      context.runDeferred(operation, token);
      return;
    }
    // An answer comes once a stream: without it the stream would wait for ever.
    if (this.#waiting.length >= options.maxDeferred * 3 && operation !== Deferred.LocalReply) {
      log.onLimit("deferred", `one callback may ask for ${options.maxDeferred} operations; others are left out`);
      return;
    }
    this.#waiting.push(context, operation, token);
  }

  /** Tells every context that the VM has failed, as soon as the guest has returned. */
  announceFailure(contexts: Iterable<Context>): void {
    for (const context of contexts) this.#waiting.push(context, Deferred.VmFailed, 0);
    if (!this.#owner.inGuest) this.run();
  }

  /** Carries out what waits. */
  run(): void {
    // One stream's callback lets another one go on, whose callback lets a third one: not without end.
    if (this.#depth === MAX_DEPTH) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const each of waiting) this.#later.push(each);
      return this.#armLater();
    }
    this.#depth++;
    try {
      // Operations may call the guest, which may defer more and carry that out itself.
      while (this.#waiting.length !== 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        for (let i = 0; i < batch.length; i += 3) {
          (batch[i] as Context).runDeferred(batch[i + 1] as Deferred, batch[i + 2] as number);
        }
      }
    } finally {
      this.#depth--;
    }
  }

  /**
   * Has `operation` carried out from the event loop: what calls the guest by itself and came while it ran.
   * A guest that is answered at once, each time it asks, would never come to an end otherwise.
   */
  deferLater(context: Context, operation: Deferred, token: number): void {
    this.#later.push(context, operation, token);
    this.#armLater();
  }

  #armLater(): void {
    this.#laterTimer ??= this.#clock.createTimer(() => this.#runLater());
    if (!this.#laterTimer.enabled) this.#laterTimer.enable(0);
  }

  /** Carries out what waits, but in one turn no more than the guest may compute in one call. */
  #runLater(): void {
    const owner = this.#owner;
    const most = owner.fuelSpent + owner.options.cpuBudget;
    const batch = this.#later;
    this.#later = [];
    let i = 0;
    while (i < batch.length && (i === 0 || owner.fuelSpent < most)) {
      (batch[i] as Context).runDeferred(batch[i + 1] as Deferred, batch[i + 2] as number);
      i += 3;
    }
    if (i < batch.length) this.#later = [...batch.slice(i), ...this.#later];
    if (this.#later.length !== 0) this.#armLater();
  }
}
