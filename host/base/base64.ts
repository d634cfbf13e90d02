// host/base/base64.ts: standard base64, as strict as those who wrote it.
// pure: no I/O, no clock, no runtime globals
/**
 * Both sides are latin1 text.
 *
 * @see RFC 4648 §4
 * @see Envoy: source/common/common/base64.cc
 * @module
 */
const ALPHABET = /^[A-Za-z0-9+/]+={0,2}$/;

/** With padding. */
export function encodeBase64(text: string): string {
  return btoa(text);
}

/** Null for what `encodeBase64` makes of no text, and for nothing. */
export function decodeBase64(encoded: string): string | null {
  if (encoded.length % 4 !== 0 || !ALPHABET.test(encoded)) return null;
  const text = atob(encoded);
  // Bits behind the last byte may be set in a way that nobody writes.
  return btoa(text) === encoded ? text : null;
}
