// abi/pairs.ts: the wire format of header maps, both ways.
// pure: no I/O, no clock, no runtime globals
/**
 * ```text
 * u32 count | count × (u32 key_size, u32 value_size) | count × (key, 0x00, value, 0x00)
 * ```
 * Little-endian; sizes leave the zero bytes out. The same in all versions. An empty map is zero bytes; a
 * count of 0 and a single zero byte are read as empty too, since guests send both.
 *
 * Text is latin1: one character a byte, so that whatever a header holds survives. The host's own hot path
 * writes straight into guest memory (`host/wasm/pairs_writer.ts`); this codec is the plain form of it, for
 * the SDK's tests, tools and callouts.
 *
 * @see Envoy: proxy-wasm-cpp-host src/pairs_util.cc
 * @module
 */

/** Limits of what a guest may hand over, Envoy's. */
export const MAX_PAIRS_BYTES: number = 1024 * 1024;
export const MAX_PAIRS: number = 1024;

export type Pair = readonly [name: string, value: string];

/** Bytes that `encodePairs` will make. */
export function pairsSize(pairs: readonly Pair[]): number {
  if (pairs.length === 0) return 0;
  let size = 4;
  for (const [name, value] of pairs) size += 10 + name.length + value.length;
  return size;
}

/** The wire form; no bytes for no pairs. */
export function encodePairs(pairs: readonly Pair[]): Uint8Array {
  const bytes = new Uint8Array(pairsSize(pairs));
  if (pairs.length === 0) return bytes;
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pairs.length, true);
  let lengths = 4;
  let data = 4 + pairs.length * 8;
  for (const [name, value] of pairs) {
    view.setUint32(lengths, name.length, true);
    view.setUint32(lengths + 4, value.length, true);
    lengths += 8;
    data = writeText(bytes, name, data);
    data = writeText(bytes, value, data);
  }
  return bytes;
}

/** Writes text and a zero byte; returns the offset after them. */
function writeText(bytes: Uint8Array, text: string, offset: number): number {
  for (let i = 0; i < text.length; i++) bytes[offset + i] = text.charCodeAt(i);
  return offset + text.length + 1;
}

/** Reads text from bytes; see `host/base/bytes.ts` for faster ones than the default. */
export type TextReader = (bytes: Uint8Array, start: number, end: number) => string;

function readText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** The pairs in the wire form, or null when it is malformed or beyond the limits. */
export function decodePairs(bytes: Uint8Array, read: TextReader = readText): [string, string][] | null {
  const size = bytes.length;
  if (size === 0 || (size === 1 && bytes[0] === 0)) return [];
  if (size < 4 || size > MAX_PAIRS_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const count = view.getUint32(0, true);
  if (count > MAX_PAIRS || size < 4 + count * 8) return null;
  const pairs: [string, string][] = [];
  let offset = 4 + count * 8;
  for (let i = 0; i < count; i++) {
    const nameEnd = offset + view.getUint32(4 + i * 8, true);
    if (nameEnd >= size || bytes[nameEnd] !== 0) return null;
    const valueEnd = nameEnd + 1 + view.getUint32(8 + i * 8, true);
    if (valueEnd >= size || bytes[valueEnd] !== 0) return null;
    pairs.push([read(bytes, offset, nameEnd), read(bytes, nameEnd + 1, valueEnd)]);
    offset = valueEnd + 1;
  }
  return offset === size ? pairs : null;
}
