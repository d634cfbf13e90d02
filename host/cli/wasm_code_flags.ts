// host/cli/wasm_code_flags.ts: the flags about where the code of filters comes from.
/** @module */
import type { Platform } from "../platform/mod.ts";
import { defaultCacheFolder, parsePublicKeys, type PublicKey, type WasmCodeSettings } from "../server/wasm_code/mod.ts";

/** What the flags say, or what is wrong with one. */
export function wasmCodeSettings(
  platform: Pick<Platform, "env" | "readFile">,
  flags: ReadonlyMap<string, readonly string[]>,
): WasmCodeSettings | string {
  const publicKeys: PublicKey[] = [];
  for (const path of flags.get("wasm-public-key") ?? []) {
    const file = platform.readFile(path);
    if (!file.ok) return `--wasm-public-key ${path}: ${file.message}`;
    const parsed = parsePublicKeys(file.bytes);
    if (!parsed.ok) return `--wasm-public-key ${path}: ${parsed.message}`;
    publicKeys.push(...parsed.keys);
  }
  const folder = flags.get("wasm-cache-path")?.at(-1) ?? null;
  return {
    publicKeys,
    insecureRegistries: new Set(flags.get("wasm-insecure-registry")),
    cacheFolder: folder === null ? defaultCacheFolder((name) => platform.env(name)) : folder === "" ? null : folder,
  };
}
