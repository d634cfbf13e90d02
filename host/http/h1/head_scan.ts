// host/http/h1/head_scan.ts: finds the parts of a message head in one pass over its bytes.
// pure: no I/O, no clock, no runtime globals
// hot: runs over every byte of every head; see bench/micro/h1.bench.ts
/**
 * A scan makes no string: it checks every byte and leaves offsets in `scan`, the one scratch object of the
 * worker, valid until the next scan. It has no memory either: a head that is not all there is scanned again
 * from its start (see `parser.ts` for when). For that to give the same answer wherever the input was cut,
 * a scan reports what comes first in the bytes, a limit included.
 *
 * @see RFC 9112 §2-§5
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import type { CodecError } from "../codec.ts";
import { COLON, CR, HTAB, LF, SP, TARGET, TOKEN_LOWER, VALUE } from "./characters.ts";
import { badMessage, codecError, HEADERS_TOO_LARGE, LOW_VERSION, TOO_MANY_HEADERS } from "./errors.ts";
import { fieldNameAt, hashStep } from "./name_table.ts";
import type { FieldName } from "./name_table.ts";

/** More bytes are needed. */
export const INCOMPLETE = -1;
/** `scan.error` says what is wrong. */
export const FAILED = -2;

/** What a scan found. Offsets are into the scanned bytes. */
export interface HeadScan {
  error: CodecError | null;
  methodStart: number;
  methodEnd: number;
  targetStart: number;
  targetEnd: number;
  /** 11 for HTTP/1.1, 10 for HTTP/1.0, other numbers for what else has that form. */
  version: number;
  status: number;
  fieldCount: number;
  readonly names: FieldName[];
  /** Value start, value end, value start, … */
  spans: Int32Array;
}

export const scan: HeadScan = {
  error: null,
  methodStart: 0,
  methodEnd: 0,
  targetStart: 0,
  targetEnd: 0,
  version: 0,
  status: 0,
  fieldCount: 0,
  names: [],
  spans: new Int32Array(2 * 128),
};

/** Limits of a head. */
export interface HeadLimits {
  readonly maxBytes: number;
  readonly maxCount: number;
}

const METHOD_LIMIT_BYTES = 64;
const REASON_LIMIT_BYTES = 1024;

/** Envoy's list, which has no `M-SEARCH`. */
const METHODS: ReadonlySet<string> = new Set(
  (`ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH
  NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK
  UNLOCK UNSUBSCRIBE`).split(/\s+/),
);

function fail(error: CodecError): number {
  scan.error = error;
  return FAILED;
}

/** Scans a request head. Returns the offset after it, `INCOMPLETE` or `FAILED`. */
export function scanRequestHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: HeadLimits,
  allowCustomMethods: boolean,
): number {
  let p = start;
  const methodStop = Math.min(end, start + METHOD_LIMIT_BYTES);
  while (p < methodStop && TOKEN_LOWER[bytes[p]!] !== 0) p++;
  if (p === methodStop) return p === end ? INCOMPLETE : fail(codecError("the method is too long"));
  // What does not even begin as a method is no HTTP at all.
  if (p === start) return fail(NO_METHOD);
  if (bytes[p] !== SP) return fail(byteError(bytes[p]!, NO_METHOD));
  scan.methodStart = start;
  scan.methodEnd = p;
  if (!allowCustomMethods && !isKnownMethodAt(bytes, start, p)) return fail(codecError("the method is unknown"));

  const targetStart = ++p;
  const limit = targetStart + limits.maxBytes;
  const targetStop = limit < end ? limit + 1 : end;
  while (p < targetStop && TARGET[bytes[p]!] !== 0) p++;
  if (p === targetStop) return p > limit ? fail(HEADERS_TOO_LARGE) : INCOMPLETE;
  if (p === targetStart) return fail(codecError("expected a request target"));
  scan.targetStart = targetStart;
  scan.targetEnd = p;
  if (bytes[p] === CR || bytes[p] === LF) {
    return fail(bytes[targetStart] === 47 ? LOW_VERSION : codecError("expected a path and a version"));
  }
  if (bytes[p] !== SP) return fail(byteError(bytes[p]!, BAD_TARGET));

  p = scanVersion(bytes, p + 1, end);
  if (p < 0) return p;
  if (p + 1 > end) return INCOMPLETE;
  if (bytes[p] !== CR) return fail(codecError("expected the end of the request line after the version"));
  if (p + 2 > end) return INCOMPLETE;
  if (bytes[p + 1] !== LF) return fail(codecError("expected LF after CR"));
  return scanFields(bytes, p + 2, end, limits, scan.targetEnd - targetStart);
}

