// host/wasm/component/component_imports.ts: what a component may ask of the host.
// pure: no I/O, no clock, no runtime globals
/**
 * Each function has the parameters of its canonical form: a text or list is a pointer and a length, and a
 * result that does not fit one number goes to the address in the last parameter. Most are a function of
 * proxy-wasm with its arguments in another form, and so have its limits.
 *
 * @module
 */
import { type ComponentFunctionRow, LogLevel, MetricType, Status, StreamType } from "../../../abi/mod.ts";
import { fromUtf8 } from "../../base/bytes.ts";
import type { Context } from "../context.ts";
import { HttpContext } from "../http_context.ts";
import type { HostcallTable } from "../hostcalls/family.ts";
import { logHostcalls } from "../hostcalls/log.ts";
import { metricHostcalls } from "../hostcalls/metric.ts";
import { propertyHostcalls } from "../hostcalls/property.ts";
import { sharedDataHostcalls } from "../hostcalls/shared_data.ts";
import { sharedQueueHostcalls } from "../hostcalls/shared_queue.ts";
import { timerHostcalls } from "../hostcalls/timer.ts";
import type { ComponentGuest, ComponentImport } from "./component_guest.ts";
import type { ComponentValues } from "./component_values.ts";
import { functionKey } from "./plan.ts";

/** Cases of `callout-error`. */
const CalloutError = { UnknownCluster: 0, Timeout: 1, Reset: 2, BadRequest: 3 } as const;
/** Cases of `metrics.kind`, in proxy-wasm's numbers. */
const METRIC_TYPES = [MetricType.Counter, MetricType.Gauge, MetricType.Histogram];
/** Cases of `log-level` are proxy-wasm's levels. */
const LEVELS = LogLevel.Critical + 1;
const REQUIRED_HEADERS = [":method", ":path", ":authority"];

/** Makes the function of a row for a guest, which is there only once it runs. */
export function componentImport(row: ComponentFunctionRow, guest: () => ComponentGuest): ComponentImport {
  const make = IMPORTS[functionKey(row)]!;
  // The guest is looked up at the first call: functions are made before it.
  let made: ComponentImport | null = null;
  return (...args: never[]): number | bigint | void => {
    if (made === null) {
      const { vm } = guest();
      const allowed = vm.options.allowedCapabilities;
      const isRestricted = allowed !== null && row.capability !== null && !allowed.has(row.capability);
      made = isRestricted ? refusal(row, guest()) : make(guest());
    }
    return made(...args);
  };
}

/** What stands for a function whose capability is not allowed: it says so and answers that there is nothing. */
function refusal(row: ComponentFunctionRow, guest: ComponentGuest): ComponentImport {
  const result = row.type.slice(row.type.lastIndexOf(")") + 1);
  return (...args: never[]): number | bigint => {
    const { vm, values } = guest;
    vm.log(
      LogLevel.Error,
      vm.context?.root.source ?? vm.source,
      `Attempted call to restricted proxy-wasm capability: ${row.capability}`,
    );
    const at = (args.at(-1) as number | undefined ?? 0) >>> 0;
    if (row.type.includes("->option<")) writeCase(values, at, 0);
    else if (functionKey(row) === "callout.send") return badRequest(values, at, "proxy_http_call is not allowed");
    else if (row.type.includes("->result<")) writeSetError(values, at, 1);
    return result === "->u64" ? 0n : 0;
  };
}

function writeCase(values: ComponentValues, at: number, value: number): void {
  values.check(at, 1, 1);
  values.putByte(at, value);
}

/** `result<_, set-error>`: its error's case follows in the next byte. */
function writeSetError(values: ComponentValues, at: number, error: number): void {
  values.check(at, 2, 1);
  values.putByte(at, 1);
  values.putByte(at + 1, error);
}

function calloutFailed(values: ComponentValues, at: number, error: number): 0 {
  values.check(at, 16, 4);
  values.putByte(at, 1);
  values.putByte(at + 4, error);
  return 0;
}

function badRequest(values: ComponentValues, at: number, reason: string): 0 {
  const ptr = values.lowerText(reason);
  const { length } = values;
  calloutFailed(values, at, CalloutError.BadRequest);
  values.putResult(at + 8, ptr, length);
  return 0;
}

/** What a function of proxy-wasm has written to `results`, as `option<list<u8>>`. */
function returnList(values: ComponentValues, at: number, status: number): void {
  const isThere = asBool(values, status) === 1;
  values.check(at, 12, 4);
  values.putByte(at, isThere ? 1 : 0);
  if (isThere) putList(values, at + 4, values.results);
}

/** Passes on a pointer and a size; an empty list has an address too. */
function putList(values: ComponentValues, at: number, from: number): void {
  values.putResult(at, values.u32(from) || 1, values.u32(from + 4));
}

