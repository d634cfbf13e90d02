// host/wasm/log_limiter.ts: cuts a guest's flood of log lines.
// pure: no I/O, no clock, no runtime globals
/**
 * So many lines and bytes a second; the rest of the second is dropped, and at its end one line says how much.
 *
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";

const WINDOW_MS = 1000;

export class LogLimiter {
  readonly #clock: Clock;
  readonly #maxLines: number;
  readonly #maxBytes: number;
  readonly #onDropped: (lines: number, bytes: number) => void;
  #startMs = -Infinity;
  #lines = 0;
  #bytes = 0;
  #droppedLines = 0;
  #droppedBytes = 0;
  #timer: Timer | null = null;

  /** `onDropped` is told once for each second in which lines were dropped. */
  constructor(
    clock: Clock,
    maxLines: number,
    maxBytes: number,
    onDropped: (lines: number, bytes: number) => void,
  ) {
    this.#clock = clock;
    this.#maxLines = maxLines;
    this.#maxBytes = maxBytes;
    this.#onDropped = onDropped;
  }

  /** False while lines are dropped. */
  get isOpen(): boolean {
    return this.#droppedLines === 0 || this.#clock.nowMs() - this.#startMs >= WINDOW_MS;
  }

  /** Whether a line of so many bytes may be written; one that may not is counted. */
  admits(bytes: number): boolean {
    const now = this.#clock.nowMs();
    if (now - this.#startMs >= WINDOW_MS) this.#begin(now);
    // Once a line was dropped all are until the second is over: no small ones between the missing ones.
    if (this.#droppedLines === 0 && this.#lines < this.#maxLines && this.#bytes + bytes <= this.#maxBytes) {
      this.#lines++;
      this.#bytes += bytes;
      return true;
    }
    this.drop(bytes);
    return false;
  }

  /** Counts a line that nobody looked at; what comes after it in the same second is dropped too. */
  drop(bytes: number): void {
    if (this.#droppedLines === 0) {
      this.#timer ??= this.#clock.createTimer(() => this.flush());
      this.#timer.enable(WINDOW_MS);
    }
    this.#droppedLines++;
    this.#droppedBytes += bytes;
  }

  #begin(now: number): void {
    this.flush();
    this.#startMs = now;
    this.#lines = 0;
    this.#bytes = 0;
  }

  /** Says now what was dropped. */
  flush(): void {
    this.#timer?.disable();
    const lines = this.#droppedLines;
    if (lines === 0) return;
    const bytes = this.#droppedBytes;
    this.#droppedLines = 0;
    this.#droppedBytes = 0;
    this.#onDropped(lines, bytes);
  }
}
