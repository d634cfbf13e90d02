// sdk/src/foreign.ts: functions that a host offers beyond the ABI.
import { Status } from "./enums";
import { proxy_call_foreign_function } from "./imports.gen";
import { argument0, argument0Size, dropResult, expectBuffer, OUT, takeBuffer } from "./memory";

/**
 * Calls a host function by name, such as Envoy's `compress` or `clear_route_cache`. Null when the host does not
 * have it or it failed; an empty buffer when it has nothing to say.
 */
export function callForeign(name: string, args: ArrayBuffer): ArrayBuffer | null {
  const pointer = argument0(name);
  expectBuffer();
  const status = proxy_call_foreign_function(
    pointer,
    argument0Size(),
    changetype<usize>(args),
    args.byteLength,
    OUT,
    OUT + 4,
  );
  if (status != Status.Ok) {
    dropResult();
    return null;
  }
  return takeBuffer();
}
