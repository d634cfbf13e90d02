// host/net/connection_info.ts: the facts of a connection, filled from its socket.
/**
 * @module
 */
import type { ConnectionInfo, SocketAddress, TlsInfo } from "../observe/stream_info.ts";
import { nextConnectionId } from "./connection_ids.ts";

export class SocketConnectionInfo implements ConnectionInfo {
  readonly id: number = nextConnectionId();
  localAddress: SocketAddress;
  readonly directRemoteAddress: SocketAddress;
  remoteAddress: SocketAddress;
  requestedServerName = "";
  alpn = "";
  tls: TlsInfo | null = null;
  terminationDetails = "";
  transportFailureReason = "";
  /** Why this side closed the connection; empty as long as it did not. */
  localCloseReason = "";

  constructor(localAddress: SocketAddress, remoteAddress: SocketAddress) {
    this.localAddress = localAddress;
    this.directRemoteAddress = remoteAddress;
    this.remoteAddress = remoteAddress;
  }
}
