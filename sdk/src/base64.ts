// sdk/src/base64.ts: base64, for credentials and tokens.

const ALPHABET: string = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The base64 form of bytes, padded (RFC 4648 §4). */
export function base64Encode(bytes: ArrayBuffer): string {
  const size = bytes.byteLength;
  const base = changetype<usize>(bytes);
  let text = "";
  for (let i = 0; i < size; i += 3) {
    const left = size - i;
    let group: u32 = <u32>load<u8>(base + i) << 16;
    if (left > 1) group |= <u32>load<u8>(base + i + 1) << 8;
    if (left > 2) group |= load<u8>(base + i + 2);
    text += ALPHABET.charAt(group >> 18);
    text += ALPHABET.charAt((group >> 12) & 63);
    text += left > 1 ? ALPHABET.charAt((group >> 6) & 63) : "=";
    text += left > 2 ? ALPHABET.charAt(group & 63) : "=";
  }
  return text;
}

/** The bytes of base64 or base64url text, with or without padding; null when it is neither. */
export function base64Decode(text: string): ArrayBuffer | null {
  let length = text.length;
  while (length > 0 && text.length - length < 2 && text.charCodeAt(length - 1) == 0x3d) --length;
  if (length % 4 == 1) return null;
  const bytes = new ArrayBuffer((length * 3) >> 2);
  const base = changetype<usize>(bytes);
  let group: u32 = 0;
  let bits = 0;
  let size = 0;
  for (let i = 0; i < length; ++i) {
    const value = valueOf(text.charCodeAt(i));
    if (value < 0) return null;
    group = (group << 6) | <u32>value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      store<u8>(base + size++, <u8>(group >> bits));
    }
  }
  return bytes;
}

function valueOf(code: i32): i32 {
  if (code >= 0x41 && code <= 0x5a) return code - 0x41; // A-Z
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26; // a-z
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52; // 0-9
  if (code == 0x2b || code == 0x2d) return 62; // + and base64url's -
  if (code == 0x2f || code == 0x5f) return 63; // / and base64url's _
  return -1;
}

/** Whether two texts are equal, in a time that does not tell where they differ. For secrets. */
export function equalsInConstantTime(a: string, b: string): bool {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; ++i) {
    difference |= a.charCodeAt(i) ^ (i < b.length ? b.charCodeAt(i) : 0);
  }
  return difference == 0;
}
