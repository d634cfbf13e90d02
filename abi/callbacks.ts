// abi/callbacks.ts: every function that a guest may export for the host to call, one row each.
// pure: no I/O, no clock, no runtime globals
/**
 * All are optional: an absent one means "go on" (or "yes", where the result is a yes or no). All parameters
 * and results are `i32`.
 *
 * @see Envoy: proxy-wasm-cpp-host include/proxy-wasm/wasm.h
 * @module
 */
import type { AbiVersion } from "./versions.ts";

/** What the result means: nothing, yes/no, or whether to go on. */
export type CallbackResult = "none" | "bool" | "action";

export interface CallbackRow {
  readonly name: string;
  readonly params: readonly string[];
  /** The last parameter may be missing: header callbacks of 0.1.0 have no `end_of_stream`. */
  readonly lastParamOptional?: true;
  readonly result: CallbackResult;
  readonly versions: readonly AbiVersion[];
  /** Another export name for the same callback. */
  readonly alias?: string;
  /** Not in the specification. */
  readonly extension?: true;
  readonly doc: string;
}

const ALL: readonly AbiVersion[] = ["0.1.0", "0.2.0", "0.2.1"];
const FROM_0_2_0: readonly AbiVersion[] = ["0.2.0", "0.2.1"];

function row(name: string, params: string, result: CallbackResult, doc: string): CallbackRow {
  return { name, params: params.split(" "), result, versions: ALL, doc };
}

function headersRow(name: string, doc: string): CallbackRow {
  return { ...row(name, "context_id num_headers end_of_stream", "action", doc), lastParamOptional: true };
}

/** Every callback. */
export const CALLBACKS: readonly CallbackRow[] = [
  row(
    "proxy_on_context_create",
    "context_id parent_context_id",
    "none",
    "A context begins: a plugin's when the parent is 0, otherwise a stream's.",
  ),
  row("proxy_on_vm_start", "plugin_context_id vm_configuration_size", "bool", "A plugin starts; 0 refuses."),
  {
    ...row("proxy_validate_configuration", "plugin_context_id configuration_size", "bool", "Never called."),
    extension: true,
  },
  row("proxy_on_configure", "plugin_context_id plugin_configuration_size", "bool", "A configuration; 0 refuses it."),
  row("proxy_on_tick", "plugin_context_id", "none", "The tick period passed."),
  row("proxy_on_queue_ready", "plugin_context_id queue_id", "none", "A message was put into a queue."),
  {
    ...row(
      "proxy_on_foreign_function",
      "context_id function_id arguments_size",
      "none",
      "An embedder's call; the arguments are in buffer 8.",
    ),
    versions: FROM_0_2_0,
  },
  row("proxy_on_new_connection", "context_id", "action", "A connection was accepted."),
  row("proxy_on_downstream_data", "context_id data_size end_of_stream", "action", "Bytes from the client."),
  row("proxy_on_downstream_connection_close", "context_id peer_type", "none", "The client connection ended."),
  row("proxy_on_upstream_data", "context_id data_size end_of_stream", "action", "Bytes from the upstream."),
  row("proxy_on_upstream_connection_close", "context_id peer_type", "none", "The upstream connection ended."),
  headersRow("proxy_on_request_headers", "Request headers are complete."),
  row("proxy_on_request_body", "context_id body_size end_of_stream", "action", "A part of the request body."),
  row("proxy_on_request_trailers", "context_id num_trailers", "action", "Request trailers; the request is complete."),
  {
    ...row("proxy_on_request_metadata", "context_id num_elements", "action", "An HTTP/2 METADATA frame."),
    extension: true,
  },
  headersRow("proxy_on_response_headers", "Response headers are complete."),
  row("proxy_on_response_body", "context_id body_size end_of_stream", "action", "A part of the response body."),
  row(
    "proxy_on_response_trailers",
    "context_id num_trailers",
    "action",
    "Response trailers; the response is complete.",
  ),
  {
    ...row("proxy_on_response_metadata", "context_id num_elements", "action", "An HTTP/2 METADATA frame."),
    extension: true,
  },
  row(
    "proxy_on_http_call_response",
    "plugin_context_id token num_headers body_size num_trailers",
    "none",
    "An HTTP callout ended; 0 headers when it failed.",
  ),
  row(
    "proxy_on_grpc_receive_initial_metadata",
    "plugin_context_id token num_elements",
    "none",
    "Initial metadata of a gRPC stream.",
  ),
  row("proxy_on_grpc_receive", "plugin_context_id token message_size", "none", "A gRPC message."),
  {
    ...row(
      "proxy_on_grpc_receive_trailing_metadata",
      "plugin_context_id token num_elements",
      "none",
      "Trailing metadata of a gRPC stream.",
    ),
    alias: "proxy_on_grpc_trailing_metadata",
  },
  row("proxy_on_grpc_close", "plugin_context_id token status_code", "none", "A gRPC call failed, or a stream ended."),
  row("proxy_on_done", "context_id", "bool", "The context ends; a plugin that answers 0 waits for `proxy_done`."),
  row("proxy_on_log", "context_id", "none", "All facts of the stream are known."),
  row("proxy_on_delete", "context_id", "none", "The context is gone; its id may be used again."),
  {
    ...row("envoy_on_resolve_dns", "plugin_context_id token result_size", "none", "The answer of `envoy_resolve_dns`."),
    extension: true,
  },
  {
    ...row("envoy_on_stats_update", "plugin_context_id result_size", "none", "Statistics for a stats sink."),
    extension: true,
  },
];

/** Exports that place the host's results in guest memory, in the order in which they are looked for. */
export const ALLOCATORS: readonly string[] = ["proxy_on_memory_allocate", "malloc"];

/** What runs once, when a VM starts; see `host/wasm/vm.ts` for the order. */
export const START_FUNCTIONS: readonly string[] = ["_initialize", "_start", "main", "__main_void"];
