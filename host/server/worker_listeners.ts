// host/server/worker_listeners.ts: a worker's listeners and their connections, generation after generation.
/**
 * A listener that did not change is not touched. One that did keeps its sockets: what replaces it takes them over,
 * and its connections drain.
 *
 * @see Envoy: source/common/listener_manager/listener_manager_impl.cc
 * @module
 */
import { type Runtime, RuntimeValue } from "../base/runtime.ts";
import type { DrainableConnection } from "../extensions/define.ts";
import type { StreamAccount } from "../http/conn_manager/high_memory_streams.ts";
import { scaledTimers } from "../http/conn_manager/overload.ts";
import type { SocketConnection } from "../net/connection.ts";
import { CountedConnectionLimit } from "../net/connection_limit.ts";
import { CloseType } from "../net/filter.ts";
import { Listener } from "../net/listener.ts";
import { acceptOverload, overloadShape } from "../net/overload.ts";
import type { ListenerPlan } from "../net/plan.ts";
import { DrainManager } from "./drain.ts";
import { buildChain, type ServedChain } from "./served_chain.ts";
import type { SharedCounts } from "./shared_counts.ts";
import type { Snapshot } from "./snapshot.ts";
import type { WorkerEnvironment } from "./worker_environment.ts";
import type { AccessLoggerUse, LoadedExtensions, WorkerExtensions } from "./worker_extensions.ts";
import type { ApplyOutcome, DrainOrder } from "./worker_protocol.ts";

/** Connections of a retired listener on which nothing happens are closed after this long, not at once: a request
 * may be on its way. */
const RETIRED_IDLE_CLOSE_MS = 5000;

interface ServedListener {
  readonly key: string;
  readonly listener: Listener<ServedChain>;
  readonly drain: DrainManager;
  readonly accessLoggers: AccessLoggerUse;
  readonly plan: ListenerPlan;
}

export class WorkerListeners {
  readonly #environment: WorkerEnvironment;
  readonly #extensions: WorkerExtensions;
  readonly #counts: SharedCounts;
  readonly #listeners = new Map<string, ServedListener>();
  /** Listeners that were replaced or removed and still have connections. */
  readonly #retired = new Set<ServedListener>();
  readonly #served = new WeakMap<SocketConnection, DrainableConnection>();
  /** Of all listeners, but for those that it does not concern. */
  readonly #globalConnectionLimit: CountedConnectionLimit;
  readonly #runtime: Runtime;
  #monitoredLimit: number | null = null;
  #healthChecksFail = false;

  constructor(environment: WorkerEnvironment, extensions: WorkerExtensions, runtime: Runtime, counts: SharedCounts) {
    this.#environment = environment;
    this.#extensions = extensions;
    this.#counts = counts;
    this.#runtime = runtime;
    // The key is of a time before there was a monitor, which takes its place.
    const byKey = new RuntimeValue(
      runtime,
      (now) => now.integer("overload.global_downstream_max_connections", Infinity),
    );
    const monitored = () => this.#monitoredLimit;
    const limit = {
      get current(): number {
        return monitored() ?? byKey.current;
      },
    };
    this.#globalConnectionLimit = new CountedConnectionLimit(limit, counts.openConnections);
  }

