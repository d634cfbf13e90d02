// host/upstream/lb/mersenne_twister.ts: MT19937, the generator whose order a bounded load is spread in.
// pure: no I/O, no clock, no runtime globals
/**
 * The same seed gives the same numbers as `std::mt19937`: overflow goes to the host that Envoy would take.
 *
 * @see Matsumoto and Nishimura, Mersenne Twister, ACM TOMACS 8 (1998)
 * @module
 */
const SIZE = 624;
const MIDDLE = 397;

export class MersenneTwister {
  readonly #state: Uint32Array = new Uint32Array(SIZE);
  #at: number = SIZE;

  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const before = this.#state[i - 1]!;
      this.#state[i] = Math.imul(before ^ (before >>> 30), 1812433253) + i;
    }
  }

  /** A whole number from 0 to 2³²-1. */
  uint32(): number {
    if (this.#at === SIZE) this.#twist();
    let y = this.#state[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % SIZE]! ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.#at = 0;
  }
}
