// host/net/listener.ts: accepts connections and finds their filter chains.
/**
 * One `Listener` per listener of the configuration and worker. It binds, accepts, lets listener filters look
 * at the first bytes, matches a filter chain, puts the chain's transport on top and hands the connection over.
 * Filter chains can be exchanged while it runs: new connections get the new ones.
 *
 * @see Envoy: source/common/listener_manager/active_tcp_listener.cc
 * @module
 */
import type { Server } from "node:net";
import type { Clock, Timer } from "../base/clock.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import { ipAddress, isPipe, pipeAddress } from "./address.ts";
import { bind } from "./bind.ts";
import { SocketConnection } from "./connection.ts";
import { SocketConnectionInfo } from "./connection_info.ts";
import { enterDispatch, leaveDispatch } from "./dispatch.ts";
import { CloseType } from "./filter.ts";
import { parseIp } from "../base/ip.ts";
import { FilterChainMatcher, type MatchSubject } from "./filter_chain_match.ts";
import { type ListenerFilterFactory, ListenerFilterRun, type ListenerFiltersResult } from "./listener_filter.ts";
import { ListenerStats } from "./listener_stats.ts";
import type { FilterChainPlan, ListenerPlan } from "./plan.ts";
import { ReadLane } from "./read_lane.ts";
import { localAddressOf, readInto, remoteAddressOf, type Socket } from "./socket.ts";
import type { StatsScope } from "./stats.ts";
import { rawBufferServer, type ServerTransport } from "./transport.ts";

/** A filter chain ready to serve. Whoever builds one adds what it needs (network filters, access logs). */
export interface FilterChain {
  readonly plan: FilterChainPlan;
  readonly transport: ServerTransport;
}

/** A limit on open connections; shared by workers when its owner makes it so. */
export interface ConnectionLimit {
  /** False: no more now. */
  tryAcquire(): boolean;
  release(): void;
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
  /** The listener's own limit; absent: the plan's `connectionLimit`, counted by this listener alone. */
  readonly connectionLimit?: ConnectionLimit;
  /** The limit of the whole process. */
  readonly globalConnectionLimit?: ConnectionLimit;
  readonly delayedCloseTimeoutMs?: number;
  /** A connection is ready; reading begins with its `setHandler`. */
  onConnection(connection: SocketConnection, chain: Chain): void;
  readonly onBug?: (error: unknown) => void;
}

export type ListenResult =
  | { readonly ok: true; readonly addresses: readonly SocketAddress[] }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Everything that changes together when the filter chains do. */
interface Generation<Chain> {
  readonly matcher: FilterChainMatcher;
  readonly chains: readonly Chain[];
  readonly fallback: Chain | null;
  readonly listenerFilters: readonly ListenerFilterFactory[];
}

/** @example See `test/host/net/listener.test.ts`. */
export class Listener<Chain extends FilterChain> {
  readonly #options: ListenerOptions<Chain>;
  readonly #stats: ListenerStats;
  readonly #limit: ConnectionLimit | null;
  readonly #servers: Server[] = [];
  readonly #connections = new Map<SocketConnection, number>();
  /** Sockets that have no connection yet: listener filters or the transport are busy with them. */
  readonly #pending = new Set<PendingSocket>();
  #plan: ListenerPlan;
  #generation: Generation<Chain>;
  readonly #onGone = (gone: SocketConnection): void => this.#onClosed(gone);
  #stopped = false;
  #onIdle: (() => void) | null = null;

