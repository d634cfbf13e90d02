// abi/component.ts: the functions of the component world `nuncio:filter`, one row each, with their types.
// pure: no I/O, no clock, no runtime globals
/**
 * The world itself is `abi/wit/filter.wit`; a test resolves it and compares every function with its row here.
 * Types are written as the component reader writes them: structure only, without the names of types, because
 * that is what two components must agree on.
 *
 * @module
 */

/** The package of the world, and the versions of it that are understood: all with these first two numbers. */
export const COMPONENT_PACKAGE = "nuncio:filter";
export const COMPONENT_VERSION = "0.1.0";
/** What stands for the ABI version where components are listed. */
export const COMPONENT_WORLD: string = `${COMPONENT_PACKAGE}@${COMPONENT_VERSION}`;

const STRING = "string";
const BYTES = "list<u8>";
const STRINGS = "list<string>";
const HEADER = "record{name:string,value:string}";
const HEADERS = `list<${HEADER}>`;
const EDITS = `list<variant{set(${HEADER}),add(${HEADER}),remove(string)}>`;
const LOCAL_RESPONSE = `record{status:u16,headers:${HEADERS},body:${BYTES},details:string,grpc-status:option<u32>}`;
const HEADERS_ACTION = `variant{continue(${EDITS}),pause,respond(${LOCAL_RESPONSE})}`;
const BODY_ACTION = `variant{continue,replace(${BYTES}),buffer,hold,respond(${LOCAL_RESPONSE})}`;
const STREAM_ACTION = "enum{continue,pause,close}";
const LOG_LEVEL = "enum{trace,debug,info,warn,error,critical}";
const PEER = "enum{unknown,local,remote}";
const METRIC_KIND = "enum{counter,gauge,histogram}";
const CALLOUT_REQUEST = `record{cluster:string,headers:${HEADERS},body:${BYTES},timeout-ms:u32}`;
const CALLOUT_RESPONSE = `record{headers:${HEADERS},body:${BYTES},trailers:${HEADERS}}`;
const CALLOUT_ERROR = "variant{unknown-cluster,timeout,reset,bad-request(string)}";
const DATA_RESULT = `record{action:${STREAM_ACTION},replacement:option<${BYTES}>}`;
const INTEREST =
  "flags{request-headers,request-body,request-trailers,response-headers,response-body,response-trailers,log}";

/** A function of the world. */
export interface ComponentFunctionRow {
  readonly interface: string;
  /** As components name it: methods are `[method]resource.name`. */
  readonly name: string;
  readonly type: string;
  /** The name by which `capability_restriction_config` allows it, which is proxy-wasm's; null is always allowed. */
  readonly capability: string | null;
}

function row(
  of: string,
  name: string,
  params: readonly string[],
  result: string | null,
  capability: string | null,
): ComponentFunctionRow {
  const type = `func(${params.join(",")})${result === null ? "" : `->${result}`}`;
  return { interface: of, name, type, capability };
}

/** What the host gives. */
export const COMPONENT_IMPORTS: readonly ComponentFunctionRow[] = [
  row("logging", "log", [`level:${LOG_LEVEL}`, "message:string"], null, "proxy_log"),
  row("logging", "enabled", [`level:${LOG_LEVEL}`], "bool", "proxy_get_log_level"),
  row("clock", "now-nanos", [], "u64", "proxy_get_current_time_nanoseconds"),
  row("clock", "set-tick", ["ms:u32"], null, "proxy_set_tick_period_milliseconds"),
  row("properties", "get", [`path:${STRINGS}`], `option<${BYTES}>`, "proxy_get_property"),
  row("properties", "set", [`path:${STRINGS}`, `value:${BYTES}`], "bool", "proxy_set_property"),
  row("metrics", "define", [`kind:${METRIC_KIND}`, "name:string"], "u32", "proxy_define_metric"),
  row("metrics", "add", ["id:u32", "delta:s64"], null, "proxy_increment_metric"),
  row("metrics", "record-value", ["id:u32", "value:u64"], null, "proxy_record_metric"),
  row("metrics", "get", ["id:u32"], "u64", "proxy_get_metric"),
  row("shared", "get", ["key:string"], `option<record{value:${BYTES},cas:u32}>`, "proxy_get_shared_data"),
  row(
    "shared",
    "set",
    ["key:string", `value:${BYTES}`, "cas:option<u32>"],
    "result<_,enum{cas-mismatch,too-large}>",
    "proxy_set_shared_data",
  ),
  row("shared", "register-queue", ["name:string"], "u32", "proxy_register_shared_queue"),
  row("shared", "resolve-queue", ["vm-id:string", "name:string"], "option<u32>", "proxy_resolve_shared_queue"),
  row("shared", "push", ["queue:u32", `item:${BYTES}`], "bool", "proxy_enqueue_shared_queue"),
  row("shared", "pop", ["queue:u32"], `option<${BYTES}>`, "proxy_dequeue_shared_queue"),
  row("callout", "send", [`request:${CALLOUT_REQUEST}`], `result<u32,${CALLOUT_ERROR}>`, "proxy_http_call"),
  row("control", "resume-request", ["stream:u32", `edits:${EDITS}`], null, "proxy_continue_stream"),
  row("control", "resume-response", ["stream:u32", `edits:${EDITS}`], null, "proxy_continue_stream"),
  row("control", "respond", ["stream:u32", `response:${LOCAL_RESPONSE}`], "bool", "proxy_send_local_response"),
  row("control", "reset", ["stream:u32"], null, "proxy_close_stream"),
];

