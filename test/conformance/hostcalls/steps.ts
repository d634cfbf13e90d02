// test/conformance/hostcalls/steps.ts: what a probe's callbacks are made of.
/** @module */

/** Where a probe keeps numbers from one callback to another. */
export const SLOTS = 0x200;

/** An address outside of every probe's memory. */
export const BAD = 0x7fff0000;

/** A value that only the running guest knows. */
export interface Expression {
  readonly wat: string;
}

/** Bytes by their place: any pointer and size. */
export interface Range {
  readonly ptr: number | Expression;
  readonly size: number | Expression;
}

export type Argument = number | bigint | string | Uint8Array | Expression | Range;

export interface CallStep {
  readonly kind: "call";
  readonly module: string;
  readonly name: string;
  readonly args: readonly Argument[];
  /** What is given for places of results instead of the usual ones, by the number of the place. */
  readonly places?: readonly (number | null)[];
  /** Numbers of results that differ from run to run: that they are there is all that is told. */
  readonly masked?: true;
}

export type Step =
  | CallStep
  /** Keeps the first number that the last call gave, or a value, in a slot. */
  | { readonly kind: "keep"; readonly slot: number; readonly value?: Expression }
  | { readonly kind: "returns"; readonly value: number }
  | { readonly kind: "when"; readonly condition: Expression; readonly steps: readonly Step[] }
  | { readonly kind: "show"; readonly label: string; readonly value: Expression }
  | { readonly kind: "wat"; readonly text: string };

/** A host call by name. Pairs of pointer and size are one argument; places for results are filled in. */
export function call(name: string, ...args: Argument[]): CallStep {
  return { kind: "call", module: "env", name, args };
}

/** A call whose results differ from run to run. */
export function masked(step: CallStep): CallStep {
  return { ...step, masked: true };
}

/** A call with other places for its results: an address, or null for the usual place. */
export function into(step: CallStep, ...places: (number | null)[]): CallStep {
  return { ...step, places };
}

/** A WASI call; every parameter is an argument. */
export function wasi(name: string, ...args: Argument[]): CallStep {
  return { kind: "call", module: "wasi_snapshot_preview1", name, args };
}

export function keep(slot: number, value?: Expression): Step {
  return value === undefined ? { kind: "keep", slot } : { kind: "keep", slot, value };
}

export function kept(slot: number): Expression {
  return { wat: `(i32.load (i32.const ${SLOTS + slot * 4}))` };
}

/** A parameter of the callback, from 0. */
export function param(index: number): Expression {
  return { wat: `(local.get ${index})` };
}

/** The callback's answer. */
export function returns(value: number): Step {
  return { kind: "returns", value };
}

export function when(condition: Expression, ...steps: Step[]): Step {
  return { kind: "when", condition, steps };
}

export function not(value: Expression): Expression {
  return { wat: `(i32.eqz ${value.wat})` };
}

export function equals(value: Expression, number: number): Expression {
  return { wat: `(i32.eq ${value.wat} (i32.const ${number}))` };
}

/** Tells a value. */
export function show(label: string, value: Expression): Step {
  return { kind: "show", label, value };
}

/** WebAssembly text as it is. */
export function wat(text: string): Step {
  return { kind: "wat", text };
}

export function at(ptr: number | Expression, size: number | Expression): Range {
  return { ptr, size };
}

/** Header pairs as the ABI has them. */
export function pairs(list: readonly (readonly [string, string])[]): Uint8Array {
  const bytes: number[] = [];
  const u32 = (value: number) => bytes.push(value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24 & 255);
  u32(list.length);
  for (const [name, value] of list) {
    u32(name.length);
    u32(value.length);
  }
  for (const text of list.flat()) bytes.push(...Array.from(text, (char) => char.charCodeAt(0)), 0);
  return Uint8Array.from(bytes);
}