  constructor(options: ListenerOptions<Chain>) {
    this.#options = options;
    this.#plan = options.plan;
    this.#stats = new ListenerStats(options.stats, options.workerStats ?? null);
    const limit = options.plan.connectionLimit;
    this.#limit = options.connectionLimit ?? (limit === null ? null : new LocalConnectionLimit(limit));
    this.#generation = generationOf(
      options.plan,
      options.filterChains,
      options.defaultFilterChain,
      options.listenerFilters ?? [],
    );
  }

  get plan(): ListenerPlan {
    return this.#plan;
  }

  /** Connections that were handed over and are not gone. */
  get connections(): Iterable<SocketConnection> {
    return this.#connections.keys();
  }

  /** Connections and sockets that are about to become one. */
  get activeCount(): number {
    return this.#connections.size + this.#pending.size;
  }

  /** Binds all addresses, or none. */
  async listen(): Promise<ListenResult> {
    const addresses: SocketAddress[] = [];
    for (const plan of this.#plan.bindToPort ? this.#plan.addresses : []) {
      const asked = parseIp(plan.address) === null ? pipeAddress(plan.address) : ipAddress(plan.address, plan.port);
      const result = await bind({
        address: asked,
        reusePort: this.#plan.reusePort,
        backlog: this.#plan.backlog,
        ipv4Compat: plan.ipv4Compat,
        mode: plan.mode,
      }, (socket) => this.#onAccept(socket, asked));
      if (!result.ok) {
        this.stopAccepting();
        return result;
      }
      this.#servers.push(result.server);
      addresses.push(result.address);
    }
    return { ok: true, addresses };
  }

  /** Exchanges what new connections get. Those that are open keep what they have. */
  update(
    plan: ListenerPlan,
    filterChains: readonly Chain[],
    defaultFilterChain: Chain | null,
    listenerFilters: readonly ListenerFilterFactory[] = [],
  ): void {
    this.#plan = plan;
    this.#generation = generationOf(plan, filterChains, defaultFilterChain, listenerFilters);
  }

  /** Closes the listening sockets; open connections go on. */
  stopAccepting(): void {
    this.#stopped = true;
    for (const server of this.#servers) server.close();
    this.#servers.length = 0;
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

  #onAccept(socket: Socket, asked: SocketAddress): void {
    const pipe = isPipe(asked);
    const local = pipe ? asked : localAddressOf(socket);
    // Who connects to a unix socket has no name: that of the socket stands for it, as in Envoy.
    const remote = pipe ? asked : remoteAddressOf(socket);
    // A peer that is gone before it was accepted leaves no trace.
    if (this.#stopped || local === null || remote === null) return void socket.destroy();
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
    const generation = this.#generation;
    if (generation.listenerFilters.length === 0) {
      return this.#onInspected(socket, info, generation, "raw_buffer", NO_PROTOCOLS);
    }
    this.#inspect(socket, info, generation);
  }

  #inspect(socket: Socket, info: SocketConnectionInfo, generation: Generation<Chain>): void {
    const filters = generation.listenerFilters.map((create) => create());
    const run = new ListenerFilterRun(socket, info, filters, {
      clock: this.#options.clock,
      timeoutMs: this.#plan.listenerFiltersTimeoutMs,
      onDone: (run, result) => {
        this.#pending.delete(pending);
        this.#stats.downstreamPreCxActive.dec();
        if (result === "timeout") this.#stats.downstreamPreCxTimeout.inc();
        if (result === "done" || (result === "timeout" && this.#plan.continueOnListenerFiltersTimeout)) {
          return this.#onInspected(socket, info, generation, run.transportProtocol, run.applicationProtocols);
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
    generation: Generation<Chain>,
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
    const chain = generation.chains[generation.matcher.find(subject)] ?? generation.fallback;
    if (chain === null) {
      this.#stats.noFilterChainMatch.inc();
      return this.#drop(socket);
    }
    const { transport } = chain;
    if (transport !== rawBufferServer) return this.#secure(socket, info, chain);
    // Bytes that listener filters looked at wait in the socket: then it stays as it is.
    const lane = generation.listenerFilters.length === 0 ? new ReadLane() : null;
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
      timer = this.#options.clock.createTimer(() => {
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

/** Counts the connections of one listener on one worker. */
export class LocalConnectionLimit implements ConnectionLimit {
  readonly #limit: number;
  #open = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  tryAcquire(): boolean {
    if (this.#open >= this.#limit) return false;
    this.#open++;
    return true;
  }

  release(): void {
    this.#open--;
  }
}

function generationOf<Chain extends FilterChain>(
  plan: ListenerPlan,
  chains: readonly Chain[],
  fallback: Chain | null,
  listenerFilters: readonly ListenerFilterFactory[],
): Generation<Chain> {
  return {
    matcher: new FilterChainMatcher(plan.filterChains.map((each) => each.match)),
    chains,
    fallback,
    listenerFilters,
  };
}
