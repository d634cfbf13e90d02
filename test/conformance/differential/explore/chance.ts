// test/conformance/differential/explore/chance.ts: what generators of configurations choose with.
/** @module */
import { SeededRandom } from "../../../../host/base/random.ts";

export class Chance {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** From 0 up to, not with, `limit`. */
  below(limit: number): number {
    return this.#random.uint32() % limit;
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** The members once in so many times, else none: spread it into an object. */
  maybe<T extends object>(times: number, members: () => T): T | Record<string, never> {
    return this.oneIn(times) ? members() : {};
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  list<T>(least: number, most: number, make: (index: number) => T): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, (_, index) => make(index));
  }

  /** Some of them, in their order. */
  some<T>(list: readonly T[], times: number): T[] {
    return list.filter(() => this.oneIn(times));
  }
}
