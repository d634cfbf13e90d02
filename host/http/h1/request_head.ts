// host/http/h1/request_head.ts: a scanned request head to headers, framing and what happens to the connection.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/h1.bench.ts
/**
 * What concerns this connection only never gets into the map: `connection` and what it names, `keep-alive`,
 * `proxy-connection`, `transfer-encoding`, `te` but for `trailers`; `upgrade` only where it is an upgrade.
 *
 * @see Envoy: source/common/http/http1/codec_impl.cc, Utility::sanitizeConnectionHeader
 * @see RFC 9112 §3, §6
 * @module
 */
import type { CodecError } from "../codec.ts";
import { spellingOf } from "../header_key_formatter.ts";
import { HeaderMap } from "../header_map.ts";
import { badMessage, codecError, LOW_VERSION, notImplemented } from "./errors.ts";
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
import type { Http1ServerOptions } from "./options.ts";
import { setTarget } from "./request_target.ts";
import { isAuthority } from "./characters.ts";

/** Nominated names above this number are refused, as in Envoy. */
const MAX_CONNECTION_OPTIONS = 10;

/** What the fields of a request said, gathered while they are copied. */
interface RequestFields {
  hosts: number;
  /** -1: none. */
  contentLength: number;
  /** The values of `transfer-encoding`, joined. */
  transferEncoding: string | null;
  options: number;
  connection: string | null;
  upgrade: string | null;
  proxyClose: boolean;
}

const fields: RequestFields = {
  hosts: 0,
  contentLength: -1,
  transferEncoding: null,
  options: 0,
  connection: null,
  upgrade: null,
  proxyClose: false,
};

/** Fills `out` from what `scanRequestHead` left. Null when all is well. */
export function buildRequestHead(
  bytes: Uint8Array,
  end: number,
  options: Http1ServerOptions,
  out: MessageHead,
): CodecError | null {
  const version = scan.version;
  const start = scan.methodStart;
  const head = headText(bytes, start, end);
  const method = internMethod(head.slice(0, scan.methodEnd - start));

  let headers = new HeaderMap();
  let error = copyFields(head, start, headers, options, false);
  if (error !== null) return error;
  const hasBody = fields.transferEncoding !== null || fields.contentLength > 0;
  const asksUpgrade = fields.upgrade !== null && (fields.options & ConnectionOption.Upgrade) !== 0;
  const isH2c = asksUpgrade && fields.upgrade!.trim().toLowerCase() === "h2c";
  // An upgrade may be ignored (RFC 9110 §7.8); one with a body is, so that it is always clear where the
  // body ends.
  const isUpgrade = asksUpgrade && version === 11 && !hasBody && method !== "CONNECT" && !isH2c &&
    (options.ignoresUpgrade === null || !options.ignoresUpgrade(fields.upgrade!));
  if (isUpgrade) {
    headers = new HeaderMap();
    error = copyFields(head, start, headers, options, true);
    if (error !== null) return error;
  }
  if (isH2c) headers.remove("http2-settings");
  if (options.headerKeyFormat !== null) headers.formatter = spellingOf(head, options.headerKeyFormat);
  out.reset(headers, version);
  out.fieldBytes = scannedFieldBytes();
  // From here on `host` in the map would mean the authority.
  headers.method = method;
  error = setTarget(headers, head.slice(scan.targetStart - start, scan.targetEnd - start), options);
  if (error !== null) return error;
  if (version === 10 && headers.authority === null && options.defaultHostForHttp10 !== "") {
    headers.authority = options.defaultHostForHttp10;
  }
  error = setFraming(out, method, options);
  if (error !== null) return error;
  if ((fields.options & ConnectionOption.Other) !== 0) {
    error = removeNominated(headers, fields.connection!);
    if (error !== null) return error;
  }
  // Whatever else is wrong is said first, as in Envoy.
  if (version !== 11 && !(version === 10 && options.acceptHttp10)) return LOW_VERSION;
  // A target that names the authority came in the place of what Host said.
  const { authority } = headers;
  if (authority !== null && !isAuthority(authority)) {
    return badMessage("http.invalid_authority", "the Host header has a character that is not allowed in it");
  }
  if (isUpgrade) out.upgrade = headers.protocol = fields.upgrade;
  if ((fields.options & ConnectionOption.Close) !== 0 || fields.proxyClose) out.keepAlive = false;
  else if (version === 10) out.keepAlive = (fields.options & ConnectionOption.KeepAlive) !== 0;
  return null;
}

function internMethod(method: string): string {
  // Comparing with the literals lets later comparisons be pointer comparisons.
  switch (method) {
    case "GET":
      return "GET";
    case "POST":
      return "POST";
    case "HEAD":
      return "HEAD";
    case "PUT":
      return "PUT";
    case "DELETE":
      return "DELETE";
    case "OPTIONS":
      return "OPTIONS";
    case "PATCH":
      return "PATCH";
    case "CONNECT":
      return "CONNECT";
    default:
      return method;
  }
}

