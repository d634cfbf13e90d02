// host/base/turn.ts: one reading of the clock for everything that one event causes.
// pure: no I/O, no clock, no runtime globals
// hot: twice per event; see bench/micro/timer.bench.ts
/**
 * A request asks for the time some twenty times, nearly always within the handling of two socket events.
 * While an event is handled the system clock answers with its first reading of that event: what happens
 * at once has one time.
 *
 * @see Envoy: Event::Dispatcher::approximateMonotonicTime
 * @module
 */

/** Index of a time in `turnTimes`. */
export const TURN_NOW_MS = 0;
export const TURN_WALL_MS = 1;

/** The times of the event that is being handled; -1 until somebody asks. Numbers here are not boxed. */
export const turnTimes: Float64Array = new Float64Array([-1, -1]);

let active = false;

/** True while an event is handled. */
export function inTurn(): boolean {
  return active;
}

export function beginTurn(): void {
  active = true;
  turnTimes[TURN_NOW_MS] = -1;
  turnTimes[TURN_WALL_MS] = -1;
}

export function endTurn(): void {
  active = false;
}
