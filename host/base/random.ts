// host/base/random.ts: randomness as a port, and UUIDs made from it.
// pure: no I/O, no clock, no runtime globals
/**
 * Load balancers, request ids and back-off take a `Random`, so that a test can say what it was.
 *
 * @module
 */

export interface Random {
  /** A whole number from 0 to 2³²-1. */
  uint32(): number;
  /** A fraction from 0 up to, not with, 1. */
  fraction(): number;
  /** A version 4 UUID, lower case (RFC 9562 §5.4). */
  uuid(): string;
}

/** A repeatable generator (xoshiro128**), for tests and simulations; not for secrets. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    // splitmix32 spreads a small seed over the whole state.
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  uint32(): number {
    const x = Math.imul(this.#b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  uuid(): string {
    return formatUuid(this.uint32(), this.uint32(), this.uint32(), this.uint32());
  }
}

const HEX_BYTE: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** 128 random bits as a version 4, variant 1 UUID. */
export function formatUuid(a: number, b: number, c: number, d: number): string {
  const h = HEX_BYTE;
  return h[a >>> 24]! + h[(a >>> 16) & 255]! + h[(a >>> 8) & 255]! + h[a & 255]! + "-" +
    h[b >>> 24]! + h[(b >>> 16) & 255]! + "-" + h[((b >>> 8) & 0x0f) | 0x40]! + h[b & 255]! + "-" +
    h[((c >>> 24) & 0x3f) | 0x80]! + h[(c >>> 16) & 255]! + "-" + h[(c >>> 8) & 255]! + h[c & 255]! +
    h[d >>> 24]! + h[(d >>> 16) & 255]! + h[(d >>> 8) & 255]! + h[d & 255]!;
}
