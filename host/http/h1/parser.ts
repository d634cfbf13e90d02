// host/http/h1/parser.ts: an HTTP/1.1 message stream, byte by byte, as events that are pulled.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk; see bench/micro/h1.bench.ts
/**
 * The codec calls `next` until it says `NeedMore`. Bodies are never copied: a data event is a range of the
 * codec's own input. A head (or trailer section) that arrives whole, as nearly all do, is scanned where it
 * is; one that arrives in pieces is collected and scanned again from its start: with every piece while it
 * is short, then when a line ended, when a byte came that no head has, or when it doubled. As the number of
 * lines has a limit, the work stays linear however it drips.
 *
 * @see RFC 9112
 * @module
 */
import { allocUnsafe, EMPTY_BYTES } from "../../base/bytes.ts";
import type { CodecError } from "../codec.ts";
import { HeaderMap } from "../header_map.ts";
import { CR, LF, VALUE } from "./characters.ts";
import { ChunkEvent, ChunkFraming } from "./chunk_framing.ts";
import { codecError, HEADERS_TOO_LARGE, TOO_MANY_HEADERS } from "./errors.ts";
import { FAILED, INCOMPLETE, scan, scanFields, scanRequestHead, scanResponseHead } from "./head_scan.ts";
import type { HeadLimits } from "./head_scan.ts";
import { normalizeHead } from "./lenient.ts";
import { BodyFraming, headText, MessageHead } from "./message_head.ts";
import { FieldKind } from "./name_table.ts";
import type { Http1ClientOptions, Http1ServerOptions } from "./options.ts";
import { buildRequestHead } from "./request_head.ts";
import { buildResponseHead } from "./response_head.ts";
import type { RequestFacts } from "./response_head.ts";

/** What `next` found. */
export const ParseEvent = {
  /** All input was taken. */
  NeedMore: 0,
  /** `head` is filled; with `BodyFraming.None` the message is over. */
  Head: 1,
  /** Body bytes `dataStart` to `dataEnd` of the input. */
  Data: 2,
  /** The message is over; `trailers` may be there. */
  End: 3,
  /** `error` says why; the parser takes no more. */
  Error: 4,
} as const;
export type ParseEvent = (typeof ParseEvent)[keyof typeof ParseEvent];

const State = {
  Head: 0,
  Length: 1,
  ChunkFraming: 2,
  ChunkData: 3,
  Trailers: 4,
  UntilClose: 5,
  Failed: 6,
} as const;
type State = (typeof State)[keyof typeof State];

/** A held head up to this size is scanned with every piece. */
const SCAN_ALWAYS_BYTES = 1024;
/** A held head up to this size leaves its buffer for the next one. */
const KEPT_BUFFER_BYTES = 4096;

/** What differs between the two directions. */
interface Direction {
  scan(bytes: Uint8Array, start: number, end: number): number;
  build(bytes: Uint8Array, start: number, end: number, head: MessageHead): CodecError | null;
  /** Empty lines before a message are skipped (RFC 9112 §2.2). */
  readonly skipsEmptyLines: boolean;
}

/** Parses one direction of a connection. */
export class MessageParser {
  readonly head: MessageHead = new MessageHead();
  trailers: HeaderMap | null = null;
  error: CodecError | null = null;
  /** The offset in the input up to which it was taken. */
  offset = 0;
  dataStart = 0;
  dataEnd = 0;
  /** After a data event: whether the message, delimited by its length, ended with it. */
  ended = false;
  readonly #direction: Direction;
  readonly #limits: HeadLimits;
  readonly #lenient: boolean;
  readonly #keepsTrailers: boolean;
  readonly #maxHeldBytes: number;
  #state: State = State.Head;
  /** Bytes left of the body or the chunk. */
  #remaining = 0;
  readonly #chunks = new ChunkFraming();
  #held: Uint8Array = EMPTY_BYTES;
  #heldLength = 0;
  /** `#heldLength` at the last scan. */
  #scannedLength = 0;
  /** `#heldLength` before the present input was added. */
  #previousLength = 0;
  /** The regular form of the head just scanned, with the `lenient` option. */
  #normalized: Uint8Array | null = null;

