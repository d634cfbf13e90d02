// host/base/runtime.ts: values that change while the proxy runs, as the data plane reads them.
// pure: no I/O, no clock, no runtime globals
// hot: a value that is read per request costs one comparison of numbers
/**
 * The main thread merges the layers and gives every worker the outcome. Who reads a value by its key keeps what
 * came of it, and looks again when the version is another one.
 *
 * @see Envoy: source/common/runtime/runtime_impl.cc SnapshotImpl
 * @module
 */

/** A part of a whole; as much as the whole or more is always. */
export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** A value, and what it can be read as. */
export interface RuntimeEntry {
  /** As it was written. */
  readonly text: string;
  readonly number: number | null;
  readonly fraction: Fraction | null;
}

/** By key. */
export type RuntimeEntries = ReadonlyMap<string, RuntimeEntry>;

export class Runtime {
  #entries: RuntimeEntries;
  /** Another one with every change. */
  version = 0;

  constructor(entries: RuntimeEntries = new Map()) {
    this.#entries = entries;
  }

  replace(entries: RuntimeEntries): void {
    this.#entries = entries;
    this.version++;
  }

  /** A whole number that is not negative, cut off; `otherwise` where the key has no such value. */
  integer<Otherwise>(key: string, otherwise: Otherwise): number | Otherwise {
    const number = this.#number(key);
    return number === null || number < 0 ? otherwise : Math.floor(number);
  }

  number<Otherwise>(key: string, otherwise: Otherwise): number | Otherwise {
    return this.#number(key) ?? otherwise;
  }

  /** A whole number is so many percent. */
  fraction(key: string, otherwise: Fraction): Fraction {
    if (key === "") return otherwise;
    const fraction = this.#entries.get(key)?.fraction ?? null;
    if (fraction !== null) return fraction;
    const percent = this.integer(key, null);
    return percent === null ? otherwise : { numerator: percent, denominator: 100 };
  }

  #number(key: string): number | null {
    return key === "" ? null : this.#entries.get(key)?.number ?? null;
  }
}

/** No key has a value, ever. */
export const NO_RUNTIME: Runtime = new Runtime();

/** A value that may be another one the next time. */
export interface Live<Value> {
  readonly current: Value;
}

/** What is read by a key, or by several, again and again. */
export class RuntimeValue<Value> implements Live<Value> {
  readonly #runtime: Runtime;
  readonly #read: (runtime: Runtime) => Value;
  #version: number;
  #current: Value;

  constructor(runtime: Runtime, read: (runtime: Runtime) => Value) {
    this.#runtime = runtime;
    this.#read = read;
    this.#version = runtime.version;
    this.#current = read(runtime);
  }

  get current(): Value {
    const { version } = this.#runtime;
    if (version !== this.#version) {
      this.#version = version;
      this.#current = this.#read(this.#runtime);
    }
    return this.#current;
  }
}

/** A whole number that a key of the runtime may override. */
export interface RuntimeIntegerPlan {
  readonly value: number;
  /** "" for none. */
  readonly runtimeKey: string;
}

/** A fraction that a key of the runtime may override. */
export interface RuntimeFractionPlan extends Fraction {
  /** Absent for none. */
  readonly runtimeKey?: string;
}

/** Reads the number of a plan; without a key it never changes. */
export function runtimeInteger({ value, runtimeKey }: RuntimeIntegerPlan, runtime: Runtime): () => number {
  if (runtimeKey === "") return () => value;
  const live = new RuntimeValue(runtime, (now) => now.integer(runtimeKey, value));
  return () => live.current;
}

/** Says of a random number whether it is in a plan's fraction; without a key that never changes. */
export function runtimeFraction(plan: RuntimeFractionPlan, runtime: Runtime): (random: number) => boolean {
  const { numerator, denominator, runtimeKey } = plan;
  if (runtimeKey === undefined || runtimeKey === "") return (random) => random % denominator < numerator;
  const live = new RuntimeValue(runtime, (now) => now.fraction(runtimeKey, plan));
  return (random) => {
    const { current } = live;
    return random % current.denominator < current.numerator;
  };
}
