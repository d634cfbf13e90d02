// host/observe/stats_shared.ts: the memory that all threads count in.
/**
 * Two shared buffers that can grow: one with the directory of names, one with the numbers. A stat is a
 * *slot*, the ordinal of its name in the directory; a thread is a *column* and writes to no other. So
 * counting is a plain store, and whoever wants the total adds the columns up. Names are added under one
 * lock; everything else needs none.
 *
 * Memory is never moved nor reused, and is zero when it is handed out: a reader that is a moment late
 * sees nothing instead of something wrong.
 *
 * @module
 */
import { fromUtf8, utf8Slice } from "../base/bytes.ts";

export const StatKind = { Counter: 0, Gauge: 1, Histogram: 2, Cells: 3 } as const;
export type StatKind = (typeof StatKind)[keyof typeof StatKind];

/** What a thread needs to take part; goes through `postMessage`. */
export interface StatsHandle {
  readonly numbers: SharedArrayBuffer;
  readonly names: SharedArrayBuffer;
  readonly columns: number;
  /** The column that this thread writes. */
  readonly column: number;
}

/** One name of the directory. */
export interface StatEntry {
  readonly slot: number;
  readonly kind: StatKind;
  /** What the histogram measures; see `HistogramUnit`. */
  readonly unit: number;
  readonly name: string;
  /** Index of the entry's flags in the directory, in words. */
  readonly flagsWord: number;
}

/** Slots that share one block of a column. */
export const SEGMENT_SLOTS = 1024;
const MAX_SEGMENTS = 256;
const USED = 1;
const HIDDEN = 2;

// Words at the start of the numbers.
const LOCK = 0;
const NUMBERS_END = 1;
const NAMES_END = 2;
const HEADER_WORDS = 4;

/** After so long the lock's holder is dead: it was terminated between two instructions. */
const STALE_LOCK_MS = 2000;
const INITIAL_NAMES_BYTES = 64 * 1024;
const MAX_NAMES_BYTES = 128 * 1024 * 1024;
const MAX_NUMBERS_BYTES = 1024 * 1024 * 1024;

/** The directory and the columns, as one thread sees them. */
export class SharedStats {
  readonly columns: number;
  readonly column: number;
  readonly #numbers: SharedArrayBuffer;
  readonly #names: SharedArrayBuffer;
  readonly #head: Int32Array;
  /** Views of segments, by column and segment, made when first asked for. */
  readonly #segments: (Float64Array | null)[];
  readonly #entries: StatEntry[] = [];
  readonly #slots: Map<string, StatEntry>[] = [new Map(), new Map(), new Map(), new Map()];
  #words: Int32Array = new Int32Array(0);
  #readBytes = 0;
  /** Where slots live for which there is no room in shared memory: this thread only. */
  readonly #spill = new Map<number, Float64Array>();

  private constructor(handle: StatsHandle) {
    this.columns = handle.columns;
    this.column = handle.column;
    this.#numbers = handle.numbers;
    this.#names = handle.names;
    this.#head = new Int32Array(handle.numbers, 0, HEADER_WORDS + handle.columns * MAX_SEGMENTS);
    this.#segments = new Array(handle.columns * MAX_SEGMENTS).fill(null);
  }

  /** New memory for `columns` threads; the maker writes column 0. */
  static create(columns: number): SharedStats {
    const headBytes = 8 * Math.ceil((HEADER_WORDS + columns * MAX_SEGMENTS) / 2);
    const numbers = growable(headBytes + columns * SEGMENT_SLOTS * 8, MAX_NUMBERS_BYTES);
    const stats = new SharedStats({
      numbers,
      names: growable(INITIAL_NAMES_BYTES, MAX_NAMES_BYTES),
      columns,
      column: 0,
    });
    stats.#head[NUMBERS_END] = headBytes / 8;
    return stats;
  }

  static attach(handle: StatsHandle): SharedStats {
    return new SharedStats(handle);
  }

