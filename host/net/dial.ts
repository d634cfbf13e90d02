// host/net/dial.ts: makes connections to peers.
/**
 * Results come by callbacks, never before `dialTcp` returns. A dialled connection reads into large buffers
 * that go round (`base/read_buffer.ts`).
 *
 * @see Envoy: source/common/network/connection_impl.cc (ClientConnectionImpl)
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import { isPipe } from "./address.ts";
import { SocketConnection } from "./connection.ts";
import { SocketConnectionInfo } from "./connection_info.ts";
import { enterDispatch, leaveDispatch } from "./dispatch.ts";
import { ReadLane } from "./read_lane.ts";
import { ANONYMOUS_PIPE, connectOptions, errorCode, errorText, localAddressOf, type Socket } from "./socket.ts";
import { type ClientTransport, rawBufferClient } from "./transport.ts";

export const DEFAULT_CONNECT_TIMEOUT_MS = 5000;

export interface DialOptions {
  /** An IP address with a port, or a unix socket. Names are resolved before (`dns.ts`). */
  readonly address: SocketAddress;
  readonly clock: Clock;
  /** For the transport too: TCP and handshake together. */
  readonly connectTimeoutMs?: number;
  readonly transport?: ClientTransport;
  /** The address to connect from. */
  readonly localAddress?: SocketAddress;
  readonly noDelay?: boolean;
  /** Milliseconds before the first keep-alive probe; none when absent. */
  readonly keepAliveMs?: number;
  readonly delayedCloseTimeoutMs?: number;
  /** Told once that the connection is gone, after its handler. */
  readonly onClosed?: (connection: SocketConnection) => void;
  readonly onBug?: (error: unknown) => void;
}

/** @see Envoy: envoy/tcp/conn_pool.h PoolFailureReason */
export type DialFailureReason = "timeout" | "remote" | "local";

export interface DialFailure {
  readonly reason: DialFailureReason;
  /** Envoy's transport failure reason, for example `delayed connect error: Connection refused`. */
  readonly details: string;
  /** `ECONNREFUSED` and the like; empty for a time-out. */
  readonly code: string;
}

export interface DialCallbacks {
  /** Reading begins when the connection gets its handler. */
  onConnected(connection: SocketConnection): void;
  onFailure(failure: DialFailure): void;
}

export interface DialHandle {
  /** Gives up; no callback comes any more. Does nothing once a callback came. */
  cancel(): void;
}

/** Connects to `options.address`. */
export function dialTcp(options: DialOptions, callbacks: DialCallbacks): DialHandle {
  return new Dial(options, callbacks);
}

/** Errors that say something of this machine and not of the peer. */
const LOCAL_ERRORS: readonly string[] = [
  "EADDRNOTAVAIL",
  "EADDRINUSE",
  "EMFILE",
  "ENFILE",
  "EACCES",
  "EPERM",
  "EINVAL",
];

class Dial implements DialHandle {
  readonly #options: DialOptions;
  readonly #callbacks: DialCallbacks;
  readonly #transport: ClientTransport;
  readonly #lane = new ReadLane();
  readonly #socket: Socket;
  readonly #timer: Timer;
  /** A socket that closes before it is connected says why; a peer that resets it at once may not. */
  #error: unknown = { code: "ECONNRESET" };
  #settled = false;

  constructor(options: DialOptions, callbacks: DialCallbacks) {
    this.#options = options;
    this.#callbacks = callbacks;
    this.#transport = options.transport ?? rawBufferClient;
    this.#timer = options.clock.createTimer(() => this.#onTimeout());
    this.#timer.enable(options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS);
    this.#socket = this.#transport.connect(
      connectOptions({
        address: options.address,
        noDelay: options.noDelay ?? true,
        localAddress: options.localAddress ?? null,
        keepAliveMs: options.keepAliveMs ?? null,
        readTarget: this.#lane,
      }),
      () => this.#onReady(),
    );
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.once("close", () => this.#onClose());
  }

  cancel(): void {
    if (!this.#settle()) return;
    this.#lane.close();
    this.#socket.destroy();
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#timer.disable();
    return true;
  }

  #onReady(): void {
    const { address, clock, delayedCloseTimeoutMs, onClosed, onBug } = this.#options;
    const local = isPipe(address) ? ANONYMOUS_PIPE : localAddressOf(this.#socket);
    // Without a local address the peer has reset the connection already; `close` comes next.
    if (local === null || !this.#settle()) return;
    const info = new SocketConnectionInfo(local, address);
    this.#transport.describe(this.#socket, info);
    const connection = new SocketConnection(this.#socket, {
      clock,
      info,
      readLane: this.#lane,
      ...(delayedCloseTimeoutMs !== undefined && { delayedCloseTimeoutMs }),
      ...(onClosed && { onClosed }),
      ...(onBug && { onBug }),
    });
    enterDispatch();
    try {
      this.#callbacks.onConnected(connection);
    } finally {
      leaveDispatch();
    }
  }

  #onTimeout(): void {
    if (!this.#settle()) return;
    this.#lane.close();
    this.#socket.destroy();
    this.#fail({ reason: "timeout", details: "connect timeout", code: "" });
  }

  #onClose(): void {
    if (!this.#settle()) return;
    this.#lane.close();
    const code = errorCode(this.#error);
    const reason = LOCAL_ERRORS.includes(code) ? "local" : "remote";
    // A unix socket, or an address that this machine cannot reach, fails at once; others fail later.
    const { address } = this.#options;
    const text = errorText(this.#error);
    const details = isPipe(address) || reason === "local" || code === "ENETUNREACH"
      ? `immediate connect error: ${text}|remote address:${address.text}`
      : `delayed connect error: ${text}`;
    this.#fail({ reason, details, code });
  }

  /** What a failure makes its receiver write goes out as one. */
  #fail(failure: DialFailure): void {
    enterDispatch();
    try {
      this.#callbacks.onFailure(failure);
    } finally {
      leaveDispatch();
    }
  }
}
