// host/extensions/common/wasm/http_attributes.ts: the attributes below `request` and `response`.
// pure: no I/O, no clock, no runtime globals
// hot: guests ask per request; see bench/micro/wasm_hostcalls.bench.ts
/**
 * A connection without HTTP has them too, as far as they do not need headers.
 *
 * @see Envoy: source/extensions/filters/common/expr/context.cc RequestLookupValues, ResponseLookupValues
 * @module
 */
import type { FilterStream } from "../../../http/filter.ts";
import { httpToGrpcStatus } from "../../../http/local_reply.ts";
import type { NetworkFilterStream } from "../../../net/filter.ts";
import { ResponseFlag } from "../../../observe/stream_info.ts";
import type { HeaderMapPort, PropertyValue, VisibleHeaders } from "../../../wasm/ports.ts";
import { duration, int, latin1, text } from "./attribute_values.ts";

/** Either kind of stream that a filter is given. */
export type Stream = FilterStream | NetworkFilterStream;

const NO_ENTRIES: PropertyValue = { kind: "map", value: new Map() };
const MAX_GRPC_STATUS = 16;

export function isHttp(stream: Stream): stream is FilterStream {
  return "requestHeaders" in stream;
}

/** `path` begins with `request`. Without `visible` all headers are to be seen. */
export function requestProperty(
  stream: Stream,
  path: readonly string[],
  visible?: VisibleHeaders,
): PropertyValue | null {
  const name = path[1];
  if (path.length > (name === "headers" ? 3 : 2)) return null;
  const { info } = stream;
  const headers = isHttp(stream) && visible?.requestHeaders !== false ? stream.requestHeaders : null;
  switch (name) {
    case "headers":
      return headerProperty(headers, path[2]);
    case "time":
      return { kind: "timestamp", value: BigInt(Math.round(info.startWallMs * 1000)) * 1000n };
    case "duration":
      return info.endMs < 0 ? null : duration(info.endMs - info.startMs);
    case "protocol":
      return info.protocol === "" ? null : text(info.protocol);
    case "headers_bytes":
      return int(headers?.byteSize ?? 0);
    case "total_size":
      return int(info.bytesReceived + (headers?.byteSize ?? 0));
    case "size": {
      const length = headers?.get("content-length") ?? null;
      if (length === null) return int(info.bytesReceived);
      return /^[0-9]{1,18}$/.test(length) ? int(BigInt(length)) : null;
    }
  }
  if (headers === null) return null;
  switch (name) {
    case "path":
      return latin1(headers.path);
    case "url_path": {
      const target = headers.path ?? "";
      const question = target.indexOf("?");
      return latin1(question < 0 ? target : target.slice(0, question));
    }
    case "query": {
      const target = headers.path ?? "";
      const question = target.indexOf("?");
      return latin1(question < 0 ? "" : target.slice(question + 1).split("#", 1)[0]!);
    }
    case "host":
      return latin1(headers.authority);
    case "scheme":
      return latin1(headers.scheme);
    case "method":
      return latin1(headers.method);
    case "referer":
      return latin1(headers.get("referer"));
    case "useragent":
      return latin1(headers.get("user-agent"));
    case "id":
      return latin1(headers.get("x-request-id"));
    default:
      return null;
  }
}

/** `path` begins with `response`. Without `visible` all headers are to be seen. */
export function responseProperty(
  stream: Stream,
  path: readonly string[],
  visible?: VisibleHeaders,
): PropertyValue | null {
  const name = path[1];
  if (path.length > (name === "headers" || name === "trailers" ? 3 : 2)) return null;
  const { info } = stream;
  const headers = isHttp(stream) && visible?.responseHeaders !== false ? stream.responseHeaders : null;
  const trailers = isHttp(stream) && visible?.responseTrailers !== false ? stream.responseTrailers : null;
  switch (name) {
    case "code": {
      const code = info.responseCode || (headers?.status ?? 0);
      return code === 0 ? null : int(code);
    }
    case "code_details":
      return info.responseCodeDetails === "" ? null : text(info.responseCodeDetails);
    case "flags":
      return int(flagBits(info.flags));
    case "headers":
      return headerProperty(headers, path[2]);
    case "trailers":
      return headerProperty(trailers, path[2]);
    case "headers_bytes":
      return int(headers?.byteSize ?? 0);
    case "size":
      return int(info.bytesSent);
    case "total_size":
      return int(info.bytesSent + (headers?.byteSize ?? 0) + (trailers?.byteSize ?? 0));
    case "grpc_status": {
      const status = trailers?.get("grpc-status") ?? headers?.get("grpc-status") ?? null;
      if (status === null) return info.responseCode === 0 ? null : int(httpToGrpcStatus(info.responseCode));
      return int(/^[0-9]{1,2}$/.test(status) && Number(status) <= MAX_GRPC_STATUS ? Number(status) : -1);
    }
    case "backend_latency": {
      const upstream = info.upstream;
      if (upstream === null || upstream.lastByteReceivedMs < 0 || upstream.firstByteSentMs < 0) return null;
      return duration(upstream.lastByteReceivedMs - upstream.firstByteSentMs);
    }
    default:
      return null;
  }
}

/** One field, all its values joined; or all fields. */
function headerProperty(headers: HeaderMapPort | null, field: string | undefined): PropertyValue | null {
  if (field !== undefined) return latin1(headers?.getJoined(field.toLowerCase()) ?? null);
  return headers === null ? NO_ENTRIES : { kind: "headers", value: headers };
}

const FLAG_ORDER: readonly ResponseFlag[] = Object.values(ResponseFlag);

/** The legacy bit mask: one bit a flag, in the order of Envoy's enum. */
function flagBits(flags: readonly ResponseFlag[]): number {
  let bits = 0;
  for (const flag of flags) bits += 2 ** FLAG_ORDER.indexOf(flag);
  return bits;
}
