// host/wasm/ports.ts: everything that the wasm engine asks of whoever embeds it.
// pure: no I/O, no clock, no runtime globals
/**
 * The engine knows no sockets, clusters or configuration: a `WasmEnvironment` gives it those by small
 * structural interfaces, so that the proxy, the test harness and a browser page run the same engine. The
 * stream ports are what `host/http/filter.ts` and `host/net/filter.ts` give filters, as far as wasm uses it.
 *
 * Text that comes from or goes to the wire is latin1 (one character a byte); text that says so is Unicode.
 *
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import type { Random } from "../base/random.ts";
import type { Status } from "../../abi/mod.ts";
import type { GuestLimits, LimitName } from "./limits.ts";

/** Header fields in order, pseudo-headers first. Names are lower case, values latin1. */
export interface HeaderMapPort {
  readonly size: number;
  /** Bytes of all names and values. */
  readonly byteSize: number;
  get(name: string): string | null;
  getJoined(name: string): string | null;
  add(name: string, value: string): void;
  set(name: string, value: string): void;
  remove(name: string): boolean;
  forEach(callback: (name: string, value: string) => void): void;
  clear(): void;
}

/** An answer that a guest, or the engine on behalf of a failed one, gives. */
export interface WasmLocalReply {
  readonly status: number;
  readonly body: Uint8Array;
  readonly details: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly grpcStatus?: number;
}

/** One HTTP stream. */
export interface HttpStreamPort {
  readonly requestHeaders: HeaderMapPort | null;
  readonly requestTrailers: HeaderMapPort | null;
  readonly responseHeaders: HeaderMapPort | null;
  readonly responseTrailers: HeaderMapPort | null;
  readonly bufferedRequestBody: ByteQueue | null;
  readonly bufferedResponseBody: ByteQueue | null;
  clearRouteCache(): void;
  continueRequest(): void;
  continueResponse(): void;
  sendLocalReply(reply: WasmLocalReply): void;
  resetStream(details: string): void;
  addRequestTrailers(): HeaderMapPort;
  addResponseTrailers(): HeaderMapPort;
}

/** One downstream connection with its upstream. */
export interface NetworkStreamPort {
  continueReading(): void;
  continueWriting(): void;
  close(type: "flush_write", details: string): void;
}

export type StreamPort = HttpStreamPort | NetworkStreamPort;

/** Takes the lines of traced calls. */
export interface CallTracePort {
  write(source: LogSource, line: string): void;
}

/** Who logs. */
export interface LogSource {
  readonly pluginName: string;
  readonly rootId: string;
  readonly vmId: string;
}

export interface LogPort {
  /** Messages below this level are dropped unread; 6 is off. Read at each message. */
  readonly level: number;
  /** `text` is Unicode and may hold anything, line breaks too. */
  log(level: number, source: LogSource, text: string): void;
}

export interface CounterPort {
  add(amount: number): void;
  readonly value: number;
}

export interface GaugePort {
  add(amount: number): void;
  set(value: number): void;
  readonly value: number;
}

export interface HistogramPort {
  record(value: number): void;
}

/** Where guests' metrics go: one object per name for the whole process. */
export interface MetricsPort {
  counter(name: string): CounterPort;
  gauge(name: string): GaugePort;
  histogram(name: string): HistogramPort;
}

/** A property's value with its type; the engine encodes it for the guest. */
export type PropertyValue =
  | { readonly kind: "latin1"; readonly value: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "int"; readonly value: number | bigint }
  | { readonly kind: "uint"; readonly value: number | bigint }
  /** Nanoseconds. */
  | { readonly kind: "duration"; readonly value: bigint }
  /** Nanoseconds since 1970. */
  | { readonly kind: "timestamp"; readonly value: bigint }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "headers"; readonly value: HeaderMapPort }
  | { readonly kind: "map"; readonly value: ReadonlyMap<string, PropertyValue> }
  | { readonly kind: "list"; readonly value: readonly PropertyValue[] }
  | { readonly kind: "message"; readonly value: MessageValue }
  | { readonly kind: "null" }
  /** There to be looked into, as `request` is; as a whole it cannot be encoded. */
  | { readonly kind: "opaque" };

/** A protobuf message. */
export interface MessageValue {
  /** A field by its name, with its default when it is not set; null when the type has none of that name. */
  field(name: string): PropertyValue | null;
  encode(): Uint8Array;
}

