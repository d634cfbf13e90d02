// host/net/listen_socket.ts: a socket that listens, which one listener can hand to the next.
/**
 * A listener that replaces another takes its sockets over: what waits in the system to be accepted is not
 * lost, as it would be if the old socket were closed and a new one bound.
 *
 * @see Envoy: source/common/listener_manager/listener_impl.cc ListenSocketFactoryImpl
 * @module
 */
import type { Server } from "node:net";
import { parseIp } from "../base/ip.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import { ipAddress, isPipe, pipeAddress } from "./address.ts";
import { bind } from "./bind.ts";
import type { ListenAddressPlan, ListenerPlan } from "./plan.ts";
import type { Socket } from "./socket.ts";

/** Gets accepted sockets, paused, and the address that was asked for. */
export type OnSocket = (socket: Socket, asked: SocketAddress) => void;

export class ListenSocket {
  /** What was really bound. */
  readonly address: SocketAddress;
  readonly #key: string;
  readonly #server: Server;
  readonly #receiver: { onSocket: OnSocket };

  private constructor(key: string, address: SocketAddress, server: Server, receiver: { onSocket: OnSocket }) {
    this.#key = key;
    this.address = address;
    this.#server = server;
    this.#receiver = receiver;
  }

  static async bind(
    listener: ListenerPlan,
    plan: ListenAddressPlan,
    onSocket: OnSocket,
  ): Promise<
    | { readonly ok: true; readonly socket: ListenSocket }
    | { readonly ok: false; readonly code: string; readonly message: string }
  > {
    const asked = parseIp(plan.address) === null ? pipeAddress(plan.address) : ipAddress(plan.address, plan.port);
    const receiver = { onSocket };
    const result = await bind({
      address: asked,
      reusePort: listener.reusePort,
      backlog: listener.backlog,
      ipv4Compat: plan.ipv4Compat,
      mode: plan.mode,
    }, (socket) => receiver.onSocket(socket, asked));
    if (!result.ok) return result;
    const key = keyOf({ ...plan, port: result.address.port });
    return { ok: true, socket: new ListenSocket(key, result.address, result.server, receiver) };
  }

  /** True for the address of a plan. The backlog and the like stay those of whoever bound it, as in Envoy. */
  isAt(plan: ListenAddressPlan): boolean {
    return this.#key === keyOf(plan) && (plan.port !== 0 || isPipe(this.address));
  }

  /** From now on another listener gets what is accepted. */
  handOver(onSocket: OnSocket): void {
    this.#receiver.onSocket = onSocket;
  }

  close(): void {
    this.#server.close();
  }
}

function keyOf({ address, port, ipv4Compat }: ListenAddressPlan): string {
  return `${address} ${port} ${ipv4Compat}`;
}
