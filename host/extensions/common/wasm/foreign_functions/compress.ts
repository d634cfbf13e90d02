// host/extensions/common/wasm/foreign_functions/compress.ts: compress, uncompress.
/**
 * The zlib format. What a guest may make of a few bytes is limited: Envoy inflates whatever there is.
 *
 * @see Envoy: source/extensions/common/wasm/foreign.cc, RFC 1950
 * @module
 */
import { deflateSync, inflateSync } from "node:zlib";
import { Status } from "../../../../../abi/mod.ts";
import type { ForeignFunction } from "../../../../wasm/mod.ts";

/** Most bytes that are compressed at once, and that come out. */
export const MAX_UNCOMPRESSED_BYTES: number = 16 * 1024 * 1024;

/** What a byte costs the guest; compressing takes longer. */
const COMPRESS_UNITS_PER_BYTE = 20;
const UNCOMPRESS_UNITS_PER_BYTE = 4;

export const compress: ForeignFunction = (call, bytes) => {
  if (bytes.length > MAX_UNCOMPRESSED_BYTES) {
    call.explain(`${bytes.length} bytes are more than ${MAX_UNCOMPRESSED_BYTES}`);
    return Status.SerializationFailure;
  }
  call.charge(bytes.length * COMPRESS_UNITS_PER_BYTE);
  return deflateSync(bytes);
};

export const uncompress: ForeignFunction = (call, bytes) => {
  // Runtimes do not agree on what an empty input is.
  if (bytes.length === 0) return Status.SerializationFailure;
  try {
    const result = inflateSync(bytes, { maxOutputLength: MAX_UNCOMPRESSED_BYTES });
    call.charge(result.length * UNCOMPRESS_UNITS_PER_BYTE);
    return result;
  } catch (error) {
    if (error instanceof RangeError || isTooLarge(error)) {
      call.charge(MAX_UNCOMPRESSED_BYTES * UNCOMPRESS_UNITS_PER_BYTE);
      call.explain(`there are more than ${MAX_UNCOMPRESSED_BYTES} bytes in it`);
    }
    return Status.SerializationFailure;
  }
};

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && (error as Error & { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
}
