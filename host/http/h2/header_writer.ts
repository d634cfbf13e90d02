// host/http/h2/header_writer.ts: header maps to header blocks.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message; see bench/micro/h2.bench.ts
/**
 * What concerns one connection of HTTP/1 only has no place here, and what is no byte cannot be sent: both are
 * left out. Upgrades become extended CONNECT and back.
 *
 * @see RFC 9113 §8.2.2, §8.3; RFC 8441
 * @see Envoy: source/common/http/utility.cc transformUpgradeRequestFromH1toH2
 * @module
 */
import { isTarget, isToken } from "../h1/characters.ts";
import { hasToken } from "../h1/message_head.ts";
import { NOT_IN_TRAILERS } from "../h1/serializer.ts";
import { type HeaderMap, isWireSafeField } from "../header_map.ts";
import type { HpackEncoder } from "./hpack_encoder.ts";

/** Bytes of names and values of the block that was written last. */
export const written: { fieldBytes: number } = { fieldBytes: 0 };

/** What keeps a map from being a request; null: nothing. */
export function requestProblem(headers: HeaderMap): string | null {
  const { method, path, authority, protocol } = headers;
  if (method === null) return "missing required header: :method";
  if (!isToken(method)) return ":method is no token";
  if (authority !== null && authority !== "" && !isTarget(authority)) {
    return ":authority has a character that is not allowed in it";
  }
  if (method === "CONNECT" && protocol === null) {
    return authority === null || authority === "" ? "missing required header: :authority" : null;
  }
  if (path === null || path === "") return "missing required header: :path";
  if (!isTarget(path)) return ":path has a character that is not allowed in it";
  if (protocol !== null && !isTarget(protocol)) return ":protocol has a character that is not allowed in it";
  return null;
}

/** A request's block; `requestProblem` found none. */
export function requestBlock(encoder: HpackEncoder, headers: HeaderMap): string {
  const { method, path, authority, scheme, protocol } = headers;
  const isConnect = method === "CONNECT" && protocol === null;
  let text = encoder.begin() + encoder.field(":method", protocol !== null ? "CONNECT" : method!);
  written.fieldBytes = 7 + method!.length;
  if (!isConnect) {
    const schemeValue = scheme !== null && isToken(scheme) ? scheme : "http";
    text += encoder.field(":scheme", schemeValue) + encoder.field(":path", path!);
    written.fieldBytes += 12 + schemeValue.length + path!.length;
  }
  if (authority !== null) {
    text += encoder.field(":authority", authority);
    written.fieldBytes += 10 + authority.length;
  }
  if (protocol !== null) {
    text += encoder.field(":protocol", protocol);
    written.fieldBytes += 9 + protocol.length;
  }
  return fields(encoder, text, headers, true);
}

/** A response's block. A 101 answers an extended CONNECT, whose word for it is 200. */
export function responseBlock(encoder: HpackEncoder, headers: HeaderMap): string {
  const status = headers.status === 101 ? 200 : headers.status;
  written.fieldBytes = 10;
  return fields(encoder, encoder.begin() + encoder.status(status), headers, false);
}

/** A block of trailers. Those that may not be trailers are left out; what is left may be nothing. */
export function trailersBlock(encoder: HpackEncoder, trailers: HeaderMap): string {
  let text = encoder.begin();
  written.fieldBytes = 0;
  for (let i = 0; i < trailers.fieldCount; i++) {
    const name = trailers.fieldName(i);
    const value = trailers.fieldValue(i);
    if (NOT_IN_TRAILERS.has(name) || !isWireSafeField(name, value)) continue;
    text += encoder.field(name, value);
    written.fieldBytes += name.length + value.length;
  }
  return text;
}

function fields(encoder: HpackEncoder, start: string, headers: HeaderMap, isRequest: boolean): string {
  const count = headers.fieldCount;
  const safe = headers.isWireSafe;
  let text = start;
  let bytes = written.fieldBytes;
  for (let i = 0; i < count; i++) {
    const name = headers.fieldName(i);
    const value = headers.fieldValue(i);
    if (!safe && !isWireSafeField(name, value)) continue;
    switch (name.length) {
      case 2:
        if (name === "te") {
          if (hasToken(value, "trailers")) text += encoder.field(name, "trailers");
          continue;
        }
        break;
      case 4:
        if (isRequest && name === "host") continue;
        break;
      case 7:
        if (name === "upgrade") continue;
        break;
      case 10:
        if (name === "connection" || name === "keep-alive") continue;
        break;
      case 16:
        if (name === "proxy-connection") continue;
        break;
      case 17:
        if (name === "transfer-encoding") continue;
        break;
    }
    text += encoder.field(name, value);
    bytes += name.length + value.length;
  }
  written.fieldBytes = bytes;
  return text;
}
