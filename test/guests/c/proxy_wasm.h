// test/guests/c/proxy_wasm.h: the host functions of ABI 0.1.0 that the guest calls.
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

IMPORT(proxy_log) u32 proxy_log(u32 level, const char *text, u32 size);
IMPORT(proxy_set_tick_period_milliseconds) u32 proxy_set_tick_period_milliseconds(u32 ms);
IMPORT(proxy_get_configuration) u32 proxy_get_configuration(char **data, u32 *size);
IMPORT(proxy_get_property) u32 proxy_get_property(const char *path, u32 path_size, char **value, u32 *size);
IMPORT(proxy_set_property) u32 proxy_set_property(const char *path, u32 path_size, const char *value, u32 size);
IMPORT(proxy_get_buffer_bytes) u32 proxy_get_buffer_bytes(u32 type, u32 start, u32 max, char **data, u32 *size);
IMPORT(proxy_set_buffer_bytes) u32 proxy_set_buffer_bytes(u32 type, u32 start, u32 size, const char *data, u32 length);
IMPORT(proxy_get_header_map_value)
u32 proxy_get_header_map_value(u32 map, const char *key, u32 key_size, char **value, u32 *size);
IMPORT(proxy_add_header_map_value)
u32 proxy_add_header_map_value(u32 map, const char *key, u32 key_size, const char *value, u32 size);
IMPORT(proxy_replace_header_map_value)
u32 proxy_replace_header_map_value(u32 map, const char *key, u32 key_size, const char *value, u32 size);
IMPORT(proxy_remove_header_map_value) u32 proxy_remove_header_map_value(u32 map, const char *key, u32 key_size);
// The specification of 0.1.0 gives this one no result, Envoy gives it a status and refuses who thinks otherwise.
IMPORT(proxy_continue_request) u32 proxy_continue_request(void);
IMPORT(proxy_send_local_response)
u32 proxy_send_local_response(u32 code, const char *details, u32 details_size, const char *body, u32 body_size,
                              const char *headers, u32 headers_size, u32 grpc_status);
IMPORT(proxy_set_effective_context) u32 proxy_set_effective_context(u32 id);
IMPORT(proxy_http_call)
u32 proxy_http_call(const char *upstream, u32 upstream_size, const char *headers, u32 headers_size, const char *body,
                    u32 body_size, const char *trailers, u32 trailers_size, u32 timeout, u32 *token);
IMPORT(proxy_get_shared_data)
u32 proxy_get_shared_data(const char *key, u32 key_size, char **value, u32 *size, u32 *cas);
IMPORT(proxy_set_shared_data)
u32 proxy_set_shared_data(const char *key, u32 key_size, const char *value, u32 size, u32 cas);
IMPORT(proxy_define_metric) u32 proxy_define_metric(u32 type, const char *name, u32 size, u32 *id);
IMPORT(proxy_increment_metric) u32 proxy_increment_metric(u32 id, i64 delta);
IMPORT(proxy_record_metric) u32 proxy_record_metric(u32 id, u64 value);
IMPORT(proxy_get_metric) u32 proxy_get_metric(u32 id, u64 *value);
