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

/** The digit of each four bits, as a character's code. */
const HEX = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const DASH = 0x2d;
const VERSION_4 = 0x34;
const fromCodes = String.fromCharCode;

/** 128 random bits as a version 4, variant 1 UUID; in one piece, for pieces are put together when it is written. */
export function formatUuid(a: number, b: number, c: number, d: number): string {
  const h = HEX;
  // deno-fmt-ignore
  return fromCodes(
    h[a >>> 28]!, h[(a >>> 24) & 15]!, h[(a >>> 20) & 15]!, h[(a >>> 16) & 15]!,
    h[(a >>> 12) & 15]!, h[(a >>> 8) & 15]!, h[(a >>> 4) & 15]!, h[a & 15]!,
    DASH,
    h[b >>> 28]!, h[(b >>> 24) & 15]!, h[(b >>> 20) & 15]!, h[(b >>> 16) & 15]!,
    DASH,
    VERSION_4, h[(b >>> 8) & 15]!, h[(b >>> 4) & 15]!, h[b & 15]!,
    DASH,
    h[((c >>> 28) & 3) | 8]!, h[(c >>> 24) & 15]!, h[(c >>> 20) & 15]!, h[(c >>> 16) & 15]!,
    DASH,
    h[(c >>> 12) & 15]!, h[(c >>> 8) & 15]!, h[(c >>> 4) & 15]!, h[c & 15]!,
    h[d >>> 28]!, h[(d >>> 24) & 15]!, h[(d >>> 20) & 15]!, h[(d >>> 16) & 15]!,
    h[(d >>> 12) & 15]!, h[(d >>> 8) & 15]!, h[(d >>> 4) & 15]!, h[d & 15]!,
  );
}
