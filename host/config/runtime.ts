// host/config/runtime.ts: runtime values as planners ask for them.
// pure: no I/O, no clock, no runtime globals
/**
 * A runtime key overrides what a field of the configuration says. Who plans the field asks for the key, and so it
 * is known in the end which keys nobody acts on.
 *
 * @see Envoy: source/common/runtime/runtime_impl.cc SnapshotImpl
 * @module
 */

export class RuntimeValues {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #asked = new Set<string>();

  constructor(values: ReadonlyMap<string, unknown> = new Map()) {
    this.#values = values;
  }

  /** Every key with its value. */
  get entries(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  /** A whole number that is not negative; the default where the key has no such value. */
  integer(key: string, defaultValue: number): number {
    return Math.floor(this.number(key, defaultValue));
  }

  /** A number that is not negative; the default where the key has no such value. */
  number<Default extends number | null>(key: string, defaultValue: Default): number | Default {
    this.#asked.add(key);
    const value = this.#values.get(key);
    return typeof value === "number" && value >= 0 ? value : defaultValue;
  }

  /** The keys that somebody asked for. */
  isAskedFor(key: string): boolean {
    return this.#asked.has(key);
  }
}

/** No key has a value. */
export const NO_RUNTIME_VALUES: RuntimeValues = new RuntimeValues();
