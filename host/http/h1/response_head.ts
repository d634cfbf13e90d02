// host/http/h1/response_head.ts: a scanned response head to headers, framing and what happens to the connection.
// pure: no I/O, no clock, no runtime globals
// hot: runs per response; see bench/micro/h1.bench.ts
/**
 * Filters see an upstream's `connection`, `transfer-encoding`, `proxy-connection` and `upgrade`, as in Envoy;
 * the connection manager removes them afterwards.
 *
 * @see Envoy: source/common/http/http1/codec_impl.cc ClientConnectionImpl
 * @see RFC 9112 §4, §6
 * @module
 */
import type { CodecError } from "../codec.ts";
import { spellingOf } from "../header_key_formatter.ts";
import { HeaderMap } from "../header_map.ts";
import { badMessage, codecError, notImplemented } from "./errors.ts";
import { scan } from "./head_scan.ts";
import {
  BodyFraming,
  ConnectionOption,
  connectionOptions,
  hasToken,
  headText,
  parseContentLength,
  scannedFieldBytes,
} from "./message_head.ts";
import type { MessageHead } from "./message_head.ts";
import { FieldKind } from "./name_table.ts";
import type { Http1ClientOptions } from "./options.ts";

/** What the response's framing depends on besides its head (RFC 9112 §6.3). */
export interface RequestFacts {
  isHead: boolean;
  isConnect: boolean;
  isUpgrade: boolean;
}

/** Fills `out` from what `scanResponseHead` left. Null when all is well. */
export function buildResponseHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: Http1ClientOptions,
  request: RequestFacts,
  out: MessageHead,
): CodecError | null {
  const { names, spans, fieldCount, status, version } = scan;
  if ((version < 10 || version > 19) && !options.lenient) return codecError("expected HTTP/1.1 or HTTP/1.0");
  const head = headText(bytes, start, end);
  const headers = new HeaderMap();
  headers.status = status;
  if (options.headerKeyFormat !== null) headers.formatter = spellingOf(head, options.headerKeyFormat);
  out.reset(headers, version);
  out.fieldBytes = scannedFieldBytes();
  let contentLength = -1;
  let transferEncoding: string | null = null;
  let connection = 0;
  let hasUpgrade = false;
  for (let i = 0; i < fieldCount; i++) {
    const name = names[i]!;
    const value = head.slice(spans[i * 2]! - start, spans[i * 2 + 1]! - start);
    switch (name.kind) {
      case FieldKind.ContentLength: {
        if (contentLength >= 0) return codecError("there is more than one content-length");
        contentLength = parseContentLength(value);
        if (contentLength < 0) return codecError("content-length is no number");
        headers.append(name.text, value.charCodeAt(0) === 48 ? String(contentLength) : value, name.bit);
        break;
      }
      case FieldKind.TransferEncoding:
        transferEncoding = transferEncoding === null ? value : transferEncoding + "," + value;
        headers.append(name.text, value, name.bit);
        break;
      case FieldKind.Connection:
        connection |= connectionOptions(value);
        headers.append(name.text, value, name.bit);
        break;
      case FieldKind.ProxyConnection:
        if (hasToken(value, "close")) connection |= ConnectionOption.Close;
        headers.append(name.text, value, name.bit);
        break;
      case FieldKind.KeepAlive:
        break;
      case FieldKind.Upgrade:
        hasUpgrade = true;
        headers.append(name.text, value, name.bit);
        break;
      default:
        if (name.inlineInResponse) headers.appendInline(name.text, value, name.bit);
        else headers.append(name.text, value, name.bit);
    }
  }
  if ((connection & ConnectionOption.Close) !== 0) out.keepAlive = false;
  else if (version === 10) out.keepAlive = (connection & ConnectionOption.KeepAlive) !== 0;

  out.announcesClose = !out.keepAlive;

  if (status < 200 || status === 204 || (request.isConnect && status < 300)) {
    return setFramingWithoutBody(out, status, contentLength, transferEncoding, request, hasUpgrade);
  }
  if (transferEncoding !== null) {
    const chunked = transferEncoding.toLowerCase() === "chunked";
    if (contentLength >= 0) {
      if (!chunked || !options.allowChunkedLength) {
        return badMessage(
          "http1.content_length_and_chunked_not_allowed",
          "there are both content-length and transfer-encoding",
        );
      }
      headers.remove("content-length");
    }
    if (!chunked) return notImplemented(`transfer-encoding is "${transferEncoding}", expected "chunked"`);
    // The peer may not know what it said (RFC 9112 §6.1), so what follows on the connection is not trusted.
    if (version === 10) out.keepAlive = false;
  }
  if (request.isHead || status === 304) return null;
  if (transferEncoding !== null) {
    out.framing = BodyFraming.Chunked;
  } else if (contentLength > 0) {
    out.framing = BodyFraming.Length;
    out.contentLength = contentLength;
  } else if (contentLength < 0) {
    out.framing = BodyFraming.UntilClose;
    out.keepAlive = false;
  }
  return null;
}

function setFramingWithoutBody(
  out: MessageHead,
  status: number,
  contentLength: number,
  transferEncoding: string | null,
  request: RequestFacts,
  hasUpgrade: boolean,
): CodecError | null {
  if (request.isConnect && status >= 200) {
    // Framing headers in such a response mean nothing (RFC 9110 §9.3.6).
    out.headers.remove("content-length");
    out.headers.remove("transfer-encoding");
    out.framing = BodyFraming.Raw;
    return null;
  }
  if (transferEncoding !== null) {
    return badMessage("http1.transfer_encoding_not_allowed", `transfer-encoding in a ${status} response`);
  }
  if (contentLength > 0 || (contentLength === 0 && status < 200)) {
    return badMessage("http1.content_length_not_allowed", `content-length in a ${status} response`);
  }
  if (contentLength === 0) out.headers.remove("content-length");
  if (status === 101) {
    if (!request.isUpgrade) return codecError("status 101 without having been asked to switch");
    if (!hasUpgrade) return codecError("status 101 without an upgrade header");
    out.framing = BodyFraming.Raw;
  }
  return null;
}
