// host/wasm/limits.ts: what the host keeps on a guest's behalf, and how much of it.
// pure: no I/O, no clock, no runtime globals
/**
 * Memory, tables and processor time are limited in the guest itself (`meter.ts`). Here is the rest: whatever
 * a guest can make the host keep, send or write. A guest that reaches a limit gets an answer that its SDK can
 * take (the Rust one panics on statuses that it does not expect of a call), the limit is counted, and the
 * first time the log says so.
 *
 * @module
 */

export interface GuestLimits {
  /** HTTP and gRPC calls under way, and look-ups of names, of one VM. */
  readonly maxHttpCalls: number;
  /** The same, begun by one stream. */
  readonly maxHttpCallsPerStream: number;
  /** Bytes of the requests of all calls that one VM has under way. */
  readonly maxHttpCallBytes: number;
  /** Metrics that the plugins of one `vm_id`, code reloaded or not, have defined on this thread. */
  readonly maxMetrics: number;
  /** Bytes of one log line; longer ones are cut. */
  readonly maxLogLineBytes: number;
  readonly maxLogLinesPerSecond: number;
  readonly maxLogBytesPerSecond: number;
  /** Bytes of shared data and queues of a `vm_id`. */
  readonly maxSharedBytes: number;
  readonly maxSharedKeys: number;
  readonly maxQueues: number;
  /** Messages in all queues of a `vm_id`. */
  readonly maxQueuedMessages: number;
  /** Streams and plugins of one VM at once. */
  readonly maxContexts: number;
  /** Bytes that the guest keeps with one stream by `proxy_set_property`. */
  readonly maxPropertyBytes: number;
  /** Bytes of a body after the guest has edited it, unless it came larger; also of a local reply. */
  readonly maxBodyBytes: number;
  /** Bytes of a header map after the guest has added to it. */
  readonly maxHeaderBytes: number;
  /** What one callback may ask for that happens after it: answers, going on, closing. */
  readonly maxDeferred: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: GuestLimits = {
  maxHttpCalls: 1024,
  maxHttpCallsPerStream: 32,
  maxHttpCallBytes: 64 * MIB,
  maxMetrics: 10_000,
  maxLogLineBytes: 16 * 1024,
  maxLogLinesPerSecond: 1000,
  maxLogBytesPerSecond: MIB,
  maxSharedBytes: 16 * MIB,
  maxSharedKeys: 100_000,
  maxQueues: 128,
  maxQueuedMessages: 100_000,
  maxContexts: 100_000,
  maxPropertyBytes: MIB,
  maxBodyBytes: 64 * MIB,
  maxHeaderBytes: MIB,
  maxDeferred: 10_000,
};

/** VMs that one thread may have, the failed and the draining ones too. */
export const MAX_VMS = 512;
/** Bytes of a module. */
export const MAX_MODULE_BYTES: number = 64 * MIB;
/** Entries of a header map after the guest has added to it, and of pairs that it hands over. */
export const MAX_HEADERS = 1024;
/** Bytes of names of properties, clusters, metrics, foreign functions and the like. */
export const MAX_NAME_BYTES = 4096;
/** Names and keys up to this size are paid for by the call of the host function. */
export const CHEAP_BYTES = 64;
/** What a guest pays for a callout, whether it is sent or not. */
export const UNITS_PER_CALLOUT = 512;
/** Callbacks that begin inside of one another, by what each has deferred, before the rest waits for the event loop. */
export const MAX_DEPTH = 8;

/** Names of limits in statistics. */
export type LimitName =
  | "body_bytes"
  | "contexts"
  | "deferred"
  | "header_bytes"
  | "http_calls"
  | "http_call_bytes"
  | "log"
  | "metrics"
  | "names"
  | "property_bytes"
  | "queued_messages"
  | "queues"
  | "shared_data"
  | "vms";

/** The limits among more. */
export function limitsOf(from: GuestLimits): GuestLimits {
  const limits = {} as Record<keyof GuestLimits, number>;
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof GuestLimits)[]) limits[name] = from[name];
  return limits;
}
