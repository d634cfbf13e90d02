// host/net/waiting_sockets.ts: connections that a listener does not take on now.
/**
 * No runtime lets a program leave connections to the system once it listens, so they are accepted, and nothing is
 * done with them. To who connected it looks the same.
 *
 * @see Envoy: source/common/listener_manager/connection_handler_impl.cc disableListeners
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import type { OverloadSignal } from "./overload.ts";
import type { Socket } from "./socket.ts";

export interface WaitingSocketsOptions {
  /** While it is saturated, sockets wait. */
  readonly signal: OverloadSignal;
  readonly clock: Clock;
  /** How often the signal is looked at while sockets wait. */
  readonly intervalMs: number;
  /** So many wait, as they would in the system; those that come then are refused. */
  readonly limit: number;
  readonly onSocket: (socket: Socket, asked: SocketAddress) => void;
}

export class WaitingSockets {
  readonly #options: WaitingSocketsOptions;
  readonly #timer: Timer;
  #sockets: { readonly socket: Socket; readonly asked: SocketAddress }[] = [];

  constructor(options: WaitingSocketsOptions) {
    this.#options = options;
    this.#timer = options.clock.createTimer(() => this.#look());
  }

  /** True when the socket has to wait. */
  take(socket: Socket, asked: SocketAddress): boolean {
    const { signal, limit, intervalMs } = this.#options;
    if (!signal.saturated) return false;
    if (this.#sockets.length >= limit) socket.destroy();
    else this.#sockets.push({ socket, asked });
    if (!this.#timer.enabled) this.#timer.enable(intervalMs);
    return true;
  }

  close(): void {
    this.#timer.disable();
    for (const { socket } of this.#sockets) socket.destroy();
    this.#sockets = [];
  }

  #look(): void {
    const { signal, intervalMs, onSocket } = this.#options;
    if (signal.saturated) return this.#timer.enable(intervalMs);
    const waiting = this.#sockets;
    this.#sockets = [];
    for (const { socket, asked } of waiting) onSocket(socket, asked);
  }
}
