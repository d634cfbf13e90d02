// host/testing/mod.ts: `nuncio/testing`: tests for filters, on the proxy's own engine.
/**
 * A test loads a filter, opens streams and plays client, upstream and called services. No socket, no thread,
 * and a clock that moves only when told; engine and filter manager are the ones that serve in production.
 *
 * @module
 */
export { buildFilter, type BuildOptions, type BuildResult } from "./filter_build/build_filter.ts";
export { type ConfigInit, FilterHost, type FilterOptions } from "./filter_host.ts";
export { OutgoingCall } from "./http_call.ts";
export { HttpStream, type LocalAnswer } from "./http_stream.ts";
export { type FilterPlace, loadFilter } from "./load_filter.ts";
export { type BytesInit, type HeadersInit, Message } from "./message.ts";
export type { LevelName, LogLine } from "./recorders.ts";
export { TcpEnd, TcpStream } from "./tcp_stream.ts";
export type { PropertyInit } from "./test_properties.ts";
