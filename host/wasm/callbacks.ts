// host/wasm/callbacks.ts: the guest's exports, looked up once.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { type CallbackRow, CALLBACKS } from "../../abi/mod.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { callbackType } from "./diagnostics.ts";
import type { ExportInfo, FunctionType } from "./module.ts";

/** An exported function; one that takes less parameters ignores the others. */
export type GuestFunction = (id: number, a: number, b: number, c: number, d: number) => number;

/** Every callback that the engine calls, null when the guest has none or may not have it. */
export interface Callbacks {
  readonly proxy_on_context_create: GuestFunction | null;
  readonly proxy_on_vm_start: GuestFunction | null;
  readonly proxy_on_configure: GuestFunction | null;
  readonly proxy_on_tick: GuestFunction | null;
  readonly proxy_on_queue_ready: GuestFunction | null;
  readonly proxy_on_foreign_function: GuestFunction | null;
  readonly proxy_on_new_connection: GuestFunction | null;
  readonly proxy_on_downstream_data: GuestFunction | null;
  readonly proxy_on_upstream_data: GuestFunction | null;
  readonly proxy_on_downstream_connection_close: GuestFunction | null;
  readonly proxy_on_upstream_connection_close: GuestFunction | null;
  readonly proxy_on_request_headers: GuestFunction | null;
  readonly proxy_on_request_body: GuestFunction | null;
  readonly proxy_on_request_trailers: GuestFunction | null;
  readonly proxy_on_response_headers: GuestFunction | null;
  readonly proxy_on_response_body: GuestFunction | null;
  readonly proxy_on_response_trailers: GuestFunction | null;
  readonly proxy_on_http_call_response: GuestFunction | null;
  readonly proxy_on_grpc_receive_initial_metadata: GuestFunction | null;
  readonly proxy_on_grpc_receive: GuestFunction | null;
  readonly proxy_on_grpc_receive_trailing_metadata: GuestFunction | null;
  readonly proxy_on_grpc_close: GuestFunction | null;
  readonly proxy_on_done: GuestFunction | null;
  readonly proxy_on_log: GuestFunction | null;
  readonly proxy_on_delete: GuestFunction | null;
  readonly envoy_on_resolve_dns: GuestFunction | null;
}

type CallbackName = keyof Callbacks;

/** The callbacks among a guest's exports. */
export function bindCallbacks(
  exports: Readonly<Record<string, unknown>>,
  allowed: ReadonlySet<string> | null,
): Callbacks {
  const find = (name: CallbackName): GuestFunction | null => {
    if (allowed !== null && !allowed.has(name)) return null;
    const row = CALLBACKS.find((row) => row.name === name);
    const fn = exports[name] ?? (row?.alias === undefined ? undefined : exports[row.alias]);
    return typeof fn === "function" ? fn as GuestFunction : null;
  };
  return {
    proxy_on_context_create: find("proxy_on_context_create"),
    proxy_on_vm_start: find("proxy_on_vm_start"),
    proxy_on_configure: find("proxy_on_configure"),
    proxy_on_tick: find("proxy_on_tick"),
    proxy_on_queue_ready: find("proxy_on_queue_ready"),
    proxy_on_foreign_function: find("proxy_on_foreign_function"),
    proxy_on_new_connection: find("proxy_on_new_connection"),
    proxy_on_downstream_data: find("proxy_on_downstream_data"),
    proxy_on_upstream_data: find("proxy_on_upstream_data"),
    proxy_on_downstream_connection_close: find("proxy_on_downstream_connection_close"),
    proxy_on_upstream_connection_close: find("proxy_on_upstream_connection_close"),
    proxy_on_request_headers: find("proxy_on_request_headers"),
    proxy_on_request_body: find("proxy_on_request_body"),
    proxy_on_request_trailers: find("proxy_on_request_trailers"),
    proxy_on_response_headers: find("proxy_on_response_headers"),
    proxy_on_response_body: find("proxy_on_response_body"),
    proxy_on_response_trailers: find("proxy_on_response_trailers"),
    proxy_on_http_call_response: find("proxy_on_http_call_response"),
    proxy_on_grpc_receive_initial_metadata: find("proxy_on_grpc_receive_initial_metadata"),
    proxy_on_grpc_receive: find("proxy_on_grpc_receive"),
    proxy_on_grpc_receive_trailing_metadata: find("proxy_on_grpc_receive_trailing_metadata"),
    proxy_on_grpc_close: find("proxy_on_grpc_close"),
    proxy_on_done: find("proxy_on_done"),
    proxy_on_log: find("proxy_on_log"),
    proxy_on_delete: find("proxy_on_delete"),
    envoy_on_resolve_dns: find("envoy_on_resolve_dns"),
  };
}

/** The callbacks of a VM that has no instance yet. */
export const NO_CALLBACKS: Callbacks = bindCallbacks({}, null);

/** The export's name of a callback, for messages. */
export function callbackName(callbacks: Callbacks, fn: GuestFunction): string {
  for (const [name, value] of Object.entries(callbacks)) if (value === fn) return name;
  return "";
}

/** What is wrong with the types of exported callbacks. */
export function checkCallbacks(exports: readonly ExportInfo[]): Diagnostic[] {
  const found = new Map(exports.map((row) => [row.name, row]));
  const problems: Diagnostic[] = [];
  for (const row of CALLBACKS) {
    for (const name of row.alias === undefined ? [row.name] : [row.name, row.alias]) {
      const type = found.get(name)?.type;
      if (type === undefined || type === null || fits(row, type)) continue;
      problems.push(callbackType(name, type, expectedType(row)));
    }
  }
  return problems;
}

function expectedType(row: CallbackRow): FunctionType {
  return { params: row.params.map(() => "i32"), results: row.result === "none" ? [] : ["i32"] };
}

function fits(row: CallbackRow, type: FunctionType): boolean {
  const count = type.params.length;
  const countFits = count === row.params.length || (row.lastParamOptional === true && count === row.params.length - 1);
  return countFits && type.params.every((param) => param === "i32") &&
    type.results.length === (row.result === "none" ? 0 : 1) && type.results.every((result) => result === "i32");
}
