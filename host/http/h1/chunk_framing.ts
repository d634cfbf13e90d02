// host/http/h1/chunk_framing.ts: the bytes between chunks, one after the other.
// pure: no I/O, no clock, no runtime globals
// hot: runs per byte of chunk framing; see bench/micro/h1.bench.ts
/**
 * Extensions are read, bounded and forgotten: the body is chunked anew for the next hop.
 *
 * @see RFC 9112 §7.1
 * @module
 */
import type { CodecError } from "../codec.ts";
import { CR, HEX_VALUE, HTAB, LF, SP, VALUE } from "./characters.ts";
import { codecError } from "./errors.ts";

/** What a byte of framing led to. */
export const ChunkEvent = {
  /** The framing goes on. */
  More: 0,
  /** `size` bytes of data follow. */
  Data: 1,
  /** The trailer section follows. */
  Last: 2,
  /** `error` says why. */
  Refused: 3,
} as const;
export type ChunkEvent = (typeof ChunkEvent)[keyof typeof ChunkEvent];

const State = { SizeStart: 0, Size: 1, SizeEnd: 2, Extension: 3, LineLf: 4, DataCr: 5, DataLf: 6 } as const;
type State = (typeof State)[keyof typeof State];

const SIZE_DIGITS = 16;
const EXTENSION_LIMIT_BYTES = 16 * 1024;

/** Reads the framing of one body. */
export class ChunkFraming {
  size = 0;
  error: CodecError | null = null;
  #state: State = State.SizeStart;
  /** Digits of the size, then bytes of the extension. */
  #counter = 0;

  /** Begins a body. */
  begin(): void {
    this.#state = State.SizeStart;
  }

  /** The data of a chunk is over. */
  endData(): void {
    this.#state = State.DataCr;
  }

  take(byte: number): ChunkEvent {
    switch (this.#state) {
      case State.SizeStart: {
        const digit = HEX_VALUE[byte]!;
        if (digit === 255) return this.#refuse("expected a chunk size");
        this.size = digit;
        this.#counter = 1;
        this.#state = State.Size;
        return ChunkEvent.More;
      }
      case State.Size: {
        const digit = HEX_VALUE[byte]!;
        if (digit === 255) return this.#afterSize(byte);
        this.size = this.size * 16 + digit;
        if (++this.#counter > SIZE_DIGITS || this.size > Number.MAX_SAFE_INTEGER) {
          return this.#refuse("the chunk size is too large");
        }
        return ChunkEvent.More;
      }
      case State.SizeEnd:
        return this.#afterSize(byte);
      case State.Extension:
        if (byte === CR) this.#state = State.LineLf;
        else if (VALUE[byte] === 0) return this.#refuse("the chunk extension has a control character");
        else if (++this.#counter > EXTENSION_LIMIT_BYTES) return this.#refuse("the chunk extension is too long");
        return ChunkEvent.More;
      case State.LineLf:
        if (byte !== LF) return this.#refuse("expected LF after CR");
        return this.size === 0 ? ChunkEvent.Last : ChunkEvent.Data;
      case State.DataCr:
        if (byte !== CR) return this.#refuse("expected CR after the chunk");
        this.#state = State.DataLf;
        return ChunkEvent.More;
      case State.DataLf:
        if (byte !== LF) return this.#refuse("expected LF after CR");
        this.#state = State.SizeStart;
        return ChunkEvent.More;
    }
  }

  #afterSize(byte: number): ChunkEvent {
    if (byte === CR) {
      this.#state = State.LineLf;
    } else if (byte === SP || byte === HTAB) {
      if (this.#state === State.Size) this.#counter = 0;
      this.#state = State.SizeEnd;
      if (++this.#counter > EXTENSION_LIMIT_BYTES) return this.#refuse("the chunk extension is too long");
    } else if (byte === 0x3b) {
      this.#counter = 0;
      this.#state = State.Extension;
    } else {
      return this.#refuse("expected the end of the line or an extension after the chunk size");
    }
    return ChunkEvent.More;
  }

  #refuse(message: string): ChunkEvent {
    this.error = codecError(message);
    return ChunkEvent.Refused;
  }
}
