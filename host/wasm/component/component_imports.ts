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
import { fromLatin1, fromUtf8 } from "../../base/bytes.ts";
import type { Context } from "../context.ts";
import { HttpContext } from "../http_context.ts";
import type { HostcallTable } from "../hostcalls/family.ts";
import { defineMetric, metricHostcalls, metricValue } from "../hostcalls/metric.ts";
import { encodeProperty, findProperty, setProperty } from "../hostcalls/property.ts";
import { MAX_KEY_BYTES } from "../hostcalls/shared_data.ts";
import { NO_QUEUE, sharedQueueHostcalls, UNITS_PER_SEARCH } from "../hostcalls/shared_queue.ts";
import { timerHostcalls } from "../hostcalls/timer.ts";
import { MAX_NAME_BYTES, UNITS_PER_CALLOUT } from "../limits.ts";
import { MAX_LAST_WORDS } from "../stdio.ts";
import type { Vm } from "../vm.ts";
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

/** What a guest pays for each text of a list. */
const UNITS_PER_TEXT = 64;

/** Makes the function of a row for a guest, which is there only once it runs. */
export function componentImport(row: ComponentFunctionRow, vm: Vm, guest: () => ComponentGuest): ComponentImport {
  const key = functionKey(row);
  const mayBeAlone = row.interface === "logging";
  // The guest is looked up at the first call: functions are made before it.
  let made: ComponentImport | null = null;
  return (...args: never[]): number | bigint | void => {
    // Parts call the host by one another's tables, where their own code does not pay for it.
    vm.chargeHostcall();
    if (vm.context === null && !mayBeAlone) vm.refuse(key);
    if (made === null) {
      const { allowedCapabilities: allowed } = vm.options;
      const isRestricted = allowed !== null && row.capability !== null && !allowed.has(row.capability);
      made = isRestricted ? refusal(row, guest()) : IMPORTS[key]!(guest());
    }
    return made(...args);
  };
}