/** What a plugin has said of a property that it sets: `declare_property`. */
export interface PropertyDeclaration {
  /** The first value is the last one. */
  readonly readOnly: boolean;
  readonly type: "bytes" | "string" | "flatbuffers" | "protobuf";
  /** A type URL, or the binary schema of a flat buffer. */
  readonly schema: Uint8Array;
  readonly span: "filter_chain" | "request" | "connection";
}

/** Which headers Envoy would let a guest see now: those that have not gone on yet. */
export interface VisibleHeaders {
  readonly requestHeaders: boolean;
  readonly responseHeaders: boolean;
  readonly responseTrailers: boolean;
}

/** Attributes of streams, and the state that filters keep with a stream. */
export interface PropertyPort {
  /**
   * The attribute at a path, or null when there is none. `stream` is null outside streams. Paths are Unicode.
   * With `visible` there are no more than in Envoy: none of headers that went on, none by names that it once had.
   */
  get(stream: StreamPort | null, path: readonly string[], visible?: VisibleHeaders): PropertyValue | null;
  /** An object of the stream's filter state, or what a path inside it leads to. */
  getState(stream: StreamPort, key: string, path: readonly string[]): PropertyValue | null;
  /** Puts an object into the stream's filter state; false when one is there that must not change. */
  setState(stream: StreamPort, key: string, value: Uint8Array, declaration: PropertyDeclaration | null): boolean;
}

/** A request that a guest sends to a cluster. */
export interface HttpCallRequest {
  readonly cluster: string;
  /** With `:method`, `:path` and `:authority`. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  readonly trailers: readonly (readonly [string, string])[];
  /** 0 for no limit. */
  readonly timeoutMs: number;
}

export interface HttpCallCallbacks {
  onResponse(headers: HeaderMapPort, body: Uint8Array, trailers: HeaderMapPort | null): void;
  /** `reason` is free text for the guest, for example `timeout` or `overflow`. */
  onFailure(reason: string): void;
}

export interface CallHandle {
  /** Ends the call; no callback comes after it. */
  cancel(): void;
}

/** Why a call was not sent. */
export type HttpCallFailure = "unknown_cluster" | "send_failed";

export interface HttpCallPort {
  /** Exactly one callback comes, at once or later, unless the call failed or was cancelled. */
  send(request: HttpCallRequest, callbacks: HttpCallCallbacks): CallHandle | HttpCallFailure;
}

export interface GrpcRequest {
  /** A cluster's name, or a serialized `envoy.config.core.v3.GrpcService`; latin1. */
  readonly upstream: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: readonly (readonly [string, string])[];
}

export interface GrpcCallCallbacks {
  onMessage(message: Uint8Array): void;
  onFailure(status: number, message: string): void;
}

export interface GrpcStreamCallbacks {
  onInitialMetadata(metadata: HeaderMapPort): void;
  onMessage(message: Uint8Array): void;
  onTrailingMetadata(metadata: HeaderMapPort): void;
  /** The other side is done, or the stream broke. */
  onClose(status: number, message: string): void;
}

export interface GrpcStreamHandle {
  /** False while messages wait to be sent; absent: nobody knows. */
  readonly hasRoom?: boolean;
  send(message: Uint8Array, end: boolean): void;
  /** Half-closes. */
  close(): void;
  reset(): void;
}

export type GrpcFailure = "unknown_upstream" | "invalid_upstream" | "send_failed";

export interface GrpcClientPort {
  /** `timeoutMs` 0 is no limit. */
  call(
    request: GrpcRequest,
    message: Uint8Array,
    timeoutMs: number,
    callbacks: GrpcCallCallbacks,
  ): CallHandle | GrpcFailure;
  openStream(request: GrpcRequest, callbacks: GrpcStreamCallbacks): GrpcStreamHandle | GrpcFailure;
}

export interface DnsAddress {
  readonly address: string;
  readonly ttlSeconds: number;
}

export interface DnsPort {
  /** One callback, at once or later; no addresses when the name cannot be resolved. */
  resolve(name: string, onAnswer: (addresses: readonly DnsAddress[]) => void): void;
}

