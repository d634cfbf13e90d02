// host/base/xxhash.ts: XXH64, the hash that Envoy places hosts and requests with.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 * @see Envoy: source/common/common/hash.h HashUtil::xxHash64
 * @module
 */
import createXxHash from "xxhash-wasm";
import { fromLatin1 } from "./bytes.ts";

const { h64Raw } = await createXxHash();

/** The hash of a text of one byte per character, as header values are. */
export function xxHash64(text: string, seed = 0n): bigint {
  return h64Raw(fromLatin1(text), seed);
}
