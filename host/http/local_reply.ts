// host/http/local_reply.ts: answers that the proxy makes itself.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/utility.cc Utility::prepareLocalReply
 * @module
 */
import { EMPTY_BYTES, fromUtf8, indexOfBytes } from "../base/bytes.ts";
import type { LocalReply } from "./filter.ts";
import { HeaderMap } from "./header_map.ts";

/** What a rewriter made of a reply. */
export interface RewrittenReply {
  readonly status: number;
  readonly body: Uint8Array;
  /** Of a body that is another one now. */
  readonly contentType: string;
}

/** What a stream has to say of replies before they are made. */
export interface ReplyRewriter {
  /** Adds what the route has for responses, in front of all else. */
  finalizeLocalReply?(headers: HeaderMap): void;
  /** `local_reply_config`: headers are changed in place; null when nothing is to be changed. */
  rewriteLocalReply?(headers: HeaderMap, status: number, body: Uint8Array): RewrittenReply | null;
}

/** A local reply as it goes through the filters. */
export interface PreparedReply {
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly grpcStatus: number | null;
}

/** True for `application/grpc`, alone or followed by `+` and a message format; parameters make it something else. */
export function isGrpcContentType(contentType: string | null): boolean {
  if (contentType === null || !contentType.startsWith("application/grpc")) return false;
  return contentType.length === 16 || contentType.charCodeAt(16) === 0x2b;
}

/** @see https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
export function httpToGrpcStatus(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

/** A grpc-message: bytes outside printable ASCII, and `%`, are percent-encoded (gRPC over HTTP/2 §Responses). */
function encodeGrpcMessage(text: Uint8Array): string {
  let encoded = "";
  for (const byte of text) {
    encoded += byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  }
  return encoded;
}

/** Headers and body of a reply, for a request that was gRPC, a HEAD, or neither. */
export function prepareLocalReply(
  reply: LocalReply,
  isGrpc: boolean,
  isHead: boolean,
  rewriter: ReplyRewriter | null = null,
): PreparedReply {
  const headers = new HeaderMap();
  const original = reply.body === undefined
    ? EMPTY_BYTES
    : typeof reply.body === "string"
    ? fromUtf8(reply.body)
    : reply.body;
  headers.status = reply.status >= 100 && reply.status <= 599 ? reply.status : 500;
  rewriter?.finalizeLocalReply?.(headers);
  for (const [name, value] of reply.headers ?? []) headers.add(name, value);
  reply.modifyHeaders?.(headers);
  const typeBefore = headers.get("content-type");
  const rewritten = rewriter?.rewriteLocalReply?.(headers, headers.status, original) ?? null;
  const body = rewritten?.body ?? original;
  if (isGrpc) {
    headers.status = 200;
    headers.set("content-type", "application/grpc");
    const grpcStatus = reply.grpcStatus ?? httpToGrpcStatus(rewritten?.status ?? reply.status);
    // Who has set one himself knows better.
    if (!headers.has("grpc-status")) headers.set("grpc-status", String(grpcStatus));
    const message = rewritten?.contentType === "application/json" ? withoutLineEnd(body) : body;
    if (message.length > 0 && !isHead) headers.set("grpc-message", encodeGrpcMessage(message));
    return { headers, body: EMPTY_BYTES, grpcStatus };
  }
  if (body.length > 0) {
    headers.set("content-length", String(body.length));
    const typeAfter = headers.get("content-type");
    // A type of the reply's own is that of its own body; one that a mapper set counts.
    const isTyped = isSame(body, original) ? typeAfter !== null : typeAfter !== typeBefore;
    if (!isTyped) headers.set("content-type", rewritten?.contentType ?? "text/plain");
  } else {
    headers.remove("content-length");
    headers.remove("content-type");
  }
  return { headers, body: isHead ? EMPTY_BYTES : body, grpcStatus: null };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && indexOfBytes(a, b, 0) === 0);
}

/** JSON formats end their line, which a header value must not. */
function withoutLineEnd(text: Uint8Array): Uint8Array {
  return text.at(-1) === 0x0a ? text.subarray(0, -1) : text;
}