  /** All new listeners, or none: what served before goes on until nothing can fail any more. */
  async apply(snapshot: Snapshot, loaded: LoadedExtensions): Promise<ApplyOutcome> {
    this.#monitoredLimit = snapshot.globalConnectionLimit;
    const names = new Set(snapshot.listeners.map((plan) => plan.name));
    const retired = [...this.#listeners.values()].filter((served) => !names.has(served.plan.name));
    const added: ServedListener[] = [];
    for (const plan of snapshot.listeners) {
      const overload = plan.bypassesOverloadManager ? "" : overloadShape(snapshot.overload);
      const key = overload +
        JSON.stringify(plan, (_name, value) => value instanceof Uint8Array ? [...value] : value as unknown);
      const before = this.#listeners.get(plan.name);
      if (before?.key === key) continue;
      if (before !== undefined) retired.push(before);
      added.push(this.#create(key, plan, loaded));
    }
    const predecessors = retired.map((served) => served.listener);
    const problems: string[] = [];
    for (const { listener, plan } of added) {
      const result = await listener.listen(predecessors);
      if (!result.ok) problems.push(`listener '${plan.name}': ${result.message}`);
    }
    if (problems.length > 0) {
      for (const { listener, accessLoggers } of added) {
        listener.closeAll(CloseType.NoFlush, "the configuration was refused");
        accessLoggers.end();
      }
      return { ok: false, problems };
    }
    for (const { listener } of added) listener.takeOver();
    for (const served of retired) this.#retire(served);
    for (const served of added) this.#listeners.set(served.plan.name, served);
    return { ok: true };
  }

  #create(key: string, plan: ListenerPlan, loaded: LoadedExtensions): ServedListener {
    const { clock, random, stats, index } = this.#environment;
    const drain = new DrainManager(clock, random, plan.drainType);
    drain.healthChecksFail = this.#healthChecksFail;
    const accessLoggers = this.#extensions.createAccessLoggerUse();
    const context = this.#extensions.context(plan, loaded, drain, accessLoggers);
    const chains = plan.filterChains.map((chain) => buildChain(chain, loaded.network, context));
    const fallback = plan.defaultFilterChain === null
      ? null
      : buildChain(plan.defaultFilterChain, loaded.network, context);
    const scope = stats.scope(`listener.${plan.statPrefix}`);
    const listener = new Listener<ServedChain>({
      plan,
      clock,
      stats: scope,
      workerStats: scope.scope(`worker_${index}`),
      filterChains: chains,
      defaultFilterChain: fallback,
      connectionLimit: new CountedConnectionLimit(
        new RuntimeValue(
          this.#runtime,
          (now) => now.integer(`envoy.resource_limits.listener.${plan.name}.connection_limit`, Infinity),
        ),
        this.#counts.create(`listener.${plan.name}`),
      ),
      ...(!plan.ignoresGlobalConnectionLimit && { globalConnectionLimit: this.#globalConnectionLimit }),
      overload: acceptOverload(context.overload),
      handshakeTimers: scaledTimers(context.overload, "transport_socket_connect", clock),
      onConnection: (connection, chain) => {
        connection.setBufferLimitBytes(plan.perConnectionBufferLimitBytes);
        this.#served.set(connection, chain.serve(connection));
      },
      onBug: (error) => this.#environment.onBug(error),
    });
    return { key, listener, drain, accessLoggers, plan };
  }

  /** Lets a listener's connections finish, within the drain time, and forgets it when they have. */
  #retire(served: ServedListener): void {
    const { clock, drainTimeMs } = this.#environment;
    this.#listeners.delete(served.plan.name);
    this.#retired.add(served);
    served.drain.start("immediate", 0);
    served.listener.stopAccepting();
    const closeIdle = clock.createTimer(() => this.#closeIdle(served.listener.connections));
    const closeAll = clock.createTimer(() => served.listener.closeAll(CloseType.FlushWrite, "drained"));
    closeIdle.enable(Math.min(RETIRED_IDLE_CLOSE_MS, drainTimeMs));
    closeAll.enable(drainTimeMs);
    served.listener.onIdle(() => {
      closeIdle.disable();
      closeAll.disable();
      this.#retired.delete(served);
      served.accessLoggers.end();
    });
  }

  drain({ strategy, durationMs, inboundOnly, stopAccepting }: DrainOrder): void {
    for (const served of this.#listeners.values()) {
      if (inboundOnly && served.plan.trafficDirection !== "INBOUND") continue;
      if (strategy !== null) served.drain.start(strategy, durationMs);
      if (stopAccepting) served.listener.stopAccepting();
    }
  }

  failHealthChecks(fail: boolean): void {
    this.#healthChecksFail = fail;
    for (const served of this.#listeners.values()) served.drain.healthChecksFail = fail;
  }

  /** Ends connections that carry nothing now. */
  closeIdle(): void {
    this.#closeIdle(this.#connections());
  }

  #closeIdle(connections: Iterable<SocketConnection>): void {
    for (const connection of connections) {
      const served = this.#served.get(connection);
      if (served !== undefined && served.idle) served.drain();
    }
  }

  activity(): { readonly connections: number; readonly streams: number } {
    let connections = 0;
    let streams = 0;
    for (const connection of this.#connections()) {
      connections++;
      streams += this.#served.get(connection)?.activeStreams ?? 0;
    }
    return { connections, streams };
  }

  /** The streams of all connections, with what they hold. */
  *accounts(): Generator<StreamAccount> {
    for (const connection of this.#connections()) yield* this.#served.get(connection)?.accounts?.() ?? [];
  }

  *#connections(): Generator<SocketConnection> {
    for (const served of this.#listeners.values()) yield* served.listener.connections;
    for (const served of this.#retired) yield* served.listener.connections;
  }

  close(): void {
    for (const served of [...this.#listeners.values(), ...this.#retired]) {
      served.listener.closeAll(CloseType.NoFlush, "server stopped");
    }
    this.#listeners.clear();
    this.#retired.clear();
  }
}
