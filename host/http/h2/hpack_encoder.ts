// host/http/h2/hpack_encoder.ts: fields to header blocks.
// pure: no I/O, no clock, no runtime globals
// hot: runs per header; see bench/micro/h2.bench.ts
/**
 * A field goes into the dynamic table when its value comes for the second time in a row: values that never
 * repeat (dates apart, most do not) then push nothing out. Only what goes into the table is worth being
 * Huffman coded. Secrets are never put there, nor may those behind the peer do so (RFC 7541 §7.1.3).
 *
 * The table is known by the number of each insertion; to find a field is one look-up of its name.
 *
 * @see RFC 7541 §6
 * @module
 */
import { DEFAULT_TABLE_BYTES } from "./hpack_decoder.ts";
import { FIELD_OVERHEAD_BYTES } from "./hpack_field.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { STATIC_TABLE, STATIC_TABLE_SIZE } from "./static_table.ts";

/** Of as many names the last value is known. */
const MAX_NAMES = 256;
const NEVER_INDEXED: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization", "set-cookie"]);

/** What the encoder knows of a name. */
class EncoderName {
  /** The literal's beginning when it is not indexed: index or name. */
  readonly plainPrefix: string;
  readonly indexedPrefix: string;
  readonly never: boolean;
  readonly nameLength: number;
  /** Static entries of this name that have a value. */
  readonly exact: ReadonlyMap<string, number> | null;
  /** The last value. */
  value: string | null = null;
  /** Number of the insertion that put it into the table; 0: it is not there. */
  insertion = 0;

  constructor(name: string) {
    const index = staticIndexes.get(name) ?? 0;
    this.never = NEVER_INDEXED.has(name);
    this.nameLength = name.length;
    this.exact = staticFields.get(name) ?? null;
    const text = index === 0 ? stringText(name) : "";
    this.plainPrefix = integerText(this.never ? 0x10 : 0, 15, index) + text;
    this.indexedPrefix = integerText(0x40, 63, index) + text;
  }
}

const staticIndexes = new Map<string, number>();
/** By name, then value. */
const staticFields = new Map<string, Map<string, number>>();
STATIC_TABLE.forEach((field, i) => {
  const name = field.name.field.text;
  if (!staticIndexes.has(name)) staticIndexes.set(name, i + 1);
  if (field.value === "") return;
  const values = staticFields.get(name) ?? new Map<string, number>();
  values.set(field.value, i + 1);
  staticFields.set(name, values);
});

const STATUS_TEXTS: string[] = [];
const STATUS_PREFIX = integerText(0, 15, 8);

export class HpackEncoder {
  readonly #huffman: boolean;
  /** Most that this side lets the table grow to. */
  readonly #ownLimit: number;
  #names = new Map<string, EncoderName>();
  /** Bytes of the table's entries, oldest first from `#oldest` on. */
  #sizes: number[] = [];
  #oldest = 0;
  #bytes = 0;
  #capacity: number;
  #inserted = 0;
  /** The smallest capacity since the last block; -1: it did not change. */
  #smallest = -1;

  constructor(tableBytes: number = DEFAULT_TABLE_BYTES, huffman: boolean = true) {
    this.#ownLimit = tableBytes;
    this.#huffman = huffman;
    this.#capacity = DEFAULT_TABLE_BYTES;
    if (tableBytes < DEFAULT_TABLE_BYTES) this.setPeerLimitBytes(DEFAULT_TABLE_BYTES);
  }

  /** Bytes of the dynamic table, for tests. */
  get tableBytes(): number {
    return this.#bytes;
  }

  /** The peer's decoder allows a table of this size. */
  setPeerLimitBytes(limitBytes: number): void {
    const capacity = Math.min(limitBytes, this.#ownLimit);
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    this.#smallest = this.#smallest < 0 ? capacity : Math.min(this.#smallest, capacity);
    this.#evict(capacity);
  }

  /** What a block begins with. */
  begin(): string {
    if (this.#smallest < 0) return "";
    let text = "";
    if (this.#smallest < this.#capacity) text = integerText(0x20, 31, this.#smallest);
    this.#smallest = -1;
    return text + integerText(0x20, 31, this.#capacity);
  }

  status(status: number): string {
    return STATUS_TEXTS[status] ??= statusText(status);
  }

  /** A field; the value's characters are bytes. */
  field(name: string, value: string): string {
    let known = this.#names.get(name);
    if (known === undefined) {
      if (this.#names.size >= MAX_NAMES) this.#names = new Map();
      known = new EncoderName(name);
      this.#names.set(name, known);
    }
    if (known.exact !== null) {
      const index = known.exact.get(value);
      if (index !== undefined) return integerText(0x80, 127, index);
    }
    if (known.value === value) {
      if (known.insertion > this.#inserted - (this.#sizes.length - this.#oldest)) {
        return integerText(0x80, 127, STATIC_TABLE_SIZE + 1 + this.#inserted - known.insertion);
      }
      if (!known.never) return this.#insert(known, value);
    } else {
      known.value = value;
      known.insertion = 0;
    }
    return known.plainPrefix + stringText(value);
  }

  #insert(known: EncoderName, value: string): string {
    const bytes = known.nameLength + value.length + FIELD_OVERHEAD_BYTES;
    // One that would push out most of the others stays out.
    if (bytes > this.#capacity / 2) return known.plainPrefix + stringText(value);
    this.#evict(this.#capacity - bytes);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    known.insertion = ++this.#inserted;
    return known.indexedPrefix + (this.#huffman ? shorterText(value) : stringText(value));
  }

  #evict(limit: number): void {
    const sizes = this.#sizes;
    while (this.#bytes > limit && this.#oldest < sizes.length) this.#bytes -= sizes[this.#oldest++]!;
    if (this.#oldest > 256) {
      sizes.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }
}

function statusText(status: number): string {
  const text = String(status);
  const index = staticFields.get(":status")!.get(text);
  return index === undefined ? STATUS_PREFIX + stringText(text) : integerText(0x80, 127, index);
}

/** An integer behind the bits of `flags` (RFC 7541 §5.1). */
export function integerText(flags: number, mask: number, value: number): string {
  if (value < mask) return String.fromCharCode(flags | value);
  let text = String.fromCharCode(flags | mask);
  let left = value - mask;
  for (; left >= 128; left = Math.floor(left / 128)) text += String.fromCharCode(128 | (left & 127));
  return text + String.fromCharCode(left);
}

function stringText(value: string): string {
  return integerText(0, 127, value.length) + value;
}

/** The Huffman code of a text where that is shorter. */
function shorterText(value: string): string {
  const length = huffmanLength(value);
  return length < value.length ? integerText(0x80, 127, length) + encodeHuffman(value) : stringText(value);
}
