// host/http/h2/frame_reader.ts: bytes to frames, as events that are pulled.
// pure: no I/O, no clock, no runtime globals
// hot: runs per frame; see bench/micro/h2.bench.ts
/**
 * The payload of DATA is never copied nor waited for: it comes in the pieces in which it arrives, without its
 * padding. All other payloads come whole; one that arrives in pieces is collected, which takes no more than
 * one frame of memory.
 *
 * @see RFC 9113 §4.1
 * @module
 */
import { allocUnsafe, EMPTY_BYTES } from "../../base/bytes.ts";
import { DEFAULT_MAX_FRAME_SIZE, FRAME_HEADER_BYTES, FrameFlag, FrameType } from "./frame.ts";

/** What `next` found. */
export const FrameEvent = {
  /** All input was taken. */
  NeedMore: 0,
  /** A frame that is not DATA; its payload is `bytes`, `start` to `end`. */
  Frame: 1,
  /** A piece of a DATA frame's payload, in the same place. */
  Data: 2,
  /** The frame is longer than it may be; the reader takes no more. */
  TooLarge: 3,
  /** The padding of a DATA frame is longer than the frame. */
  BadPadding: 4,
} as const;
export type FrameEvent = (typeof FrameEvent)[keyof typeof FrameEvent];

const State = { Header: 0, Payload: 1, PadLength: 2, Data: 3, Padding: 4, Failed: 5 } as const;
type State = (typeof State)[keyof typeof State];

export class FrameReader {
  /** Of the current frame. */
  type = 0;
  flags = 0;
  streamId = 0;
  /** Of the whole payload, padding included. */
  length = 0;
  /** Of a DATA frame: bytes of padding, the length byte included. */
  padding = 0;
  bytes: Uint8Array = EMPTY_BYTES;
  start = 0;
  end = 0;
  /** Whether a DATA event is the first, and the last one, of its frame. */
  isFirst = false;
  isLast = false;
  /** The offset in the input up to which it was taken. */
  offset = 0;
  readonly #maxFrameSize: number;
  #state: State = State.Header;
  #header: Uint8Array = new Uint8Array(FRAME_HEADER_BYTES);
  #headerLength = 0;
  /** A payload that arrives in pieces. */
  #payload: Uint8Array | null = null;
  #payloadLength = 0;
  /** Of DATA or its padding: bytes still to come. */
  #left = 0;
  /** Nothing of this DATA frame was given yet. */
  #fresh = false;

  constructor(maxFrameSize: number = DEFAULT_MAX_FRAME_SIZE) {
    this.#maxFrameSize = maxFrameSize;
  }

  /** True between the first and the last byte of a frame. */
  get inFrame(): boolean {
    return this.#state !== State.Header || this.#headerLength > 0;
  }

  next(input: Uint8Array, from: number): FrameEvent {
    let at = from;
    for (;;) {
      switch (this.#state) {
        case State.Header: {
          if (this.#headerLength === 0 && input.length - at >= FRAME_HEADER_BYTES) {
            this.#readHeader(input, at);
            at += FRAME_HEADER_BYTES;
          } else {
            const header = this.#header;
            while (at < input.length && this.#headerLength < FRAME_HEADER_BYTES) {
              header[this.#headerLength++] = input[at++]!;
            }
            if (this.#headerLength < FRAME_HEADER_BYTES) return this.#take(at, FrameEvent.NeedMore);
            this.#headerLength = 0;
            this.#readHeader(header, 0);
          }
          if (this.length > this.#maxFrameSize) {
            this.#state = State.Failed;
            return this.#take(at, FrameEvent.TooLarge);
          }
          if (this.type !== FrameType.Data) {
            this.#state = State.Payload;
            break;
          }
          this.padding = 0;
          this.#left = this.length;
          this.#fresh = true;
          this.#state = (this.flags & FrameFlag.Padded) === 0 ? State.Data : State.PadLength;
          break;
        }
        case State.Payload:
          return this.#readPayload(input, at);
        case State.PadLength: {
          if (this.length === 0) {
            this.#state = State.Failed;
            return this.#take(at, FrameEvent.BadPadding);
          }
          if (at === input.length) return this.#take(at, FrameEvent.NeedMore);
          this.padding = input[at++]! + 1;
          if (this.padding > this.length) {
            this.#state = State.Failed;
            return this.#take(at, FrameEvent.BadPadding);
          }
          this.#left = this.length - this.padding;
          this.#state = State.Data;
          break;
        }
        case State.Data: {
          const take = Math.min(this.#left, input.length - at);
          if (take === 0 && this.#left > 0) return this.#take(at, FrameEvent.NeedMore);
          return this.#readData(input, at, take);
        }
        case State.Padding: {
          const take = Math.min(this.#left, input.length - at);
          at += take;
          this.#left -= take;
          if (this.#left > 0) return this.#take(at, FrameEvent.NeedMore);
          this.#state = State.Header;
          break;
        }
        default:
          return this.#take(input.length, FrameEvent.NeedMore);
      }
    }
  }

  #readHeader(bytes: Uint8Array, at: number): void {
    this.length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.type = bytes[at + 3]!;
    this.flags = bytes[at + 4]!;
    this.streamId = ((bytes[at + 5]! & 127) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
  }

  #readPayload(input: Uint8Array, at: number): FrameEvent {
    const length = this.length;
    if (this.#payload === null) {
      if (input.length - at >= length) {
        this.bytes = input;
        this.start = at;
        this.end = at + length;
        this.#state = State.Header;
        return this.#take(at + length, FrameEvent.Frame);
      }
      this.#payload = allocUnsafe(length);
      this.#payloadLength = 0;
    }
    const payload = this.#payload;
    const take = Math.min(length - this.#payloadLength, input.length - at);
    payload.set(input.subarray(at, at + take), this.#payloadLength);
    this.#payloadLength += take;
    if (this.#payloadLength < length) return this.#take(at + take, FrameEvent.NeedMore);
    this.#payload = null;
    this.bytes = payload;
    this.start = 0;
    this.end = length;
    this.#state = State.Header;
    return this.#take(at + take, FrameEvent.Frame);
  }

  #readData(input: Uint8Array, at: number, take: number): FrameEvent {
    this.isFirst = this.#fresh;
    this.#fresh = false;
    this.#left -= take;
    this.bytes = input;
    this.start = at;
    this.end = at + take;
    this.isLast = this.#left === 0;
    if (this.isLast) {
      this.#left = this.padding === 0 ? 0 : this.padding - 1;
      this.#state = this.#left === 0 ? State.Header : State.Padding;
    }
    return this.#take(at + take, FrameEvent.Data);
  }

  #take(offset: number, event: FrameEvent): FrameEvent {
    this.offset = offset;
    return event;
  }
}
