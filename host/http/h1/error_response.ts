// host/http/h1/error_response.ts: the answer to bytes that never became a request.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc sendLocalReply for codec errors
 * @module
 */
import type { CodecError } from "../codec.ts";
import { reasonPhrase } from "../status.ts";

/** The whole answer as latin1 text; empty when the error has none. A null `serverName` leaves `server` out. */
export function encodeErrorResponse(error: CodecError, date: string, serverName: string | null): string {
  if (error.status === 0) return "";
  const server = serverName === null ? "" : `server: ${serverName}\r\n`;
  const body = error.body;
  const head = `HTTP/1.1 ${error.status} ${reasonPhrase(error.status)}\r\n`;
  if (body === "") return `${head}date: ${date}\r\n${server}connection: close\r\ncontent-length: 0\r\n\r\n`;
  return `${head}content-length: ${body.length}\r\ncontent-type: text/plain\r\ndate: ${date}\r\n${server}` +
    `connection: close\r\n\r\n${body}`;
}
