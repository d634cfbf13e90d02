// host/wasm/call_trace.ts: every callback and host call of a VM as lines that people read.
// pure: no I/O, no clock, no runtime globals
/**
 * ```text
 * #2 > proxy_on_request_headers(num_headers=4, end_of_stream=true)
 * #2     proxy_get_header_map_value(map=HttpRequestHeaders, key="x-user") = Ok, value 5 bytes, 3 µs
 * #2 < proxy_on_request_headers = Continue, 21 µs
 * ```
 * `#2` is the context, which is a stream's or a plugin's. A VM whose calls are traced is linked with
 * functions around its imports and exports; other VMs have none, and pay nothing.
 *
 * What may be secret is shown by its length: header values, bodies, messages, properties, shared data. Names
 * are shown. With `values` everything is.
 *
 * @module
 */
import {
  Action,
  BufferType,
  type CallbackRow,
  CALLBACKS,
  decodePairs,
  enumName,
  Errno,
  FilterDataStatus,
  FilterHeadersStatus,
  type HostcallRow,
  HOSTCALLS,
  LogLevel,
  MapType,
  MetricType,
  type Param,
  PeerType,
  Status,
  StreamType,
  WASI_MODULES,
} from "../../abi/mod.ts";
import { latin1Slice, utf8Slice } from "../base/bytes.ts";
import { quoted } from "../base/diagnostic.ts";
import type { Callbacks, GuestFunction } from "./callbacks.ts";
import type { HostFunction } from "./hostcalls/family.ts";
import type { ImportInfo } from "./module.ts";
import { trapMessage } from "./trace.ts";
import type { Vm } from "./vm.ts";

const HOSTCALL_ROWS = new Map<string, HostcallRow>(HOSTCALLS.map((row) => [row.name, row]));
const CALLBACK_ROWS = new Map<string, CallbackRow>(CALLBACKS.map((row) => [row.name, row]));
const ENUMS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  level: LogLevel,
  map: MapType,
  buffer: BufferType,
  stream: StreamType,
  type: MetricType,
  peer_type: PeerType,
};
/** Parameters that are serialized header maps. */
const PAIRS = new Set(["headers", "trailers", "metadata"]);
/** Parameters that are names. `key` is one only of a header. */
const NAMES = new Set(["path", "name", "upstream", "service", "method", "details", "vm_id", "address"]);
/** Characters of a text that are shown. */
const SHOWN_LENGTH = 100;

/** What the arguments and the result of a function mean that is no host function of proxy-wasm. */
export interface CallText {
  /** Before the call: `name=value` each. */
  arguments(args: readonly (number | bigint)[]): string[];
  /** After it: ` = value`, or nothing. */
  results(args: readonly (number | bigint)[], result: unknown): string;
}

/** Writes down the calls of one VM. */
export class CallTracer {
  readonly #vm: Vm;
  readonly showsValues: boolean;
  /** Context ids of the callbacks that run, outermost first. */
  readonly #running: number[] = [];

  constructor(vm: Vm, showsValues: boolean) {
    this.#vm = vm;
    this.showsValues = showsValues;
  }

  /** The same callbacks, traced. */
  callbacks(callbacks: Callbacks): Callbacks {
    const traced = Object.entries(callbacks).map(([name, fn]: [string, GuestFunction | null]) => {
      const row = CALLBACK_ROWS.get(name);
      return [name, fn === null || row === undefined ? fn : this.#callback(row, fn)];
    });
    return Object.fromEntries(traced) as Callbacks;
  }

  #callback(row: CallbackRow, fn: GuestFunction): GuestFunction {
    // The first parameter is the context.
    const names = row.params.slice(1);
    return (id, a, b, c, d) => {
      const values = [a, b, c, d];
      const given = names.map((name, index) => `${name}=${callbackValue(name, values[index]!)}`);
      const result = this.#enter(id, row.name, given, () => fn(id, a, b, c, d), (result) => outcomeOf(row, result));
      return result as number;
    };
  }

  /** Runs one of the module's start functions. */
  start(name: string, fn: () => unknown): unknown {
    return this.#enter(0, name, [], fn, () => "");
  }

