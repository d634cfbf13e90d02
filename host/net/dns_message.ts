// host/net/dns_message.ts: DNS queries for addresses, and what servers answer.
// pure: no I/O, no clock, no runtime globals
/**
 * Only what looking up addresses takes: A and AAAA questions, and the records of those types in the answer
 * section. Names of records are not followed: a server that resolves gives the addresses at the end of a chain of
 * aliases, and nothing else.
 *
 * @see RFC 1035, RFC 3596
 * @module
 */
import { formatIp } from "../base/ip.ts";

export const RecordType = { A: 1, AAAA: 28 } as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

/** @see https://www.iana.org/assignments/dns-parameters */
export const ResponseCode = {
  NoError: 0,
  FormatError: 1,
  ServerFailure: 2,
  NameError: 3,
  NotImplemented: 4,
  Refused: 5,
};

export interface DnsQuestion {
  readonly id: number;
  /** Without a dot at its end. */
  readonly name: string;
  readonly type: RecordType;
}

export interface DnsRecord {
  /** An IP address without brackets. */
  readonly address: string;
  readonly ttlSeconds: number;
}

export interface DnsResponse {
  readonly code: number;
  /** There is more than fits into a datagram. */
  readonly truncated: boolean;
  /** Of the type that was asked for. */
  readonly records: readonly DnsRecord[];
}

const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
const CODE_MASK = 0x000f;
const INTERNET = 1;
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;

/** The query's bytes; null when the name is none that DNS could know. */
export function encodeQuery({ id, name, type }: DnsQuestion): Uint8Array<ArrayBuffer> | null {
  const labels = name.split(".");
  let nameBytes = 1;
  for (const label of labels) {
    if (label.length === 0 || label.length > MAX_LABEL_BYTES) return null;
    // Printable ASCII: whoever wants more has it in punycode.
    for (let i = 0; i < label.length; i++) if (label.charCodeAt(i) < 0x21 || label.charCodeAt(i) > 0x7e) return null;
    nameBytes += 1 + label.length;
  }
  if (nameBytes > MAX_NAME_BYTES) return null;
  const bytes = new Uint8Array(HEADER_BYTES + nameBytes + 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint16(2, RECURSION_DESIRED);
  view.setUint16(4, 1);
  let at = HEADER_BYTES;
  for (const label of labels) {
    bytes[at++] = label.length;
    for (let i = 0; i < label.length; i++) bytes[at++] = label.charCodeAt(i);
  }
  view.setUint16(at + 1, type);
  view.setUint16(at + 3, INTERNET);
  return bytes;
}

/** Reads the answer to a question; null for bytes that are none. */
export function decodeResponse(bytes: Uint8Array, question: DnsQuestion): DnsResponse | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = view.getUint16(2);
  if (view.getUint16(0) !== question.id || (flags & RESPONSE) === 0 || view.getUint16(4) !== 1) return null;
  const expected = encodeQuery(question)!;
  let at = expected.length;
  if (!sameQuestion(bytes, expected)) return null;
  const records: DnsRecord[] = [];
  const truncated = (flags & TRUNCATED) !== 0;
  for (let count = view.getUint16(6); count > 0; count--) {
    at = skipName(bytes, at);
    if (at < 0 || at + 10 > bytes.length) return truncated ? { code: flags & CODE_MASK, truncated, records } : null;
    const type = view.getUint16(at);
    const end = at + 10 + view.getUint16(at + 8);
    if (end > bytes.length) return truncated ? { code: flags & CODE_MASK, truncated, records } : null;
    if (type === question.type && view.getUint16(at + 2) === INTERNET) {
      const address = readAddress(view, at + 10, end, type);
      if (address === null) return null;
      // A time to live with its highest bit set counts as none (RFC 2181, 8).
      records.push({ address, ttlSeconds: Math.max(0, view.getInt32(at + 4)) });
    }
    at = end;
  }
  return { code: flags & CODE_MASK, truncated, records };
}

/** Names are the same whatever their case. */
function sameQuestion(bytes: Uint8Array, query: Uint8Array): boolean {
  if (bytes.length < query.length) return false;
  for (let i = HEADER_BYTES; i < query.length; i++) if (lower(bytes[i]!) !== lower(query[i]!)) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** Where what follows a name begins; -1 when it does not end. */
function skipName(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length;) {
    const length = bytes[at]!;
    if (length === 0) return at + 1;
    // A pointer to the rest ends it.
    if (length >= 0xc0) return at + 2;
    if (length > MAX_LABEL_BYTES) return -1;
    at += 1 + length;
  }
  return -1;
}

function readAddress(view: DataView, at: number, end: number, type: RecordType): string | null {
  if (type === RecordType.A) {
    return end - at === 4 ? formatIp({ version: 4, a: 0, b: 0, c: 0, d: view.getUint32(at) }) : null;
  }
  if (end - at !== 16) return null;
  const [a, b, c, d] = [0, 4, 8, 12].map((offset) => view.getUint32(at + offset)) as [number, number, number, number];
  return formatIp({ version: 6, a, b, c, d });
}