/** Whether a function of proxy-wasm did what it was asked to. */
function asBool(values: ComponentValues, status: number): 0 | 1 {
  if (status === Status.InvalidMemoryAccess) values.refuseAddress();
  return status === Status.Ok ? 1 : 0;
}

/** A function of proxy-wasm, for those that differ in the form of their arguments only. */
function hostcall(
  guest: ComponentGuest,
  table: HostcallTable,
  name: string,
): (...args: (number | bigint)[]) => number {
  return table[name]!(guest.vm) as (...args: (number | bigint)[]) => number;
}

function contextOf(guest: ComponentGuest, name: string): Context {
  return guest.vm.context ?? guest.vm.refuse(name);
}

function texts(values: ComponentValues, ptr: number, count: number): string[] {
  if (count !== 0) values.check(ptr, count * 8, 4);
  const list: string[] = [];
  for (let i = 0; i < count; i++) list.push(values.textAt(ptr + i * 8));
  return list;
}

type ImportFactory = (guest: ComponentGuest) => ComponentImport;

const IMPORTS: Readonly<Record<string, ImportFactory>> = {
  "logging.log": (guest) => {
    const log = hostcall(guest, logHostcalls, "proxy_log");
    return (level: number, ptr: number, size: number): void => {
      const { values } = guest;
      values.caseOf(level, LEVELS);
      if (level < guest.vm.environment.log.level && level !== LogLevel.Critical) return;
      const text = values.utf8(ptr >>> 0, size >>> 0);
      asBool(values, log(level, text, values.length));
    };
  },

  "logging.enabled": (guest) => (level: number): number => level >= guest.vm.environment.log.level ? 1 : 0,

  "clock.now-nanos": (guest) => (): bigint => {
    contextOf(guest, "clock.now-nanos");
    return guest.vm.environment.clock.wallNs();
  },

  "clock.set-tick": (guest) => {
    const setTick = hostcall(guest, timerHostcalls, "proxy_set_tick_period_milliseconds");
    return (ms: number): void => void setTick(ms);
  },

  "properties.get": (guest) => {
    const get = hostcall(guest, propertyHostcalls, "proxy_get_property");
    return (ptr: number, count: number, ret: number): void => {
      const { values } = guest;
      const path = values.scratchText(texts(values, ptr >>> 0, count >>> 0).join("\0"));
      returnList(values, ret >>> 0, get(path, values.length, values.results, values.results + 4));
    };
  },

  "properties.set": (guest) => {
    const set = hostcall(guest, propertyHostcalls, "proxy_set_property");
    return (ptr: number, count: number, value: number, size: number): number => {
      const { values } = guest;
      const path = values.scratchText(texts(values, ptr >>> 0, count >>> 0).join("\0"));
      return asBool(values, set(path, values.length, value, size));
    };
  },

  "metrics.define": (guest) => {
    const define = hostcall(guest, metricHostcalls, "proxy_define_metric");
    return (kind: number, ptr: number, size: number): number => {
      const { values } = guest;
      const type = METRIC_TYPES[values.caseOf(kind, METRIC_TYPES.length)]!;
      const name = values.utf8(ptr >>> 0, size >>> 0);
      return asBool(values, define(type, name, values.length, values.results)) === 1 ? values.u32(values.results) : 0;
    };
  },

  "metrics.add": (guest) => {
    const add = hostcall(guest, metricHostcalls, "proxy_increment_metric");
    return (id: number, delta: bigint): void => void add(id, delta);
  },

  "metrics.record-value": (guest) => {
    const record = hostcall(guest, metricHostcalls, "proxy_record_metric");
    return (id: number, value: bigint): void => void record(id, value);
  },

  "metrics.get": (guest) => {
    const get = hostcall(guest, metricHostcalls, "proxy_get_metric");
    return (id: number): bigint => {
      const { values } = guest;
      const at = values.results;
      if (get(id, at) !== Status.Ok) return 0n;
      return BigInt(values.u32(at)) | BigInt(values.u32(at + 4)) << 32n;
    };
  },

  "shared.get": (guest) => {
    const get = hostcall(guest, sharedDataHostcalls, "proxy_get_shared_data");
    return (ptr: number, size: number, ret: number): void => {
      const { values } = guest;
      const at = ret >>> 0;
      const out = values.results;
      const key = values.utf8(ptr >>> 0, size >>> 0);
      values.check(at, 16, 4);
      if (asBool(values, get(key, values.length, out, out + 4, out + 8)) === 0) return values.putByte(at, 0);
      values.putByte(at, 1);
      putList(values, at + 4, out);
      values.putU32(at + 12, values.u32(out + 8));
    };
  },

  "shared.set": (guest) => {
    const set = hostcall(guest, sharedDataHostcalls, "proxy_set_shared_data");
    return (
      ptr: number,
      size: number,
      value: number,
      valueSize: number,
      hasCas: number,
      cas: number,
      ret: number,
    ): void => {
      const { values } = guest;
      const key = values.utf8(ptr >>> 0, size >>> 0);
      const status = set(key, values.length, value, valueSize, values.caseOf(hasCas, 2) === 1 ? cas : 0);
      if (asBool(values, status) === 1) return writeCase(values, ret >>> 0, 0);
      writeSetError(values, ret >>> 0, status === Status.CasMismatch ? 0 : 1);
    };
  },

  "shared.register-queue": (guest) => {
    const register = hostcall(guest, sharedQueueHostcalls, "proxy_register_shared_queue");
    return (ptr: number, size: number): number => {
      const { values } = guest;
      const name = values.utf8(ptr >>> 0, size >>> 0);
      return asBool(values, register(name, values.length, values.results)) === 1 ? values.u32(values.results) : 0;
    };
  },

  "shared.resolve-queue": (guest) => {
    const { shared } = guest.vm.environment;
    return (vmId: number, vmIdSize: number, ptr: number, size: number, ret: number): void => {
      contextOf(guest, "shared.resolve-queue");
      const { values } = guest;
      const scope = values.text(vmId >>> 0, vmIdSize >>> 0) || guest.vm.options.vmId;
      const token = shared.resolveQueue(scope, fromUtf8(values.text(ptr >>> 0, size >>> 0)));
      values.check(ret >>> 0, 8, 4);
      values.putByte(ret >>> 0, token === 0 ? 0 : 1);
      values.putU32((ret >>> 0) + 4, token);
    };
  },

  "shared.push": (guest) => {
    const push = hostcall(guest, sharedQueueHostcalls, "proxy_enqueue_shared_queue");
    return (queue: number, ptr: number, size: number): number => asBool(guest.values, push(queue, ptr, size));
  },

  "shared.pop": (guest) => {
    const pop = hostcall(guest, sharedQueueHostcalls, "proxy_dequeue_shared_queue");
    return (queue: number, ret: number): void => {
      const { values } = guest;
      // Looked at first: a message that was taken and cannot be handed over would be lost.
      values.check(ret >>> 0, 12, 4);
      returnList(values, ret >>> 0, pop(queue, values.results, values.results + 4));
    };
  },

  "callout.send": (guest) =>
  (
    clusterPtr: number,
    clusterSize: number,
    headersPtr: number,
    headersCount: number,
    bodyPtr: number,
    bodySize: number,
    timeoutMs: number,
    ret: number,
  ): number => {
    const context = contextOf(guest, "callout.send");
    const { values } = guest;
    const at = ret >>> 0;
    const cluster = values.text(clusterPtr >>> 0, clusterSize >>> 0);
    const headers = values.headers(headersPtr >>> 0, headersCount >>> 0);
    const body = values.bytes(bodyPtr >>> 0, bodySize >>> 0);
    const missing = REQUIRED_HEADERS.filter((name) => !headers.some((pair) => pair[0] === name));
    if (missing.length > 0) return badRequest(values, at, `the request has no ${missing.join(", ")}`);
    const token = context.root.httpCall(cluster, headers, body, [], timeoutMs >>> 0);
    if (token === -Status.BadArgument) return calloutFailed(values, at, CalloutError.UnknownCluster);
    if (token < 0) return calloutFailed(values, at, CalloutError.Reset);
    if (context instanceof HttpContext) guest.callouts.set(token, context);
    values.check(at, 16, 4);
    values.putByte(at, 0);
    values.putU32(at + 4, token);
    return 0;
  },

  "control.resume-request": (guest) => (id: number, ptr: number, count: number): void => {
    contextOf(guest, "control.resume-request");
    const edits: (number | string)[] = [];
    guest.values.edits(ptr >>> 0, count >>> 0, edits);
    guest.resume(id, true, edits);
  },

  "control.resume-response": (guest) => (id: number, ptr: number, count: number): void => {
    contextOf(guest, "control.resume-response");
    const edits: (number | string)[] = [];
    guest.values.edits(ptr >>> 0, count >>> 0, edits);
    guest.resume(id, false, edits);
  },

  "control.respond": (guest) =>
  (
    id: number,
    status: number,
    headersPtr: number,
    headersCount: number,
    bodyPtr: number,
    bodySize: number,
    detailsPtr: number,
    detailsSize: number,
    hasGrpcStatus: number,
    grpcStatus: number,
  ): number => {
    contextOf(guest, "control.respond");
    const reply = guest.values.localResponseOf(
      status,
      headersPtr,
      headersCount,
      bodyPtr,
      bodySize,
      detailsPtr,
      detailsSize,
      hasGrpcStatus,
      grpcStatus,
    );
    const context = guest.stream(id);
    if (!(context instanceof HttpContext)) return 0;
    context.sendLocalReply(reply);
    return 1;
  },

  "control.reset": (guest) => (id: number): void => {
    contextOf(guest, "control.reset");
    const context = guest.stream(id);
    if (context === null) return;
    context.closeStream(context instanceof HttpContext ? StreamType.HttpRequest : StreamType.Downstream);
  },
};