  /** A function of the guest that is no callback of proxy-wasm, traced. */
  exported(name: string, fn: HostFunction, text: CallText): HostFunction {
    return (...args: never[]): unknown => {
      const id = this.#vm.context?.id ?? 0;
      return this.#enter(id, name, text.arguments(args), () => fn(...args), (result) => text.results(args, result));
    };
  }

  #enter(
    id: number,
    name: string,
    given: readonly string[],
    run: () => unknown,
    outcomeOf: (result: unknown) => string,
  ): unknown {
    this.#line(id, `> ${name}(${given.join(", ")})`);
    this.#running.push(id);
    const startNs = this.#now();
    let outcome = "";
    try {
      const result = run();
      outcome = outcomeOf(result);
      return result;
    } catch (error) {
      outcome = ` failed: ${trapMessage(error)}`;
      throw error;
    } finally {
      this.#running.pop();
      this.#line(id, `< ${name}${outcome}, ${this.#microseconds(startNs)}`);
    }
  }

  /** The same host function, traced; `text` knows those that are not proxy-wasm's. */
  hostcall(
    info: Pick<ImportInfo, "module" | "name">,
    fn: HostFunction,
    text: CallText | null = null,
  ): HostFunction {
    const row = info.module === "env" ? HOSTCALL_ROWS.get(info.name) : undefined;
    const isWasi = WASI_MODULES.includes(info.module);
    return (...args: never[]): unknown => {
      const startNs = this.#now();
      const context = this.#running.at(-1) ?? 0;
      // Read before the call, which may overwrite them.
      const given = text?.arguments(args) ?? (row === undefined ? args.map(String) : this.#arguments(row, args));
      const effective = this.#effective(context);
      let outcome = "";
      try {
        const result = fn(...args);
        if (text !== null) outcome = text.results(args, result);
        else if (row !== undefined) outcome = this.#results(row, args, result);
        else if (isWasi && typeof result === "number") outcome = ` = ${enumName(Errno, result)}`;
        else if (result !== undefined) outcome = ` = ${result}`;
        return result;
      } catch (error) {
        outcome = ` ends the guest: ${trapMessage(error)}`;
        throw error;
      } finally {
        const line = `${info.name}(${given.join(", ")})${outcome}, ${this.#microseconds(startNs)}`;
        this.#line(context, `  ${"  ".repeat(Math.max(1, this.#running.length))}${effective}${line}`);
      }
    };
  }

  /** Whom the call is for, when the guest has chosen another context. */
  #effective(running: number): string {
    const id = this.#vm.context?.id ?? running;
    return id === running ? "" : `(#${id}) `;
  }

  #arguments(row: HostcallRow, args: readonly (number | bigint)[]): string[] {
    const params = paramsOf(row, args.length);
    const given: string[] = [];
    for (const [index, param] of params.entries()) {
      const value = args[index]!;
      if (param.kind === "ptr") given.push(this.#range(row, param.name, value as number, args[index + 1] as number));
      else if (param.kind !== "size" && !param.kind.startsWith("out_")) {
        given.push(`${param.name}=${scalar(param, value)}`);
      }
    }
    return given;
  }

  #range(row: HostcallRow, name: string, pointer: number, length: number): string {
    const ptr = pointer >>> 0;
    const size = length >>> 0;
    const { bytes } = this.#vm.memory;
    if (ptr + size > bytes.length) return `${name} out of bounds (0x${ptr.toString(16)}, ${size})`;
    return this.#bytes(row, name, bytes.subarray(ptr, ptr + size));
  }

  #bytes(row: HostcallRow, name: string, bytes: Uint8Array): string {
    const isPairs = PAIRS.has(name) || row.family === "header_map" && name === "data";
    const pairs = isPairs ? decodePairs(bytes, latin1Slice) : null;
    if (pairs !== null) return `${name}={${pairs.map((pair) => this.#pair(pair)).join(", ")}}`;
    const isName = NAMES.has(name) || row.family === "header_map" && name === "key";
    if (!this.showsValues && !isName) return `${name} ${count(bytes.length)}`;
    // Paths have NUL between their parts.
    const text = utf8Slice(bytes, 0, bytes.length).replaceAll("\0", name === "path" ? "." : "\0");
    // A serialized GrpcService in place of a cluster's name may hold credentials.
    if (!this.showsValues && name === "upstream" && !isPrintable(text)) return `${name} ${count(bytes.length)}`;
    return `${name}=${quoted(text, SHOWN_LENGTH)}`;
  }

  #pair([name, value]: readonly [string, string]): string {
    const shown = this.showsValues ? quoted(value, SHOWN_LENGTH) : count(value.length);
    return `${isPrintable(name) ? name : quoted(name)}: ${shown}`;
  }

  #results(row: HostcallRow, args: readonly (number | bigint)[], result: unknown): string {
    if (typeof result !== "number") return "";
    let text = ` = ${enumName(Status, result)}`;
    if (result !== Status.Ok) return text;
    const { memory } = this.#vm;
    for (const [index, param] of paramsOf(row, args.length).entries()) {
      if (!param.kind.startsWith("out_")) continue;
      const name = param.name.replace(/^return_/, "");
      const at = args[index] as number >>> 0;
      // A result that was not wanted has no place.
      if (at === 0 || at + 8 > memory.byteLength) continue;
      if (param.kind === "out_ptr") {
        const sizeAt = args[index + 1] as number >>> 0;
        if (sizeAt + 4 > memory.byteLength) continue;
        text += `, ${this.#range(row, name, memory.getU32(at), memory.getU32(sizeAt))}`;
      } else if (param.kind === "out_u64") {
        text += `, ${name}=${BigInt(memory.getU32(at)) + (BigInt(memory.getU32(at + 4)) << 32n)}`;
      } else if (param.kind === "out_u32") {
        const value = memory.getU32(at);
        text += `, ${name}=${name === "level" ? enumName(LogLevel, value) : value}`;
      }
    }
    return text;
  }

  #now(): bigint {
    return this.#vm.environment.clock.wallNs();
  }

  #microseconds(startNs: bigint): string {
    return `${(this.#now() - startNs) / 1000n} µs`;
  }

  #line(id: number, text: string): void {
    const vm = this.#vm;
    const source = vm.context?.root.source ?? vm.source;
    const line = `#${id >>> 0} ${text}`;
    const port = vm.environment.callTrace;
    if (port !== undefined) return port.write(source, line);
    const { log } = vm.environment;
    if (log.level <= LogLevel.Debug) log.log(LogLevel.Debug, source, line);
  }
}

