// host/http/h1/error_response.ts: the answer to bytes that never became a request.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc sendLocalReply for codec errors
 * @module
 */
import type { CodecError } from "../codec.ts";
import { type HeaderKeyFormatter, spellHead } from "../header_key_formatter.ts";
import { HeaderMap } from "../header_map.ts";
import { reasonPhrase } from "../status.ts";

/** The headers of the answer. A null `serverName` leaves `server` out. */
export function errorResponseHeaders(error: CodecError, date: string, serverName: string | null): HeaderMap {
  const headers = new HeaderMap();
  headers.status = error.status;
  if (error.body !== "") {
    headers.add("content-length", String(error.body.length));
    headers.add("content-type", "text/plain");
  }
  headers.add("date", date);
  if (serverName !== null) headers.add("server", serverName);
  headers.add("connection", "close");
  if (error.body === "") headers.add("content-length", "0");
  return headers;
}

/** The whole answer as latin1 text; empty when the error has none. */
export function encodeErrorResponse(
  error: CodecError,
  date: string,
  serverName: string | null,
  formatter: HeaderKeyFormatter | null = null,
): string {
  if (error.status === 0) return "";
  let text = `HTTP/1.1 ${error.status} ${reasonPhrase(error.status)}\r\n`;
  const headers = errorResponseHeaders(error, date, serverName);
  for (let i = 0; i < headers.fieldCount; i++) text += `${headers.fieldName(i)}: ${headers.fieldValue(i)}\r\n`;
  return `${formatter === null ? text : spellHead(text, formatter)}\r\n${error.body}`;
}
