// host/server/wasm_code/valid_components.ts: which components were found valid before, by digest.
/**
 * To ask jco whether a component is valid costs more than all else that is done to load it, and the thread that
 * asks is thrown away. So what it found is kept: in memory, for plugins with the same code and for reloads; in a
 * file of the folder of fetched code, for the next start. Components that are not valid are asked about again.
 *
 * The file is trusted no more than it has to be. A digest in it that nobody checked only leads to a component
 * that is read all the same, whose modules the engine validates, and whose values are checked at each call.
 *
 * @module
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { utf8Slice } from "../../base/bytes.ts";
import type { Random } from "../../base/random.ts";
import { COMPONENT_JUDGE } from "../../extensions/common/wasm/component_tools.ts";
import type { Logger } from "../../observe/log.ts";
import type { FileRead } from "../../platform/mod.ts";

export interface ValidComponentsOptions {
  /** Null: in memory only. */
  readonly folder: string | null;
  /** Who says what is valid, and its version; what somebody else found is forgotten. For tests. */
  readonly judge?: string;
  readonly platform: { readonly random: Random; readFile(path: string): FileRead };
  readonly logger: Logger;
}

/** Those that were used last are kept. */
const MAX_DIGESTS = 256;
const FILE = "valid-components";
const DIGEST = /^[0-9a-f]{64}$/;

export class ValidComponents {
  readonly #options: ValidComponentsOptions;
  readonly #judge: string;
  /** The one used last comes last; null until the file was read. */
  #digests: Set<string> | null = null;
  #folder: string | null;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ValidComponentsOptions) {
    this.#options = options;
    this.#judge = options.judge ?? COMPONENT_JUDGE;
    this.#folder = options.folder;
  }

  /** SHA-256 of all that are known to be valid, in hexadecimals. */
  get digests(): readonly string[] {
    return [...this.#known()];
  }

  /** Notes that a component is valid; settles when that is on disk, too. */
  add(digest: string): Promise<void> {
    const known = this.#known();
    const isNew = !known.delete(digest);
    known.add(digest);
    for (const oldest of known) {
      if (known.size <= MAX_DIGESTS) break;
      known.delete(oldest);
    }
    if (!isNew || this.#folder === null) return this.#writing;
    const folder = this.#folder;
    return this.#writing = this.#writing.then(() => this.#write(folder));
  }

  #known(): Set<string> {
    return this.#digests ??= this.#folder === null ? new Set() : this.#read(join(this.#folder, FILE));
  }

  #read(path: string): Set<string> {
    const file = this.#options.platform.readFile(path);
    if (!file.ok) return new Set();
    const [judge, ...lines] = utf8Slice(file.bytes, 0, file.bytes.length).split("\n");
    if (judge !== this.#judge) return new Set();
    return new Set(lines.filter((line) => DIGEST.test(line)).slice(-MAX_DIGESTS));
  }

  async #write(folder: string): Promise<void> {
    const path = join(folder, FILE);
    // Written beside and renamed: another process never sees half a file.
    const unfinished = `${path}.${this.#options.platform.random.uuid()}.part`;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(unfinished, [this.#judge, ...this.#known(), ""].join("\n"), { mode: 0o600 });
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      this.#options.logger.warn("that a component is valid cannot be kept: a restart will have it validated again", {
        folder,
        err: error instanceof Error ? error.message : String(error),
      });
      this.#folder = null;
    }
  }
}
