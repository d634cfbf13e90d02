// host/upstream/health/grpc_messages.ts: the two messages of grpc.health.v1, as bytes.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */
import { concatBytes } from "../../base/bytes.ts";

const SERVICE_TAG = 0x0a;
const STATUS_TAG = 0x08;
export const SERVING = 1;

/** `HealthCheckRequest` with a service; empty for the server as a whole. */
export function encodeHealthCheckRequest(service: Uint8Array): Uint8Array {
  if (service.length === 0) return service;
  const head = [SERVICE_TAG];
  let length = service.length;
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  head.push(length);
  return concatBytes([Uint8Array.from(head), service], head.length + service.length);
}

/** The status of a `HealthCheckResponse`, the last one that it gives; null when these bytes are none. */
export function readServingStatus(message: Uint8Array): number | null {
  let status = 0;
  for (let offset = 0; offset < message.length;) {
    const tag = readVarint(message, offset);
    if (tag === null) return null;
    const end = skipField(message, tag.end, tag.value & 7);
    if (end === null) return null;
    if (tag.value === STATUS_TAG) status = readVarint(message, tag.end)!.value;
    offset = end;
  }
  return status;
}

/** Numbers of more than 32 bits lose what is above. */
function readVarint(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) return null;
    if (i < 5) value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return { value: value >>> 0, end: start + i + 1 };
  }
  return null;
}

/** Where the next field begins; null when this one is cut, or of a kind that there is not. */
function skipField(bytes: Uint8Array, start: number, wireType: number): number | null {
  let end: number;
  if (wireType === 0) {
    return readVarint(bytes, start)?.end ?? null;
  } else if (wireType === 2) {
    const length = readVarint(bytes, start);
    if (length === null) return null;
    end = length.end + length.value;
  } else if (wireType === 1 || wireType === 5) {
    end = start + (wireType === 1 ? 8 : 4);
  } else {
    return null;
  }
  return end <= bytes.length ? end : null;
}
