// host/http/match_inputs.ts: what match trees can look at of an HTTP stream.
// pure: no I/O, no clock, no runtime globals
/**
 * Inputs of the response give nothing as long as there is none: the tree has no answer yet.
 *
 * @see Envoy: source/common/http/matching/inputs.h, source/extensions/matching/network/common/inputs.h
 * @module
 */
import { latin1Slice } from "../base/bytes.ts";
import { AttributesInput, MetadataInput } from "../matching/input_test.ts";
import type { MatchInput } from "../matching/match_tree.ts";
import { valueAt } from "../matching/value_matcher.ts";
import { isPipe } from "../net/address.ts";
import type { SocketAddress, StreamInfo } from "../observe/stream_info.ts";
import type { HeaderMap } from "./header_map.ts";
import { firstDecodedQueryValue } from "./query.ts";

/** What is matched; messages that have not come yet are `null`. */
export interface HttpMatchData {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap | null;
  readonly requestTrailers: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
}

/** What there is while only the head of the request has come. */
export function requestData(requestHeaders: HeaderMap, info: StreamInfo): HttpMatchData {
  return { info, requestHeaders, requestTrailers: null, responseHeaders: null, responseTrailers: null };
}

/** An input as plain data; names of headers are lower case. */
export type HttpInputPlan =
  | {
    readonly kind: HttpHeadersInput;
    readonly name: string;
  }
  | { readonly kind: "queryParameter"; readonly name: string }
  | { readonly kind: "dynamicMetadata"; readonly namespace: string; readonly path: readonly string[] }
  | { readonly kind: "filterState"; readonly key: string }
  /** An environment variable, read when the configuration is; null when it is not set. */
  | { readonly kind: "environment"; readonly value: string | null }
  /** What expressions look at. */
  | { readonly kind: "attributes" }
  | { readonly kind: HttpFactInput };

/** Whose fields. */
export type HttpHeadersInput = "requestHeaders" | "requestTrailers" | "responseHeaders" | "responseTrailers";

/** Inputs that need no more than their names. */
export type HttpFactInput =
  | "sourceIp"
  | "sourcePort"
  | "directSourceIp"
  | "sourceType"
  | "destinationIp"
  | "destinationPort"
  | "serverName"
  | "uriSan"
  | "dnsSan"
  | "subject"
  | "statusCode"
  | "statusCodeClass"
  | "localReply"
  | "networkNamespace";

type Fact = (data: HttpMatchData) => string | null | undefined;

const ip = (address: SocketAddress): string | null => isPipe(address) ? null : address.address;
const port = (address: SocketAddress): string | null => isPipe(address) ? null : String(address.port);
const text = (value: string): string | null => value === "" ? null : value;

const FACTS: Readonly<Record<HttpFactInput, Fact>> = {
  sourceIp: ({ info }) => ip(info.remoteAddress),
  sourcePort: ({ info }) => port(info.remoteAddress),
  directSourceIp: ({ info }) => ip(info.connection.directRemoteAddress),
  sourceType: ({ info }) => isLocal(info) ? "local" : null,
  destinationIp: ({ info }) => ip(info.connection.localAddress),
  destinationPort: ({ info }) => port(info.connection.localAddress),
  serverName: ({ info }) => text(info.connection.requestedServerName),
  uriSan: ({ info }) => sans(info.connection.tls?.uriSanPeerCertificate),
  dnsSan: ({ info }) => sans(info.connection.tls?.dnsSanPeerCertificate),
  subject: ({ info }) => text(info.connection.tls?.subjectPeerCertificate ?? ""),
  statusCode: ({ responseHeaders }) => responseHeaders === null ? undefined : String(responseHeaders.status),
  statusCodeClass: ({ responseHeaders }) => responseHeaders === null ? undefined : classOf(responseHeaders.status),
  // Who is asked for a place to go to has no response yet, of whatever kind.
  localReply: () => undefined,
  // Listeners are in no namespace but that of the process.
  networkNamespace: () => null,
};

/** Compiles an input. */
export function compileHttpInput(plan: HttpInputPlan): MatchInput<HttpMatchData> {
  switch (plan.kind) {
    case "requestHeaders":
    case "requestTrailers":
    case "responseHeaders":
    case "responseTrailers": {
      const { kind, name } = plan;
      return (data) => {
        const headers = data[kind];
        return headers === null ? undefined : headers.getJoined(name);
      };
    }
    case "queryParameter": {
      const { name } = plan;
      return ({ requestHeaders }) =>
        requestHeaders === null ? undefined : firstDecodedQueryValue(requestHeaders.path ?? "", name);
    }
    case "dynamicMetadata": {
      const { namespace, path } = plan;
      return ({ info }) => new MetadataInput(valueAt(info.dynamicMetadata.get(namespace), path));
    }
    case "filterState": {
      const { key } = plan;
      return ({ info }) => {
        const object = info.findFilterState(key);
        return object === null ? null : latin1Slice(object.value, 0, object.value.length);
      };
    }
    case "attributes":
      return (data) => new AttributesInput(data);
    case "environment": {
      const { value } = plan;
      return () => value;
    }
    default:
      return FACTS[plan.kind];
  }
}

/** The client is on this machine, as far as addresses tell. */
function isLocal({ remoteAddress, connection: { localAddress } }: StreamInfo): boolean {
  if (isPipe(remoteAddress)) return true;
  const { address } = remoteAddress;
  return address === localAddress.address || address.startsWith("127.") || address === "::1";
}

function sans(names: readonly string[] | undefined): string | null {
  return names === undefined || names.length === 0 ? null : names.join(",");
}

function classOf(status: number): string | null {
  return status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : null;
}
