// sdk/component/values.ts: texts, lists and records as the canonical ABI has them.
/**
 * Components made of AssemblyScript have texts in UTF-16, so that a string of the language is one as it is. Header
 * bytes are made of such texts, and into them: one character is one byte.
 */

/** Where functions of the host put their results. */
export const RESULT: usize = memory.data(40, 8);

/** What the host allocates by, for what it hands over; the filter owns it then. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (size == 0) return align;
  return oldSize == 0 ? heap.alloc(size) : heap.realloc(old, size);
}

/** Frees what the host has handed over. */
export function release(pointer: usize, size: usize): void {
  if (size != 0) heap.free(pointer);
}

/** Bytes that the host has handed over, which are freed. */
export function takeBytes(pointer: usize, size: usize): ArrayBuffer {
  const bytes = new ArrayBuffer(<i32>size);
  memory.copy(changetype<usize>(bytes), pointer, size);
  release(pointer, size);
  return bytes;
}

/** Text that the host has handed over, as UTF-8; it is freed. */
export function takeUtf8(pointer: usize, units: usize): ArrayBuffer {
  const text = String.UTF16.decodeUnsafe(pointer, units << 1);
  release(pointer, units);
  return String.UTF8.encode(text);
}

/** Text of the wire that the host has handed over, as its bytes; it is freed. */
function takeWire(pointer: usize, units: usize): ArrayBuffer {
  const bytes = new ArrayBuffer(<i32>units);
  const to = changetype<usize>(bytes);
  for (let i: usize = 0; i < units; ++i) store<u8>(to + i, load<u8>(pointer + (i << 1)));
  release(pointer, units);
  return bytes;
}

/** Keeps a text alive that the host is being given. */
let given: string = "";
let givenToo: string = "";
let units: usize = 0;

/** The length of the text that `text` or `otherText` has placed. */
export function textUnits(): usize {
  return units;
}

/** UTF-8 as a text for the host; good until the next one. */
export function text(pointer: usize, size: usize): usize {
  given = String.UTF8.decodeUnsafe(pointer, size);
  units = given.length;
  return changetype<usize>(given);
}

/** The same, for a second text of one call. */
export function otherText(pointer: usize, size: usize): usize {
  givenToo = String.UTF8.decodeUnsafe(pointer, size);
  units = givenToo.length;
  return changetype<usize>(givenToo);
}

/** A header: its bytes. */
export class Entry {
  constructor(readonly name: ArrayBuffer, readonly value: ArrayBuffer) {}

  /** Whether it has this name, in whatever case; the host's names are lower case. */
  isNamed(pointer: usize, size: usize): bool {
    if (<usize>this.name.byteLength != size) return false;
    const own = changetype<usize>(this.name);
    for (let i: usize = 0; i < size; ++i) {
      let code = load<u8>(pointer + i);
      if (code >= 0x41 && code <= 0x5a) code += 0x20;
      if (load<u8>(own + i) != code) return false;
    }
    return true;
  }
}

/** A list of headers that the host has handed over; it is freed. */
export function takeEntries(pointer: usize, count: usize): Entry[] {
  const entries = new Array<Entry>();
  for (let i: usize = 0; i < count; ++i) {
    const at = pointer + i * 16;
    entries.push(new Entry(takeWire(load<usize>(at), load<usize>(at, 4)), takeWire(load<usize>(at, 8), load<usize>(at, 12))));
  }
  if (count != 0) heap.free(pointer);
  return entries;
}

/** The headers of a serialized list. */
export function decodeEntries(pointer: usize, size: usize): Entry[] {
  const entries = new Array<Entry>();
  if (size < 4) return entries;
  const count = load<u32>(pointer);
  let sizes = pointer + 4;
  let at = sizes + <usize>count * 8;
  for (let i: u32 = 0; i < count; ++i) {
    const nameSize = load<u32>(sizes);
    const valueSize = load<u32>(sizes, 4);
    sizes += 8;
    const name = copyBytes(at, nameSize);
    at += nameSize + 1;
    entries.push(new Entry(name, copyBytes(at, valueSize)));
    at += valueSize + 1;
  }
  return entries;
}

export function copyBytes(pointer: usize, size: usize): ArrayBuffer {
  const bytes = new ArrayBuffer(<i32>size);
  memory.copy(changetype<usize>(bytes), pointer, size);
  return bytes;
}

/** Texts that the host is being given. */
let kept: ArrayBuffer[] = [];

/** Writes where the text of wire bytes is, which is good until `releaseTexts`. */
export function putWire(at: usize, bytes: ArrayBuffer): void {
  const length = bytes.byteLength;
  const wide = new ArrayBuffer(length << 1);
  const from = changetype<usize>(bytes);
  const to = changetype<usize>(wide);
  for (let i: usize = 0; i < <usize>length; ++i) store<u16>(to + (i << 1), load<u8>(from + i));
  kept.push(wide);
  store<usize>(at, to);
  store<usize>(at, length, 4);
}

export function releaseTexts(): void {
  kept = [];
}

/** Writes where bytes are. */
export function putBytes(at: usize, bytes: ArrayBuffer): void {
  store<usize>(at, changetype<usize>(bytes));
  store<usize>(at, bytes.byteLength, 4);
}

/** Headers as the host takes them; `releaseRecords` frees them. */
export function records(entries: Entry[]): usize {
  if (entries.length == 0) return 4;
  const list = heap.alloc(<usize>entries.length * 16);
  for (let i = 0; i < entries.length; ++i) {
    putWire(list + <usize>i * 16, entries[i].name);
    putWire(list + <usize>i * 16 + 8, entries[i].value);
  }
  return list;
}

export function releaseRecords(list: usize, entries: Entry[]): void {
  release(list, entries.length);
  releaseTexts();
}
