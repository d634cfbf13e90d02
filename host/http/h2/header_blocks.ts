// host/http/h2/header_blocks.ts: header blocks, in one frame or in several, to header maps.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message; see bench/micro/h2.bench.ts
/**
 * A block that comes whole is decoded where it lies. One that goes on in CONTINUATION frames is collected up
 * to a limit that only somebody reaches who does not mean to send a message.
 *
 * @see RFC 9113 §4.3, §6.10
 * @module
 */
import { allocUnsafe } from "../../base/bytes.ts";
import { BlockKind, type BlockVerdict, HeaderBlockReader, type HeaderLimits } from "./header_reader.ts";
import { HpackDecoder } from "./hpack_decoder.ts";

/** A block takes more bytes than its fields only when somebody wants that. */
const BLOCK_SLACK_BYTES = 16 * 1024;
const MIN_BLOCK_LIMIT_BYTES = 64 * 1024;

export class HeaderBlocks {
  readonly reader: HeaderBlockReader;
  readonly decoder: HpackDecoder;
  /** Of the block that is being collected; 0: there is none. */
  streamId = 0;
  endStream = false;
  readonly #limitBytes: number;
  #bytes: Uint8Array | null = null;
  #length = 0;

  constructor(limits: HeaderLimits & { readonly maxHeaderFieldBytes: number }) {
    this.decoder = new HpackDecoder(limits.maxHeaderFieldBytes);
    this.reader = new HeaderBlockReader(limits);
    this.#limitBytes = Math.max(limits.maxHeadersBytes, MIN_BLOCK_LIMIT_BYTES) + BLOCK_SLACK_BYTES;
  }

  /** Begins to collect. */
  begin(streamId: number, endStream: boolean): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.#length = 0;
  }

  /** False: the block is too long. */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#length + end - start;
    if (length > this.#limitBytes) return false;
    if (this.#bytes === null || this.#bytes.length < length) {
      const larger = allocUnsafe(Math.min(this.#limitBytes, Math.max(1024, length * 2)));
      if (this.#bytes !== null) larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
    return true;
  }

  /** Decodes what was collected. */
  finish(kind: BlockKind): BlockVerdict | null {
    const bytes = this.#bytes!;
    this.streamId = 0;
    this.#bytes = null;
    return this.decode(kind, bytes, 0, this.#length);
  }

  /** Decodes a whole block; its fields are in `reader`. Null: it is malformed, and so is what comes after it. */
  decode(kind: BlockKind, bytes: Uint8Array, start: number, end: number): BlockVerdict | null {
    this.reader.begin(kind);
    return this.decoder.decode(bytes, start, end, this.reader) ? this.reader.finish() : null;
  }
}
