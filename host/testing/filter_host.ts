// host/testing/filter_host.ts: one filter on the proxy's own engine, with a world that the test controls.
/**
 * The engine, the filter manager and the network filter chain are the proxy's. What the test replaces is the
 * world around them: time, the log, statistics, clusters, sockets.
 *
 * @module
 */
import { ManualClock } from "../base/clock.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { NuncioError } from "../base/error.ts";
import { SeededRandom } from "../base/random.ts";
import { FOREIGN_FUNCTIONS } from "../extensions/common/wasm/foreign_functions/mod.ts";
import type { HttpFilter } from "../http/filter.ts";
import type { NetworkFilter } from "../net/filter.ts";
import { type ConnectionInfo, type SocketAddress, StreamInfo } from "../observe/stream_info.ts";
import {
  type FailurePolicy,
  type ForeignFunction,
  type Plugin,
  pluginConfig,
  PluginManager,
  SharedStore,
  type WasmModule,
} from "../wasm/mod.ts";
import { OutgoingCalls } from "./http_call.ts";
import type { OutgoingCall } from "./http_call.ts";
import { HttpStream } from "./http_stream.ts";
import { type LevelName, LogRecorder, MetricRecorder } from "./recorders.ts";
import { TcpStream } from "./tcp_stream.ts";
import { type PropertyInit, TestProperties } from "./test_properties.ts";
import { unseenTraps } from "./unseen_traps.ts";

/** Configuration as tests write it: text, bytes, or a value that becomes JSON. */
export type ConfigInit = string | Uint8Array | Readonly<Record<string, unknown>> | readonly unknown[];

export interface FilterOptions {
  /** `plugin_root_id`: which filter of the module; needed only when there are several. */
  readonly rootId?: string;
  /** `plugin_name`. */
  readonly name?: string;
  /** What `onConfigure` gets. */
  readonly config?: ConfigInit;
  /** What `onVmStart` gets. */
  readonly vmConfig?: ConfigInit;
  /** Clusters that calls can be made to; the test answers them. */
  readonly clusters?: readonly string[];
  /** Properties by dotted path, for example `"request.id": "abc"`, for every stream. */
  readonly properties?: Readonly<Record<string, PropertyInit>>;
  /** The client, as `ip:port`; `192.0.2.1:50000` unless given. */
  readonly clientAddress?: string;
  /** Shared data and queues; another host's `shared` makes the two see each other, as two workers do. */
  readonly shared?: SharedStore;
  /** The time at the start, in milliseconds since 1970. */
  readonly nowMs?: number;
  /** Messages below this level are dropped, and `log.enabled` says so; `trace` unless given. */
  readonly logLevel?: LevelName;
  /** Most bytes that the proxy holds for a stream in each direction; 1 MiB unless given. */
  readonly bufferLimitBytes?: number;
  readonly failurePolicy?: FailurePolicy;
  /** Functions of the host beyond the ABI, by name. */
  readonly foreignFunctions?: Readonly<Record<string, ForeignFunction>>;
}

const DEFAULT_CLIENT = "192.0.2.1:50000";
const PROXY_ADDRESS = "192.0.2.100:10000";
const BUFFER_LIMIT_BYTES = 1024 * 1024;
const SEED = 1;

export class FilterHost {
  readonly clock: ManualClock;
  /** Hand it to another host to let the two share data and queues. */
  readonly shared: SharedStore;
  readonly #options: FilterOptions;
  readonly #log: LogRecorder;
  readonly #metrics: MetricRecorder = new MetricRecorder();
  readonly #calls: OutgoingCalls;
  readonly #manager: PluginManager;
  readonly #plugin: Plugin | null;
  readonly #problems: readonly Diagnostic[];
  #nextConnectionId = 1;

