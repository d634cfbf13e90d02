// host/net/listener.ts: accepts connections and finds their filter chains.
/**
 * One `Listener` per listener of the configuration and worker. It binds, accepts, lets listener filters look
 * at the first bytes, matches a filter chain, puts the chain's transport on top and hands the connection over.
 * A listener that changes is replaced: the new one takes the sockets over, the old one keeps its connections.
 *
 * @see Envoy: source/common/listener_manager/active_tcp_listener.cc
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import { isPipe } from "./address.ts";
import { SocketConnection } from "./connection.ts";
import type { ConnectionLimit } from "./connection_limit.ts";
import type { AcceptOverload } from "./overload.ts";
import type { TimerMaker } from "./scaled_timers.ts";
import { WaitingSockets } from "./waiting_sockets.ts";
import { SocketConnectionInfo } from "./connection_info.ts";
import { enterDispatch, leaveDispatch } from "./dispatch.ts";
import { CloseType } from "./filter.ts";
import { FilterChainMatcher, type MatchSubject } from "./filter_chain_match.ts";
import { ListenSocket } from "./listen_socket.ts";
import { type ListenerFilterFactory, ListenerFilterRun, type ListenerFiltersResult } from "./listener_filter.ts";
import { ListenerStats } from "./listener_stats.ts";
import type { FilterChainPlan, ListenAddressPlan, ListenerPlan } from "./plan.ts";
import { ReadLane } from "./read_lane.ts";
import { localAddressOf, readInto, remoteAddressOf, type Socket } from "./socket.ts";
import type { StatsScope } from "./stats.ts";
import { rawBufferServer, type ServerTransport } from "./transport.ts";

/** A filter chain ready to serve. Whoever builds one adds what it needs (network filters, access logs). */
export interface FilterChain {
  readonly plan: FilterChainPlan;
  readonly transport: ServerTransport;
}

export interface ListenerOptions<Chain extends FilterChain> {
  readonly plan: ListenerPlan;
  readonly clock: Clock;
  /** The scope `listener.<statPrefix>.`. */
  readonly stats: StatsScope;
  /** The scope `listener.<statPrefix>.worker_<n>.`. */
  readonly workerStats?: StatsScope;
  /** One for each of `plan.filterChains`, in order. */
  readonly filterChains: readonly Chain[];
  readonly defaultFilterChain: Chain | null;
  readonly listenerFilters?: readonly ListenerFilterFactory[];
  /** The listener's own limit. */
  readonly connectionLimit?: ConnectionLimit;
  /** The limit of the whole process. */
  readonly globalConnectionLimit?: ConnectionLimit;
  /** What makes it refuse connections, or let them wait; null for nothing. */
  readonly overload?: AcceptOverload | null;
  /** Timers of transport handshakes; absent: those of the clock. */
  readonly handshakeTimers?: TimerMaker;
  readonly delayedCloseTimeoutMs?: number;
  /** A connection is ready; reading begins with its `setHandler`. */
  onConnection(connection: SocketConnection, chain: Chain): void;
  readonly onBug?: (error: unknown) => void;
}

export type ListenResult =
  | { readonly ok: true; readonly addresses: readonly SocketAddress[] }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** @example See `test/host/net/listener.test.ts`. */
export class Listener<Chain extends FilterChain> {
  readonly #options: ListenerOptions<Chain>;
  readonly #stats: ListenerStats;
  readonly #limit: ConnectionLimit | null;
  readonly #plan: ListenerPlan;
  readonly #matcher: FilterChainMatcher;
  readonly #listenerFilters: readonly ListenerFilterFactory[];
  #sockets: ListenSocket[] = [];
  /** Sockets of another listener, which become this one's with `takeOver`. */
  #inherited: { readonly socket: ListenSocket; readonly from: Listener<Chain> }[] = [];
  readonly #connections = new Map<SocketConnection, number>();
  /** Sockets that have no connection yet: listener filters or the transport are busy with them. */
  readonly #pending = new Set<PendingSocket>();
  readonly #onGone = (gone: SocketConnection): void => this.#onClosed(gone);
  /** Null where overload lets nobody wait. */
  readonly #waiting: WaitingSockets | null;
  #stopped = false;
  #onIdle: (() => void) | null = null;

