// host/observe/formatter/header_commands.ts: commands that read messages: headers, paths, queries, gRPC.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/formatter/http_specific_formatter.cc
 * @module
 */
import { percentDecode, toWireText } from "../../base/wire_text.ts";
import {
  type Command,
  CommandError,
  type Extract,
  type FormatInput,
  type FormatValue,
  type HeaderSource,
  withoutControls,
} from "./command.ts";

type Pick = (input: FormatInput) => HeaderSource | null;

const fromRequest: Pick = (input) => input.requestHeaders;
const fromResponse: Pick = (input) => input.responseHeaders;
const fromTrailers: Pick = (input) => input.responseTrailers;

const NAME = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** `REQ(X?Y)`: the first value of X, or else of Y. */
function header(pick: Pick): Command {
  return {
    parameter: "required",
    length: true,
    compile(parameter) {
      const names = parameter.toLowerCase().split("?");
      if (names.length > 2) return new CommandError(`more than one alternative header in "${parameter}"`);
      for (const name of names) {
        if (name !== "" && !NAME.test(name)) return new CommandError(`"${name}" is no header name`);
      }
      const [first, second] = names as [string, string?];
      if (second === undefined || second === "") return (input) => pick(input)?.get(first) ?? null;
      return (input) => {
        const headers = pick(input);
        return headers === null ? null : headers.get(first) ?? headers.get(second);
      };
    },
  };
}

/** `REQUEST_HEADERS_BYTES` and its kin. */
function byteSize(pick: Pick): Command {
  return { parameter: "none", length: false, compile: () => (input) => pick(input)?.byteSize ?? 0 };
}

/** `PATH(WQ|NQ:ORIG|PATH|ORIG_OR_PATH)`. */
function compilePath(parameter: string): Extract | CommandError {
  const [query = "", source = ""] = parameter.split(":");
  if (query !== "" && query !== "WQ" && query !== "NQ") {
    return new CommandError(`PATH knows no "${query}"; expected WQ or NQ`);
  }
  const path = pathSource(source);
  if (path === null) return new CommandError(`PATH knows no "${source}"; expected ORIG, PATH or ORIG_OR_PATH`);
  if (query !== "NQ") return path;
  return (input) => {
    const text = path(input);
    return text === null ? null : beforeQuery(text);
  };
}

function pathSource(source: string): ((input: FormatInput) => string | null) | null {
  switch (source) {
    case "ORIG":
      return (input) => input.requestHeaders?.get("x-envoy-original-path") ?? null;
    case "PATH":
      return (input) => input.requestHeaders?.get(":path") ?? null;
    case "":
    case "ORIG_OR_PATH":
      return (input) =>
        input.requestHeaders?.get("x-envoy-original-path") ?? input.requestHeaders?.get(":path") ?? null;
    default:
      return null;
  }
}

function beforeQuery(path: string): string {
  const mark = path.indexOf("?");
  return mark < 0 ? path : path.slice(0, mark);
}

/** The query of `:path` without `?` and fragment, or null. */
function queryOf(input: FormatInput): string | null {
  const path = input.requestHeaders?.get(":path") ?? null;
  if (path === null) return null;
  const mark = path.indexOf("?");
  if (mark < 0) return null;
  const hash = path.indexOf("#", mark);
  return path.slice(mark + 1, hash < 0 ? undefined : hash);
}

function compileQueryParam(parameter: string): Extract {
  const wanted = toWireText(parameter);
  return (input) => {
    const query = queryOf(input);
    if (query === null) return null;
    for (const pair of query.split("&")) {
      const equals = pair.indexOf("=");
      const name = equals < 0 ? pair : pair.slice(0, equals);
      if (name !== wanted && percentDecode(name) !== wanted) continue;
      return equals < 0 ? "" : withoutControls(percentDecode(pair.slice(equals + 1)));
    }
    return null;
  };
}

function compileQueryParams(parameter: string): Extract | CommandError {
  if (parameter === "" || parameter === "ORIG") return queryOf;
  if (parameter !== "DECODED") {
    return new CommandError(`QUERY_PARAMS knows no "${parameter}"; expected ORIG or DECODED`);
  }
  // Only what is visible is decoded: a query stays one word on the line.
  return (input) => {
    return queryOf(input)?.replace(/%([2-7][0-9a-fA-F])/g, (escape, hex: string) => {
      const code = parseInt(hex, 16);
      return code > 0x20 && code < 0x7f ? String.fromCharCode(code) : escape;
    }) ?? null;
  };
}

