// host/upstream/orca/report_connection.ts: the port through which a host streams its load.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { RequestEncoder, ResponseDecoder, StreamCallbacks } from "../../http/codec.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { Host } from "../host.ts";

/** The one stream of a connection. */
export interface ReportConnectionStream extends ResponseDecoder, StreamCallbacks {
  /** The connection is there. */
  onReady(encoder: RequestEncoder): void;
}

export interface ReportConnectionCallbacks {
  onGoAway(errorCode: number): void;
  onClosed(): void;
}

/** A connection with HTTP/2 that belongs to no pool. */
export interface ReportConnection {
  newStream(stream: ReportConnectionStream): void;
  /** Not before the bytes that are being looked at are looked at. */
  closeSoon(): void;
}

export type ConnectForReports = (
  host: Host,
  address: SocketAddress,
  callbacks: ReportConnectionCallbacks,
) => ReportConnection;
