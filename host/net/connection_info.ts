// host/net/connection_info.ts: the facts of a connection, filled from its socket.
/**
 * @module
 */
import type { ConnectionInfo, SocketAddress, TlsInfo } from "../observe/stream_info.ts";

let nextId = 0;

/** The next connection id of this thread. */
export function nextConnectionId(): number {
  return nextId++;
}

/** Where the ids of this thread begin, so that workers do not share any. */
export function startConnectionIdsAt(first: number): void {
  nextId = first;
}

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
