// host/upstream/conn_pool/full_buffer_timer.ts: how long a connection may have more to send than it should.
// pure: no I/O, no clock, no runtime globals
/**
 * A peer that does not read is given up in the end.
 *
 * @see Envoy: api/envoy/config/cluster/v3/cluster.proto per_connection_buffer_high_watermark_timeout
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";

export class FullBufferTimer {
  readonly #timer: Timer;
  readonly #timeoutMs: number;

  constructor(clock: Clock, timeoutMs: number, close: (details: string) => void) {
    this.#timer = clock.createTimer(() => close("buffer_high_watermark_timeout_reached"));
    this.#timeoutMs = timeoutMs;
  }

  onAboveHighWatermark(): void {
    this.#timer.enable(this.#timeoutMs);
  }

  /** Below the low watermark, or the connection is over. */
  stop(): void {
    this.#timer.disable();
  }
}

/** Null without a limit. */
export function createFullBufferTimer(
  clock: Clock,
  timeoutMs: number,
  close: (details: string) => void,
): FullBufferTimer | null {
  return timeoutMs === 0 ? null : new FullBufferTimer(clock, timeoutMs, close);
}
