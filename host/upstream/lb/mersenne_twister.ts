// host/upstream/lb/mersenne_twister.ts: MT19937, the generator whose order a bounded load is spread in.
// pure: no I/O, no clock, no runtime globals
/**
 * The same seed gives the same numbers as `std::mt19937`: overflow goes to the host that Envoy would take. Most ask
 * for a few numbers only: no more of the state is made than they need.
 *
 * @see Matsumoto and Nishimura, Mersenne Twister, ACM TOMACS 8 (1998)
 * @module
 */
const SIZE = 624;
const MIDDLE = 397;

export class MersenneTwister {
  readonly #state: Uint32Array = new Uint32Array(SIZE);
  /** How much of it is made from the seed. */
  #seeded = 1;
  #at = 0;

  constructor(seed: number) {
    this.seed(seed);
  }

  /** Begins anew. */
  seed(seed: number): void {
    this.#state[0] = seed;
    this.#seeded = 1;
    this.#at = 0;
  }

  /** A whole number from 0 to 2³²-1. */
  uint32(): number {
    const state = this.#state, at = this.#at;
    const next = at + 1 === SIZE ? 0 : at + 1;
    const middle = at + MIDDLE < SIZE ? at + MIDDLE : at + MIDDLE - SIZE;
    if (this.#seeded < SIZE) this.#expand(Math.max(next, middle));
    const bits = (state[at]! & 0x80000000) | (state[next]! & 0x7fffffff);
    let y = state[at] = state[middle]! ^ (bits >>> 1) ^ ((bits & 1) === 0 ? 0 : 0x9908b0df);
    this.#at = next;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Makes what of the state comes from the seed, up to an index. */
  #expand(last: number): void {
    const state = this.#state;
    let index = this.#seeded, word = state[index - 1]! | 0;
    for (; index <= last; index++) {
      word = (Math.imul(word ^ (word >>> 30), 1812433253) + index) | 0;
      state[index] = word;
    }
    this.#seeded = index;
  }
}