/** Scans a response head. Returns the offset after it, `INCOMPLETE` or `FAILED`. */
export function scanResponseHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: HeadLimits,
  maxStatus: number,
): number {
  let p = scanVersion(bytes, start, end);
  if (p < 0) return p;
  if (p === end) return INCOMPLETE;
  if (bytes[p] !== SP) return fail(codecError("expected a space after the version"));
  p++;
  let status = 0;
  for (let digit = 0; digit < 3; digit++, p++) {
    if (p === end) return INCOMPLETE;
    const value = bytes[p]! - 48;
    if (value < 0 || value > 9) return fail(codecError("expected a status of three digits"));
    status = status * 10 + value;
  }
  if (status < 100 || status > maxStatus) return fail(codecError(`expected a status from 100 to ${maxStatus}`));
  scan.status = status;
  if (p === end) return INCOMPLETE;
  if (bytes[p] !== CR) {
    if (bytes[p] !== SP) return fail(codecError("expected a space or the end of the line after the status"));
    const stop = Math.min(end, p + REASON_LIMIT_BYTES);
    while (p < stop && VALUE[bytes[p]!] !== 0) p++;
    if (p === stop) return p === end ? INCOMPLETE : fail(codecError("the reason phrase is too long"));
    if (bytes[p] !== CR) return fail(codecError("the reason phrase has a control character"));
  }
  if (p + 1 === end) return INCOMPLETE;
  if (bytes[p + 1] !== LF) return fail(codecError("expected LF after CR"));
  return scanFields(bytes, p + 2, end, limits, 0);
}

/** `HTTP/` digit `.` digit. */
function scanVersion(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 8) {
    for (let p = start; p < end; p++) {
      if (!isVersionByte(bytes[p]!, p - start)) return fail(codecError("expected HTTP/1.1"));
    }
    return INCOMPLETE;
  }
  if (
    bytes[start] !== 72 || bytes[start + 1] !== 84 || bytes[start + 2] !== 84 || bytes[start + 3] !== 80 ||
    bytes[start + 4] !== 47 || bytes[start + 6] !== 46
  ) return fail(codecError("expected HTTP/1.1"));
  const major = bytes[start + 5]! - 48;
  const minor = bytes[start + 7]! - 48;
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return fail(codecError("expected HTTP/1.1"));
  scan.version = major * 10 + minor;
  return start + 8;
}

function isVersionByte(byte: number, index: number): boolean {
  if (index === 5 || index === 7) return byte >= 48 && byte <= 57;
  return byte === "HTTP/0.0".charCodeAt(index);
}

/**
 * Scans field lines up to and with the empty line. `usedBytes` of the limit are spent already. A line counts
 * by its length without `: ` and CRLF, that is, by the bytes of its name and value.
 */
export function scanFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: HeadLimits,
  usedBytes: number,
): number {
  const maxBytes = limits.maxBytes;
  const maxCount = limits.maxCount;
  const names = scan.names;
  let spans = scan.spans;
  let used = usedBytes;
  let count = 0;
  let p = start;
  for (;;) {
    if (p === end) return INCOMPLETE;
    if (bytes[p] === CR) {
      if (p + 1 === end) return INCOMPLETE;
      if (bytes[p + 1] !== LF) return fail(codecError("expected LF after CR"));
      scan.fieldCount = count;
      return p + 2;
    }
    const nameStart = p;
    // The last offset at which the CR of this line may stand.
    const limit = nameStart + 2 + maxBytes - used;
    const stop = limit < end ? limit + 1 : end;
    let hash = 0;
    let code = 0;
    while (p < stop && (code = TOKEN_LOWER[bytes[p]!]!) !== 0) {
      hash = hashStep(hash, code);
      p++;
    }
    if (p === stop) return p > limit ? fail(HEADERS_TOO_LARGE) : INCOMPLETE;
    if (bytes[p] !== COLON || p === nameStart) return fail(byteError(bytes[p]!, NO_NAME));
    const nameEnd = p++;
    while (p < stop && (bytes[p] === SP || bytes[p] === HTAB)) p++;
    const valueStart = p;
    while (p < stop && VALUE[bytes[p]!] !== 0) p++;
    if (p === stop) return p > limit ? fail(HEADERS_TOO_LARGE) : INCOMPLETE;
    if (bytes[p] !== CR) {
      if (bytes[p] === LF) return fail(codecError("expected CR before LF"));
      return fail(badMessage("http1.invalid_characters", "a header value has a control character"));
    }
    if (p + 1 === end) return INCOMPLETE;
    if (bytes[p + 1] !== LF) return fail(codecError("expected LF after CR"));
    let valueEnd = p;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    if (p - nameStart > 2) used += p - nameStart - 2;
    if (count === maxCount) return fail(TOO_MANY_HEADERS);
    if (count * 2 === spans.length) {
      const wider = new Int32Array(spans.length * 2);
      wider.set(spans);
      spans = scan.spans = wider;
    }
    names[count] = fieldNameAt(bytes, nameStart, nameEnd, hash);
    spans[count * 2] = valueStart;
    spans[count * 2 + 1] = valueEnd;
    count++;
    p += 2;
  }
}

const NO_METHOD: CodecError = codecError("expected a method and a space");
const BAD_TARGET: CodecError = codecError("the request target has a byte that is not allowed in it");
const NO_NAME: CodecError = codecError("expected a header name and a colon");
const CONTROL: CodecError = badMessage("http1.invalid_characters", "the head has a control character");

/** What a byte is called where it does not belong: a control character is one everywhere. */
function byteError(byte: number, otherwise: CodecError): CodecError {
  return byte === 127 || (byte < 32 && byte !== HTAB && byte !== CR && byte !== LF) ? CONTROL : otherwise;
}

function isKnownMethodAt(bytes: Uint8Array, start: number, end: number): boolean {
  // GET and POST without making a string.
  if (end - start === 3 && bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84) return true;
  return METHODS.has(latin1Slice(bytes, start, end));
}
