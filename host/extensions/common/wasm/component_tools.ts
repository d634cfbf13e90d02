// host/extensions/common/wasm/component_tools.ts: jco, which tells whether a component is valid.
/**
 * Runtimes validate core modules only. `@bytecodealliance/jco-transpile` brings the validator that Wasmtime has,
 * and is loaded when the first component comes, in the thread that tries it. A component that jco transpiles is
 * valid; the JavaScript that it makes of it is not used: `host/wasm/component` runs components without generated
 * code.
 *
 * @module
 */
import { toHex } from "../../../base/bytes.ts";
import type { Diagnostic } from "../../../base/diagnostic.ts";
import { type ComponentValidator, invalidComponent, noComponentTools } from "../../../wasm/mod.ts";

const PACKAGE = "@bytecodealliance/jco-transpile";
const VERSION = "0.15";
/** Who says what is valid. */
export const COMPONENT_JUDGE: string = `${PACKAGE} ${VERSION}`;
/** Verdicts that are kept. */
const MAX_VERDICTS = 256;

/** What is used of `@bytecodealliance/jco-transpile/component`. */
interface Transpiler {
  readonly $init: Promise<void>;
  generate(component: Uint8Array, options: Readonly<Record<string, unknown>>): unknown;
}

/** Without JavaScript for a host, which makes it quicker. */
const OPTIONS = { name: "filter", noTypescript: true, instantiation: { tag: "sync" }, noNodejsCompat: true };

export class ComponentTools implements ComponentValidator {
  readonly #load: () => Promise<unknown>;
  #transpiler: Promise<Transpiler> | null = null;
  readonly #verdicts = new Map<string, Diagnostic | null>();

  /** `load` gives the package's module; for tests. */
  constructor(load: () => Promise<unknown> = loadPackage) {
    this.#load = load;
  }

  /** Takes it that components of these digests (SHA-256, in hexadecimals) are valid: they were found so before. */
  trust(digests: readonly string[]): void {
    for (const digest of digests) this.#verdicts.set(digest, null);
  }

  async validate(bytes: Uint8Array): Promise<Diagnostic | null> {
    const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
    const known = this.#verdicts.get(digest);
    if (known !== undefined) return known;
    let transpiler: Transpiler;
    try {
      transpiler = await (this.#transpiler ??= this.#open());
    } catch (error) {
      this.#transpiler = null;
      return noComponentTools(PACKAGE, VERSION, error instanceof Error ? error.message : String(error));
    }
    const verdict = verdictOf(transpiler, bytes);
    if (this.#verdicts.size < MAX_VERDICTS) this.#verdicts.set(digest, verdict);
    return verdict;
  }

  async #open(): Promise<Transpiler> {
    const transpiler = (await this.#load()) as Transpiler;
    await transpiler.$init;
    return transpiler;
  }
}

function loadPackage(): Promise<unknown> {
  // Not a literal: the package is optional, and so are its types.
  const name = `${PACKAGE}/component`;
  return import(name);
}

function verdictOf(transpiler: Transpiler, bytes: Uint8Array): Diagnostic | null {
  try {
    transpiler.generate(bytes, OPTIONS);
    return null;
  } catch (error) {
    // It throws what its own component answers: the text may be the error's `payload`.
    const { payload, message } = error as { payload?: unknown; message?: unknown };
    const text = typeof payload === "string" ? payload : typeof message === "string" ? message : String(error);
    const reason = text.replace(/\s+/g, " ").trim();
    // It was jco that trapped, which it does on texts in latin1+utf16.
    return invalidComponent(reason.startsWith("wasm trap") ? `jco failed on it: ${reason}` : reason);
  }
}
