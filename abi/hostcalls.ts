// abi/hostcalls.ts: every function that a guest may import from "env", one row each.
// pure: no I/O, no clock, no runtime globals
/**
 * The linker checks a module's imports against these rows, the SDK's import declarations and the reference
 * page are generated from them, and tests walk them. A row's name is also its capability, the name by which
 * `capability_restriction_config` allows it.
 *
 * @see https://github.com/proxy-wasm/spec/blob/main/abi-versions/v0.2.1/README.md
 * @see Envoy: proxy-wasm-cpp-host include/proxy-wasm/exports.h
 * @module
 */
import { Status } from "./enums.ts";
import type { AbiVersion } from "./versions.ts";

/** A WebAssembly value type. */
export type ValueType = "i32" | "i64" | "f32" | "f64";

/**
 * What a parameter is for. `ptr` and `size` are a lent range of guest memory; `out_*` is where the host
 * writes a result. All but `i64` and `u64` are an `i32` on the wire.
 */
export type ParamKind = "i32" | "u32" | "i64" | "u64" | "ptr" | "size" | "out_u32" | "out_u64" | "out_ptr" | "out_size";

export interface Param {
  readonly name: string;
  readonly kind: ParamKind;
}

/** The group that a function belongs to; one file of `host/wasm/hostcalls/` each. */
export type HostcallFamily =
  | "log"
  | "timer"
  | "configuration"
  | "http_call"
  | "property"
  | "buffer"
  | "header_map"
  | "stream"
  | "local_response"
  | "context"
  | "grpc"
  | "shared_data"
  | "shared_queue"
  | "metric"
  | "foreign";

export interface HostcallRow {
  readonly name: string;
  readonly family: HostcallFamily;
  readonly params: readonly Param[];
  /** All answer a status but for some of 0.1.0, which older guests declare without a result. */
  readonly result: "status";
  readonly versions: readonly AbiVersion[];
  /** Envoy's own addition; not in the specification, not in the SDK. */
  readonly envoyOnly?: true;
  /** Parameter counts besides `params.length` that existing SDKs declare. */
  readonly otherArities?: readonly number[];
  /** Guests of this function may declare it without a result. */
  readonly mayLackResult?: true;
  /** The statuses that it may answer (restricted capabilities answer InternalFailure besides). */
  readonly statuses: readonly Status[];
  readonly doc: string;
}

const ALL: readonly AbiVersion[] = ["0.1.0", "0.2.0", "0.2.1"];
const OLD: readonly AbiVersion[] = ["0.1.0"];
const FROM_0_2_0: readonly AbiVersion[] = ["0.2.0", "0.2.1"];

const { Ok, NotFound, BadArgument, SerializationFailure, ParseFailure, Empty, CasMismatch } = Status;
const { InvalidMemoryAccess, InternalFailure, Unimplemented } = Status;

/** `"level:i32 message:ptr message_size:size"` as parameters. */
function params(text: string): readonly Param[] {
  if (text === "") return [];
  return text.split(" ").map((part) => {
    const [name, kind] = part.split(":");
    return { name: name!, kind: kind as ParamKind };
  });
}

