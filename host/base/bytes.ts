// host/base/bytes.ts: bytes to strings and back, the fastest way each runtime has.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/bytes.bench.ts
/**
 * HTTP heads and header values travel as latin1 strings (one character a byte, lossless for obs-text,
 * RFC 9110 §5.5), bodies as `Uint8Array`. This is the one pure file that names `globalThis.Buffer`:
 * `Buffer.latin1Slice` reads two to six times faster than `TextDecoder`. Browsers get plain fallbacks.
 *
 * @module
 */

/** The part of Node's Buffer constructor that is used here. */
interface BufferLike {
  readonly prototype: {
    latin1Slice(this: Uint8Array, start: number, end: number): string;
    utf8Slice(this: Uint8Array, start: number, end: number): string;
    latin1Write(this: Uint8Array, text: string, offset: number): number;
    indexOf(this: Uint8Array, value: Uint8Array | number, from: number): number;
  };
  allocUnsafe(size: number): Uint8Array;
  allocUnsafeSlow(size: number): Uint8Array;
}

const NativeBuffer = (globalThis as { Buffer?: BufferLike }).Buffer;
const native = NativeBuffer?.prototype;
const userAgent = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent ?? "";
/** Deno's `latin1Write` takes 340 ns for 5 bytes and 6.7 µs for 4 KiB; its `encodeInto` is fast. */
const slowLatin1Write = native === undefined || userAgent.startsWith("Deno");

/** True where sockets take latin1 text faster than text made into bytes first. */
export const prefersTextWrites: boolean = !slowLatin1Write;

const encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8");
const LOOP_WRITE_LIMIT = 40;

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** Uninitialised bytes (zeroed where the runtime has nothing faster). The caller writes all of them. */
export function allocUnsafe(size: number): Uint8Array {
  return NativeBuffer === undefined ? new Uint8Array(size) : NativeBuffer.allocUnsafe(size);
}

/** The same, with a backing store that nothing else uses. */
export function allocUnsafeSlow(size: number): Uint8Array {
  return NativeBuffer === undefined ? new Uint8Array(size) : NativeBuffer.allocUnsafeSlow(size);
}

/** Bytes `start` to `end` as a latin1 string: character code = byte. */
export function latin1Slice(bytes: Uint8Array, start: number, end: number): string {
  if (native !== undefined) return native.latin1Slice.call(bytes, start, end);
  let text = "";
  for (let i = start; i < end; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, Math.min(end, i + 4096)));
  }
  return text;
}

/** Bytes `start` to `end` as text, malformed UTF-8 becoming U+FFFD. */
export function utf8Slice(bytes: Uint8Array, start: number, end: number): string {
  if (native !== undefined) return native.utf8Slice.call(bytes, start, end);
  return utf8Decoder.decode(bytes.subarray(start, end));
}

/** Writes `text` as latin1 at `offset`; there must be room for `text.length` bytes. */
export function latin1Write(target: Uint8Array, text: string, offset: number): void {
  const length = text.length;
  if (length <= LOOP_WRITE_LIMIT) {
    for (let i = 0; i < length; i++) target[offset + i] = text.charCodeAt(i);
    return;
  }
  if (!slowLatin1Write) {
    native!.latin1Write.call(target, text, offset);
    return;
  }
  // encodeInto writes UTF-8, which is latin1 as long as all is ASCII, as nearly every head is. A character
  // above 0x7f takes two bytes there, so then not all of the text was read into `length` bytes.
  const { read } = encoder.encodeInto(text, target.subarray(offset, offset + length));
  if (read !== length) latin1Loop(target, text, offset);
}

function latin1Loop(target: Uint8Array, text: string, offset: number): void {
  for (let i = 0; i < text.length; i++) target[offset + i] = text.charCodeAt(i);
}

/** A latin1 string as bytes. */
export function fromLatin1(text: string): Uint8Array {
  const bytes = allocUnsafe(text.length);
  latin1Write(bytes, text, 0);
  return bytes;
}

/** Text as UTF-8 bytes. */
export function fromUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The offset of `needle` at or after `from`, or -1. */
export function indexOfBytes(bytes: Uint8Array, needle: Uint8Array, from: number): number {
  if (native !== undefined) return native.indexOf.call(bytes, needle, from);
  const last = bytes.length - needle.length;
  outer: for (let i = from; i <= last; i++) {
    for (let k = 0; k < needle.length; k++) if (bytes[i + k] !== needle[k]) continue outer;
    return i;
  }
  return -1;
}

/** One `Uint8Array` with the bytes of all chunks. */
export function concatBytes(chunks: readonly Uint8Array[], totalLength: number): Uint8Array {
  const all = allocUnsafe(totalLength);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

const HEX = "0123456789abcdef";

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte >> 4]! + HEX[byte & 15]!;
  return text;
}
