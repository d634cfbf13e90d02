// host/net/dns_message.ts: DNS queries for addresses, and what servers answer.
/**
 * Only what looking up addresses takes: A and AAAA questions, and the records of those types in the answer
 * section. Names of records are not followed: a server that resolves gives the addresses at the end of a chain of
 * aliases, and nothing else.
 *
 * @see RFC 1035, RFC 3596
 * @module
 */
import { Buffer } from "node:buffer";
import { decode, encode, type Packet, RECURSION_DESIRED } from "dns-packet";

export const RecordType = { A: "A", AAAA: "AAAA" } as const;
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
const FLAG_TRUNCATED = 0x0200;
const CODE_MASK = 0x000f;
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;
/** A time to live with its highest bit set counts as none (RFC 2181, 8). */
const MAX_TTL_SECONDS = 0x7fffffff;

/** The query's bytes; null when the name is none that DNS could know. */
export function encodeQuery({ id, name, type }: DnsQuestion): Uint8Array | null {
  if (name.length + 2 > MAX_NAME_BYTES) return null;
  for (const label of name.split(".")) {
    // Printable ASCII: whoever wants more has it in punycode.
    if (label.length > MAX_LABEL_BYTES || !/^[!-~]+$/.test(label)) return null;
  }
  return encode({ type: "query", id, flags: RECURSION_DESIRED, questions: [{ type, name, class: "IN" }] });
}

/** Reads the answer to a question; null for bytes that are none. */
export function decodeResponse(bytes: Uint8Array, question: DnsQuestion): DnsResponse | null {
  if (bytes.length < HEADER_BYTES) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = buffer.readUInt16BE(2);
  const truncated = (flags & FLAG_TRUNCATED) !== 0;
  let packet: Packet;
  try {
    packet = decode(buffer);
    // Records are read beyond the end without an error.
    if (decode.bytes > buffer.length) return null;
  } catch {
    // What was cut off may end anywhere; the whole of it comes by TCP.
    return truncated && buffer.readUInt16BE(0) === question.id
      ? { code: flags & CODE_MASK, truncated, records: [] }
      : null;
  }
  const [asked, another] = packet.questions ?? [];
  if (packet.type !== "response" || packet.id !== question.id || asked === undefined || another !== undefined) {
    return null;
  }
  // Names are the same whatever their case.
  if (asked.name.toLowerCase() !== question.name.toLowerCase() || asked.type !== question.type) return null;
  const records = (packet.answers ?? []).flatMap((answer) => {
    if (answer.type !== question.type || (answer.type !== "A" && answer.type !== "AAAA")) return [];
    const ttl = answer.ttl ?? 0;
    return [{ address: answer.data, ttlSeconds: ttl > MAX_TTL_SECONDS ? 0 : ttl }];
  });
  return { code: flags & CODE_MASK, truncated, records };
}
