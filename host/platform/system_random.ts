// host/platform/system_random.ts: the runtime's cryptographic randomness, drawn in blocks.
// hot: a request id per request; see bench/micro/connection.bench.ts
/**
 * @module
 */
import { formatUuid, type Random } from "../base/random.ts";

const POOL_WORDS = 2048;

class SystemRandom implements Random {
  readonly #pool = new Uint32Array(POOL_WORDS);
  #next = POOL_WORDS;

  uint32(): number {
    if (this.#next === POOL_WORDS) this.#fill();
    return this.#take();
  }

  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  uuid(): string {
    if (this.#next + 4 > POOL_WORDS) this.#fill();
    return formatUuid(this.#take(), this.#take(), this.#take(), this.#take());
  }

  #fill(): void {
    crypto.getRandomValues(this.#pool);
    this.#next = 0;
  }

  /** Words are forgotten as they are given out, so that a dump of memory does not tell old ones. */
  #take(): number {
    const index = this.#next++;
    const word = this.#pool[index]!;
    this.#pool[index] = 0;
    return word;
  }
}

export const systemRandom: Random = new SystemRandom();
