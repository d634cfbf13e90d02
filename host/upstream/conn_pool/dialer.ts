// host/upstream/conn_pool/dialer.ts: how pools get connections: a port, and the one that dials sockets.
/**
 * @see Envoy: source/common/upstream/upstream_impl.cc HostImpl::createConnection
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Connection } from "../../net/connection_port.ts";
import { parseIp } from "../../base/ip.ts";
import { ipAddress } from "../../net/address.ts";
import {
  type DialCallbacks as TcpDialCallbacks,
  type DialFailure,
  type DialHandle,
  type DialOptions,
  dialTcp,
} from "../../net/dial.ts";
import { dialFirst, type DialOne, sortAddresses } from "../../net/happy_eyeballs.ts";
import type { ClientTransport } from "../../net/transport.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { UpstreamConnectionPlan } from "../plan.ts";
import type { ClusterStats } from "../stats.ts";

export type { DialFailure, DialHandle } from "../../net/dial.ts";

/** Whom to connect to, and how. */
export interface DialTarget {
  readonly address: SocketAddress;
  /** Where the same peer can be reached, too; empty for most. */
  readonly alternatives: readonly SocketAddress[];
  readonly connectTimeoutMs: number;
  readonly bufferLimitBytes: number;
  readonly connection: UpstreamConnectionPlan;
  /** Null: plain bytes. */
  readonly transport: ClientTransport | null;
  /** Where the connection counts its bytes; null: nowhere. */
  readonly stats: ClusterStats | null;
}

export interface DialCallbacks {
  /** The connection can carry bytes. Reading begins when it gets its handler. */
  onConnected(connection: Connection): void;
  onFailure(failure: DialFailure): void;
  /** Another address of the same peer is tried, besides the one before or after it. */
  onFurtherAttempt?(): void;
}

/** Connects. One of the two callbacks comes, once, unless the handle is cancelled; never before `dial` returned. */
export interface Dialer {
  dial(target: DialTarget, callbacks: DialCallbacks): DialHandle;
}

/** Dials sockets. */
export class SocketDialer implements Dialer {
  readonly #clock: Clock;
  readonly #onBug: ((error: unknown) => void) | null;

  /** `onBug` is told of an error that a handler of a connection threw; the connection was reset. */
  constructor(clock: Clock, onBug: ((error: unknown) => void) | null = null) {
    this.#clock = clock;
    this.#onBug = onBug;
  }

  dial(target: DialTarget, callbacks: DialCallbacks): DialHandle {
    const { tcpKeepalive: keepalive, happyEyeballs } = target.connection;
    const options: Omit<DialOptions, "address"> = {
      clock: this.#clock,
      connectTimeoutMs: target.connectTimeoutMs,
      ...(target.transport !== null && { transport: target.transport }),
      ...(keepalive !== null && { keepAliveMs: keepalive.timeSeconds * 1000 }),
      ...(this.#onBug !== null && { onBug: this.#onBug }),
    };
    const ownCallbacks: TcpDialCallbacks = {
      onConnected(connection) {
        if (target.stats !== null) connection.setStats(target.stats.connection);
        connection.setBufferLimitBytes(target.bufferLimitBytes);
        callbacks.onConnected(connection);
      },
      onFailure(failure) {
        callbacks.onFailure(failure);
      },
    };
    const from = (address: SocketAddress): DialOptions => ({ ...options, address, ...sourceOf(target, address) });
    if (target.alternatives.length === 0) return dialTcp(from(target.address), ownCallbacks);
    const addresses = sortAddresses([target.address, ...target.alternatives], happyEyeballs);
    let first = true;
    const dialOne: DialOne = (one, oneCallbacks) => {
      if (!first) callbacks.onFurtherAttempt?.();
      first = false;
      return dialTcp(one, oneCallbacks);
    };
    return dialFirst(dialOne, addresses.map(from), ownCallbacks);
  }
}

/**
 * The address to connect from: that of the peer's family, else the first.
 *
 * @see Envoy: source/common/upstream/default_local_address_selector.cc
 */
function sourceOf({ connection: { sources } }: DialTarget, peer: SocketAddress): { localAddress?: SocketAddress } {
  const version = sources.length === 0 ? 0 : parseIp(peer.address)?.version ?? 0;
  if (version === 0) return {};
  const source = sources.find(({ address }) => parseIp(address)?.version === version) ?? sources[0]!;
  return { localAddress: ipAddress(source.address, source.port) };
}
