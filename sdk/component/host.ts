// sdk/component/host.ts: the functions that a host gives to components, in their canonical form.
/**
 * Texts and lists are a pointer and a length; results that do not fit a number go to the address in the last
 * parameter. See abi/wit/filter.wit.
 */

@external("nuncio:filter/logging@0.1.0", "log")
export declare function host_log(level: i32, message: usize, units: usize): void;

@external("nuncio:filter/logging@0.1.0", "enabled")
export declare function host_log_enabled(level: i32): i32;

@external("nuncio:filter/clock@0.1.0", "now-nanos")
export declare function host_now(): u64;

@external("nuncio:filter/clock@0.1.0", "set-tick")
export declare function host_set_tick(ms: u32): void;

@external("nuncio:filter/properties@0.1.0", "get")
export declare function host_get_property(path: usize, count: usize, result: usize): void;

@external("nuncio:filter/properties@0.1.0", "set")
export declare function host_set_property(path: usize, count: usize, value: usize, size: usize): i32;

@external("nuncio:filter/metrics@0.1.0", "define")
export declare function host_define_metric(kind: i32, name: usize, units: usize): u32;

@external("nuncio:filter/metrics@0.1.0", "add")
export declare function host_add_metric(id: u32, delta: i64): void;

@external("nuncio:filter/metrics@0.1.0", "record-value")
export declare function host_record_metric(id: u32, value: u64): void;

@external("nuncio:filter/metrics@0.1.0", "get")
export declare function host_get_metric(id: u32): u64;

@external("nuncio:filter/shared@0.1.0", "get")
export declare function host_get_shared(key: usize, units: usize, result: usize): void;

@external("nuncio:filter/shared@0.1.0", "set")
export declare function host_set_shared(key: usize, units: usize, value: usize, size: usize, hasCas: i32, cas: u32, result: usize): void;

@external("nuncio:filter/shared@0.1.0", "register-queue")
export declare function host_register_queue(name: usize, units: usize): u32;

@external("nuncio:filter/shared@0.1.0", "resolve-queue")
export declare function host_resolve_queue(vmId: usize, vmIdUnits: usize, name: usize, units: usize, result: usize): void;

@external("nuncio:filter/shared@0.1.0", "push")
export declare function host_push(queue: u32, item: usize, size: usize): i32;

@external("nuncio:filter/shared@0.1.0", "pop")
export declare function host_pop(queue: u32, result: usize): void;

@external("nuncio:filter/callout@0.1.0", "send")
export declare function host_send(cluster: usize, units: usize, headers: usize, count: usize, body: usize, size: usize, timeoutMs: u32, result: usize): void;

@external("nuncio:filter/control@0.1.0", "resume-request")
export declare function host_resume_request(stream: u32, edits: usize, count: usize): void;

@external("nuncio:filter/control@0.1.0", "resume-response")
export declare function host_resume_response(stream: u32, edits: usize, count: usize): void;

@external("nuncio:filter/control@0.1.0", "respond")
export declare function host_respond(stream: u32, status: u32, headers: usize, count: usize, body: usize, size: usize, details: usize, units: usize, hasGrpcStatus: i32, grpcStatus: u32): i32;

@external("nuncio:filter/control@0.1.0", "reset")
export declare function host_reset(stream: u32): void;
