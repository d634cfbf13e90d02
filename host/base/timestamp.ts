// host/base/timestamp.ts: a point in time as text.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** As protobuf's JSON has it: no fraction where there is none. */
export function timestampText(wallMs: number): string {
  return new Date(Math.floor(wallMs)).toISOString().replace(".000Z", "Z");
}