/** What stands for a function whose capability is not allowed: it says so and answers that there is nothing. */
function refusal(row: ComponentFunctionRow, guest: ComponentGuest): ComponentImport {
  const result = row.type.slice(row.type.lastIndexOf(")") + 1);
  return (...args: never[]): number | bigint => {
    const { vm, values } = guest;
    vm.log.write(
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

/** A key as UTF-8, valid until the guest runs again; null when it is too long. Each byte is hashed and compared. */
function keyAt(vm: Vm, values: ComponentValues, ptr: number, units: number): Uint8Array | null {
  const bytes = values.byteSize(units >>> 0);
  if (bytes > MAX_KEY_BYTES) {
    values.textStart(ptr >>> 0, units >>> 0, 0);
    return null;
  }
  vm.charge(bytes << 1);
  return values.utf8(ptr >>> 0, units >>> 0);
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

/** `option<list<u8>>`; null is none. */
function returnList(values: ComponentValues, at: number, bytes: Uint8Array | null): void {
  values.check(at, 12, 4);
  // First: the allocator may do what it likes with what is at that address.
  const ptr = bytes === null ? 0 : values.lowerBytes(bytes);
  values.putByte(at, bytes === null ? 0 : 1);
  if (bytes !== null) values.putResult(at + 4, ptr, values.length);
}

/** Whether a function of proxy-wasm did what it was asked to. */
function isOk(guest: ComponentGuest, status: number): 0 | 1 {
  if (status === Status.InvalidMemoryAccess) guest.vm.stop("an argument is out of bounds");
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

function contextOf(guest: ComponentGuest): Context {
  // The import is refused before where there is none.
  return guest.vm.context!;
}

/** The parts of a path; null when it is longer than any that there is. */
function pathAt({ vm, values }: ComponentGuest, ptr: number, count: number): string[] | null {
  if (count !== 0) values.check(ptr, count * 8, 4);
  if (count > MAX_NAME_BYTES) return null;
  vm.charge(count * UNITS_PER_TEXT);
  const parts: string[] = [];
  let bytes = count;
  for (let at = ptr; at < ptr + count * 8; at += 8) {
    const [text, units] = [values.u32(at), values.u32(at + 4)];
    const part = nameAt(values, text, units);
    bytes += values.byteSize(units);
    if (part === null || bytes > MAX_NAME_BYTES) return null;
    parts.push(part);
  }
  return parts;
}

/** A name of something; null when it is longer than it may be. */
function nameAt(values: ComponentValues, ptr: number, units: number): string | null {
  if (values.byteSize(units >>> 0) <= MAX_NAME_BYTES) return values.text(ptr >>> 0, units >>> 0);
  values.textStart(ptr >>> 0, units >>> 0, 0);
  return null;
}

type ImportFactory = (guest: ComponentGuest) => ComponentImport;

const IMPORTS: Readonly<Record<string, ImportFactory>> = {
  "logging.log": ({ vm, values }) => (level: number, ptr: number, size: number): void => {
    values.caseOf(level, LEVELS);
    // Kept also when the log is set to less: if the guest traps now, this is why.
    const isLastWords = level >= LogLevel.Error;
    if (level < vm.environment.log.level && !isLastWords) return;
    const units = size >>> 0;
    const bytes = values.byteSize(units);
    if (!vm.log.isOpen) {
      vm.log.drop(bytes);
      if (isLastWords) vm.log.lastWords = values.textStart(ptr >>> 0, units, MAX_LAST_WORDS);
      return;
    }
    const limit = vm.options.maxLogLineBytes;
    const text = bytes <= limit
      ? values.text(ptr >>> 0, units)
      : `${values.textStart(ptr >>> 0, units, limit)}… (${bytes} bytes)`;
    if (isLastWords) vm.log.lastWords = text;
    vm.log.write(level, vm.context?.root.source ?? vm.source, text);
  },

  "logging.enabled": ({ vm, values }) => (level: number): number =>
    values.caseOf(level, LEVELS) >= vm.environment.log.level ? 1 : 0,

  "clock.now-nanos": ({ vm }) => (): bigint => vm.environment.clock.wallNs(),

  "clock.set-tick": (guest) => {
    const setTick = hostcall(guest, timerHostcalls, "proxy_set_tick_period_milliseconds");
    return (ms: number): void => void setTick(ms);
  },

  "properties.get": (guest) => (ptr: number, count: number, ret: number): void => {
    const { vm, values } = guest;
    const at = ret >>> 0;
    const path = pathAt(guest, ptr >>> 0, count >>> 0);
    const value = path === null || path.length === 0
      ? null
      : findProperty(vm.environment.properties, contextOf(guest), path);
    if (value === null) returnList(values, at, null);
    else returnList(values, at, value.kind === "latin1" ? fromLatin1(value.value) : encodeProperty(value));
  },

  "properties.set": (guest) => (ptr: number, count: number, value: number, size: number): number => {
    const { vm, values } = guest;
    const path = pathAt(guest, ptr >>> 0, count >>> 0);
    const bytes = values.view(value >>> 0, size >>> 0);
    const context = contextOf(guest);
    if (path === null || context.stream === null) return 0;
    return isOk(guest, setProperty(vm, context, context.stream, path.join("\0"), bytes));
  },

  "metrics.define": ({ vm, values }) => (kind: number, ptr: number, size: number): number => {
    const type = METRIC_TYPES[values.caseOf(kind, METRIC_TYPES.length)]!;
    const name = nameAt(values, ptr, size) ?? values.textStart(ptr >>> 0, size >>> 0, MAX_NAME_BYTES);
    vm.charge(name.length << 2);
    return defineMetric(vm, type, name);
  },

  "metrics.add": (guest) => {
    const add = hostcall(guest, metricHostcalls, "proxy_increment_metric");
    return (id: number, delta: bigint): void => void add(id, delta);
  },

  "metrics.record-value": (guest) => {
    const record = hostcall(guest, metricHostcalls, "proxy_record_metric");
    return (id: number, value: bigint): void => void record(id, value);
  },

  "metrics.get": ({ vm }) => (id: number): bigint => BigInt(Math.trunc(metricValue(vm, id) ?? 0)),

  "shared.get": ({ vm, values }) => {
    const { shared } = vm.environment;
    return (ptr: number, size: number, ret: number): void => {
      const at = ret >>> 0;
      const key = keyAt(vm, values, ptr, size);
      values.check(at, 16, 4);
      const value = key === null ? null : shared.get(vm.options.vmId, key);
      const cas = shared.lastCas;
      // It is copied twice.
      if (value !== null) vm.charge(value.length >>> 4);
      returnList(values, at, value);
      if (value !== null) values.putU32(at + 12, cas);
    };
  },

  "shared.set": ({ vm, values }) =>
  (
    ptr: number,
    size: number,
    value: number,
    valueSize: number,
    hasCas: number,
    cas: number,
    ret: number,
  ): void => {
    const expected = values.caseOf(hasCas, 2) === 1 ? cas >>> 0 : 0;
    const bytes = values.view(value >>> 0, valueSize >>> 0);
    const key = keyAt(vm, values, ptr, size);
    const at = ret >>> 0;
    values.check(at, 2, 1);
    const status = key === null
      ? Status.InternalFailure
      : vm.environment.shared.set(vm.options.vmId, key, bytes, expected);
    if (status === Status.Ok) return values.putByte(at, 0);
    if (status === Status.InternalFailure) {
      const reason = key === null
        ? `a key has more than ${MAX_KEY_BYTES} bytes`
        : "the limit of shared memory is reached";
      vm.log.onLimit("shared_data", `shared.set: ${reason}; it answers too-large`);
    }
    writeSetError(values, at, status === Status.CasMismatch ? 0 : 1);
  },

  "shared.register-queue": (guest) => (ptr: number, size: number): number => {
    const { vm, values } = guest;
    vm.charge(UNITS_PER_SEARCH);
    const name = nameAt(values, ptr, size);
    const token = name === null
      ? 0
      : vm.environment.shared.registerQueue(vm.options.vmId, fromUtf8(name), contextOf(guest).root);
    if (token !== 0) return token;
    vm.log.onLimit(
      "queues",
      `shared.register-queue: vm_id "${vm.options.vmId}" has reached its limit of queues or shared memory; ` +
        "the queue that is given does not exist",
    );
    return NO_QUEUE;
  },

  "shared.resolve-queue":
    ({ vm, values }) => (vmId: number, vmIdSize: number, ptr: number, size: number, ret: number): void => {
      const at = ret >>> 0;
      vm.charge(UNITS_PER_SEARCH);
      const scope = nameAt(values, vmId, vmIdSize);
      const name = nameAt(values, ptr, size);
      values.check(at, 8, 4);
      const token = scope === null || name === null
        ? 0
        : vm.environment.shared.resolveQueue(scope || vm.options.vmId, fromUtf8(name));
      values.putByte(at, token === 0 ? 0 : 1);
      values.putU32(at + 4, token);
    },

  "shared.push": (guest) => {
    const push = hostcall(guest, sharedQueueHostcalls, "proxy_enqueue_shared_queue");
    return (queue: number, ptr: number, size: number): number => isOk(guest, push(queue, ptr, size));
  },

  "shared.pop": ({ vm, values }) => (queue: number, ret: number): void => {
    // Looked at first: a message that was taken and cannot be handed over would be lost.
    values.check(ret >>> 0, 12, 4);
    const message = vm.environment.shared.dequeue(queue >>> 0);
    if (typeof message !== "number") vm.charge(message.length >>> 4);
    returnList(values, ret >>> 0, typeof message === "number" ? null : message);
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
    const context = contextOf(guest);
    const { vm, values } = guest;
    const at = ret >>> 0;
    values.check(at, 16, 4);
    vm.charge(UNITS_PER_CALLOUT);
    const cluster = nameAt(values, clusterPtr, clusterSize);
    const headers = values.headers(headersPtr >>> 0, headersCount >>> 0);
    const view = values.view(bodyPtr >>> 0, bodySize >>> 0);
    if (cluster === null) return calloutFailed(values, at, CalloutError.UnknownCluster);
    if (headers === null) return badRequest(values, at, "the headers are too large");
    const { maxHttpCallBytes } = vm.options;
    if (view.length > maxHttpCallBytes) {
      vm.log.onLimit(
        "http_call_bytes",
        `callout.send: the body has ${view.length} bytes, more than all callouts may have`,
      );
      return badRequest(values, at, `the body has more than ${maxHttpCallBytes} bytes`);
    }
    const missing = REQUIRED_HEADERS.filter((name) => !headers.some((pair) => pair[0] === name));
    if (missing.length > 0) return badRequest(values, at, `the request has no ${missing.join(", ")}`);
    const body = view.slice();
    const token = context.root.httpCall({ cluster, headers, body, trailers: [], timeoutMs: timeoutMs >>> 0 });
    if (token === -Status.BadArgument) return calloutFailed(values, at, CalloutError.UnknownCluster);
    if (token < 0) return calloutFailed(values, at, CalloutError.Reset);
    if (context instanceof HttpContext) guest.callouts.set(token, context);
    values.putByte(at, 0);
    values.putU32(at + 4, token);
    return 0;
  },

  "control.resume-request": (guest) => (id: number, ptr: number, count: number): void => {
    const edits: (number | string)[] = [];
    guest.values.edits(ptr >>> 0, count >>> 0, edits);
    guest.resume(id, true, edits);
  },

  "control.resume-response": (guest) => (id: number, ptr: number, count: number): void => {
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
    const context = guest.stream(id);
    if (context === null) return;
    context.closeStream(context instanceof HttpContext ? StreamType.HttpRequest : StreamType.Downstream);
  },
};
