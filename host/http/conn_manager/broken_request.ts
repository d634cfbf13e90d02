// host/http/conn_manager/broken_request.ts: the answer to bytes that never became a request.
// pure: no I/O, no clock, no runtime globals
/**
 * They count, and are logged, as a stream all the same; its answer passes neither filters nor codec, and ends the
 * connection.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc sendLocalReply for codec errors
 * @module
 */
import type { Connection } from "../../net/connection_port.ts";
import type { ActiveStream } from "./active_stream.ts";
import type { CodecError, ResponseEncoder } from "../codec.ts";
import type { ConnectionManagerPlan } from "./conn_manager_config.ts";
import { connectionFormatter } from "../header_key_formatter.ts";
import { completeErrorHeaders, encodeErrorResponse } from "../h1/error_response.ts";
import { prepareLocalReply } from "../local_reply.ts";

/** Where the stream of such a request would write. */
export const NO_ENCODER: ResponseEncoder = {
  encode1xxHeaders(): void {},
  encodeHeaders(): void {},
  encodeData(data): void {
    data.clear();
  },
  encodeTrailers(): void {},
  resetStream(): void {},
  readDisable(): void {},
};

/** The answer of an HTTP/1 connection that does not look at what it is sent. */
export const OVERLOADED: CodecError = {
  status: 500,
  body: "Internal Server Error",
  details: "overload",
  message: "",
};

/** Writes the answer of an HTTP/1 stream that no filter has answered. */
export function answerBrokenRequest(
  stream: ActiveStream,
  error: CodecError,
  connection: Connection,
  plan: ConnectionManagerPlan,
): void {
  stream.info.responseCodeDetails = error.details;
  const reply = prepareLocalReply(error, false, false, stream);
  stream.mutateResponse(reply.headers);
  completeErrorHeaders(reply.headers);
  connection.writeLatin1(encodeErrorResponse(reply, connectionFormatter(plan.http1.headerKeyFormat)));
  stream.noteAnswer(reply.headers, reply.body.length);
}
