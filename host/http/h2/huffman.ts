// host/http/h2/huffman.ts: the Huffman code of HPACK.
// pure: no I/O, no clock, no runtime globals
// hot: runs per header string; see bench/micro/h2.bench.ts
/**
 * The code is canonical: symbols of one length have consecutive codes in the order of their bytes, so the
 * lengths are the whole table. Symbols of up to ten bits, which is all that real headers are made of, are
 * looked up at once.
 *
 * @see RFC 7541 §5.2, Appendix B
 * @module
 */

/** Bits of each byte's code, and of the end-of-string symbol. */
const LENGTHS: readonly number[] = (
  "13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28 " +
  "6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 " +
  "13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6 " +
  "15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28 " +
  "20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24 " +
  "22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23 " +
  "26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27 " +
  "20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30"
).split(" ").map(Number);

const END_OF_STRING = 256;
const MAX_BITS = 30;
const FAST_BITS = 10;
const FAST_MASK = (1 << FAST_BITS) - 1;

/** Code and length of each symbol. */
const codes = new Uint32Array(257);
/** By the next ten bits: symbol << 4 | length, or 0 when the code is longer. */
const fast = new Uint16Array(1 << FAST_BITS);
/** Of each length: its first code, how many there are, and where their symbols begin in `ordered`. */
const firstCode = new Uint32Array(MAX_BITS + 1);
const codeCount = new Uint32Array(MAX_BITS + 1);
const firstSymbol = new Uint16Array(MAX_BITS + 1);
const ordered = new Uint16Array(257);

{
  let code = 0;
  let position = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    code *= 2;
    firstCode[length] = code;
    firstSymbol[length] = position;
    for (let symbol = 0; symbol <= END_OF_STRING; symbol++) {
      if (LENGTHS[symbol] !== length) continue;
      codes[symbol] = code;
      ordered[position++] = symbol;
      codeCount[length]!++;
      if (length <= FAST_BITS) {
        const shift = FAST_BITS - length;
        fast.fill((symbol << 4) | length, code << shift, (code + 1) << shift);
      }
      code++;
    }
  }
}

/** The most bytes that `length` encoded ones can stand for. */
export function maxDecodedLength(length: number): number {
  return Math.floor((length * 8) / 5);
}

/**
 * Decodes bytes `start` to `end` to the beginning of `target`, which has room for `maxDecodedLength`. Returns
 * the number of bytes written, or -1 when the code or its padding is malformed.
 */
export function decodeHuffman(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let bits = 0;
  let count = 0;
  let at = start;
  let out = 0;
  for (;;) {
    while (count <= 24 && at < end) {
      bits = (bits << 8) | source[at++]!;
      count += 8;
    }
    // Where the input ends the missing bits are taken for ones, as its padding is.
    const index = count >= FAST_BITS
      ? (bits >>> (count - FAST_BITS)) & FAST_MASK
      : ((bits << (FAST_BITS - count)) | (FAST_MASK >> count)) & FAST_MASK;
    const entry = fast[index]!;
    if (entry !== 0) {
      const length = entry & 15;
      if (length > count) return -1;
      target[out++] = entry >> 4;
      count -= length;
      continue;
    }
    const mask = count === 32 ? 0xffffffff : (1 << count) - 1;
    if (at === end && count < 8 && (bits & mask) === mask) return out;
    let length = FAST_BITS + 1;
    let symbol = -1;
    let extra = 0;
    for (; length <= MAX_BITS && symbol < 0; length++) {
      let code: number;
      if (length <= count) {
        code = ((bits & mask) >>> 0) >>> (count - length);
      } else {
        // Up to five bits of the next byte.
        if (at === end) return -1;
        extra = length - count;
        code = ((bits & mask) >>> 0) * (1 << extra) + (source[at]! >> (8 - extra));
      }
      const offset = code - firstCode[length]!;
      if (offset >= 0 && offset < codeCount[length]!) symbol = ordered[firstSymbol[length]! + offset]!;
    }
    if (symbol < 0 || symbol === END_OF_STRING) return -1;
    target[out++] = symbol;
    const used = length - 1;
    if (used <= count) {
      count -= used;
    } else {
      bits = source[at++]!;
      count = 8 - extra;
    }
  }
}

/** Bytes of a latin1 text when encoded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += LENGTHS[text.charCodeAt(i) & 255]!;
  return (bits + 7) >> 3;
}

/** A latin1 text, encoded, as latin1 text. */
export function encodeHuffman(text: string): string {
  let out = "";
  // Never more than seven bits are left over, so a symbol of thirty fits beside them in a number.
  let bits = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 255;
    const length = LENGTHS[symbol]!;
    bits = bits * 2 ** length + codes[symbol]!;
    count += length;
    while (count >= 8) {
      count -= 8;
      const unit = 2 ** count;
      const byte = Math.floor(bits / unit);
      out += String.fromCharCode(byte);
      bits -= byte * unit;
    }
  }
  if (count > 0) out += String.fromCharCode(bits * 2 ** (8 - count) + (2 ** (8 - count) - 1));
  return out;
}