/** Every host function. */
export const HOSTCALLS: readonly HostcallRow[] = [
  {
    name: "proxy_log",
    family: "log",
    params: params("level:i32 message:ptr message_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "Logs a message at a level. Legal at any time, also during start-up and allocation.",
  },
  {
    name: "proxy_get_log_level",
    family: "log",
    params: params("return_level:out_u32"),
    result: "status",
    versions: ["0.2.1"],
    statuses: [Ok, InvalidMemoryAccess],
    doc: "The level from which messages are logged now; 6 is off.",
  },
  {
    name: "proxy_get_current_time_nanoseconds",
    family: "timer",
    params: params("return_time:out_u64"),
    result: "status",
    versions: ALL,
    statuses: [Ok, InvalidMemoryAccess],
    doc: "Wall-clock nanoseconds since 1970.",
  },
  {
    name: "proxy_set_tick_period_milliseconds",
    family: "timer",
    params: params("period_ms:u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok],
    doc:
      "Sets the period of `proxy_on_tick` of the plugin; 0 stops it. A tick is armed after the one before it returned.",
  },
  {
    name: "proxy_get_configuration",
    family: "configuration",
    params: params("return_data:out_ptr return_size:out_size"),
    result: "status",
    versions: OLD,
    statuses: [Ok, InvalidMemoryAccess],
    doc: "The plugin configuration inside `proxy_on_configure`, the VM configuration elsewhere.",
  },
  {
    name: "proxy_get_status",
    family: "http_call",
    params: params("return_code:out_u32 return_message:out_ptr return_size:out_size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, InvalidMemoryAccess],
    doc: "How the plugin's last callout ended: 0, or a gRPC code, or 11 with a reason for a failed HTTP call.",
  },
  {
    name: "proxy_get_property",
    family: "property",
    params: params("path:ptr path_size:size return_value:out_ptr return_size:out_size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, SerializationFailure, InvalidMemoryAccess, InternalFailure],
    doc: "The value of an attribute (see the property table), or of a property that a filter of this stream has set.",
  },
  {
    name: "proxy_set_property",
    family: "property",
    params: params("path:ptr path_size:size value:ptr value_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, InvalidMemoryAccess],
    doc: "Stores bytes with the stream, in its filter state under `wasm.` and the path.",
  },
  {
    name: "proxy_get_buffer_bytes",
    family: "buffer",
    params: params("buffer:i32 start:u32 max_size:u32 return_data:out_ptr return_size:out_size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, InvalidMemoryAccess],
    doc: "Bytes of a buffer, clamped to what is there; nothing there is Ok with size 0.",
  },
  {
    name: "proxy_set_buffer_bytes",
    family: "buffer",
    params: params("buffer:i32 start:u32 size:u32 value:ptr value_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, InvalidMemoryAccess],
    doc: "Replaces `size` bytes at `start`; at 0 with size 0 prepends, at or past the end appends.",
  },
  {
    name: "proxy_get_buffer_status",
    family: "buffer",
    params: params("buffer:i32 return_size:out_u32 return_flags:out_u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, InvalidMemoryAccess],
    doc: "The length of a buffer; flags are always 0.",
  },
  {
    name: "proxy_get_header_map_size",
    family: "header_map",
    params: params("map:i32 return_size:out_u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "The size in bytes that the map takes when serialized.",
  },
  {
    name: "proxy_get_header_map_pairs",
    family: "header_map",
    params: params("map:i32 return_data:out_ptr return_size:out_size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "All entries, serialized; an empty or unavailable map is Ok with size 0.",
  },
  {
    name: "proxy_set_header_map_pairs",
    family: "header_map",
    params: params("map:i32 data:ptr data_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "Replaces all entries. Malformed data is BadArgument and changes nothing.",
  },
  {
    name: "proxy_get_header_map_value",
    family: "header_map",
    params: params("map:i32 key:ptr key_size:size return_value:out_ptr return_size:out_size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, InvalidMemoryAccess],
    doc: "The first value of a key.",
  },
  {
    name: "proxy_add_header_map_value",
    family: "header_map",
    params: params("map:i32 key:ptr key_size:size value:ptr value_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "Appends an entry.",
  },
  {
    name: "proxy_replace_header_map_value",
    family: "header_map",
    params: params("map:i32 key:ptr key_size:size value:ptr value_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "Overwrites the first entry of a key and removes the others; adds one when there is none.",
  },
  {
    name: "proxy_remove_header_map_value",
    family: "header_map",
    params: params("map:i32 key:ptr key_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "Removes all entries of a key; none there is Ok.",
  },
  {
    name: "proxy_continue_request",
    family: "stream",
    params: params(""),
    result: "status",
    versions: OLD,
    mayLackResult: true,
    statuses: [Ok],
    doc: "Goes on with the request after a pause.",
  },
  {
    name: "proxy_continue_response",
    family: "stream",
    params: params(""),
    result: "status",
    versions: OLD,
    mayLackResult: true,
    statuses: [Ok],
    doc: "Goes on with the response after a pause.",
  },
  {
    name: "proxy_continue_stream",
    family: "stream",
    params: params("stream:i32"),
    result: "status",
    versions: FROM_0_2_0,
    statuses: [Ok, BadArgument, Unimplemented],
    doc: "Goes on after a pause, once the current callback has returned. No effect when nothing is paused.",
  },
  {
    name: "proxy_close_stream",
    family: "stream",
    params: params("stream:i32"),
    result: "status",
    versions: FROM_0_2_0,
    statuses: [Ok, BadArgument],
    doc: "Resets the HTTP stream, or closes the connection after what is queued was sent.",
  },
  {
    name: "proxy_send_local_response",
    family: "local_response",
    params: params(
      "status_code:u32 details:ptr details_size:size body:ptr body_size:size headers:ptr headers_size:size grpc_status:i32",
    ),
    result: "status",
    versions: ALL,
    statuses: [Ok, InvalidMemoryAccess],
    doc: "Answers instead of the upstream, once the current callback has returned. A second answer is ignored.",
  },
  {
    name: "proxy_clear_route_cache",
    family: "stream",
    params: params(""),
    result: "status",
    versions: OLD,
    mayLackResult: true,
    statuses: [Ok],
    doc: "Has the route looked up again. Later versions call the foreign function `clear_route_cache`.",
  },
  {
    name: "proxy_set_effective_context",
    family: "context",
    params: params("context_id:u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument],
    doc: "Lets the rest of this callback act on another live context of the VM.",
  },
  {
    name: "proxy_done",
    family: "context",
    params: params(""),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound],
    doc: "Ends the wait of a plugin whose `proxy_on_done` answered false.",
  },
  {
    name: "proxy_http_call",
    family: "http_call",
    params: params(
      "upstream:ptr upstream_size:size headers:ptr headers_size:size body:ptr body_size:size trailers:ptr trailers_size:size timeout_ms:i32 return_token:out_u32",
    ),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess, InternalFailure],
    doc: "Sends a request to a cluster; the answer comes by `proxy_on_http_call_response`.",
  },
  {
    name: "proxy_grpc_call",
    family: "grpc",
    params: params(
      "upstream:ptr upstream_size:size service:ptr service_size:size method:ptr method_size:size metadata:ptr metadata_size:size message:ptr message_size:size timeout_ms:u32 return_token:out_u32",
    ),
    result: "status",
    versions: ALL,
    otherArities: [10],
    statuses: [Ok, BadArgument, ParseFailure, InvalidMemoryAccess, InternalFailure],
    doc: "A unary gRPC call. Declared without metadata by AssemblyScript SDKs.",
  },
  {
    name: "proxy_grpc_stream",
    family: "grpc",
    params: params(
      "upstream:ptr upstream_size:size service:ptr service_size:size method:ptr method_size:size metadata:ptr metadata_size:size return_token:out_u32",
    ),
    result: "status",
    versions: ALL,
    otherArities: [7],
    statuses: [Ok, BadArgument, ParseFailure, InvalidMemoryAccess, InternalFailure],
    doc: "Opens a gRPC stream. Declared without metadata by AssemblyScript SDKs.",
  },
  {
    name: "proxy_grpc_send",
    family: "grpc",
    params: params("token:u32 message:ptr message_size:size end_of_stream:i32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, InvalidMemoryAccess],
    doc: "Sends a message on a gRPC stream; `end_of_stream` half-closes it.",
  },
  {
    name: "proxy_grpc_cancel",
    family: "grpc",
    params: params("token:u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument],
    doc: "Ends a call or stream; no callback comes for it any more.",
  },
  {
    name: "proxy_grpc_close",
    family: "grpc",
    params: params("token:u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument],
    doc: "Half-closes a gRPC stream, or cancels a call.",
  },
  {
    name: "proxy_set_shared_data",
    family: "shared_data",
    params: params("key:ptr key_size:size value:ptr value_size:size cas:u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, InvalidMemoryAccess, CasMismatch],
    doc:
      "Stores a value for all VMs of this `vm_id` on all threads; with `cas` only if nobody stored since. CasMismatch also beyond a limit.",
  },
  {
    name: "proxy_get_shared_data",
    family: "shared_data",
    params: params("key:ptr key_size:size return_value:out_ptr return_size:out_size return_cas:out_u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, InvalidMemoryAccess],
    doc: "A stored value and its compare-and-swap number.",
  },
  {
    name: "proxy_register_shared_queue",
    family: "shared_queue",
    params: params("name:ptr name_size:size return_id:out_u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, InvalidMemoryAccess],
    doc:
      "Makes a queue, or finds it, and becomes its consumer: `proxy_on_queue_ready` comes to this plugin. Beyond a limit the queue does not exist.",
  },
  {
    name: "proxy_resolve_shared_queue",
    family: "shared_queue",
    params: params("vm_id:ptr vm_id_size:size name:ptr name_size:size return_id:out_u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, InvalidMemoryAccess],
    doc: "Finds a queue of a `vm_id`; an empty one is one's own.",
  },
  {
    name: "proxy_enqueue_shared_queue",
    family: "shared_queue",
    params: params("id:u32 value:ptr value_size:size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, InvalidMemoryAccess],
    doc: "Appends a message and tells the consumer, once for each. NotFound also beyond a limit.",
  },
  {
    name: "proxy_dequeue_shared_queue",
    family: "shared_queue",
    params: params("id:u32 return_value:out_ptr return_size:out_size"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, InvalidMemoryAccess, Empty],
    doc: "Takes the oldest message.",
  },
  {
    name: "proxy_define_metric",
    family: "metric",
    params: params("type:i32 name:ptr name_size:size return_id:out_u32"),
    result: "status",
    versions: ALL,
    statuses: [Ok, BadArgument, InvalidMemoryAccess],
    doc: "Makes a counter, gauge or histogram, or finds it by name. Beyond a limit it keeps nothing.",
  },
  {
    name: "proxy_increment_metric",
    family: "metric",
    params: params("id:u32 delta:i64"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument],
    doc: "Adds to a counter (more than 0) or a gauge (either way).",
  },
  {
    name: "proxy_record_metric",
    family: "metric",
    params: params("id:u32 value:u64"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound],
    doc: "Adds to a counter, sets a gauge, records into a histogram.",
  },
  {
    name: "proxy_get_metric",
    family: "metric",
    params: params("id:u32 return_value:out_u64"),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, InvalidMemoryAccess],
    doc: "The value of a counter or gauge, over all threads.",
  },
  {
    name: "proxy_call_foreign_function",
    family: "foreign",
    params: params(
      "name:ptr name_size:size arguments:ptr arguments_size:size return_results:out_ptr return_size:out_size",
    ),
    result: "status",
    versions: ALL,
    statuses: [Ok, NotFound, BadArgument, SerializationFailure, InvalidMemoryAccess, InternalFailure],
    doc: "Calls a function that the host offers by name. The result pointers may be 0.",
  },
  {
    name: "envoy_resolve_dns",
    family: "foreign",
    params: params("address:ptr address_size:size return_token:out_u32"),
    result: "status",
    versions: ALL,
    envoyOnly: true,
    statuses: [Ok, InvalidMemoryAccess, InternalFailure],
    doc: "Looks a name up; the answer comes by `envoy_on_resolve_dns`, with the addresses in buffer 8.",
  },
];

/** The WebAssembly type of a parameter. */
export function valueTypeOf(kind: ParamKind): ValueType {
  return kind === "i64" || kind === "u64" ? "i64" : "i32";
}

/** Names that guests of an abandoned draft import; known so that a message can say what they are. */
export const ABANDONED_HOSTCALLS: readonly string[] = [
  "proxy_dispatch_http_call",
  "proxy_dispatch_grpc_call",
  "proxy_open_grpc_stream",
  "proxy_send_grpc_stream_message",
  "proxy_cancel_grpc_call",
  "proxy_close_grpc_call",
  "proxy_resume_http_request",
  "proxy_resume_http_response",
  "proxy_resume_downstream",
  "proxy_resume_upstream",
  "proxy_close_http_request",
  "proxy_close_http_response",
  "proxy_close_downstream",
  "proxy_close_upstream",
  "proxy_get_map",
  "proxy_set_map",
  "proxy_get_map_values",
  "proxy_set_map_values",
  "proxy_get_buffer",
  "proxy_set_buffer",
  "proxy_open_shared_kvstore",
  "proxy_get_shared_kvstore_key_values",
  "proxy_set_shared_kvstore_key_values",
  "proxy_create_metric",
  "proxy_get_metric_value",
  "proxy_set_metric_value",
  "proxy_increment_metric_value",
  "proxy_create_timer",
  "proxy_delete_timer",
  "proxy_send_http_response",
  "proxy_context_finalize",
];
