// host/net/transport.ts: the port of transport sockets, and raw_buffer, which adds nothing.
/**
 * A transport sits between a socket and a connection. It gives back a socket again, whose bytes are plain:
 * the same for raw, a `TLSSocket` for TLS. A client transport also begins to connect, because `node:tls`
 * can read into large buffers only when it dials itself.
 *
 * @see Envoy: envoy/network/transport_socket.h
 * @module
 */
import type { SocketConnectionInfo } from "./connection_info.ts";
import { connectSocket, type Socket, type SocketConnectOptions } from "./socket.ts";

export interface ServerTransportCallbacks {
  /** The handshake is done: `socket` carries plain bytes. May come before `accept` returns. */
  onReady(socket: Socket): void;
  /** The handshake failed; the transport destroyed the socket. */
  onFailure(details: string): void;
}

/** The downstream side: one per filter chain. */
export interface ServerTransport {
  /** For example `envoy.transport_sockets.tls`. */
  readonly name: string;
  /** True when peers cannot read along. */
  readonly secure: boolean;
  /**
   * Puts the transport over an accepted, paused socket, and fills `info` with what it learns.
   * Exactly one callback comes, unless the socket is destroyed before.
   */
  accept(socket: Socket, info: SocketConnectionInfo, callbacks: ServerTransportCallbacks): void;
}

/** The upstream side: one per cluster or host. */
export interface ClientTransport {
  readonly name: string;
  readonly secure: boolean;
  /** Begins to connect; calls `onReady` once bytes can flow. Failures are the socket's `error` and `close`. */
  connect(options: SocketConnectOptions, onReady: () => void): Socket;
  /** Fills `info` from the ready socket. */
  describe(socket: Socket, info: SocketConnectionInfo): void;
}

/** Plain bytes from clients. */
export const rawBufferServer: ServerTransport = {
  name: "envoy.transport_sockets.raw_buffer",
  secure: false,
  accept: (socket, _info, callbacks) => callbacks.onReady(socket),
};

/** Plain bytes to upstreams. */
export const rawBufferClient: ClientTransport = {
  name: "envoy.transport_sockets.raw_buffer",
  secure: false,
  connect(options, onReady) {
    const socket = connectSocket(options);
    socket.once("connect", onReady);
    return socket;
  },
  describe() {},
};
