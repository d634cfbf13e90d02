// host/router/attempts/attempt_set.ts: the attempts of one request that are under way: one, but for hedging.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk; see bench/micro/http_path.bench.ts
/** @module */
import { ByteQueue } from "../../base/byte_queue.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { UpstreamAttempt } from "./upstream_attempt.ts";

export class AttemptSet {
  #attempts: readonly UpstreamAttempt[] = NONE;

  get all(): readonly UpstreamAttempt[] {
    return this.#attempts;
  }

  get size(): number {
    return this.#attempts.length;
  }

  /** True while one of them may still have a response. */
  get hasLive(): boolean {
    return this.#attempts.some((attempt) => !attempt.done);
  }

  get bufferedBytes(): number {
    return this.#attempts.reduce((bytes, attempt) => bytes + attempt.bufferedBytes, 0);
  }

  add(attempt: UpstreamAttempt): void {
    this.#attempts = this.#attempts.length === 0 ? [attempt] : [...this.#attempts, attempt];
  }

  /** It is over, or the request is done with it. */
  remove(attempt: UpstreamAttempt): void {
    attempt.finish();
    this.#attempts = this.#attempts.length === 1 ? NONE : this.#attempts.filter((other) => other !== attempt);
  }

  resetOthers(chosen: UpstreamAttempt): void {
    const all = this.#attempts;
    if (all.length === 1) return;
    this.#attempts = [chosen];
    for (const attempt of all) if (attempt !== chosen) abandon(attempt);
  }

  resetAll(): void {
    const all = this.#attempts;
    this.#attempts = NONE;
    for (const attempt of all) abandon(attempt);
  }

  /** Sends a part of the body, taking it out of `body`; each of several attempts gets a copy. */
  encodeData(body: ByteQueue, end: boolean): void {
    const all = this.#attempts;
    if (all.length === 1) return sendBody(all[0]!, body, end);
    const bytes = all.length === 0 ? null : new Uint8Array(body.toBytes());
    body.clear();
    for (const attempt of all) {
      const copy = new ByteQueue();
      copy.push(bytes!);
      sendBody(attempt, copy, end);
    }
  }

  encodeTrailers(trailers: HeaderMap): void {
    for (const attempt of this.#attempts) attempt.encodeTrailers(trailers);
  }

  readDisable(disable: boolean): void {
    for (const attempt of this.#attempts) attempt.readDisable(disable);
  }
}

const NONE: readonly UpstreamAttempt[] = [];

function abandon(attempt: UpstreamAttempt): void {
  attempt.reset();
  attempt.finish();
}

/** Sends an attempt a part of the body, and counts it. */
export function sendBody(attempt: UpstreamAttempt, body: ByteQueue, end: boolean): void {
  if (attempt.log !== null) attempt.log.info.bytesSent += body.length;
  attempt.encodeData(body, end);
}