/** `REQUESTED_SERVER_NAME(SNI_ONLY|SNI_FIRST|HOST_FIRST:ORIG|HOST|ORIG_OR_HOST)`. */
function compileServerName(parameter: string): Extract | CommandError {
  const [order = "", source = ""] = parameter.split(":");
  const host = hostSource(source);
  if (host === null) {
    return new CommandError(`REQUESTED_SERVER_NAME knows no "${source}"; expected ORIG, HOST or ORIG_OR_HOST`);
  }
  const sni = (input: FormatInput): string | null => {
    const name = input.info.connection.requestedServerName;
    return name === "" ? null : name.replace(/[^A-Za-z0-9_.-]/g, "_");
  };
  switch (order) {
    case "":
    case "SNI_ONLY":
      return sni;
    case "SNI_FIRST":
      return (input) => sni(input) ?? host(input);
    case "HOST_FIRST":
      return (input) => host(input) ?? sni(input);
    default:
      return new CommandError(
        `REQUESTED_SERVER_NAME knows no "${order}"; expected SNI_ONLY, SNI_FIRST or HOST_FIRST`,
      );
  }
}

function hostSource(source: string): ((input: FormatInput) => string | null) | null {
  switch (source) {
    case "ORIG":
      return (input) => input.requestHeaders?.get("x-envoy-original-host") ?? null;
    case "HOST":
      return (input) => input.requestHeaders?.get(":authority") ?? null;
    case "":
    case "ORIG_OR_HOST":
      return (input) =>
        input.requestHeaders?.get("x-envoy-original-host") ?? input.requestHeaders?.get(":authority") ?? null;
    default:
      return null;
  }
}

/** Names of gRPC's status codes 0 to 16. */
const GRPC_NAMES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** The name that Envoy prints in CAMEL_STRING. */
const GRPC_CAMEL_NAMES: readonly string[] = GRPC_NAMES.map((name) =>
  name === "OK"
    ? name
    : name === "CANCELLED"
    ? "Canceled"
    : name.split("_").map((word) => word[0] + word.slice(1).toLowerCase()).join("")
);

/** What gRPC makes of an answer that has no `grpc-status`: its HTTP status. */
const HTTP_TO_GRPC: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

/** The status of a gRPC call, or null when the request is none. */
function grpcStatus(input: FormatInput): number | null {
  const type = input.requestHeaders?.get("content-type") ?? "";
  return /^application\/grpc(?:$|\+|;)/.test(type) ? grpcStatusOf(input) : null;
}

/** What an answer says in gRPC's terms, or null without an answer. -1 when it is no number. */
export function grpcStatusOf(input: FormatInput): number | null {
  const text = input.responseTrailers?.get("grpc-status") ?? input.responseHeaders?.get("grpc-status") ?? null;
  if (text !== null) return /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (input.info.responseCode === 0) return null;
  return HTTP_TO_GRPC[input.info.responseCode] ?? 2;
}

function compileGrpcStatus(parameter: string): Extract | CommandError {
  if (parameter === "NUMBER") return grpcStatus;
  if (parameter !== "" && parameter !== "CAMEL_STRING" && parameter !== "SNAKE_STRING") {
    return new CommandError(
      `GRPC_STATUS knows no "${parameter}"; expected CAMEL_STRING, SNAKE_STRING or NUMBER`,
    );
  }
  const names = parameter === "SNAKE_STRING" ? GRPC_NAMES : GRPC_CAMEL_NAMES;
  return (input): FormatValue => {
    const status = grpcStatus(input);
    return status === null ? null : names[status] ?? String(status);
  };
}

export const HEADER_COMMANDS: Readonly<Record<string, Command>> = {
  REQ: header(fromRequest),
  REQUEST_HEADER: header(fromRequest),
  RESP: header(fromResponse),
  RESPONSE_HEADER: header(fromResponse),
  TRAILER: header(fromTrailers),
  RESPONSE_TRAILER: header(fromTrailers),
  REQUEST_HEADERS_BYTES: byteSize(fromRequest),
  RESPONSE_HEADERS_BYTES: byteSize(fromResponse),
  RESPONSE_TRAILERS_BYTES: byteSize(fromTrailers),
  PATH: { parameter: "optional", length: true, compile: compilePath },
  REQ_WITHOUT_QUERY: {
    parameter: "required",
    length: true,
    compile(parameter, world) {
      const value = header(fromRequest).compile(parameter, world);
      if (value instanceof CommandError) return value;
      return (input) => {
        const text = value(input);
        return typeof text === "string" ? beforeQuery(text) : text;
      };
    },
  },
  QUERY_PARAM: { parameter: "required", length: true, compile: compileQueryParam },
  QUERY_PARAMS: { parameter: "optional", length: true, compile: compileQueryParams },
  REQUESTED_SERVER_NAME: { parameter: "optional", length: true, compile: compileServerName },
  GRPC_STATUS: { parameter: "optional", length: false, compile: compileGrpcStatus },
  GRPC_STATUS_NUMBER: { parameter: "none", length: false, compile: () => grpcStatus },
};
