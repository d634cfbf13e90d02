// host/wasm/fuel.ts: what a metered guest spends.
// pure: no I/O, no clock, no runtime globals
// hot: runs several times per host call; see bench/micro/wasm_hostcalls.bench.ts
/** @module */

/** The exported global of `meter.ts`: 32 bits, signed; below zero the guest traps at its next loop or function. */
export interface Fuel {
  value: number;
}

/** Takes units off, down to -1 at the least: a global that wrapped around would be full again. */
export function spend(fuel: Fuel, units: number): void {
  fuel.value = Math.max(fuel.value - units, -1);
}