/** Copies fields into the map and gathers what matters to the codec. */
function copyFields(
  head: string,
  start: number,
  headers: HeaderMap,
  options: Http1ServerOptions,
  keepUpgrade: boolean,
): CodecError | null {
  const { names, spans, fieldCount } = scan;
  const checkUnderscore = options.headersWithUnderscoresAction !== "ALLOW";
  fields.hosts = 0;
  fields.contentLength = -1;
  fields.transferEncoding = fields.connection = fields.upgrade = null;
  fields.options = 0;
  fields.proxyClose = false;
  for (let i = 0; i < fieldCount; i++) {
    const name = names[i]!;
    const value = head.slice(spans[i * 2]! - start, spans[i * 2 + 1]! - start);
    if (name.kind === FieldKind.Plain) {
      if (checkUnderscore && name.hasUnderscore) {
        if (options.headersWithUnderscoresAction === "DROP_HEADER") continue;
        return badMessage("http1.unexpected_underscore", `the header name ${name.text} has an underscore`);
      }
      if (name.inlineInRequest) headers.appendInline(name.text, value, name.bit);
      else headers.append(name.text, value, name.bit);
      continue;
    }
    switch (name.kind) {
      case FieldKind.Host:
        if (fields.hosts++ === 0) headers.authority = value;
        else if (options.lenient) headers.authority += "," + value;
        else return codecError("there is more than one Host header");
        break;
      case FieldKind.ContentLength: {
        const length = parseContentLength(value);
        if (length < 0) return codecError("content-length is no number");
        if (fields.contentLength >= 0) return codecError("there is more than one content-length");
        fields.contentLength = length;
        headers.append(name.text, value.charCodeAt(0) === 48 ? String(length) : value, name.bit);
        break;
      }
      case FieldKind.TransferEncoding:
        fields.transferEncoding = fields.transferEncoding === null ? value : fields.transferEncoding + "," + value;
        break;
      case FieldKind.Connection:
        fields.connection = fields.connection === null ? value : fields.connection + "," + value;
        fields.options |= connectionOptions(value);
        if (keepUpgrade) headers.append(name.text, value, name.bit);
        break;
      case FieldKind.Upgrade:
        fields.upgrade = fields.upgrade === null ? value : fields.upgrade + "," + value;
        if (keepUpgrade) headers.append(name.text, value, name.bit);
        break;
      case FieldKind.ProxyConnection:
        if (hasToken(value, "close")) fields.proxyClose = true;
        break;
      case FieldKind.Te:
        if (hasToken(value, "trailers")) headers.append("te", "trailers", name.bit);
        break;
      case FieldKind.KeepAlive:
        break;
    }
  }
  return null;
}

/** Decides how the body is delimited. @see RFC 9112 §6.3 */
function setFraming(out: MessageHead, method: string, options: Http1ServerOptions): CodecError | null {
  const { transferEncoding, contentLength } = fields;
  if (method === "CONNECT") {
    if (transferEncoding !== null) return notImplemented("CONNECT with transfer-encoding");
    if (contentLength > 0) return badMessage("http1.body_disallowed", "CONNECT with a body");
    if (contentLength === 0) out.headers.remove("content-length");
    out.framing = BodyFraming.None;
    return null;
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
      out.headers.remove("content-length");
    }
    if (!chunked) return notImplemented(`transfer-encoding is "${transferEncoding}", expected "chunked"`);
    if (out.version === 10) return options.acceptHttp10 ? codecError("transfer-encoding in HTTP/1.0") : LOW_VERSION;
    out.framing = BodyFraming.Chunked;
    return null;
  }
  if (contentLength > 0) {
    out.framing = BodyFraming.Length;
    out.contentLength = contentLength;
  }
  return null;
}

/** Removes what `connection` names. @see RFC 9110 §7.6.1 */
function removeNominated(headers: HeaderMap, connection: string): CodecError | null {
  const names = connection.split(",");
  if (names.length > MAX_CONNECTION_OPTIONS) {
    return badMessage("http1.connection_header_rejected", "the connection header names too many headers");
  }
  for (const part of names) {
    const name = part.trim().toLowerCase();
    switch (name) {
      case "":
      case "close":
      case "keep-alive":
      case "upgrade":
      case "http2-settings":
      case "connection":
      case "te":
        break;
      case "x-forwarded-for":
      case "x-forwarded-host":
      case "x-forwarded-proto":
        return badMessage("http1.connection_header_rejected", `the connection header names ${name}`);
      default:
        if (name.charCodeAt(0) === 58) {
          return badMessage("http1.connection_header_rejected", `the connection header names ${name}`);
        }
        headers.remove(name);
    }
  }
  return null;
}
