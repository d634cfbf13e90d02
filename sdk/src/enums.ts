// sdk/src/enums.ts: the numbers of the proxy-wasm ABI, by name.

/** What a host call answered. SDK getters turn it into a value or `null`; some setters return it. */
export enum Status {
  Ok = 0,
  /** No such header, property, key, queue or metric. Not the same as an empty value. */
  NotFound = 1,
  /** An argument that the host refuses, or something that may not be changed now. */
  BadArgument = 2,
  SerializationFailure = 3,
  ParseFailure = 4,
  InvalidMemoryAccess = 6,
  /** The queue has nothing in it. */
  Empty = 7,
  /** Somebody else wrote the value in between. */
  CasMismatch = 8,
  /** The host failed, or the plugin lacks the capability. */
  InternalFailure = 10,
  /** This host does not have the function. */
  Unimplemented = 12,
}

/** What `onRequestHeaders` and `onResponseHeaders` return. */
export enum HeadersStatus {
  /** On to the next filter. */
  Continue = 0,
  /** Hold the message until `resumeRequest()` / `resumeResponse()`. Hosts treat it as `StopAllIterationAndWatermark`. */
  StopIteration = 1,
  /** Hold headers and body; a body beyond the host's buffer limit is answered 413 (request) or 500 (response). */
  StopAllIterationAndBuffer = 3,
  /** Hold headers and body; above the host's buffer limit the sender is slowed down instead. */
  StopAllIterationAndWatermark = 4,
}

/** What `onRequestBody` and `onResponseBody` return. */
export enum DataStatus {
  /** Send what the body holds now on to the next filter. */
  Continue = 0,
  /** Keep it. The next call sees these bytes and the new ones together; beyond the buffer limit: 413 or 500. */
  StopIterationAndBuffer = 1,
  /** Keep it, and slow the sender down above the buffer limit. */
  StopIterationAndWatermark = 2,
  /** The filter took these bytes, or drops them. */
  StopIterationNoBuffer = 3,
}

/** What `onRequestTrailers` and `onResponseTrailers` return. */
export enum TrailersStatus {
  /** On to the next filter. */
  Continue = 0,
  /** Hold trailers, and whatever is still buffered, until resumed. */
  StopIteration = 1,
}

/** What the callbacks of a network filter return. */
export enum StreamStatus {
  /** On to the next filter. */
  Continue = 0,
  /** Keep the bytes; the next call sees them and the new ones together. */
  StopIteration = 1,
}

/** Who closed a connection. */
export enum PeerType {
  Unknown = 0,
  /** The proxy. */
  Local = 1,
  /** The other side. */
  Remote = 2,
}

/** Which header map a call means. Filters do not need it: see `RequestHeaders` and its kin. */
export enum MapType {
  RequestHeaders = 0,
  RequestTrailers = 1,
  ResponseHeaders = 2,
  ResponseTrailers = 3,
  HttpCallResponseHeaders = 6,
  HttpCallResponseTrailers = 7,
}

/** Which buffer a call means. Filters do not need it: see `Body` and `Config`. */
export enum BufferType {
  HttpRequestBody = 0,
  HttpResponseBody = 1,
  DownstreamData = 2,
  UpstreamData = 3,
  HttpCallResponseBody = 4,
  GrpcReceiveBuffer = 5,
  VmConfiguration = 6,
  PluginConfiguration = 7,
  CallData = 8,
}

/** Which half of a stream a call means. */
export enum StreamType {
  Request = 0,
  Response = 1,
  Downstream = 2,
  Upstream = 3,
}

/** What kind a metric is. */
export enum MetricType {
  Counter = 0,
  Gauge = 1,
  Histogram = 2,
}
