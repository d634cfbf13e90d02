// sdk/index.ts: everything that a filter imports from "nuncio/sdk".
/**
 * The AssemblyScript SDK for proxy-wasm filters (ABI 0.2.1): for nuncio, Envoy and every other proxy-wasm host.
 *
 * Rules that hold throughout: nothing throws because of what the host answers (getters give `null` or a fallback,
 * setters a `Status`); absent and empty are different things; nothing is logged behind the author's back.
 */
export { base64Decode, base64Encode, equalsInConstantTime } from "./src/base64";
export { Body } from "./src/body";
export { Config } from "./src/config";
export { Context, RootContext } from "./src/context";
export { DataStatus, HeadersStatus, PeerType, Status, StreamStatus, TrailersStatus } from "./src/enums";
export { callForeign } from "./src/foreign";
export { HeaderMap, Headers, RequestHeaders, ResponseHeaders } from "./src/headers";
export { HttpCall, HttpCallHandler, HttpCallResponse } from "./src/http_call";
export { HttpFilter, HttpFilterOf } from "./src/http_filter";
export { Json, JsonKind } from "./src/json";
export { LocalResponse } from "./src/local_response";
export { log, LogLevel } from "./src/log";
export { Counter, Gauge, Histogram } from "./src/metrics";
export { NetworkFilter, NetworkFilterOf } from "./src/network_filter";
export { clientAddress, Property } from "./src/property";
export {
  registerHttpFilter,
  registerHttpFilterWithRoot,
  registerNetworkFilter,
  registerNetworkFilterWithRoot,
  registerService,
} from "./src/registry";
export { SharedCounter, SharedData, SharedValue } from "./src/shared_data";
export { SharedQueue } from "./src/shared_queue";
export { equalsIgnoreCase, startsWithIgnoreCase } from "./src/text";
export { nowMillis, nowNanos } from "./src/time";
export { TimerTask } from "./src/timer";
