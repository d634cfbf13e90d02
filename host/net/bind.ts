// host/net/bind.ts: takes addresses to listen on, and says plainly when it cannot.
/**
 * @see Envoy: source/common/network/listen_socket_impl.cc
 * @module
 */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import type { SocketAddress } from "../observe/stream_info.ts";
import { ipAddress, isPipe, pipeAddress, pipePath } from "./address.ts";
import { createSocketServer, errorCode, errorText, type Socket } from "./socket.ts";

export interface BindOptions {
  readonly address: SocketAddress;
  readonly reusePort: boolean;
  readonly backlog: number;
  readonly ipv4Compat: boolean;
  /** Permissions of a unix socket; 0 leaves them. */
  readonly mode: number;
}

export type BindResult =
  | { readonly ok: true; readonly server: Server; readonly address: SocketAddress }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Listens. `onSocket` gets every accepted socket, paused. */
export function bind(options: BindOptions, onSocket: (socket: Socket) => void): Promise<BindResult> {
  const { address } = options;
  const pipe = isPipe(address);
  if (pipe) {
    const problem = clearPipe(address.address);
    if (problem !== null) return Promise.resolve(failure(address, "EADDRINUSE", problem));
  }
  const server = createSocketServer(onSocket);
  const { promise, resolve } = Promise.withResolvers<BindResult>();
  server.on("error", (error) => resolve(failure(address, errorCode(error), errorText(error))));
  server.listen(
    pipe ? { path: pipePath(address), backlog: options.backlog } : {
      host: address.address,
      port: address.port,
      backlog: options.backlog,
      reusePort: options.reusePort,
      ipv6Only: !options.ipv4Compat,
      exclusive: true,
    },
    () => {
      if (pipe && options.mode !== 0 && !address.address.startsWith("@")) chmodSync(address.address, options.mode);
      resolve({ ok: true, server, address: boundAddress(server, address) });
    },
  );
  return promise;
}

/**
 * Finds out whether an address can be had, and which port the system gives for port 0. The main thread asks
 * before it starts workers: with `reusePort` a second process on the same port would otherwise go unnoticed.
 */
export async function probeBind(options: BindOptions): Promise<BindProbe> {
  const held = await holdBind(options);
  if (!held.ok) return held;
  await held.release();
  return { ok: true, address: held.address };
}

export type BindProbe =
  | { readonly ok: true; readonly address: SocketAddress }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * The same, but nobody else gets the address before it is released: but for who shares it, where the system chose the
 * port.
 */
export async function holdBind(options: BindOptions): Promise<BindHold> {
  // A unix socket is probed by its folder alone: binding it would take it from whoever has it.
  if (isPipe(options.address)) return { ok: true, address: options.address, release: () => Promise.resolve() };
  const result = await bind(
    { ...options, reusePort: options.reusePort && options.address.port === 0 },
    (socket) => socket.destroy(),
  );
  if (!result.ok) return result;
  const { server, address } = result;
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    ok: true,
    address,
    release() {
      server.close(() => resolve());
      return promise;
    },
  };
}

export type BindHold =
  | { readonly ok: true; readonly address: SocketAddress; release(): Promise<void> }
  | Exclude<BindProbe, { readonly ok: true }>;

function failure(address: SocketAddress, code: string, text: string): BindResult & { ok: false } {
  return { ok: false, code, message: `cannot bind '${address.text}': ${text}` };
}

function boundAddress(server: Server, asked: SocketAddress): SocketAddress {
  const bound = server.address();
  if (bound === null || typeof bound === "string") return pipeAddress(asked.address);
  return ipAddress(bound.address, bound.port);
}

/** Removes the socket that an earlier process left at `path`. What is there, when it is something else. */
function clearPipe(path: string): string | null {
  if (path.startsWith("@")) return null;
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return null;
  if (!facts.isSocket()) return "the path exists and is not a socket";
  try {
    unlinkSync(path);
    return null;
  } catch (error) {
    return errorText(error);
  }
}
