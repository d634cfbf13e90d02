// host/upstream/lb/override_hosts.ts: the hosts that a request names, for one attempt after the other.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** The addresses that one request names, one after the other. */
export class OverrideHosts {
  readonly #addresses: readonly string[];
  #next = 0;

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  /** Null after the last one. */
  take(): string | null {
    return this.#addresses[this.#next++] ?? null;
  }
}