/** The parameters as this guest has declared them: AssemblyScript's gRPC calls have no metadata. */
function paramsOf(row: HostcallRow, arity: number): readonly Param[] {
  return arity === row.params.length ? row.params : row.params.filter((param) => !param.name.startsWith("metadata"));
}

function scalar(param: Param, value: number | bigint): string {
  if (typeof value === "bigint") return String(param.kind === "u64" ? BigInt.asUintN(64, value) : value);
  const table = ENUMS[param.name];
  if (table !== undefined) return enumName(table, value);
  if (param.name === "end_of_stream") return String(value !== 0);
  return String(param.kind === "u32" ? value >>> 0 : value);
}

function callbackValue(name: string, value: number): string {
  const table = ENUMS[name];
  if (table !== undefined) return enumName(table, value);
  return name === "end_of_stream" ? String(value !== 0) : String(value >>> 0);
}

function callbackResult(row: CallbackRow, result: number): string {
  if (row.result === "bool") return String(result !== 0);
  if (row.name.endsWith("_headers")) return enumName(FilterHeadersStatus, result);
  return enumName(row.name.endsWith("_body") ? FilterDataStatus : Action, result);
}

function outcomeOf(row: CallbackRow, result: unknown): string {
  return row.result === "none" ? "" : ` = ${callbackResult(row, result as number)}`;
}

function count(size: number): string {
  return size === 1 ? "1 byte" : `${size} bytes`;
}

function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