  constructor(direction: Direction, limits: HeadLimits, lenient: boolean, keepsTrailers: boolean) {
    this.#direction = direction;
    this.#limits = limits;
    this.#lenient = lenient;
    this.#keepsTrailers = keepsTrailers;
    // The scan refuses a head before it has this many bytes: limit, line framing, start line.
    this.#maxHeldBytes = limits.maxBytes + 4 * (limits.maxCount + 2) + 2048;
  }

  /** True when part of a message was taken. */
  get inMessage(): boolean {
    if (this.#state !== State.Head) return true;
    const length = this.#heldLength;
    // The first half of an empty line before a message is no part of one.
    return length > 1 || (length === 1 && !(this.#direction.skipsEmptyLines && this.#held[0] === CR));
  }

  /** Whether a message that is delimited by the end of the connection is being read. */
  get untilClose(): boolean {
    return this.#state === State.UntilClose;
  }

  /** Goes on until `bytes` are used up or something is to be told. `from` is where to begin. */
  next(bytes: Uint8Array, from: number): ParseEvent {
    const end = bytes.length;
    let p = from;
    for (;;) {
      switch (this.#state) {
        case State.Head:
          return this.#readHead(bytes, p);
        case State.Length:
        case State.ChunkData: {
          if (p === end) return this.#needMore(end);
          const available = end - p;
          const taken = this.#remaining < available ? this.#remaining : available;
          this.#remaining -= taken;
          this.dataStart = p;
          this.dataEnd = this.offset = p + taken;
          this.ended = false;
          if (this.#remaining === 0) {
            this.ended = this.#state === State.Length;
            this.#state = this.ended ? State.Head : State.ChunkFraming;
            this.#chunks.endData();
          }
          return ParseEvent.Data;
        }
        case State.UntilClose:
          if (p === end) return this.#needMore(end);
          this.dataStart = p;
          this.dataEnd = this.offset = end;
          this.ended = false;
          return ParseEvent.Data;
        case State.Trailers:
          return this.#readTrailers(bytes, p);
        case State.Failed:
          return ParseEvent.Error;
        case State.ChunkFraming:
          if (p === end) return this.#needMore(end);
          switch (this.#chunks.take(bytes[p++]!)) {
            case ChunkEvent.More:
              break;
            case ChunkEvent.Data:
              this.#state = State.ChunkData;
              this.#remaining = this.#chunks.size;
              break;
            case ChunkEvent.Last:
              this.#state = State.Trailers;
              break;
            case ChunkEvent.Refused:
              return this.#fail(this.#chunks.error!);
          }
      }
    }
  }

  #needMore(end: number): ParseEvent {
    this.offset = end;
    return ParseEvent.NeedMore;
  }

  #fail(error: CodecError): ParseEvent {
    this.error = error;
    this.#state = State.Failed;
    this.#held = EMPTY_BYTES;
    this.#heldLength = 0;
    return ParseEvent.Error;
  }

  #readHead(bytes: Uint8Array, from: number): ParseEvent {
    let p = from;
    if (this.#heldLength === 0 && this.#direction.skipsEmptyLines) {
      while (p + 1 < bytes.length && bytes[p] === CR && bytes[p + 1] === LF) p += 2;
      if (p + 1 === bytes.length && bytes[p] === CR) return this.#hold(bytes, p);
    }
    if (p === bytes.length) return this.#needMore(p);
    if (this.#heldLength > 0) {
      if (!this.#collect(bytes, p)) return this.#needMore(bytes.length);
      if (this.#direction.skipsEmptyLines) {
        // A held CR was the first half of an empty line.
        if (this.#held[0] === CR && this.#held[1] === LF) {
          const taken = 2 - this.#previousLength;
          this.#release();
          return this.#readHead(bytes, p + taken);
        }
      }
    }
    const held = this.#heldLength > 0;
    const source = held ? this.#held : bytes;
    const start = held ? 0 : p;
    const end = held ? this.#heldLength : bytes.length;
    const scanned = this.#scanHead(source, start, end);
    if (scanned === INCOMPLETE) return held ? this.#stayHeld(bytes.length) : this.#hold(bytes, p);
    if (scanned === FAILED) return this.#fail(scan.error!);
    this.offset = held ? p + scanned - this.#previousLength : scanned;
    const head = this.head;
    const error = this.#normalized === null
      ? this.#direction.build(source, start, scanned, head)
      : this.#direction.build(this.#normalized, 0, this.#normalized.length, head);
    this.#normalized = null;
    if (held) this.#release();
    if (error !== null) return this.#fail(error);
    this.trailers = null;
    this.#enterBody(head);
    return ParseEvent.Head;
  }

  #enterBody(head: MessageHead): void {
    switch (head.framing) {
      case BodyFraming.None:
        break;
      case BodyFraming.Length:
        this.#state = State.Length;
        this.#remaining = head.contentLength;
        break;
      case BodyFraming.Chunked:
        this.#state = State.ChunkFraming;
        this.#chunks.begin();
        break;
      case BodyFraming.UntilClose:
      case BodyFraming.Raw:
        this.#state = State.UntilClose;
        break;
    }
  }

