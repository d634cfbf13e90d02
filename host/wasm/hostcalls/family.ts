// host/wasm/hostcalls/family.ts: the shape in which host functions are written.
// pure: no I/O, no clock, no runtime globals
/**
 * A family is a table from an import's name to a function that, given a VM, makes the import. The inner
 * function is what the guest calls: closing over the VM costs nothing per call, and each keeps its own
 * inline caches. Pointers and sizes arrive signed; `>>> 0` makes them unsigned.
 *
 * @module
 */
import type { Vm } from "../vm.ts";

export type HostFunction = (...args: never[]) => unknown;
export type HostFunctionFactory = (vm: Vm) => HostFunction;
export type HostcallTable = Readonly<Record<string, HostFunctionFactory>>;
