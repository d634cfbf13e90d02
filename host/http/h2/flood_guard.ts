// host/http/h2/flood_guard.ts: counts what a peer sends only to cost something.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/http2/protocol_constraints.cc
 * @module
 */
import { Http2Details } from "./errors.ts";
import type { Http2Plan } from "./options.ts";
import type { Http2Stats } from "./stats.ts";

/** Resets of streams by this side, for what the peer did wrong on them, that a connection survives. */
const MAX_STREAM_ERRORS = 100;

export class FloodGuard {
  /** Streams that carried a message to the peer. */
  openedStreams = 0;
  dataFramesSent = 0;
  readonly #plan: Http2Plan;
  readonly #stats: Http2Stats;
  #emptyFrames = 0;
  #priorityFrames = 0;
  #windowUpdates = 0;
  #streamErrors = 0;
  /** Resets that the client may still send, as of `#resetsAtMs`. */
  #resets: number;
  #resetsAtMs = 0;

  constructor(plan: Http2Plan, stats: Http2Stats) {
    this.#plan = plan;
    this.#stats = stats;
    this.#resets = plan.streamResetBurst;
  }

  /** The client reset a stream. True: it does so too often. */
  onReset(nowMs: number): boolean {
    const { streamResetBurst, streamResetRate } = this.#plan;
    const earned = ((nowMs - this.#resetsAtMs) * streamResetRate) / 1000;
    this.#resets = Math.min(streamResetBurst, this.#resets + earned);
    this.#resetsAtMs = nowMs;
    return --this.#resets < 0;
  }

  /** HEADERS, CONTINUATION or DATA came. Returns the details of a flood, or null. */
  onMessageFrame(payloadBytes: number, endStream: boolean): string | null {
    if (payloadBytes > 0 || endStream) {
      this.#emptyFrames = 0;
      return null;
    }
    if (++this.#emptyFrames <= this.#plan.maxConsecutiveEmptyFrames) return null;
    this.#stats.inboundEmptyFramesFlood.inc();
    return Http2Details.EmptyFramesFlood;
  }

  onPriority(): string | null {
    if (++this.#priorityFrames <= this.#plan.maxPriorityFramesPerStream * (1 + this.openedStreams)) return null;
    this.#stats.inboundPriorityFramesFlood.inc();
    return Http2Details.PriorityFlood;
  }

  onWindowUpdate(): string | null {
    const limit = 5 + 2 * (this.openedStreams + this.#plan.maxWindowUpdatesPerDataFrame * this.dataFramesSent);
    if (++this.#windowUpdates <= limit) return null;
    this.#stats.inboundWindowUpdateFramesFlood.inc();
    return Http2Details.WindowUpdateFlood;
  }

  /** A stream is reset because of what the peer did on it. True: it did so too often. */
  onStreamError(): boolean {
    return ++this.#streamErrors > MAX_STREAM_ERRORS + this.openedStreams / 2;
  }
}
