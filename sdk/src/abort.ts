// sdk/src/abort.ts: what AssemblyScript's runtime wants from its environment, built on the host's log.
/**
 * `asconfig.json` names these with `use`, so that a filter imports nothing that a proxy does not have
 * (`env.abort`, `env.trace` and `env.seed` exist on no proxy).
 */
import { log } from "./log";
import { nowNanos } from "./time";

/** `throw`, a failed assertion or an index out of range: says where, then traps. The host ends this VM. */
// @ts-ignore: decorator
@global
export function nuncio_abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = message !== null ? message : "(no message)";
  const place = file !== null ? file : "?";
  log.critical("abort: " + text + " at " + place + ":" + line.toString() + ":" + column.toString());
  unreachable();
}

/** AssemblyScript's `trace(message, n, a0, …)`, as a log line of level trace. */
// @ts-ignore: decorator
@global
export function nuncio_trace(
  message: string,
  n: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  let text = message;
  if (n > 0) text += " " + a0.toString();
  if (n > 1) text += ", " + a1.toString();
  if (n > 2) text += ", " + a2.toString();
  if (n > 3) text += ", " + a3.toString();
  if (n > 4) text += ", " + a4.toString();
  log.trace(text);
}

/** Seeds `Math.random()` from the clock. Good for sampling, not for secrets. */
// @ts-ignore: decorator
@global
export function nuncio_seed(): f64 {
  return reinterpret<f64>(nowNanos());
}