  /** See `loadFilter`. */
  constructor(module: WasmModule, options: FilterOptions) {
    this.#options = options;
    this.clock = new ManualClock(options.nowMs);
    this.shared = options.shared === undefined
      ? SharedStore.create(this.clock)
      : new SharedStore(options.shared.handle, this.clock);
    this.#log = new LogRecorder(options.logLevel ?? "trace");
    this.#calls = new OutgoingCalls(options.clusters ?? [], this.clock);
    this.#manager = new PluginManager({
      clock: this.clock,
      random: new SeededRandom(SEED),
      log: this.#log,
      metrics: this.#metrics,
      properties: new TestProperties(options.properties ?? {}),
      shared: this.shared,
      httpCalls: this.#calls,
      grpc: null,
      foreignFunctions: new Map([...FOREIGN_FUNCTIONS, ...Object.entries(options.foreignFunctions ?? {})]),
      events: { onVmFailed: (_source, _message, diagnostic) => unseenTraps.add(this, diagnostic) },
    });
    const name = options.name ?? options.rootId ?? "test";
    const loaded = this.#manager.load(
      pluginConfig({
        name,
        rootId: options.rootId ?? "",
        vmId: name,
        pluginConfiguration: configBytes(options.config),
        vmConfiguration: configBytes(options.vmConfig),
        failurePolicy: options.failurePolicy ?? "FAIL_CLOSED",
      }),
      module,
    );
    this.#plugin = "createHttpFilter" in loaded ? loaded : null;
    this.#problems = "createHttpFilter" in loaded ? [] : loaded;
  }

  /** Whether the filter accepted its configuration. When it did not, `refusal` says why. */
  get configured(): boolean {
    return this.#plugin !== null;
  }

  /** Why the configuration was refused; empty when it was not. */
  get refusal(): string {
    unseenTraps.delete(this);
    return this.#problems.flatMap((problem) => [problem.message, ...(problem.notes ?? [])]).join("\n");
  }

  /**
   * What ended the filter's VM: a trap with its stack; null as long as it runs. A test that fails without having
   * looked at it has it printed when its process ends.
   */
  get failure(): Diagnostic | null {
    unseenTraps.delete(this);
    return this.#plugin?.status().failure?.diagnostic ?? this.#problems[0] ?? null;
  }

  /** A new request. */
  http(): HttpStream {
    const plugin = this.#running();
    return new HttpStream(
      this.#streamInfo(),
      this.clock,
      this.#options.bufferLimitBytes ?? BUFFER_LIMIT_BYTES,
      (stream) => plugin.createHttpFilter(stream) as HttpFilter | null,
    );
  }

  /** A new connection. */
  tcp(): TcpStream {
    const plugin = this.#running();
    return new TcpStream(
      this.#streamInfo(),
      this.clock,
      (stream) => plugin.createNetworkFilter(stream) as NetworkFilter | null,
    );
  }

  /** Calls under way that the filter made, oldest first: answer them with `respond` or `fail`. */
  get calls(): readonly OutgoingCall[] {
    return this.#calls.list;
  }

  /** Moves time on: ticks and time-outs that fall due run, in order. */
  advance(ms: number): void {
    this.clock.advance(ms);
  }

  /** The value of a counter or gauge of the filter; 0 when there is none. */
  counter(name: string): number {
    return this.#metrics.value(name);
  }

  /** The samples of a histogram of the filter, oldest first. */
  samples(name: string): readonly number[] {
    return this.#metrics.samples(name);
  }

  /** What was logged: everything, or what has this level. */
  messages(level?: LevelName): string[] {
    return this.#log.lines.filter((line) => level === undefined || line.level === level).map((line) => line.text);
  }

  /** Memory of the filter's VM. Flat over many streams, or the filter leaks. */
  get memoryBytes(): number {
    return this.#running().status().memoryBytes;
  }

  /** Streams that the filter has contexts for. */
  get liveStreams(): number {
    return this.#running().status().streams;
  }

  /** VMs that are not free yet: 0 after `dispose` and the end of all streams. */
  get liveVms(): number {
    return this.#manager.liveVms;
  }

  /** Ends the filter, as a reload of the proxy's configuration does. */
  dispose(): void {
    this.#plugin?.dispose();
  }

  #running(): Plugin {
    if (this.#plugin !== null) return this.#plugin;
    throw new NuncioError("testing/not-configured", `the filter refused its configuration: ${this.refusal}`);
  }

  #streamInfo(): StreamInfo {
    const remote = socketAddress(this.#options.clientAddress ?? DEFAULT_CLIENT);
    const connection: ConnectionInfo = {
      id: this.#nextConnectionId++,
      localAddress: socketAddress(PROXY_ADDRESS),
      directRemoteAddress: remote,
      remoteAddress: remote,
      requestedServerName: "",
      alpn: "",
      tls: null,
      terminationDetails: "",
      transportFailureReason: "",
    };
    return new StreamInfo(connection, this.clock.nowMs(), this.clock.wallMs());
  }
}

function configBytes(config: ConfigInit | undefined): Uint8Array {
  if (config === undefined) return new Uint8Array(0);
  if (config instanceof Uint8Array) return config;
  return fromUtf8(typeof config === "string" ? config : JSON.stringify(config));
}

function socketAddress(text: string): SocketAddress {
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { address, port: Number(text.slice(colon + 1)), text };
}