/** On whose behalf a foreign function runs. */
export interface ForeignCall {
  readonly source: LogSource;
  /** The stream of the effective context; null for a plugin's own. */
  readonly stream: StreamPort | null;
  /** What foreign functions keep for the plugin; it ends with the plugin's context. */
  readonly pluginData: Map<string, unknown>;
  /** Does what the guest's `proxy_clear_route_cache` would; no effect outside HTTP streams. */
  clearRouteCache(): void;
  /** What `proxy_get_property` would find. */
  property(path: readonly string[]): PropertyValue | null;
  /** Says what a property is that the plugin sets later; false when that was said before, or too much was. */
  declareProperty(name: string, declaration: PropertyDeclaration): boolean;
  /** Makes the guest pay for work that takes longer than reading its arguments; see `meter.ts` for the units. */
  charge(units: number): void;
  /** Says to the plugin's author why the function refuses. */
  explain(text: string): void;
}

/** A status with the result's bytes; a bare status has none. */
export type ForeignResult = Status | Uint8Array;

export type ForeignFunction = (call: ForeignCall, args: Uint8Array) => ForeignResult;

/** How a reload of a crashed plugin went; the names of Envoy's counters. */
export type ReloadOutcome = "vm_reload_success" | "vm_reload_failure" | "vm_reload_backoff";

/** What a VM has done in its life. */
export interface VmUsage {
  readonly calls: number;
  readonly fuelSpent: number;
}

/** What happens to VMs, for statistics and admin pages. All optional, none may throw. */
export interface WasmEvents {
  onVmCreated?(source: LogSource): void;
  onVmDestroyed?(source: LogSource, usage: VmUsage): void;
  onVmFailed?(source: LogSource, message: string, diagnostic: Diagnostic): void;
  onReload?(source: LogSource, outcome: ReloadOutcome): void;
  /** A limit has kept a guest from something, `count` times. */
  onLimit?(source: LogSource, limit: LimitName, count: number): void;
}

/** What a `vm_id` may have of the shared store. */
export type SharedLimits = Pick<GuestLimits, "maxSharedBytes" | "maxSharedKeys" | "maxQueues" | "maxQueuedMessages">;

/** What the data and queues of a `vm_id` are now. */
export interface SharedStatus {
  readonly keys: number;
  /** All of it: keys, values, queues and messages. */
  readonly bytes: number;
  readonly queues: readonly { readonly name: string; readonly messages: number }[];
}

/** Shared data and queues across threads; `SharedStore` is the real one. */
export interface SharedStorePort {
  /** Keeps the data of a `vm_id` alive; the last release deletes it. The limits that came last count. */
  retain(vmId: string, limits?: SharedLimits): void;
  release(vmId: string): void;
  /** The value's bytes, or null; `lastCas` is then its number. */
  get(vmId: string, key: Uint8Array): Uint8Array | null;
  readonly lastCas: number;
  /** Ok, CasMismatch, or InternalFailure when a limit is reached. */
  set(vmId: string, key: Uint8Array, value: Uint8Array, cas: number): Status;
  /** The queue's token with `consumer` told of new messages; 0 when the limit is reached. */
  registerQueue(vmId: string, name: Uint8Array, consumer: QueueConsumer): number;
  /** 0 when there is none. */
  resolveQueue(vmId: string, name: Uint8Array): number;
  /** Ok, NotFound, or InternalFailure when the limit is reached. */
  enqueue(token: number, message: Uint8Array): Status;
  /** The oldest message; a status when there is none. */
  dequeue(token: number): Uint8Array | Status;
  /** Ends all consumption by `consumer`; the queues stay. */
  removeConsumer(consumer: QueueConsumer): void;
  /** Of a `vm_id`; nothing of one that is not retained. */
  status(vmId: string): SharedStatus;
}

export interface QueueConsumer {
  /** Once for each message; called from the event loop. False: this took long, the others can wait a turn. */
  onQueueReady(token: number): boolean | void;
}

/** All ports together; one per thread. */
export interface WasmEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  /** Fills with bytes fit for secrets; `crypto.getRandomValues` when absent. */
  readonly randomBytes?: (target: Uint8Array) => void;
  readonly log: LogPort;
  readonly metrics: MetricsPort;
  readonly properties: PropertyPort;
  readonly shared: SharedStorePort;
  readonly httpCalls: HttpCallPort | null;
  readonly grpc: GrpcClientPort | null;
  /** For Envoy's `envoy_resolve_dns`; without it every name is unknown. */
  readonly dns?: DnsPort;
  readonly foreignFunctions: ReadonlyMap<string, ForeignFunction>;
  readonly events?: WasmEvents;
  /** Where traced calls are written; without it to the log, at level debug. */
  readonly callTrace?: CallTracePort;
}
