// host/base/xxhash.ts: XXH64, the hash that Envoy places hosts and requests with.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 * @see Envoy: source/common/common/hash.h HashUtil::xxHash64
 * @module
 */
import createXxHash from "xxhash-wasm";
import { fromLatin1 } from "./bytes.ts";

let hashBytes: ((bytes: Uint8Array, seed: bigint) => bigint) | null = null;

/**
 * Settles when `xxHash64` may be called. Not awaited by this module itself: a worker whose modules wait for
 * something misses messages that come meanwhile (Deno 2.9).
 */
export const xxHashReady: Promise<void> = createXxHash().then(({ h64Raw }) => void (hashBytes = h64Raw));

/** The hash of a text of one byte per character, as header values are. */
export function xxHash64(text: string, seed = 0n): bigint {
  if (hashBytes === null) throw new Error("xxHashReady was not awaited");
  return hashBytes(fromLatin1(text), seed);
}