  /** From here on everything is data. */
  enterTunnel(): void {
    this.#state = State.UntilClose;
  }

  #scanHead(bytes: Uint8Array, start: number, end: number): number {
    if (!this.#lenient) return this.#direction.scan(bytes, start, end);
    const result = normalizeHead(bytes, start, end);
    if (result.consumed === INCOMPLETE) {
      // A strict scan finds what can never become a head, but may not refuse what will be made regular.
      return end - start > this.#maxHeldBytes ? this.#direction.scan(bytes, start, end) : INCOMPLETE;
    }
    this.#normalized = result.bytes;
    const scanned = this.#direction.scan(result.bytes, 0, result.bytes.length);
    if (scanned > 0) return result.consumed;
    this.#normalized = null;
    if (scanned === INCOMPLETE) {
      scan.error = codecError("the head is not regular");
      return FAILED;
    }
    return scanned;
  }

  #readTrailers(bytes: Uint8Array, from: number): ParseEvent {
    if (from === bytes.length) return this.#needMore(from);
    const held = this.#heldLength > 0;
    if (held && !this.#collect(bytes, from)) return this.#needMore(bytes.length);
    const source = held ? this.#held : bytes;
    const start = held ? 0 : from;
    const end = held ? this.#heldLength : bytes.length;
    const scanned = scanFields(source, start, end, this.#limits, 0);
    if (scanned === INCOMPLETE) return held ? this.#stayHeld(bytes.length) : this.#hold(bytes, from);
    if (scanned === FAILED) return this.#fail(ofTrailers(scan.error!));
    this.offset = held ? from + scanned - this.#previousLength : scanned;
    if (this.#keepsTrailers && scan.fieldCount > 0) this.trailers = readTrailerFields(source, start, scanned);
    if (held) this.#release();
    this.#state = State.Head;
    return ParseEvent.End;
  }

  /** Keeps the input from `from` on. */
  #hold(bytes: Uint8Array, from: number): ParseEvent {
    this.#scannedLength = 0;
    this.#append(bytes, from);
    this.#scannedLength = this.#heldLength;
    return this.#needMore(bytes.length);
  }

  #stayHeld(end: number): ParseEvent {
    // The scan refuses what is too large by itself; this only makes sure that no byte is ever lost.
    return this.#heldLength > this.#maxHeldBytes ? this.#fail(HEADERS_TOO_LARGE) : this.#needMore(end);
  }

