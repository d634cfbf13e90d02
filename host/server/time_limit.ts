// host/server/time_limit.ts: waiting, and waiting no longer than so long.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { Clock } from "../base/clock.ts";

/** What `call` gives, or null when that takes too long. */
export async function within<T>(clock: Clock, limitMs: number, call: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = clock.createTimer(() => resolve(null));
  timer.enable(Math.max(0, limitMs));
  const first = await Promise.race([call, promise]);
  timer.disable();
  return first;
}

export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.createTimer(resolve).enable(ms));
}
