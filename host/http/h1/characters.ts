// host/http/h1/characters.ts: which bytes may stand where, as tables.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 9110 §5.5, §5.6.2; RFC 3986 §2
 * @module
 */

export const HTAB = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const COLON = 58;

/** For each byte of a token the same byte in lower case, 0 for all others. */
export const TOKEN_LOWER: Uint8Array = new Uint8Array(256);
/** 1 for bytes of a field value: HTAB, SP, VCHAR, obs-text. */
export const VALUE: Uint8Array = new Uint8Array(256);
/** 1 for bytes of a request target; `#` is left to the connection manager, which has an answer for it. */
export const TARGET: Uint8Array = new Uint8Array(256);
/** The value of a hexadecimal digit, 255 for all others. */
export const HEX_VALUE: Uint8Array = new Uint8Array(256).fill(255);

for (let byte = 0x21; byte < 0x7f; byte++) {
  TARGET[byte] = 1;
  const character = String.fromCharCode(byte);
  if (/[-!#$%&'*+.^_`|~0-9A-Za-z]/.test(character)) TOKEN_LOWER[byte] = character.toLowerCase().charCodeAt(0);
  if (/[0-9A-Fa-f]/.test(character)) HEX_VALUE[byte] = parseInt(character, 16);
}
VALUE.fill(1, 0x20, 0x7f);
VALUE.fill(1, 0x80, 0x100);
VALUE[HTAB] = 1;

// On slices of a head, which most of these texts are, an expression is three times as fast as a loop.
const NOT_TARGET = /[^\x21-\x7e]/;
const NOT_AUTHORITY = /[^A-Za-z0-9._~%!$&'()*+,;=:\x5b\x5d-]/;

/** Whether a text may be a Host header; an empty one may (RFC 9112 §3.2). */
export function isAuthority(text: string): boolean {
  return !NOT_AUTHORITY.test(text);
}

/** Whether a text may be a header name or a method. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || TOKEN_LOWER[code] === 0) return false;
  }
  return text.length > 0;
}

/** Whether a text may be sent as it is between two spaces of a start line. */
export function isTarget(text: string): boolean {
  return text.length > 0 && !NOT_TARGET.test(text);
}
