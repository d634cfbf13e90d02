// host/http/h1/name_table.ts: header names on the wire to interned lower-case strings, without making a string.
// pure: no I/O, no clock, no runtime globals
// hot: runs per header; see bench/micro/h1.bench.ts
/**
 * Two tables of fixed size: names known beforehand, which nothing displaces, and a small one of names met,
 * in which a new name takes the slot of an older one. So no peer can make it grow, and interned names make
 * the comparisons of a header map pointer comparisons.
 *
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import { INLINE_REQUEST_HEADERS, INLINE_RESPONSE_HEADERS } from "../../matching/inline_headers.ts";
import { nameBit } from "../header_map.ts";
import { TOKEN_LOWER } from "./characters.ts";

/** Headers that the codec itself reads. */
export const FieldKind = {
  Plain: 0,
  Host: 1,
  ContentLength: 2,
  TransferEncoding: 3,
  Connection: 4,
  KeepAlive: 5,
  ProxyConnection: 6,
  Upgrade: 7,
  Te: 8,
} as const;
export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/** One interned name. */
export class FieldName {
  readonly text: string;
  readonly kind: FieldKind;
  readonly hash: number;
  /** The bit that `HeaderMap` files the name under. */
  readonly bit: number;
  readonly hasUnderscore: boolean;
  /** Further fields of this name are joined to the first one, in requests and in responses. */
  readonly inlineInRequest: boolean;
  readonly inlineInResponse: boolean;
  readonly codes: Uint8Array;

  constructor(text: string, kind: FieldKind, hash: number) {
    this.text = text;
    this.kind = kind;
    this.hash = hash;
    this.bit = nameBit(text);
    this.hasUnderscore = text.includes("_");
    this.inlineInRequest = INLINE_REQUEST_HEADERS.has(text);
    this.inlineInResponse = INLINE_RESPONSE_HEADERS.has(text);
    this.codes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  }
}

const KINDS: Readonly<Record<string, FieldKind>> = {
  "host": FieldKind.Host,
  "content-length": FieldKind.ContentLength,
  "transfer-encoding": FieldKind.TransferEncoding,
  "connection": FieldKind.Connection,
  "keep-alive": FieldKind.KeepAlive,
  "proxy-connection": FieldKind.ProxyConnection,
  "upgrade": FieldKind.Upgrade,
  "te": FieldKind.Te,
};

const KNOWN_NAMES = `accept accept-charset accept-encoding accept-language accept-ranges
access-control-allow-credentials access-control-allow-headers access-control-allow-methods
access-control-allow-origin access-control-expose-headers access-control-max-age
access-control-request-headers access-control-request-method age allow alt-svc authorization
b3 baggage cache-control cdn-loop content-disposition content-encoding content-language content-location
content-range content-security-policy content-type cookie date dnt early-data etag expect expires
forwarded from grpc-encoding grpc-message grpc-status grpc-timeout idempotency-key if-match
if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards
origin pragma priority proxy-authenticate proxy-authorization range referer referrer-policy
retry-after sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site
sec-fetch-user sec-websocket-accept sec-websocket-extensions sec-websocket-key sec-websocket-protocol
sec-websocket-version server server-timing set-cookie strict-transport-security traceparent tracestate
trailer upgrade-insecure-requests user-agent vary via warning www-authenticate x-amzn-trace-id x-api-key
x-b3-flags x-b3-parentspanid x-b3-sampled x-b3-spanid x-b3-traceid x-cache x-client-trace-id
x-content-type-options x-correlation-id x-envoy-attempt-count x-envoy-decorator-operation
x-envoy-expected-rq-timeout-ms x-envoy-external-address x-envoy-internal x-envoy-max-retries
x-envoy-original-path x-envoy-peer-metadata x-envoy-retry-on x-envoy-upstream-service-time
x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto
x-frame-options x-ot-span-context x-powered-by x-real-ip x-request-id x-requested-with
x-xss-protection`.split(/\s+/);

const KNOWN_SLOTS = 2048;
const MET_SLOTS = 512;
/** Longer names are not worth a slot. */
const MET_LIMIT_BYTES = 64;

const known: (FieldName | null)[] = new Array(KNOWN_SLOTS).fill(null);
const met: (FieldName | null)[] = new Array(MET_SLOTS).fill(null);

for (const text of [...Object.keys(KINDS), ...KNOWN_NAMES]) {
  const name = new FieldName(text, KINDS[text] ?? FieldKind.Plain, hashText(text));
  const slot = name.hash & (KNOWN_SLOTS - 1);
  // A name whose slot is taken is met instead; those that mean something to the codec come first, and a
  // test sees to it that each of them has its slot.
  if (known[slot] === null) known[slot] = name;
}

/** One step of the hash of a name, over its lower-case bytes. */
export function hashStep(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

function hashText(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = hashStep(hash, text.charCodeAt(i));
  return hash;
}

/** The name at `start` to `end`, all token bytes, whose lower-case bytes have this hash. */
export function fieldNameAt(bytes: Uint8Array, start: number, end: number, hash: number): FieldName {
  const candidate = known[hash & (KNOWN_SLOTS - 1)]!;
  if (candidate !== null && candidate.hash === hash && isAt(candidate, bytes, start, end)) return candidate;
  const slot = hash & (MET_SLOTS - 1);
  const recent = met[slot]!;
  if (recent !== null && recent.hash === hash && isAt(recent, bytes, start, end)) return recent;
  // A name of the codec's own may never be taken for a plain one.
  const text = latin1Slice(bytes, start, end).toLowerCase();
  const name = new FieldName(text, Object.hasOwn(KINDS, text) ? KINDS[text]! : FieldKind.Plain, hash);
  if (end - start <= MET_LIMIT_BYTES) met[slot] = name;
  return name;
}

function isAt(name: FieldName, bytes: Uint8Array, start: number, end: number): boolean {
  const codes = name.codes;
  const length = codes.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (TOKEN_LOWER[bytes[start + i]!] !== codes[i]) return false;
  return true;
}
