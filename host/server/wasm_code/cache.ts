// host/server/wasm_code/cache.ts: what was fetched, on disk, by digest.
/**
 * A restart needs no network for what it had before. A file is named by the digest of its content and checked
 * when it is read, so whatever happens to the folder, wrong code does not come out of it. The files that were
 * not used for longest go when all together are too large. Without a folder nothing is kept; a folder that
 * cannot be written to is said once and is no error.
 *
 * @module
 */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Logger } from "../../observe/log.ts";
import { matchesDigest } from "./digest.ts";

export interface CodeCacheOptions {
  /** Null: nothing is kept. */
  readonly folder: string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limitBytes?: number;
}

/** All files together. */
const DEFAULT_LIMIT_BYTES = 512 * 1024 * 1024;
/** What a process left behind that ended while it wrote. */
const ABANDONED_MS = 3_600_000;
const ENTRY = /^sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})$/;
const UNFINISHED = ".part";

export class CodeCache {
  readonly #options: CodeCacheOptions;
  #folder: string | null;

  constructor(options: CodeCacheOptions) {
    this.#options = options;
    this.#folder = options.folder;
  }

  /** What has this digest (`sha256:…`), or null. */
  async get(digest: string): Promise<Uint8Array | null> {
    if (this.#folder === null) return null;
    const path = this.#pathOf(this.#folder, digest);
    let bytes;
    try {
      bytes = await readFile(path);
    } catch {
      return null;
    }
    if (!await matchesDigest(bytes, digest)) {
      this.#options.logger.warn("a file of the cache is not what its name says: it is fetched again", { path });
      await rm(path, { force: true }).catch(() => {});
      return null;
    }
    const now = new Date(this.#options.clock.wallMs());
    await utimes(path, now, now).catch(() => {});
    return bytes;
  }

  /** Keeps bytes whose digest was checked. */
  async put(digest: string, bytes: Uint8Array): Promise<void> {
    if (this.#folder === null) return;
    const path = this.#pathOf(this.#folder, digest);
    // Written beside and renamed: another process never sees half a file.
    const unfinished = `${path}.${this.#options.random.uuid()}${UNFINISHED}`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(unfinished, bytes, { mode: 0o600 });
      await rename(unfinished, path);
      await this.#shrink(this.#folder, path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      this.#options.logger.warn("fetched code cannot be kept: a restart will fetch it again", {
        folder: this.#folder,
        err: error instanceof Error ? error.message : String(error),
      });
      this.#folder = null;
    }
  }

  #pathOf(folder: string, digest: string): string {
    return join(folder, digest.replace(":", "-"));
  }

  async #shrink(folder: string, newest: string): Promise<void> {
    const nowMs = this.#options.clock.wallMs();
    const entries: { readonly path: string; readonly sizeBytes: number; readonly usedMs: number }[] = [];
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      // Another process may be faster.
      const facts = await stat(path).catch(() => null);
      if (facts === null) continue;
      if (ENTRY.test(name)) entries.push({ path, sizeBytes: facts.size, usedMs: facts.mtimeMs });
      else if (name.endsWith(UNFINISHED) && nowMs - facts.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
    let total = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
    for (const entry of entries.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= (this.#options.limitBytes ?? DEFAULT_LIMIT_BYTES)) break;
      if (entry.path === newest) continue;
      await rm(entry.path, { force: true });
      total -= entry.sizeBytes;
    }
  }
}

/** Where programs keep such things (XDG); null when the environment does not say where that is. */
export function defaultCacheFolder(env: (name: string) => string | undefined): string | null {
  const cache = env("XDG_CACHE_HOME");
  if (cache !== undefined && cache.startsWith("/")) return join(cache, "nuncio", "wasm");
  const home = env("HOME") ?? env("USERPROFILE");
  return home === undefined || home === "" ? null : join(home, ".cache", "nuncio", "wasm");
}
