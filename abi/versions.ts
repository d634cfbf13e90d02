// abi/versions.ts: the versions of the proxy-wasm ABI and how a module says which one it speaks.
// pure: no I/O, no clock, no runtime globals
/**
 * A module exports one marker function whose name is the version; it is never called. 0.2.0 and 0.2.1
 * differ by one host function (`proxy_get_log_level`); the wire format of pairs is the same in all three.
 *
 * @see https://github.com/proxy-wasm/spec/tree/main/abi-versions
 * @module
 */

export type AbiVersion = "0.1.0" | "0.2.0" | "0.2.1";

/** All versions, oldest first. */
export const ABI_VERSIONS: readonly AbiVersion[] = ["0.1.0", "0.2.0", "0.2.1"];

/** The export that marks each version. */
export const ABI_MARKERS: Readonly<Record<AbiVersion, string>> = {
  "0.1.0": "proxy_abi_version_0_1_0",
  "0.2.0": "proxy_abi_version_0_2_0",
  "0.2.1": "proxy_abi_version_0_2_1",
};

/** The newest version among a module's exports, or null when it has no marker that is known. */
export function detectAbiVersion(exportNames: Iterable<string>): AbiVersion | null {
  const names = new Set(exportNames);
  return ABI_VERSIONS.findLast((version) => names.has(ABI_MARKERS[version])) ?? null;
}
