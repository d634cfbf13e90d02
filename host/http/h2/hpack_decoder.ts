// host/http/h2/hpack_decoder.ts: header blocks to fields.
// pure: no I/O, no clock, no runtime globals
// hot: runs per header; see bench/micro/h2.bench.ts
/**
 * A block is always read to its end, whatever becomes of its fields: the table would be another one than the
 * peer's. What a block can make the decoder keep is the table, which has a limit, and one string at a time.
 *
 * @see RFC 7541
 * @module
 */
import { allocUnsafe, latin1Slice } from "../../base/bytes.ts";
import { HpackField, hpackNameAt } from "./hpack_field.ts";
import type { HpackName } from "./hpack_field.ts";
import { decodeHuffman, maxDecodedLength } from "./huffman.ts";
import { STATIC_TABLE, STATIC_TABLE_SIZE } from "./static_table.ts";

/** Who gets the fields of a block, one by one. */
export interface FieldSink {
  onField(field: HpackField): void;
}

export const DEFAULT_TABLE_BYTES = 4096;
/** Larger numbers than this are no lengths nor indexes of anything that was allowed. */
const MAX_INTEGER = 1 << 26;

/** What Huffman codes are decoded into: one string after the other, by all decoders of the thread. */
let scratch: Uint8Array = new Uint8Array(4096);

export class HpackDecoder {
  readonly #maxStringBytes: number;
  /** Newest first from `#newest` downwards, in a ring. */
  #ring: (HpackField | null)[] = new Array(32).fill(null);
  #newest = 0;
  #count = 0;
  /** Bytes of all entries. */
  #bytes = 0;
  /** What the peer's encoder says it uses. */
  #capacity = DEFAULT_TABLE_BYTES;
  /** What it may use. */
  #limit = DEFAULT_TABLE_BYTES;
  /** The peer has to say that it uses less now. */
  #mustShrink = false;
  #at = 0;

  /** Names and values that are longer make their block malformed. */
  constructor(maxStringBytes: number = 64 * 1024) {
    this.#maxStringBytes = maxStringBytes;
  }

  /** Entries and bytes of the dynamic table, for tests. */
  get tableCount(): number {
    return this.#count;
  }

  get tableBytes(): number {
    return this.#bytes;
  }

  /** The newest entry is 0. */
  tableEntry(index: number): HpackField {
    return this.#ring[(this.#newest - index) & (this.#ring.length - 1)]!;
  }

  /** The peer knows from here on how large the table may be. */
  setLimitBytes(limitBytes: number): void {
    this.#limit = limitBytes;
    this.#mustShrink = this.#capacity > limitBytes;
  }

  /** Reads a whole block. False: it is malformed, and so is everything that would come after it. */
  decode(bytes: Uint8Array, start: number, end: number, sink: FieldSink): boolean {
    this.#at = start;
    let first = true;
    while (this.#at < end) {
      const byte = bytes[this.#at]!;
      if ((byte & 0xe0) === 0x20) {
        // Only before the first field.
        if (!first || !this.#resize(this.#integer(bytes, end, 31))) return false;
        continue;
      }
      if (this.#mustShrink) return false;
      first = false;
      if ((byte & 0x80) !== 0) {
        const field = this.#entry(this.#integer(bytes, end, 127));
        if (field === null) return false;
        sink.onField(field);
        continue;
      }
      const indexed = (byte & 0x40) !== 0;
      const field = this.#literal(bytes, end, indexed ? 63 : 15);
      if (field === null) return false;
      if (indexed) this.#insert(field);
      sink.onField(field);
    }
    return true;
  }

  #literal(bytes: Uint8Array, end: number, mask: number): HpackField | null {
    const index = this.#integer(bytes, end, mask);
    let name: HpackName;
    if (index > 0) {
      const entry = this.#entry(index);
      if (entry === null) return null;
      name = entry.name;
    } else {
      if (index < 0) return null;
      const from = this.#string(bytes, end);
      if (from === null) return null;
      name = hpackNameAt(from, this.#stringStart, this.#stringEnd);
    }
    const from = this.#string(bytes, end);
    if (from === null) return null;
    return new HpackField(name, latin1Slice(from, this.#stringStart, this.#stringEnd));
  }

  #stringStart = 0;
  #stringEnd = 0;

  /** Reads a string; returns the bytes that hold it, from `#stringStart` to `#stringEnd`. */
  #string(bytes: Uint8Array, end: number): Uint8Array | null {
    if (this.#at >= end) return null;
    const huffman = (bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(bytes, end, 127);
    const start = this.#at;
    if (length < 0 || length > end - start || length > this.#maxStringBytes) return null;
    this.#at = start + length;
    if (!huffman) {
      this.#stringStart = start;
      this.#stringEnd = start + length;
      return bytes;
    }
    const room = maxDecodedLength(length);
    if (scratch.length < room) scratch = allocUnsafe(room);
    const decoded = decodeHuffman(bytes, start, start + length, scratch);
    if (decoded < 0 || decoded > this.#maxStringBytes) return null;
    this.#stringStart = 0;
    this.#stringEnd = decoded;
    return scratch;
  }

  /** An integer whose first bits are those of `mask`; -1 when it is cut off or absurd (RFC 7541 §5.1). */
  #integer(bytes: Uint8Array, end: number, mask: number): number {
    let value = bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let unit = 1; this.#at < end; unit *= 128) {
      const byte = bytes[this.#at++]!;
      value += (byte & 127) * unit;
      if (value > MAX_INTEGER || unit > MAX_INTEGER) return -1;
      if (byte < 128) return value;
    }
    return -1;
  }

  #entry(index: number): HpackField | null {
    if (index <= 0) return null;
    if (index <= STATIC_TABLE_SIZE) return STATIC_TABLE[index - 1]!;
    const dynamic = index - STATIC_TABLE_SIZE - 1;
    return dynamic < this.#count ? this.tableEntry(dynamic) : null;
  }

  #resize(bytes: number): boolean {
    if (bytes < 0 || bytes > this.#limit) return false;
    this.#mustShrink = false;
    this.#capacity = bytes;
    this.#evict(bytes);
    return true;
  }

  #insert(field: HpackField): void {
    const bytes = field.tableBytes;
    // An entry that is too large empties the table, and is not there.
    this.#evict(this.#capacity - bytes);
    if (bytes > this.#capacity) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#newest = (this.#newest + 1) & (this.#ring.length - 1);
    this.#ring[this.#newest] = field;
    this.#count++;
    this.#bytes += bytes;
  }

  #evict(limit: number): void {
    while (this.#count > 0 && this.#bytes > limit) {
      const oldest = (this.#newest - this.#count + 1) & (this.#ring.length - 1);
      this.#bytes -= this.#ring[oldest]!.tableBytes;
      this.#ring[oldest] = null;
      this.#count--;
    }
  }

  #grow(): void {
    const ring: (HpackField | null)[] = new Array(this.#ring.length * 2).fill(null);
    for (let i = 0; i < this.#count; i++) ring[this.#count - 1 - i] = this.tableEntry(i);
    this.#newest = this.#count - 1;
    this.#ring = ring;
  }
}
