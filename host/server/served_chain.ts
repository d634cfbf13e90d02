// host/server/served_chain.ts: a filter chain ready to serve connections.
/**
 * @see Envoy: source/common/listener_manager/filter_chain_manager_impl.cc
 * @module
 */
import type { DrainableConnection, FactoryContext, NetworkFilterModule } from "../extensions/define.ts";
import type { SocketConnection } from "../net/connection.ts";
import { CloseType } from "../net/filter.ts";
import type { FilterChain } from "../net/listener.ts";
import { type NetworkChainFactories, startNetworkChain } from "../net/network_chain.ts";
import type { FilterChainPlan } from "../net/plan.ts";
import { rawBufferServer } from "../net/transport.ts";
import { filterMetadata, StreamInfo } from "../observe/stream_info.ts";

export interface ServedChain extends FilterChain {
  /** Takes a connection over. */
  serve(connection: SocketConnection): DrainableConnection;
}

/** Builds a chain from its plan; `modules` holds the loaded network filters by extension name. */
export function buildChain(
  plan: FilterChainPlan,
  modules: ReadonlyMap<string, NetworkFilterModule>,
  context: FactoryContext,
): ServedChain {
  if (plan.filters.length === 0) return emptyChain(plan, context);
  const used = plan.filters.map((filter) => ({ plan: filter.plan, module: modules.get(filter.extension)! }));
  const last = used.at(-1)!;
  const terminal = last.module.createTerminal?.(last.plan, context) ?? null;
  const unreached = last.module.createUnreached?.(last.plan, context) ?? null;
  const passed = terminal === null ? used : used.slice(0, -1);
  const filters = passed.map((filter) => filter.module.createFilter!(filter.plan, context));
  const { clock, bufferLimitBytes } = context;
  const listenerMetadata = filterMetadata(context.listener.metadata);
  return {
    plan,
    transport: rawBufferServer,
    serve(connection) {
      const info = new StreamInfo(connection.info, clock.nowMs(), clock.wallMs());
      info.filterChainName = plan.name;
      info.listenerName = context.listener.name;
      info.trafficDirection = context.listener.trafficDirection;
      info.listenerMetadata = listenerMetadata;
      let served: DrainableConnection | null = null;
      const chain: NetworkChainFactories = {
        filters,
        terminal: terminal === null ? null : (end, each) => served = terminal(end, each) ?? new L4Connection(),
        halfClose: last.module.halfClose ?? false,
        ...(unreached === null ? {} : { onUnreached: unreached }),
      };
      startNetworkChain(connection, chain, info, clock, bufferLimitBytes);
      // Without filters before it the terminal one began at once.
      if (filters.length === 0 && served !== null) return served;
      return new ServedConnection(connection, () => served);
    },
  };
}

/** A chain without filters: its connections are closed. */
function emptyChain(plan: FilterChainPlan, { stats, listener }: FactoryContext): ServedChain {
  const missing = stats.scope(`listener.${listener.statPrefix}`).counter("network_extension_config_missing");
  return {
    plan,
    transport: rawBufferServer,
    serve(connection) {
      missing.inc();
      connection.close(CloseType.NoFlush);
      return new L4Connection();
    },
  };
}

/** A connection while its chain may still be looking at it: the terminal filter begins when the others let it. */
class ServedConnection implements DrainableConnection {
  readonly #connection: SocketConnection;
  readonly #terminal: () => DrainableConnection | null;

  constructor(connection: SocketConnection, terminal: () => DrainableConnection | null) {
    this.#connection = connection;
    this.#terminal = terminal;
  }

  get activeStreams(): number {
    return this.#terminal()?.activeStreams ?? 1;
  }

  get idle(): boolean {
    return this.#terminal()?.idle ?? false;
  }

  drain(): void {
    const terminal = this.#terminal();
    if (terminal !== null) terminal.drain();
    else this.#connection.close(CloseType.FlushWrite, "listener drained");
  }
}

/** A connection without requests in it: one stream, which drains by itself. */
class L4Connection implements DrainableConnection {
  readonly activeStreams = 1;
  readonly idle = false;

  drain(): void {}
}