const HEADERS_CALLBACK = ["self:borrow", `headers:${HEADERS}`, "end:bool"];
const BODY_CALLBACK = ["self:borrow", `chunk:${BYTES}`, "end:bool"];
const TRAILERS_CALLBACK = ["self:borrow", `trailers:${HEADERS}`];
const DATA_CALLBACK = ["self:borrow", `data:${BYTES}`, "end:bool"];

/** What the host calls. */
export const COMPONENT_EXPORTS: readonly ComponentFunctionRow[] = [
  row("plugin", "configure", ["config:string"], `result<_,${STRING}>`, "proxy_on_configure"),
  row("plugin", "on-tick", [], null, "proxy_on_tick"),
  row("plugin", "on-queue", ["queue:u32"], null, "proxy_on_queue_ready"),
  row("http", "[constructor]stream", ["id:u32"], "own", null),
  row("http", "[method]stream.on-request-headers", HEADERS_CALLBACK, HEADERS_ACTION, "proxy_on_request_headers"),
  row("http", "[method]stream.on-request-body", BODY_CALLBACK, BODY_ACTION, "proxy_on_request_body"),
  row("http", "[method]stream.on-request-trailers", TRAILERS_CALLBACK, HEADERS_ACTION, "proxy_on_request_trailers"),
  row("http", "[method]stream.on-response-headers", HEADERS_CALLBACK, HEADERS_ACTION, "proxy_on_response_headers"),
  row("http", "[method]stream.on-response-body", BODY_CALLBACK, BODY_ACTION, "proxy_on_response_body"),
  row(
    "http",
    "[method]stream.on-response-trailers",
    TRAILERS_CALLBACK,
    HEADERS_ACTION,
    "proxy_on_response_trailers",
  ),
  row(
    "http",
    "[method]stream.on-callout",
    ["self:borrow", "token:u32", `outcome:result<${CALLOUT_RESPONSE},${CALLOUT_ERROR}>`],
    null,
    "proxy_on_http_call_response",
  ),
  row("http", "[method]stream.on-log", ["self:borrow"], null, "proxy_on_log"),
  row("http", "interests", [], INTEREST, null),
  row("tcp", "[constructor]connection", ["id:u32"], "own", null),
  row("tcp", "[method]connection.on-open", ["self:borrow"], STREAM_ACTION, "proxy_on_new_connection"),
  row("tcp", "[method]connection.on-downstream", DATA_CALLBACK, DATA_RESULT, "proxy_on_downstream_data"),
  row("tcp", "[method]connection.on-upstream", DATA_CALLBACK, DATA_RESULT, "proxy_on_upstream_data"),
  row(
    "tcp",
    "[method]connection.on-close",
    ["self:borrow", `by:${PEER}`],
    null,
    "proxy_on_downstream_connection_close",
  ),
];

/** Bits of `http.interest`, in the order of the WIT. */
export const Interest = {
  RequestHeaders: 1,
  RequestBody: 2,
  RequestTrailers: 4,
  ResponseHeaders: 8,
  ResponseBody: 16,
  ResponseTrailers: 32,
  Log: 64,
} as const;
export type Interest = (typeof Interest)[keyof typeof Interest];
