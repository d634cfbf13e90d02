// host/http/h2/keepalive.ts: asks now and then whether the peer is still there.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/http2/codec_impl.cc ConnectionImpl::sendKeepalive
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { TimerMaker } from "../../net/scaled_timers.ts";
import type { KeepalivePlan } from "./options.ts";

/** Where time and chance come from. */
export interface Timing {
  readonly clock: Clock;
  readonly random: Random;
  /** Timers that overload may cut short; absent: those of the clock. */
  readonly timers?: { readonly streamFlush: TimerMaker };
}

export class Keepalive {
  readonly #plan: KeepalivePlan;
  readonly #timing: Timing;
  readonly #sendPing: (payload: string) => void;
  readonly #interval: Timer;
  readonly #timeout: Timer;
  #count = 0;
  #lastReceivedMs: number;

  constructor(plan: KeepalivePlan, timing: Timing, sendPing: (payload: string) => void, onTimeout: () => void) {
    this.#plan = plan;
    this.#timing = timing;
    this.#sendPing = sendPing;
    this.#interval = timing.clock.createTimer(() => this.#send());
    this.#timeout = timing.clock.createTimer(onTimeout);
    this.#lastReceivedMs = timing.clock.nowMs();
    this.#arm();
  }

  onReceived(): void {
    this.#lastReceivedMs = this.#timing.clock.nowMs();
  }

  /** A new stream is about to begin. */
  onNewStream(): void {
    const { idleIntervalMs } = this.#plan;
    if (idleIntervalMs <= 0 || this.#timeout.enabled) return;
    if (this.#timing.clock.nowMs() - this.#lastReceivedMs > idleIntervalMs) this.#send();
  }

  /** The answer to a PING came. */
  onAck(): void {
    this.#timeout.disable();
    this.#arm();
  }

  close(): void {
    this.#interval.disable();
    this.#timeout.disable();
  }

  #arm(): void {
    const { intervalMs, jitterPercent } = this.#plan;
    if (intervalMs <= 0) return;
    const jitterMs = (intervalMs * jitterPercent * this.#timing.random.fraction()) / 100;
    this.#interval.enable(intervalMs + jitterMs);
  }

  #send(): void {
    this.#interval.disable();
    this.#sendPing(String(++this.#count % 100_000_000).padStart(8, "0"));
    this.#timeout.enable(this.#plan.timeoutMs);
  }
}
