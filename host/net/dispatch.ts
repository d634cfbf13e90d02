// host/net/dispatch.ts: what is written while an event is handled goes out once it was handled.
// hot: runs per event and per write; see bench/micro/connection.bench.ts
/**
 * A head, a chunk frame and a body, written to whatever connection by whatever code while one event is
 * handled, become one system call. Outside of events writes go out at once.
 *
 * @module
 */
import { beginTurn, endTurn } from "../base/turn.ts";

/** Something with writes to send. */
export interface Flushable {
  flush(): void;
}

let depth = 0;
const waiting: Flushable[] = [];

/** True while an event is handled: writes may wait. */
export function inDispatch(): boolean {
  return depth > 0;
}

/** Begins an event; each call is paired with `leaveDispatch`, in a `finally`. */
export function enterDispatch(): void {
  if (depth++ === 0) beginTurn();
}

/** Ends an event; the outermost one sends what waits. */
export function leaveDispatch(): void {
  if (depth === 1 && waiting.length > 0) {
    try {
      // Flushing can call back (watermarks) and so lead to more writes: those join the list.
      for (let i = 0; i < waiting.length; i++) waiting[i]!.flush();
    } finally {
      waiting.length = 0;
      depth--;
      endTurn();
    }
    return;
  }
  if (--depth === 0) endTurn();
}

/** Flushes `target` when the event ends. The caller asks once per event. */
export function flushLater(target: Flushable): void {
  waiting.push(target);
}
