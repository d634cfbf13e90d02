// host/wasm/context.ts: what host functions see of a context, whichever kind it is.
// pure: no I/O, no clock, no runtime globals
/**
 * Context 0 is the VM itself and never appears here. A plugin has one root context for each configuration,
 * a stream has one whose `root` is its plugin's. Host functions act on the *effective* context: the one of
 * the running callback, or the one that the guest has chosen by `proxy_set_effective_context`.
 *
 * Whatever a guest asks for that it could notice in the same call (an answer, going on, closing, results
 * that are there at once) waits until the guest has returned: `Operations.defer` with one of the operations below.
 *
 * @see Envoy: proxy-wasm-cpp-host include/proxy-wasm/context.h
 * @module
 */
import { Status } from "../../abi/mod.ts";
import type { ByteQueue } from "../base/byte_queue.ts";
import type {
  GrpcRequest,
  HeaderMapPort,
  HttpCallRequest,
  LogSource,
  PropertyDeclaration,
  QueueConsumer,
  StreamPort,
  WasmLocalReply,
} from "./ports.ts";

/** What a context does after the guest has returned. */
export const Deferred = {
  ContinueRequest: 0,
  ContinueResponse: 1,
  CloseStream: 2,
  LocalReply: 3,
  ContinueDownstream: 4,
  ContinueUpstream: 5,
  CloseDownstream: 6,
  CloseUpstream: 7,
  HttpCallDone: 8,
  GrpcEvents: 9,
  DnsDone: 10,
  PluginDone: 11,
  VmFailed: 12,
} as const;
export type Deferred = (typeof Deferred)[keyof typeof Deferred];

/** Declarations of properties that one context may make. */
const MAX_DECLARATIONS = 1000;

/** A context of a stream or a plugin. The defaults are a plugin's: no stream, no maps, no buffers. */
export abstract class Context {
  readonly id: number;
  /** What a component has made for this stream. */
  guestObject: number | null = null;
  #declarations: Map<string, PropertyDeclaration> | null = null;
  /** Bytes of the properties that were set here, by name. */
  #propertySizes: Map<string, number> | null = null;
  #propertyBytes = 0;
  /** Calls under way that were begun for this context. */
  callouts = 0;

  /** Bytes that the guest has added to header maps since they were counted. */
  headerBytes = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** The plugin's context; for that itself. */
  abstract readonly root: PluginContext;

  /** The stream of this context, or null. */
  abstract readonly stream: StreamPort | null;

  /** Carries out what was deferred; `token` is that of a callout. */
  abstract runDeferred(operation: Deferred, token: number): void;

  /** A header map (types 0 to 3) that may be read now, or null. */
  streamMap(_type: number): HeaderMapPort | null {
    return null;
  }

  /** A header map (types 0 to 3) that may be changed now, or null. */
  streamMapToChange(_type: number): HeaderMapPort | null {
    return null;
  }

  /** A guest has changed a map. */
  onMapChanged(_type: number): void {}

  /** Whether access logging is under way. */
  get isLogging(): boolean {
    return false;
  }

  /** A body or connection buffer (types 0 to 3), or null when there is none now. */
  streamBuffer(_type: number): ByteQueue | null {
    return null;
  }

  /** A guest has changed a buffer (types 0 to 3). */
  onBufferChanged(_type: number): void {}

  continueStream(_type: number): Status {
    return Status.Ok;
  }

  closeStream(_type: number): Status {
    return Status.Ok;
  }

  sendLocalReply(_reply: WasmLocalReply): void {}

  clearRouteCache(): void {}

  /** Counts a property that is set here; false, and not counted, when all would have more than `limitBytes`. */
  countProperty(name: string, bytes: number, limitBytes: number): boolean {
    const sizes = this.#propertySizes ??= new Map();
    const total = this.#propertyBytes - (sizes.get(name) ?? 0) + bytes;
    if (total > limitBytes) return false;
    sizes.set(name, bytes);
    this.#propertyBytes = total;
    return true;
  }

  /** What was said of a property here; those of the plugin's own context count. */
  declaration(name: string): PropertyDeclaration | null {
    return this.#declarations?.get(name) ?? null;
  }

  /** False when it was declared before, or too many were. */
  declareProperty(name: string, declaration: PropertyDeclaration): boolean {
    const all = this.#declarations ??= new Map();
    if (all.has(name) || all.size >= MAX_DECLARATIONS) return false;
    all.set(name, declaration);
    return true;
  }
}

/** Header maps of callouts, by map type 4 to 7, and buffers 4, 5 and 8. */
export interface CalloutData {
  map(type: number): HeaderMapPort | null;
  buffer(type: number): Uint8Array | null;
}

/** A plugin's own context as host functions use it. */
export abstract class PluginContext extends Context implements QueueConsumer {
  abstract readonly source: LogSource;
  /** `plugin_name`, `plugin_root_id`, `plugin_vm_id`. */
  abstract readonly ownProperties: ReadonlyMap<string, Uint8Array>;
  abstract readonly vmConfiguration: Uint8Array;
  abstract readonly pluginConfiguration: Uint8Array;
  /** True during `proxy_on_configure`. */
  abstract readonly isConfiguring: boolean;
  abstract readonly calloutData: CalloutData;
  /** How the last callout ended; see `proxy_get_status`. */
  abstract readonly lastStatus: number;
  /** Latin1. */
  abstract readonly lastStatusMessage: string;
  /** What foreign functions keep for this plugin, by a name of theirs. */
  readonly foreignData: Map<string, unknown> = new Map();

  abstract setTickPeriod(periodMs: number): void;
  /** False when nothing waits for it. */
  abstract done(): boolean;
  abstract onQueueReady(token: number): boolean | void;

  /** The token, or a negative status. */
  abstract httpCall(request: HttpCallRequest): number;

  /** The token, or a negative status. A stream when `message` is null. */
  abstract grpcOpen(request: GrpcRequest, message: Uint8Array | null, timeoutMs: number): number;
  /** The token of a look-up, or a negative status. */
  abstract resolveDns(name: string): number;
  abstract grpcSend(token: number, message: Uint8Array, end: boolean): Status;
  abstract grpcClose(token: number): Status;
  abstract grpcCancel(token: number): Status;
}
