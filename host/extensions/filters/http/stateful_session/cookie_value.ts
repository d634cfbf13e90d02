// host/extensions/filters/http/stateful_session/cookie_value.ts: the address of a host, as cookies have it.
// pure: no I/O, no clock, no runtime globals
/**
 * Base64 of a message of two fields: the address, and, for a cookie with a lifetime, when it ends, in seconds. A
 * cookie from before there was such a message has the bare address.
 *
 * Times are those of the wall clock, so that they mean the same to every proxy and after a restart.
 *
 * @see Envoy: source/extensions/http/stateful_session/cookie/cookie.proto
 * @module
 */
import { WireReader, WireType } from "../../../../api/wire_reader.ts";
import { decodeBase64, encodeBase64 } from "../../../../base/base64.ts";
import { fromLatin1 } from "../../../../base/bytes.ts";
import { NuncioError } from "../../../../base/error.ts";
import { toWireText } from "../../../../base/wire_text.ts";

const ADDRESS = 1;
const EXPIRES = 2;

/** `expiresSeconds` is 0 for never. */
export function encodeCookieValue(address: string, expiresSeconds: number): string {
  const wire = toWireText(address);
  let text = varint(ADDRESS << 3 | WireType.Length) + varint(wire.length) + wire;
  if (expiresSeconds > 0) text += varint(EXPIRES << 3 | WireType.Varint) + varint(expiresSeconds);
  return encodeBase64(text);
}

/** The address in a cookie's value; null when there is none, or no longer. */
export function decodeCookieValue(value: string, nowSeconds: number): string | null {
  const text = decodeBase64(value);
  if (text === null) return null;
  const cookie = parseMessage(fromLatin1(text));
  if (cookie === null) return text;
  if (cookie.address === "" || (cookie.expires !== 0n && nowSeconds > cookie.expires)) return null;
  return cookie.address;
}

/** Null for bytes that are no message. */
function parseMessage(bytes: Uint8Array): { readonly address: string; readonly expires: bigint } | null {
  const reader = new WireReader(bytes, 0, bytes.length);
  let address = "", expires = 0n;
  try {
    while (!reader.done) {
      const tag = reader.uint32();
      if (tag >>> 3 === 0) return null;
      if (tag === (ADDRESS << 3 | WireType.Length)) address = reader.string();
      else if (tag === (EXPIRES << 3 | WireType.Varint)) expires = reader.uint64();
      else reader.skip(tag & 7);
    }
    return { address, expires };
  } catch (error) {
    if (error instanceof NuncioError) return null;
    throw error;
  }
}

function varint(value: number): string {
  let text = "";
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) text += String.fromCharCode(rest % 128 | 0x80);
  return text + String.fromCharCode(rest);
}
