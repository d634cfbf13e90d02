// host/base/wire_text.ts: configured text as it is on the wire, escapes, and ASCII case.
// pure: no I/O, no clock, no runtime globals
// hot: runs per header; see bench/micro/route.bench.ts
/**
 * Header values and paths are latin1 strings, one character a byte; configuration is Unicode. Whatever a
 * configuration compares with or writes into a header is turned into wire text first, once, by a planner.
 *
 * @module
 */
import { fromUtf8, latin1Slice } from "./bytes.ts";

// deno-lint-ignore no-control-regex
const NON_ASCII = /[^\x00-\x7f]/;

/** True when every character is ASCII. */
export function isAscii(text: string): boolean {
  return !NON_ASCII.test(text);
}

/** Unicode text as its UTF-8 bytes, one character a byte. */
export function toWireText(text: string): string {
  if (isAscii(text)) return text;
  const bytes = fromUtf8(text);
  return latin1Slice(bytes, 0, bytes.length);
}

/** `%41` becomes `A`, wire text both; what is no escape stays. */
export function percentDecode(wire: string): string {
  return wire.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** Lower case for A to Z only, as Envoy compares: `toLowerCase` would change bytes of UTF-8 sequences. */
export function asciiLower(wire: string): string {
  const lower = wire.toLowerCase();
  if (lower === wire || isAscii(wire)) return lower;
  let text = "";
  for (let i = 0; i < wire.length; i++) text += wire.charCodeAt(i) < 0x80 ? lower[i]! : wire[i]!;
  return text;
}
