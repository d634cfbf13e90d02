// test/host/net/support.ts: real sockets and recorded events for the tests of host/net.
import type { Clock } from "../../../host/base/clock.ts";
import type { Connection, ConnectionHandler } from "../../../host/net/connection_port.ts";
import type { SocketConnection } from "../../../host/net/connection.ts";
import { type DialFailure, type DialOptions, dialTcp } from "../../../host/net/dial.ts";
import type { PeerType } from "../../../host/net/filter.ts";
import { type FilterChain, Listener, type ListenerOptions } from "../../../host/net/listener.ts";
import { type FilterChainPlan, type ListenerPlan, MATCH_ANY } from "../../../host/net/plan.ts";
import type { CounterPort, GaugePort, HistogramPort, StatsScope } from "../../../host/net/stats.ts";
import { rawBufferServer } from "../../../host/net/transport.ts";
import type { SocketAddress } from "../../../host/observe/stream_info.ts";
import { systemClock } from "../../../host/platform/system_clock.ts";

/** Statistics that a test can read by name. */
export class RecordingStats implements StatsScope {
  readonly values: Map<string, number> = new Map();

  #metric(name: string): CounterPort & GaugePort & HistogramPort {
    const add = (amount: number): void => void this.values.set(name, (this.values.get(name) ?? 0) + amount);
    if (!this.values.has(name)) this.values.set(name, 0);
    return {
      inc: () => add(1),
      dec: () => add(-1),
      add,
      set: (value) => void this.values.set(name, value),
      record: () => add(1),
    };
  }

  counter(name: string): CounterPort {
    return this.#metric(name);
  }

  gauge(name: string): GaugePort {
    return this.#metric(name);
  }

  histogram(name: string): HistogramPort {
    return this.#metric(name);
  }

  get(name: string): number {
    const value = this.values.get(name);
    if (value === undefined) throw new Error(`no statistic ${name}`);
    return value;
  }
}

/** A handler that remembers what came and lets a test wait for it. */
export class Recorder implements ConnectionHandler {
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  ended = false;
  above = 0;
  below = 0;
  closes: { by: PeerType; details: string }[] = [];
  #waiting: { test: () => boolean; resolve: () => void }[] = [];

  get text(): string {
    return this.chunks.map((chunk) => new TextDecoder("latin1").decode(chunk)).join("");
  }

  /** Settles when `test` holds; looked at after every event. */
  until(test: () => boolean): Promise<void> {
    if (test()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ test, resolve }));
  }

  closed(): Promise<void> {
    return this.until(() => this.closes.length > 0);
  }

  onData(bytes: Uint8Array): void {
    // Lent bytes: `slice` of a Buffer would be a view of them.
    this.chunks.push(Uint8Array.from(bytes));
    this.bytes += bytes.length;
    this.#check();
  }

  onEnd(): void {
    this.ended = true;
    this.#check();
  }

  onClose(by: PeerType, details: string): void {
    this.closes.push({ by, details });
    this.#check();
  }

  onAboveWriteBufferHighWatermark(): void {
    this.above++;
    this.#check();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.below++;
    this.#check();
  }

  #check(): void {
    const ready = this.#waiting.filter((each) => each.test());
    this.#waiting = this.#waiting.filter((each) => !ready.includes(each));
    for (const each of ready) each.resolve();
  }
}

export function chainPlan(name: string, plan: Partial<FilterChainPlan> = {}): FilterChainPlan {
  return {
    name,
    match: MATCH_ANY,
    filters: [],
    transportSocket: null,
    transportSocketConnectTimeoutMs: 0,
    ...plan,
  };
}

export function listenerPlan(plan: Partial<ListenerPlan> = {}): ListenerPlan {
  return {
    name: "test",
    statPrefix: "test",
    addresses: [{ address: "127.0.0.1", port: 0, ipv4Compat: false, mode: 0 }],
    bindToPort: true,
    reusePort: false,
    backlog: 128,
    ignoresGlobalConnectionLimit: false,
    bypassesOverloadManager: false,
    perConnectionBufferLimitBytes: 1024 * 1024,
    listenerFilters: [],
    listenerFiltersTimeoutMs: 15_000,
    continueOnListenerFiltersTimeout: false,
    filterChains: [chainPlan("only")],
    defaultFilterChain: null,
    accessLog: [],
    trafficDirection: "UNSPECIFIED",
    drainType: "DEFAULT",
    ...plan,
  };
}

/** A started listener and a queue of what it accepted. */
export class TestListener {
  readonly listener: Listener<FilterChain>;
  readonly stats: RecordingStats = new RecordingStats();
  readonly address: () => SocketAddress;
  #accepted: { connection: SocketConnection; chain: FilterChain }[] = [];
  #waiting: ((accepted: { connection: SocketConnection; chain: FilterChain }) => void)[] = [];
  #address: SocketAddress | null = null;

  constructor(options: Partial<ListenerOptions<FilterChain>> = {}) {
    const plan = options.plan ?? listenerPlan();
    this.address = () => this.#address!;
    this.listener = new Listener<FilterChain>({
      plan,
      clock: systemClock,
      stats: this.stats,
      filterChains: plan.filterChains.map((each) => ({ plan: each, transport: rawBufferServer })),
      defaultFilterChain: null,
      onConnection: (connection, chain) => {
        const resolve = this.#waiting.shift();
        if (resolve === undefined) this.#accepted.push({ connection, chain });
        else resolve({ connection, chain });
      },
      ...options,
    });
  }

  async start(): Promise<this> {
    const result = await this.listener.listen();
    if (!result.ok) throw new Error(result.message);
    this.#address = result.addresses[0]!;
    return this;
  }

  accept(): Promise<{ connection: SocketConnection; chain: FilterChain }> {
    const first = this.#accepted.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.listener.closeAll();
  }
}

/** Dials; rejects with the failure. */
export function dial(address: SocketAddress, options: Partial<DialOptions> = {}): Promise<SocketConnection> {
  return new Promise((resolve, reject) => {
    dialTcp({ address, clock: systemClock as Clock, ...options }, {
      onConnected: resolve,
      onFailure: (failure: DialFailure) => reject(failure),
    });
  });
}

/** Two ends of one connection with a recorder on each. */
export interface Pair {
  readonly listener: TestListener;
  readonly server: SocketConnection;
  readonly client: SocketConnection;
  readonly serverEvents: Recorder;
  readonly clientEvents: Recorder;
  close(): void;
}

export async function pair(
  options: { dial?: Partial<DialOptions>; listener?: Partial<ListenerOptions<FilterChain>> } = {},
): Promise<Pair> {
  const listener = await new TestListener(options.listener ?? {}).start();
  const [accepted, client] = await Promise.all([listener.accept(), dial(listener.address(), options.dial)]);
  const serverEvents = new Recorder();
  const clientEvents = new Recorder();
  accepted.connection.setHandler(serverEvents);
  client.setHandler(clientEvents);
  return {
    listener,
    server: accepted.connection,
    client,
    serverEvents,
    clientEvents,
    close() {
      client.close("no_flush");
      listener.close();
    },
  };
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Turns of the event loop that carry no socket event of interest; for asserting that nothing more comes. */
export function settle(connection: Connection, events: Recorder, echo: Connection): Promise<void> {
  const before = events.bytes;
  echo.write(new Uint8Array([0]));
  return events.until(() => events.bytes > before || connection.closed);
}
