// sdk/src/time.ts: the wall clock.
import { Status } from "./enums";
import { proxy_get_current_time_nanoseconds } from "./imports.gen";
import { OUT } from "./memory";

/** Nanoseconds since 1970, in UTC. */
export function nowNanos(): u64 {
  return proxy_get_current_time_nanoseconds(OUT) == Status.Ok ? load<u64>(OUT) : 0;
}

/** Milliseconds since 1970, in UTC. */
export function nowMillis(): u64 {
  return nowNanos() / 1_000_000;
}