  /** Adds input to what is held. True when it is worth a scan. */
  #collect(bytes: Uint8Array, from: number): boolean {
    const before = this.#previousLength = this.#heldLength;
    this.#append(bytes, from);
    const held = this.#held;
    const length = this.#heldLength;
    let worth = length <= SCAN_ALWAYS_BYTES || length >= 2 * this.#scannedLength || length >= this.#maxHeldBytes;
    for (let p = before; p < length && !worth; p++) worth = VALUE[held[p]!] === 0 && held[p] !== CR;
    if (worth) this.#scannedLength = length;
    return worth;
  }

  #append(bytes: Uint8Array, from: number): void {
    const before = this.#heldLength;
    const added = Math.min(bytes.length - from, this.#maxHeldBytes + 1 - before);
    const length = before + added;
    if (length > this.#held.length) {
      const wider = allocUnsafe(Math.max(512, 2 * length));
      wider.set(this.#held.subarray(0, before));
      this.#held = wider;
    }
    this.#held.set(bytes.subarray(from, from + added), before);
    this.#heldLength = length;
  }

  #release(): void {
    this.#heldLength = 0;
    this.#scannedLength = 0;
    if (this.#held.length > KEPT_BUFFER_BYTES) this.#held = EMPTY_BYTES;
  }
}

/** The limits of a head hold for trailers too, under another name. */
function ofTrailers(error: CodecError): CodecError {
  if (error === HEADERS_TOO_LARGE) return { ...error, details: "http1.trailers_too_large" };
  return error === TOO_MANY_HEADERS ? { ...error, details: "http1.too_many_trailers" } : error;
}

/** Trailers as a map, without those that may not be trailers (RFC 9110 §6.5.1). */
function readTrailerFields(bytes: Uint8Array, start: number, end: number): HeaderMap | null {
  const text = headText(bytes, start, end);
  const trailers = new HeaderMap();
  for (let i = 0; i < scan.fieldCount; i++) {
    const name = scan.names[i]!;
    if (name.kind !== FieldKind.Plain) continue;
    trailers.append(name.text, text.slice(scan.spans[i * 2]! - start, scan.spans[i * 2 + 1]! - start), name.bit);
  }
  return trailers.fieldCount > 0 ? trailers : null;
}

/** A parser of requests. */
export function createRequestParser(options: Http1ServerOptions): MessageParser {
  let direction = requestDirections.get(options);
  if (direction === undefined) requestDirections.set(options, direction = requestDirection(options));
  return new MessageParser(direction, direction.limits, options.lenient, options.enableTrailers);
}

/** One for all connections of one configuration. */
const requestDirections = new WeakMap<Http1ServerOptions, Direction & { readonly limits: HeadLimits }>();

function requestDirection(options: Http1ServerOptions): Direction & { readonly limits: HeadLimits } {
  const limits = { maxBytes: options.maxRequestHeadersBytes, maxCount: options.maxRequestHeadersCount };
  return {
    limits,
    scan: (bytes, start, end) => scanRequestHead(bytes, start, end, limits, options.allowCustomMethods),
    build: (bytes, _start, end, head) => buildRequestHead(bytes, end, options, head),
    skipsEmptyLines: true,
  };
}

/** A parser of responses; `request` is what the next response answers. */
export function createResponseParser(options: Http1ClientOptions, request: RequestFacts): MessageParser {
  const limits = { maxBytes: options.maxResponseHeadersBytes, maxCount: options.maxResponseHeadersCount };
  const maxStatus = options.lenient ? 999 : 599;
  const direction: Direction = {
    scan: (bytes, start, end) => scanResponseHead(bytes, start, end, limits, maxStatus),
    build: (bytes, start, end, head) => buildResponseHead(bytes, start, end, options, request, head),
    skipsEmptyLines: false,
  };
  return new MessageParser(direction, limits, options.lenient, options.enableTrailers);
}