  handle(column: number): StatsHandle {
    return { numbers: this.#numbers, names: this.#names, columns: this.columns, column };
  }

  /** The slot of a name, made when no thread made it yet. A hidden one is shown again. */
  define(kind: StatKind, name: string, unit: number): StatEntry {
    let entry = this.#slots[kind]!.get(name);
    if (entry === undefined) {
      this.#acquire();
      this.#read();
      entry = this.#slots[kind]!.get(name) ?? this.#append(kind, name, unit);
      this.#release();
    }
    if (this.isHidden(entry)) Atomics.and(this.#directory(), entry.flagsWord, ~HIDDEN);
    return entry;
  }

  /** The slot of a name if some thread made it and nobody hid it. */
  find(kind: StatKind, name: string): StatEntry | null {
    let entry = this.#slots[kind]!.get(name);
    if (entry === undefined) {
      this.#read();
      entry = this.#slots[kind]!.get(name);
    }
    return entry === undefined || this.isHidden(entry) ? null : entry;
  }

  /** All names so far, in the order in which they were made. */
  entries(): readonly StatEntry[] {
    this.#read();
    return this.#entries;
  }

  /** The block of this thread's column that holds a slot; made when absent. */
  ownSegment(slot: number): Float64Array {
    const segment = Math.floor(slot / SEGMENT_SLOTS);
    const known = this.#segment(this.column, segment);
    if (known !== null) return known;
    this.#acquire();
    const made = this.#makeSegment(this.column, segment);
    this.#release();
    if (made !== null) return made;
    let spill = this.#spill.get(segment);
    if (spill === undefined) this.#spill.set(segment, spill = new Float64Array(SEGMENT_SLOTS));
    return spill;
  }

  /** The number that a column holds at a slot. */
  read(column: number, slot: number): number {
    const segment = Math.floor(slot / SEGMENT_SLOTS);
    const view = this.#segment(column, segment);
    if (view !== null) return view[slot % SEGMENT_SLOTS]!;
    return column === this.column ? this.#spill.get(segment)?.[slot % SEGMENT_SLOTS] ?? 0 : 0;
  }

  /** The sum of a slot over all columns. */
  total(slot: number): number {
    let sum = 0;
    for (let column = 0; column < this.columns; column++) sum += this.read(column, slot);
    return sum;
  }

  /** Makes the total `value` by this thread's contribution, whatever other threads set meanwhile. */
  setTotal(entry: StatEntry, value: number): void {
    const own = this.ownSegment(entry.slot);
    this.#acquire();
    own[entry.slot % SEGMENT_SLOTS]! += value - this.total(entry.slot);
    this.#release();
  }

  /** Zeroes a slot of a column whose thread is gone. */
  clearSlot(column: number, slot: number): void {
    const view = this.#segment(column, Math.floor(slot / SEGMENT_SLOTS));
    if (view !== null) view[slot % SEGMENT_SLOTS] = 0;
  }

  /** Zeroed numbers that nobody else has: their offset, or 0 when there is no more memory. */
  allocate(count: number): number {
    this.#acquire();
    const offset = this.#take(count);
    this.#release();
    return offset;
  }

  /**
   * Whole numbers under a name that all threads share, zeroed for the first who asks; null when there is no more
   * memory. Whoever writes them does so by `Atomics`.
   */
  cells(entry: StatEntry, count: number): Int32Array | null {
    this.#acquire();
    // The slot of the first column says where they are.
    const segment = this.#makeSegment(0, Math.floor(entry.slot / SEGMENT_SLOTS));
    const index = entry.slot % SEGMENT_SLOTS;
    if (segment !== null && segment[index] === 0) segment[index] = this.#take(Math.ceil(count / 2));
    this.#release();
    const offset = segment?.[index] ?? 0;
    return offset === 0 ? null : new Int32Array(this.#numbers, offset * 8, count);
  }

  /** A view of numbers that `allocate` gave to this or another thread. */
  view(offset: number, count: number): Float64Array {
    return new Float64Array(this.#numbers, offset * 8, count);
  }

  markUsed(entry: StatEntry): void {
    this.#setFlag(entry, USED);
  }

  isUsed(entry: StatEntry): boolean {
    return (this.#flags(entry) & USED) !== 0;
  }

  /** Leaves the stat out of every listing until it is defined again. */
  hide(entry: StatEntry): void {
    this.#setFlag(entry, HIDDEN);
  }

  isHidden(entry: StatEntry): boolean {
    return (this.#flags(entry) & HIDDEN) !== 0;
  }

  #setFlag(entry: StatEntry, flag: number): void {
    if (entry.flagsWord >= 0) Atomics.or(this.#directory(), entry.flagsWord, flag);
  }

  #flags(entry: StatEntry): number {
    return entry.flagsWord < 0 ? USED : Atomics.load(this.#directory(), entry.flagsWord);
  }

  /** The directory as far as it now reaches. */
  #directory(): Int32Array {
    if (this.#words.byteLength !== this.#names.byteLength) {
      this.#words = new Int32Array(this.#names, 0, this.#names.byteLength / 4);
    }
    return this.#words;
  }

  #segment(column: number, segment: number): Float64Array | null {
    if (segment >= MAX_SEGMENTS) return null;
    const index = column * MAX_SEGMENTS + segment;
    const known = this.#segments[index]!;
    if (known !== null) return known;
    const offset = Atomics.load(this.#head, HEADER_WORDS + index);
    return offset === 0 ? null : this.#segments[index] = this.view(offset, SEGMENT_SLOTS);
  }

  /** The block of a column, made when absent; null when there is no more memory. Under the lock. */
  #makeSegment(column: number, segment: number): Float64Array | null {
    const known = this.#segment(column, segment);
    if (known !== null || segment >= MAX_SEGMENTS) return known;
    const offset = this.#take(SEGMENT_SLOTS);
    if (offset === 0) return null;
    Atomics.store(this.#head, HEADER_WORDS + column * MAX_SEGMENTS + segment, offset);
    return this.#segment(column, segment);
  }

  /** Zeroed numbers, as `allocate`. Under the lock. */
  #take(count: number): number {
    const offset = this.#head[NUMBERS_END]!;
    if (!reserve(this.#numbers, (offset + count) * 8)) return 0;
    this.#head[NUMBERS_END] = offset + count;
    return offset;
  }

  /** Learns the names that other threads added. An entry: flags · kind and unit · byte length · bytes. */
  #read(): void {
    const end = Atomics.load(this.#head, NAMES_END);
    if (end === this.#readBytes) return;
    const words = this.#directory();
    // TextDecoder refuses shared memory in some runtimes, so the text comes from a copy.
    const bytes = new Uint8Array(this.#names, 0, end).slice(this.#readBytes);
    const base = this.#readBytes;
    while (this.#readBytes < end) {
      const word = this.#readBytes / 4;
      const length = words[word + 2]!;
      const start = this.#readBytes + 12;
      this.#learn(
        words[word + 1]! & 0xff,
        words[word + 1]! >> 8,
        utf8Slice(bytes, start - base, start - base + length),
        word,
      );
      this.#readBytes = start + ((length + 3) & ~3);
    }
  }

  #learn(kind: number, unit: number, name: string, flagsWord: number): StatEntry {
    const entry: StatEntry = { slot: this.#entries.length, kind: kind as StatKind, unit, name, flagsWord };
    this.#entries.push(entry);
    this.#slots[kind]!.set(name, entry);
    return entry;
  }

  #append(kind: StatKind, name: string, unit: number): StatEntry {
    const text = fromUtf8(name);
    const end = this.#readBytes + 12 + ((text.length + 3) & ~3);
    // Out of room: the stat lives in this thread only, under a slot that no segment has.
    if (!reserve(this.#names, end)) {
      const entry: StatEntry = {
        slot: MAX_SEGMENTS * SEGMENT_SLOTS + this.#slots[kind]!.size,
        kind,
        unit,
        name,
        flagsWord: -1,
      };
      this.#slots[kind]!.set(name, entry);
      return entry;
    }
    const words = this.#directory();
    const word = this.#readBytes / 4;
    words[word + 1] = kind | (unit << 8);
    words[word + 2] = text.length;
    new Uint8Array(this.#names, this.#readBytes + 12, text.length).set(text);
    const entry = this.#learn(kind, unit, name, word);
    this.#readBytes = end;
    Atomics.store(this.#head, NAMES_END, end);
    return entry;
  }

  #acquire(): void {
    const mine = this.column + 1;
    for (let waitedMs = 0;; waitedMs++) {
      const holder = Atomics.compareExchange(this.#head, LOCK, 0, mine);
      if (holder === 0) return;
      // What the holder was about to publish it did not, so its work can be done again.
      if (waitedMs >= STALE_LOCK_MS && Atomics.compareExchange(this.#head, LOCK, holder, mine) === holder) return;
      Atomics.wait(this.#head, LOCK, holder, 1);
    }
  }

  #release(): void {
    Atomics.store(this.#head, LOCK, 0);
    Atomics.notify(this.#head, LOCK, 1);
  }
}

/** A shared buffer that may grow: to `maxBytes`, or as far as the address space allows. */
function growable(bytes: number, maxBytes: number): SharedArrayBuffer {
  const initial = 4096 * Math.ceil(bytes / 4096);
  for (let limit = maxBytes; limit > initial; limit /= 2) {
    try {
      return new SharedArrayBuffer(initial, { maxByteLength: limit });
    } catch {
      // Less, then: a limit on virtual memory is in force.
    }
  }
  return new SharedArrayBuffer(initial, { maxByteLength: initial });
}

/** Makes the first `bytes` bytes usable; false when that is beyond the limit. Held under the lock. */
function reserve(buffer: SharedArrayBuffer, bytes: number): boolean {
  if (bytes <= buffer.byteLength) return true;
  if (bytes > buffer.maxByteLength) return false;
  try {
    buffer.grow(Math.min(buffer.maxByteLength, Math.max(2 * buffer.byteLength, 4096 * Math.ceil(bytes / 4096))));
    return true;
  } catch {
    return false;
  }
}
