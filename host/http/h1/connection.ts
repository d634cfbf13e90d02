// host/http/h1/connection.ts: what the HTTP/1 codecs need of a connection.
// pure: no I/O, no clock, no runtime globals
/**
 * HTTP/1 has no frames: to pause a stream is to pause its connection, to reset it is to close it.
 *
 * @module
 */
import type { Connection } from "../../net/connection_port.ts";
import type { ByteSink } from "../codec.ts";

export interface Http1Connection extends ByteSink, Pick<Connection, "readDisable" | "end" | "close"> {}
