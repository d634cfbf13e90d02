// host/http/h1/error_response.ts: the answer to bytes that never became a request.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc sendLocalReply for codec errors
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import { type HeaderKeyFormatter, spellHead } from "../header_key_formatter.ts";
import type { HeaderMap } from "../header_map.ts";
import type { PreparedReply } from "../local_reply.ts";
import { reasonPhrase } from "../status.ts";

/** Says that a reply ends its connection, and how long it is. */
export function completeErrorHeaders(headers: HeaderMap): void {
  headers.set("connection", "close");
  if (!headers.has("content-length")) headers.add("content-length", "0");
}

/** The whole answer as latin1 text. */
export function encodeErrorResponse({ headers, body }: PreparedReply, formatter: HeaderKeyFormatter | null): string {
  let text = `HTTP/1.1 ${headers.status} ${reasonPhrase(headers.status)}\r\n`;
  for (let i = 0; i < headers.fieldCount; i++) text += `${headers.fieldName(i)}: ${headers.fieldValue(i)}\r\n`;
  return `${formatter === null ? text : spellHead(text, formatter)}\r\n${latin1Slice(body, 0, body.length)}`;
}
