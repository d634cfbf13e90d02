// host/testing/unseen_traps.ts: traps of filters under test that no test has looked at.
/**
 * A test whose filter trapped mostly fails by a 503 that it did not expect. The trap itself says more, so it is
 * printed in the end, unless the test asked for it: then it was expected.
 *
 * @module
 */
import { type Diagnostic, SHOWN_LIMIT } from "../base/diagnostic.ts";
import { renderDiagnostic } from "../base/diagnostic_render.ts";

export class UnseenTraps {
  /** By the host that a test could have asked. */
  readonly #traps = new Map<object, Diagnostic>();

  /** The first trap of a host counts; after some, those of other hosts are left out. */
  add(host: object, trap: Diagnostic): void {
    if (this.#traps.size < SHOWN_LIMIT && !this.#traps.has(host)) this.#traps.set(host, trap);
  }

  /** A test has looked at them. */
  delete(host: object): void {
    this.#traps.delete(host);
  }

  /** All of them, each once; empty when there are none. */
  text(color: boolean): string {
    const texts = new Set([...this.#traps.values()].map((trap) => renderDiagnostic(trap, { color })));
    return [...texts].map((text) => `\n${text}\n`).join("");
  }
}

/** Those of this process. */
export const unseenTraps: UnseenTraps = new UnseenTraps();
