// host/net/socket.ts: the one place where sockets are made.
/**
 * A socket without an `error` listener ends the process when its peer resets it, so none leaves this file
 * without one. Half-close is always on here: what a FIN means is the connection's decision.
 *
 * @module
 */
import { connect, createServer, type Server, Socket, type TcpNetConnectOpts } from "node:net";
import type { SocketAddress } from "../observe/stream_info.ts";
import { detectPlatform } from "../platform/detect.ts";
import { ipAddress, isPipe, peerAddress, pipeAddress, pipePath } from "./address.ts";

export type { Server, Socket };

/** Where a socket puts what it reads. */
export interface ReadTarget {
  /** The buffer for the next read. */
  nextBuffer(): Uint8Array;
  /** The first `length` bytes of the buffer were read; false stops reading. */
  onRead(length: number): boolean;
}

export interface ConnectOptions {
  readonly address: SocketAddress;
  readonly noDelay: boolean;
  /** The address to connect from; port 0 lets the system choose one. */
  readonly localAddress: SocketAddress | null;
  /** Milliseconds before the first keep-alive probe; null for none. */
  readonly keepAliveMs: number | null;
  readonly readTarget: ReadTarget | null;
}

/** What node:net and node:tls take to connect. */
export type SocketConnectOptions = TcpNetConnectOpts;

/** Connection options as `node:net` spells them. */
export function connectOptions(options: ConnectOptions): SocketConnectOptions {
  const { address, localAddress, readTarget } = options;
  const target = isPipe(address) ? { path: pipePath(address) } : { host: address.address, port: address.port };
  return {
    ...target,
    allowHalfOpen: true,
    noDelay: options.noDelay,
    autoSelectFamily: false,
    ...(localAddress && { localAddress: localAddress.address, localPort: localAddress.port }),
    ...(options.keepAliveMs !== null && { keepAlive: true, keepAliveInitialDelay: options.keepAliveMs }),
    ...(readTarget && { onread: onreadOption(readTarget) }),
  } as SocketConnectOptions;
}

/** The `onread` option of `net.Socket` for a target. */
function onreadOption(target: ReadTarget): { buffer(): Uint8Array; callback(length: number): boolean } {
  return {
    buffer: () => target.nextBuffer(),
    callback: (length) => target.onRead(length),
  };
}

/** What `net.Socket` is made of and takes, on Node and on Deno; not in their types. */
interface SocketHandle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/** The members of an accepted socket that say where it belongs. */
interface AcceptedInside {
  _handle: SocketHandle | null;
  server: unknown;
  _server: unknown;
}

/**
 * An accepted, paused socket that reads into `target`'s buffers. The runtimes take `onread` only where a
 * socket is made, and a server makes its sockets itself: so this one is made anew around the same handle.
 * Where the handle is not as expected the result is null, and the socket stays as it was.
 */
export function readInto(socket: Socket, target: ReadTarget): Socket | null {
  const accepted = socket as unknown as AcceptedInside;
  const handle = accepted._handle;
  if (handle === null || typeof handle?.useUserBuffer !== "function" || socket.destroyed) return null;
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread: onreadOption(target) };
  const made = guarded(new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]));
  made.setNoDelay(true);
  // The server counts its sockets, and closes when the last one has.
  const inside = made as unknown as AcceptedInside;
  inside.server = accepted.server;
  inside._server = accepted._server;
  accepted._handle = null;
  accepted.server = null;
  accepted._server = null;
  return made;
}

/** Begins to connect. */
export function connectSocket(options: SocketConnectOptions): Socket {
  return guarded(connect(options));
}

/** A server whose sockets are safe before anybody has seen them. */
export function createSocketServer(onSocket: (socket: Socket) => void): Server {
  // Paused: bytes wait in the system until somebody wants them.
  return createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    onSocket(guarded(socket));
  });
}

/** Makes sure that an error of `socket` never goes uncaught; `close` follows every error. */
export function guarded<S extends Socket>(socket: S): S {
  socket.on("error", ignoreError);
  return socket;
}

function ignoreError(): void {}

/** Node's `resetAndDestroy` sends a FIN before the RST, so that peers take a reset for an orderly end. */
const resetSendsFinFirst = detectPlatform().runtime === "node";

/** Resets a TCP connection; a unix socket, which knows no reset, is closed. */
export function resetSocket(socket: Socket): void {
  // The system refuses a reset while it is still asked for a FIN, and Node then leaks the socket.
  const shuttingDown = socket.writableEnded && !socket.writableFinished;
  if (shuttingDown || socket.remotePort === undefined) return void socket.destroy();
  if (!resetSendsFinFirst) return void socket.resetAndDestroy();
  (socket as { resetAndClosing?: boolean }).resetAndClosing = true;
  socket.destroy();
}

/** The peer's address; null when the connection is gone already. */
export function remoteAddressOf(socket: Socket): SocketAddress | null {
  const address = socket.remoteAddress;
  if (address === undefined || address === "") return null;
  return peerAddress(address, socket.remotePort ?? 0);
}

/** This side's address; null when the connection is gone already. */
export function localAddressOf(socket: Socket): SocketAddress | null {
  const address = socket.localAddress;
  if (address === undefined || address === "") return null;
  const port = socket.localPort ?? 0;
  // Most accepted sockets have the address of the one before.
  if (lastLocal.port !== port || lastLocal.address !== address) lastLocal = ipAddress(address, port);
  return lastLocal;
}

let lastLocal: SocketAddress = ipAddress("0.0.0.0", 0);

/** What a socket of a unix connection says of its peer. */
export const ANONYMOUS_PIPE: SocketAddress = pipeAddress("");

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAFNOSUPPORT: "Address family not supported by protocol",
  EAGAIN: "Resource temporarily unavailable",
  ECONNABORTED: "Software caused connection abort",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EHOSTUNREACH: "No route to host",
  EINVAL: "Invalid argument",
  EMFILE: "Too many open files",
  ENETUNREACH: "Network is unreachable",
  ENFILE: "Too many open files in system",
  ENOBUFS: "No buffer space available",
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
  ENOTSOCK: "Socket operation on non-socket",
  EPERM: "Operation not permitted",
  EPIPE: "Broken pipe",
  ETIMEDOUT: "Connection timed out",
};

/** The C library's text of a system error, which Envoy's messages carry. */
export function errorText(error: unknown): string {
  const code = errorCode(error);
  return ERROR_TEXTS[code] ?? (error instanceof Error ? error.message : String(error));
}

/** `ECONNRESET` and the like; empty when the error has no code. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}
