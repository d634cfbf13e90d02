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

/** The event that is being handled. Times are -1 until somebody asks. */
export const turn: { active: boolean; nowMs: number; wallMs: number } = { active: false, nowMs: -1, wallMs: -1 };

export function beginTurn(): void {
  turn.active = true;
  turn.nowMs = -1;
  turn.wallMs = -1;
}

export function endTurn(): void {
  turn.active = false;
}
