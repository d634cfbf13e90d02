// host/net/dispatch.ts: what is written while events are handled goes out together.
// hot: runs per event and per write; see bench/micro/connection.bench.ts
/**
 * A head, a chunk frame and a body, written to whatever connection by whatever code while one event is
 * handled, become one system call. Small ones wait for the other events that the system has reported in
 * the same turn of the event loop: peers that are sent many messages in a row wake up once, where a write
 * after each event wakes them each time, which costs more than the write itself. Large ones go out when
 * their event ends, and outside of events everything goes out at once.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { beginTurn, endTurn } from "../base/turn.ts";

/** Up to so many bytes wait for the end of the turn. */
export const SMALL_WRITE_BYTES = 4096;
/** So many connections with small writes do not wait for the rest of a long turn. */
const GATHERED_CONNECTIONS = 32;

/** Something with writes to send. */
export interface Flushable {
  readonly pendingBytes: number;
  flush(): void;
}

let depth = 0;
let events = 0;
/** Written to in this event. */
const waiting: Flushable[] = [];
/** With small writes, of this turn. */
const gathered: Flushable[] = [];
let isTurnEndAwaited = false;
let isFlushing = false;

/** True while an event is handled: writes may wait. */
export function inDispatch(): boolean {
  return depth > 0;
}

/** How many events this thread has handled. */
export function handledEvents(): number {
  return events;
}

/** Begins an event; each call is paired with `leaveDispatch`, in a `finally`. */
export function enterDispatch(): void {
  if (depth++ > 0) return;
  events++;
  beginTurn();
}

/** Ends an event; the outermost one sends what waits, or leaves it to the end of the turn. */
export function leaveDispatch(): void {
  if (depth === 1 && waiting.length > 0) {
    try {
      // Flushing can call back (watermarks) and so lead to more writes: those join the list.
      for (let i = 0; i < waiting.length; i++) {
        const target = waiting[i]!;
        if (target.pendingBytes > SMALL_WRITE_BYTES) target.flush();
        else gathered.push(target);
      }
    } finally {
      waiting.length = 0;
      depth--;
      endTurn();
    }
    if (gathered.length >= GATHERED_CONNECTIONS) flushGathered();
    else if (gathered.length > 0 && !isTurnEndAwaited) {
      isTurnEndAwaited = true;
      setImmediate(onTurnEnd);
    }
    return;
  }
  if (--depth === 0) endTurn();
}

/** Flushes `target` when the event or the turn ends. The caller asks once until then. */
export function flushLater(target: Flushable): void {
  waiting.push(target);
}

function onTurnEnd(): void {
  isTurnEndAwaited = false;
  flushGathered();
}

/** Events that flushing causes add to the list: one loop serves them all. */
function flushGathered(): void {
  if (isFlushing) return;
  isFlushing = true;
  try {
    for (let i = 0; i < gathered.length; i++) gathered[i]!.flush();
  } finally {
    gathered.length = 0;
    isFlushing = false;
  }
}
