// host/extensions/common/wasm/attribute_values.ts: facts as typed values of attributes.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { PropertyValue } from "../../../wasm/ports.ts";

export function text(value: string): PropertyValue {
  return { kind: "string", value };
}

export function latin1(value: string | null): PropertyValue | null {
  return value === null ? null : { kind: "latin1", value };
}

export function int(value: number | bigint): PropertyValue {
  return { kind: "int", value };
}

export function uint(value: number | bigint): PropertyValue {
  return { kind: "uint", value };
}

export function duration(ms: number): PropertyValue {
  return { kind: "duration", value: BigInt(Math.round(ms * 1e6)) };
}

export function nonEmpty(value: string): PropertyValue | null {
  return value === "" ? null : text(value);
}