  constructor(options: ListenerOptions<Chain>) {
    this.#options = options;
    this.#plan = options.plan;
    this.#stats = new ListenerStats(options.stats, options.workerStats ?? null);
    this.#limit = options.connectionLimit ?? null;
    this.#matcher = new FilterChainMatcher(options.plan.filterChains.map((each) => each.match));
    this.#listenerFilters = options.listenerFilters ?? [];
    const stop = options.overload?.stop ?? null;
    this.#waiting = stop === null ? null : new WaitingSockets({
      signal: stop,
      clock: options.clock,
      intervalMs: options.overload!.refreshIntervalMs,
      limit: options.plan.backlog,
      onSocket: this.#onAccept,
    });
  }

  get plan(): ListenerPlan {
    return this.#plan;
  }

  /** Connections that were handed over and are not gone. */
  get connections(): Iterable<SocketConnection> {
    return this.#connections.keys();
  }

  /** What it listens on. */
  get sockets(): readonly ListenSocket[] {
    return this.#sockets;
  }

  /** Connections and sockets that are about to become one. */
  get activeCount(): number {
    return this.#connections.size + this.#pending.size;
  }

  /**
   * Binds all addresses, or none. Those that `predecessors` have stay theirs until `takeOver`, which cannot fail
   * any more.
   */
  async listen(predecessors: readonly Listener<Chain>[] = []): Promise<ListenResult> {
    const addresses: SocketAddress[] = [];
    for (const plan of this.#plan.bindToPort ? this.#plan.addresses : []) {
      const inherited = findSocket(predecessors, plan);
      if (inherited !== null) {
        this.#inherited.push(inherited);
        addresses.push(inherited.socket.address);
        continue;
      }
      const result = await ListenSocket.bind(this.#plan, plan, this.#onAccept);
      if (!result.ok) {
        this.stopAccepting();
        return result;
      }
      this.#sockets.push(result.socket);
      addresses.push(result.socket.address);
    }
    return { ok: true, addresses };
  }

  /** Accepts from now on what came to the predecessors' sockets. */
  takeOver(): void {
    for (const { socket, from } of this.#inherited) {
      from.#sockets = from.#sockets.filter((each) => each !== socket);
      socket.handOver(this.#onAccept);
      this.#sockets.push(socket);
    }
    this.#inherited = [];
  }

  /** Closes the listening sockets; open connections go on. */
  stopAccepting(): void {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.close();
    this.#sockets = [];
    this.#inherited = [];
    this.#waiting?.close();
    this.#checkIdle();
  }

  /** Calls back once no connection is left; at once when there is none. */
  onIdle(callback: () => void): void {
    this.#onIdle = callback;
    this.#checkIdle();
  }

  /** Closes everything now. */
  closeAll(type: CloseType = CloseType.NoFlush, details: string = "listener closed"): void {
    this.stopAccepting();
    for (const pending of [...this.#pending]) pending.abandon();
    for (const connection of [...this.#connections.keys()]) connection.close(type, details);
  }

  readonly #onAccept = (socket: Socket, asked: SocketAddress): void => {
    const pipe = isPipe(asked);
    const local = pipe ? asked : localAddressOf(socket);
    // Who connects to a unix socket has no name: that of the socket stands for it, as in Envoy.
    const remote = pipe ? asked : remoteAddressOf(socket);
    // A peer that is gone before it was accepted leaves no trace.
    if (this.#stopped || local === null || remote === null) return void socket.destroy();
    if (this.#waiting !== null && this.#waiting.take(socket, asked)) return;
    const { overload } = this.#options;
    if (overload && (overload.reject?.fires() === true || overload.shed?.fires() === true)) {
      this.#stats.downstreamCxOverloadReject.inc();
      return void socket.destroy();
    }
    if (this.#limit !== null && !this.#limit.tryAcquire()) {
      this.#stats.downstreamCxOverflow.inc();
      return void socket.destroy();
    }
    const globalLimit = this.#options.globalConnectionLimit;
    if (globalLimit !== undefined && !globalLimit.tryAcquire()) {
      this.#limit?.release();
      this.#stats.downstreamGlobalCxOverflow.inc();
      return void socket.destroy();
    }
    const info = new SocketConnectionInfo(local, remote);
    if (this.#listenerFilters.length === 0) return this.#onInspected(socket, info, "raw_buffer", NO_PROTOCOLS);
    this.#inspect(socket, info);
  };

  #inspect(socket: Socket, info: SocketConnectionInfo): void {
    const filters = this.#listenerFilters.map((create) => create());
    const run = new ListenerFilterRun(socket, info, filters, {
      clock: this.#options.clock,
      timeoutMs: this.#plan.listenerFiltersTimeoutMs,
      onDone: (run, result) => {
        this.#pending.delete(pending);
        this.#stats.downstreamPreCxActive.dec();
        if (result === "timeout") this.#stats.downstreamPreCxTimeout.inc();
        if (result === "done" || (result === "timeout" && this.#plan.continueOnListenerFiltersTimeout)) {
          return this.#onInspected(socket, info, run.transportProtocol, run.applicationProtocols);
        }
        this.#countRefusal(result);
        this.#drop(socket);
      },
    });
    const pending: PendingSocket = {
      abandon: () => {
        run.cancel();
        this.#pending.delete(pending);
        this.#stats.downstreamPreCxActive.dec();
        this.#drop(socket);
      },
    };
    this.#pending.add(pending);
    this.#stats.downstreamPreCxActive.inc();
    run.start();
  }

  #countRefusal(result: ListenerFiltersResult): void {
    if (result === "closed_by_peer") this.#stats.downstreamListenerFilterRemoteClose.inc();
    else if (result !== "timeout") this.#stats.downstreamListenerFilterError.inc();
  }

  #onInspected(
    socket: Socket,
    info: SocketConnectionInfo,
    transportProtocol: string,
    applicationProtocols: readonly string[],
  ): void {
    const subject: MatchSubject = {
      localAddress: info.localAddress,
      remoteAddress: info.remoteAddress,
      directRemoteAddress: info.directRemoteAddress,
      serverName: info.requestedServerName,
      transportProtocol,
      applicationProtocols,
    };
    const { filterChains, defaultFilterChain } = this.#options;
    const chain = filterChains[this.#matcher.find(subject)] ?? defaultFilterChain;
    if (chain === null) {
      this.#stats.noFilterChainMatch.inc();
      return this.#drop(socket);
    }
    const { transport } = chain;
    if (transport !== rawBufferServer) return this.#secure(socket, info, chain);
    // Bytes that listener filters looked at wait in the socket: then it stays as it is.
    const lane = this.#listenerFilters.length === 0 ? new ReadLane() : null;
    const reading = lane === null ? null : readInto(socket, lane);
    if (reading === null) this.#connect(socket, info, chain, null);
    else this.#connect(reading, info, chain, lane);
  }

  /** Runs the transport's handshake. */
  #secure(socket: Socket, info: SocketConnectionInfo, chain: Chain): void {
    let timer: Timer | null = null;
    const settle = (): boolean => {
      timer?.disable();
      socket.off("close", onGone);
      return this.#pending.delete(pending);
    };
    const onGone = (): void => {
      if (settle()) this.#release();
    };
    const pending: PendingSocket = {
      abandon: () => {
        if (settle()) this.#drop(socket);
      },
    };
    this.#pending.add(pending);
    socket.on("close", onGone);
    const timeoutMs = chain.plan.transportSocketConnectTimeoutMs;
    if (timeoutMs > 0) {
      timer = (this.#options.handshakeTimers ?? this.#options.clock).createTimer(() => {
        this.#stats.downstreamCxTransportSocketConnectTimeout.inc();
        pending.abandon();
      });
      timer.enable(timeoutMs);
    }
    chain.transport.accept(socket, info, {
      onReady: (ready) => {
        if (settle()) this.#connect(ready, info, chain, null);
      },
      onFailure: (details) => {
        info.transportFailureReason = details;
        onGone();
      },
    });
  }

  #connect(socket: Socket, info: SocketConnectionInfo, chain: Chain, readLane: ReadLane | null): void {
    const { clock, delayedCloseTimeoutMs, onBug } = this.#options;
    const connection = new SocketConnection(socket, {
      clock,
      info,
      onClosed: this.#onGone,
      ...(readLane !== null && { readLane }),
      ...(delayedCloseTimeoutMs !== undefined && { delayedCloseTimeoutMs }),
      ...(onBug && { onBug }),
    });
    connection.setBufferLimitBytes(this.#plan.perConnectionBufferLimitBytes);
    this.#connections.set(connection, clock.nowMs());
    this.#stats.onConnection();
    enterDispatch();
    try {
      this.#options.onConnection(connection, chain);
    } catch (error) {
      connection.close(CloseType.AbortReset, "internal error");
      if (onBug === undefined) throw error;
      onBug(error);
    } finally {
      leaveDispatch();
    }
  }

  #onClosed(connection: SocketConnection): void {
    const startMs = this.#connections.get(connection);
    if (startMs === undefined) return;
    this.#connections.delete(connection);
    this.#stats.onConnectionGone(this.#options.clock.nowMs() - startMs);
    this.#release();
  }

  #drop(socket: Socket): void {
    socket.destroy();
    this.#release();
  }

  #release(): void {
    this.#limit?.release();
    this.#options.globalConnectionLimit?.release();
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#onIdle === null || this.activeCount > 0) return;
    const callback = this.#onIdle;
    this.#onIdle = null;
    callback();
  }
}

interface PendingSocket {
  abandon(): void;
}

const NO_PROTOCOLS: readonly string[] = [];

function findSocket<Chain extends FilterChain>(
  listeners: readonly Listener<Chain>[],
  plan: ListenAddressPlan,
): { readonly socket: ListenSocket; readonly from: Listener<Chain> } | null {
  for (const from of listeners) {
    const socket = from.sockets.find((each) => each.isAt(plan));
    if (socket !== undefined) return { socket, from };
  }
  return null;
}
