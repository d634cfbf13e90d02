// host/router/attempts/attempt_timers.ts: how long one attempt may take.
// pure: no I/O, no clock, no runtime globals
/**
 * Made for attempts that have a limit of their own.
 *
 * @see Envoy: source/common/router/upstream_request.cc UpstreamRequest::setupPerTryTimeout
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";

/** Whom the timers tell. */
export interface AttemptTimeouts<Attempt> {
  onPerTryTimeout(attempt: Attempt): void;
  /** Nothing came for as long as may be, also while the response comes. */
  onPerTryIdleTimeout(attempt: Attempt): void;
  onMaxDuration(attempt: Attempt): void;
}

export class AttemptTimers<Attempt> {
  readonly #clock: Clock;
  readonly #attempt: Attempt;
  readonly #owner: AttemptTimeouts<Attempt>;
  #perTry: Timer | null = null;
  #idle: Timer | null = null;
  #idleMs = 0;
  #duration: Timer | null = null;

  constructor(clock: Clock, attempt: Attempt, owner: AttemptTimeouts<Attempt>) {
    this.#clock = clock;
    this.#attempt = attempt;
    this.#owner = owner;
  }

  /** Until the response begins. */
  startPerTry(ms: number): void {
    this.#perTry ??= this.#clock.createTimer(() => {
      this.#stopIdle();
      this.#owner.onPerTryTimeout(this.#attempt);
    });
    this.#perTry.enable(ms);
  }

  /** From one sign of life to the next. */
  startIdle(ms: number): void {
    this.#idleMs = ms;
    this.#idle ??= this.#clock.createTimer(() => {
      this.#perTry?.disable();
      this.#owner.onPerTryIdleTimeout(this.#attempt);
    });
    this.#idle.enable(ms);
  }

  /** Something came. */
  onActivity(): void {
    if (this.#idle !== null) this.#idle.enable(this.#idleMs);
  }

  /** Until the attempt is over. */
  startDuration(ms: number): void {
    this.#duration ??= this.#clock.createTimer(() => this.#owner.onMaxDuration(this.#attempt));
    this.#duration.enable(ms);
  }

  onResponseStarted(): void {
    this.#perTry?.disable();
    this.onActivity();
  }

  disable(): void {
    this.#perTry?.disable();
    this.#stopIdle();
    this.#duration?.disable();
  }

  /** What comes does not start it again. */
  #stopIdle(): void {
    this.#idle?.disable();
    this.#idle = null;
  }
}
