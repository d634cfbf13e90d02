// sdk/src/imports.gen.ts: the host functions of proxy-wasm 0.2.1. Made by abi/generate.ts; edit abi/hostcalls.ts.

/** Logs a message at a level. Legal at any time, also during start-up and allocation. */
@external("env", "proxy_log")
export declare function proxy_log(level: i32, message: usize, messageSize: usize): i32;

/** The level from which messages are logged now; 6 is off. */
@external("env", "proxy_get_log_level")
export declare function proxy_get_log_level(returnLevel: usize): i32;

/** Wall-clock nanoseconds since 1970. */
@external("env", "proxy_get_current_time_nanoseconds")
export declare function proxy_get_current_time_nanoseconds(returnTime: usize): i32;

/** Sets the period of `proxy_on_tick` of the plugin; 0 stops it. A tick is armed after the one before it returned. */
@external("env", "proxy_set_tick_period_milliseconds")
export declare function proxy_set_tick_period_milliseconds(periodMs: u32): i32;

/** How the plugin's last callout ended: 0, or a gRPC code, or 11 with a reason for a failed HTTP call. */
@external("env", "proxy_get_status")
export declare function proxy_get_status(returnCode: usize, returnMessage: usize, returnSize: usize): i32;

/** The value of an attribute (see the property table), or of a property that a filter of this stream has set. */
@external("env", "proxy_get_property")
export declare function proxy_get_property(path: usize, pathSize: usize, returnValue: usize, returnSize: usize): i32;

/** Stores bytes with the stream, in its filter state under `wasm.` and the path. */
@external("env", "proxy_set_property")
export declare function proxy_set_property(path: usize, pathSize: usize, value: usize, valueSize: usize): i32;

/** Bytes of a buffer, clamped to what is there; nothing there is Ok with size 0. */
@external("env", "proxy_get_buffer_bytes")
export declare function proxy_get_buffer_bytes(buffer: i32, start: u32, maxSize: u32, returnData: usize, returnSize: usize): i32;

/** Replaces `size` bytes at `start`; at 0 with size 0 prepends, at or past the end appends. */
@external("env", "proxy_set_buffer_bytes")
export declare function proxy_set_buffer_bytes(buffer: i32, start: u32, size: u32, value: usize, valueSize: usize): i32;

/** The length of a buffer; flags are always 0. */
@external("env", "proxy_get_buffer_status")
export declare function proxy_get_buffer_status(buffer: i32, returnSize: usize, returnFlags: usize): i32;

/** The size in bytes that the map takes when serialized. */
@external("env", "proxy_get_header_map_size")
export declare function proxy_get_header_map_size(map: i32, returnSize: usize): i32;

/** All entries, serialized; an empty or unavailable map is Ok with size 0. */
@external("env", "proxy_get_header_map_pairs")
export declare function proxy_get_header_map_pairs(map: i32, returnData: usize, returnSize: usize): i32;

/** Replaces all entries. Malformed data is BadArgument and changes nothing. */
@external("env", "proxy_set_header_map_pairs")
export declare function proxy_set_header_map_pairs(map: i32, data: usize, dataSize: usize): i32;

/** The first value of a key. */
@external("env", "proxy_get_header_map_value")
export declare function proxy_get_header_map_value(map: i32, key: usize, keySize: usize, returnValue: usize, returnSize: usize): i32;

/** Appends an entry. */
@external("env", "proxy_add_header_map_value")
export declare function proxy_add_header_map_value(map: i32, key: usize, keySize: usize, value: usize, valueSize: usize): i32;

/** Overwrites the first entry of a key and removes the others; adds one when there is none. */
@external("env", "proxy_replace_header_map_value")
export declare function proxy_replace_header_map_value(map: i32, key: usize, keySize: usize, value: usize, valueSize: usize): i32;

/** Removes all entries of a key; none there is Ok. */
@external("env", "proxy_remove_header_map_value")
export declare function proxy_remove_header_map_value(map: i32, key: usize, keySize: usize): i32;

/** Goes on after a pause, once the current callback has returned. No effect when nothing is paused. */
@external("env", "proxy_continue_stream")
export declare function proxy_continue_stream(stream: i32): i32;

/** Resets the HTTP stream, or closes the connection after what is queued was sent. */
@external("env", "proxy_close_stream")
export declare function proxy_close_stream(stream: i32): i32;

/** Answers instead of the upstream, once the current callback has returned. A second answer is ignored. */
@external("env", "proxy_send_local_response")
export declare function proxy_send_local_response(statusCode: u32, details: usize, detailsSize: usize, body: usize, bodySize: usize, headers: usize, headersSize: usize, grpcStatus: i32): i32;

/** Lets the rest of this callback act on another live context of the VM. */
@external("env", "proxy_set_effective_context")
export declare function proxy_set_effective_context(contextId: u32): i32;

/** Ends the wait of a plugin whose `proxy_on_done` answered false. */
@external("env", "proxy_done")
export declare function proxy_done(): i32;

/** Sends a request to a cluster; the answer comes by `proxy_on_http_call_response`. */
@external("env", "proxy_http_call")
export declare function proxy_http_call(upstream: usize, upstreamSize: usize, headers: usize, headersSize: usize, body: usize, bodySize: usize, trailers: usize, trailersSize: usize, timeoutMs: i32, returnToken: usize): i32;

/** A unary gRPC call. Declared without metadata by AssemblyScript SDKs. */
@external("env", "proxy_grpc_call")
export declare function proxy_grpc_call(upstream: usize, upstreamSize: usize, service: usize, serviceSize: usize, method: usize, methodSize: usize, metadata: usize, metadataSize: usize, message: usize, messageSize: usize, timeoutMs: u32, returnToken: usize): i32;

/** Opens a gRPC stream. Declared without metadata by AssemblyScript SDKs. */
@external("env", "proxy_grpc_stream")
export declare function proxy_grpc_stream(upstream: usize, upstreamSize: usize, service: usize, serviceSize: usize, method: usize, methodSize: usize, metadata: usize, metadataSize: usize, returnToken: usize): i32;

/** Sends a message on a gRPC stream; `end_of_stream` half-closes it. */
@external("env", "proxy_grpc_send")
export declare function proxy_grpc_send(token: u32, message: usize, messageSize: usize, endOfStream: i32): i32;

/** Ends a call or stream; no callback comes for it any more. */
@external("env", "proxy_grpc_cancel")
export declare function proxy_grpc_cancel(token: u32): i32;

/** Half-closes a gRPC stream, or cancels a call. */
@external("env", "proxy_grpc_close")
export declare function proxy_grpc_close(token: u32): i32;

/** Stores a value for all VMs of this `vm_id` on all threads; with `cas` only if nobody stored since. CasMismatch also beyond a limit. */
@external("env", "proxy_set_shared_data")
export declare function proxy_set_shared_data(key: usize, keySize: usize, value: usize, valueSize: usize, cas: u32): i32;

/** A stored value and its compare-and-swap number. */
@external("env", "proxy_get_shared_data")
export declare function proxy_get_shared_data(key: usize, keySize: usize, returnValue: usize, returnSize: usize, returnCas: usize): i32;

/** Makes a queue, or finds it, and becomes its consumer: `proxy_on_queue_ready` comes to this plugin. Beyond a limit the queue does not exist. */
@external("env", "proxy_register_shared_queue")
export declare function proxy_register_shared_queue(name: usize, nameSize: usize, returnId: usize): i32;

/** Finds a queue of a `vm_id`; an empty one is one's own. */
@external("env", "proxy_resolve_shared_queue")
export declare function proxy_resolve_shared_queue(vmId: usize, vmIdSize: usize, name: usize, nameSize: usize, returnId: usize): i32;

/** Appends a message and tells the consumer, once for each. NotFound also beyond a limit. */
@external("env", "proxy_enqueue_shared_queue")
export declare function proxy_enqueue_shared_queue(id: u32, value: usize, valueSize: usize): i32;

/** Takes the oldest message. */
@external("env", "proxy_dequeue_shared_queue")
export declare function proxy_dequeue_shared_queue(id: u32, returnValue: usize, returnSize: usize): i32;

/** Makes a counter, gauge or histogram, or finds it by name. Beyond a limit it keeps nothing. */
@external("env", "proxy_define_metric")
export declare function proxy_define_metric(type: i32, name: usize, nameSize: usize, returnId: usize): i32;

/** Adds to a counter (more than 0) or a gauge (either way). */
@external("env", "proxy_increment_metric")
export declare function proxy_increment_metric(id: u32, delta: i64): i32;

/** Adds to a counter, sets a gauge, records into a histogram. */
@external("env", "proxy_record_metric")
export declare function proxy_record_metric(id: u32, value: u64): i32;

/** The value of a counter or gauge, over all threads. */
@external("env", "proxy_get_metric")
export declare function proxy_get_metric(id: u32, returnValue: usize): i32;

/** Calls a function that the host offers by name. The result pointers may be 0. */
@external("env", "proxy_call_foreign_function")
export declare function proxy_call_foreign_function(name: usize, nameSize: usize, args: usize, argumentsSize: usize, returnResults: usize, returnSize: usize): i32;
