// host/wasm/component/component_values.ts: text, lists and records in a component's memory, both ways.
// pure: no I/O, no clock, no runtime globals
// hot: runs per callback; see bench/micro/component.bench.ts
/**
 * The canonical ABI of the types of `abi/wit/filter.wit`, written out by hand: offsets below are those that it
 * gives to the records. Values that a guest gave and that are none (a pointer out of bounds, an unknown case,
 * malformed UTF-8) end it, as the component model has it.
 *
 * Text of the wire is isomorphic: one character a byte. A value that has other characters goes out as UTF-8.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 * @module
 */
import { EMPTY_BYTES, fromUtf8, latin1Slice } from "../../base/bytes.ts";
import type { ByteQueue } from "../../base/byte_queue.ts";
import { UNITS_PER_NEW_PAIR } from "../hostcalls/header_map.ts";
import { cleanDetails, MAX_DETAILS_BYTES, MAX_GRPC_STATUS } from "../hostcalls/local_response.ts";
import { MAX_HEADERS } from "../limits.ts";
import { cleanHeaderName, cleanHeaderValue, type GuestMemory } from "../memory.ts";
import type { HeaderMapPort, WasmLocalReply } from "../ports.ts";
import type { Vm } from "../vm.ts";
import type { StringEncoding } from "./layout.ts";

/** `cabi_realloc`. */
export type Realloc = (oldPtr: number, oldSize: number, align: number, newSize: number) => number;

export const Edit = { Set: 0, Add: 1, Remove: 2 } as const;

const HEADER_SIZE = 16;
const EDIT_SIZE = 20;
/** Edits of one map by one callback. */
const MAX_EDITS: number = 4 * MAX_HEADERS;
/** `latin1+utf16` marks UTF-16 in the length. */
const UTF16_TAG = 0x8000_0000;
/** Longer texts in UTF-16 are decoded at once. */
const LOOP_READ_LIMIT = 16;

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16Decoder = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });
const lenientUtf16Decoder = new TextDecoder("utf-16le", { ignoreBOM: true });

export class ComponentValues {
  readonly #vm: Vm;
  readonly #memory: GuestMemory;
  readonly #realloc: Realloc;
  readonly #encoding: StringEncoding;
  /** Of the text or list that was lowered last, in the units of the guest; where it is was the result. */
  length = 0;
  #listPtr = 0;
  #listIndex = 0;
  readonly #lowerHeader: (name: string, value: string) => void;

  constructor(vm: Vm, realloc: Realloc, encoding: StringEncoding) {
    this.#vm = vm;
    this.#memory = vm.memory;
    this.#realloc = realloc;
    this.#encoding = encoding;
    this.#lowerHeader = (name, value): void => {
      const at = this.#listPtr + this.#listIndex++ * HEADER_SIZE;
      this.putText(at, name);
      this.putText(at + 8, value);
    };
  }

  // --- Into the guest ---

  /** Guest memory of `size` bytes. */
  allocate(size: number, align: number): number {
    if (size === 0) return align;
    const vm = this.#vm;
    const context = vm.context;
    // What allocates may call nothing of the host.
    vm.context = null;
    const ptr = this.#realloc(0, 0, align, size) >>> 0;
    vm.context = context;
    if (ptr % align !== 0 || !this.#memory.has(ptr, size)) {
      vm.stop(`its allocator gave ${ptr} for ${size} bytes, which is out of bounds or not aligned`);
    }
    return ptr;
  }

  /** Where the text is; its length is in `length`. */
  lowerText(text: string): number {
    const units = text.length;
    if (this.#encoding === "utf8") {
      if (isAscii(text)) {
        const ptr = this.allocate(units, 1);
        this.#memory.setLatin1(ptr, text);
        this.length = units;
        return ptr;
      }
      return this.lowerBytes(fromUtf8(text));
    }
    if (this.#encoding === "latin1+utf16" && !/[^\0-\xff]/.test(text)) {
      const ptr = this.allocate(units, 2);
      this.#memory.setLatin1(ptr, text);
      this.length = units;
      return ptr;
    }
    const ptr = this.allocate(units * 2, 2);
    const bytes = this.#memory.bytes;
    for (let i = 0; i < units; i++) {
      const code = text.charCodeAt(i);
      bytes[ptr + i * 2] = code;
      bytes[ptr + i * 2 + 1] = code >> 8;
    }
    this.length = this.#encoding === "utf16" ? units : (units | UTF16_TAG) >>> 0;
    return ptr;
  }

  /** Lowers text and writes where it is. */
  putText(at: number, text: string): void {
    const ptr = this.lowerText(text);
    this.#memory.setU32(at, ptr);
    this.#memory.setU32(at + 4, this.length);
  }

  lowerBytes(bytes: Uint8Array): number {
    const ptr = this.allocate(bytes.length, 1);
    if (bytes.length !== 0) this.#memory.bytes.set(bytes, ptr);
    this.length = bytes.length;
    return ptr;
  }

  lowerQueue(queue: ByteQueue): number {
    const size = queue.length;
    const ptr = this.allocate(size, 1);
    if (size !== 0) queue.copyTo(this.#memory.bytes, ptr, 0, size);
    this.length = size;
    return ptr;
  }

  lowerHeaders(map: HeaderMapPort | null): number {
    const count = map === null ? 0 : map.size;
    const ptr = this.allocate(count * HEADER_SIZE, 4);
    if (count !== 0) {
      this.#listPtr = ptr;
      this.#listIndex = 0;
      map!.forEach(this.#lowerHeader);
    }
    this.length = count;
    return ptr;
  }

  /** Writes a list or text where a function wants it returned. */
  putResult(at: number, ptr: number, length: number): void {
    this.#memory.setU32(at, ptr);
    this.#memory.setU32(at + 4, length);
  }

  putByte(at: number, value: number): void {
    this.#memory.bytes[at] = value;
  }

  putU32(at: number, value: number): void {
    this.#memory.setU32(at, value);
  }

  putU64(at: number, value: bigint): void {
    const all = BigInt.asUintN(64, value);
    this.#memory.setU64(at, Number(all & 0xffff_ffffn), Number(all >> 32n));
  }

  putBytes(at: number, bytes: Uint8Array): void {
    this.#memory.bytes.set(bytes, at);
  }

  // --- Out of the guest ---

  /** Ends the guest when the bytes are not all there. */
  check(ptr: number, size: number, align: number): void {
    if (ptr % align !== 0 || !this.#memory.has(ptr, size)) {
      this.#vm.stop(`a value of ${size} bytes at ${ptr} is out of bounds or not aligned`);
    }
  }

  u8(ptr: number): number {
    return this.#memory.bytes[ptr]!;
  }

  u16(ptr: number): number {
    const bytes = this.#memory.bytes;
    return bytes[ptr]! | bytes[ptr + 1]! << 8;
  }

  u32(ptr: number): number {
    return this.#memory.getU32(ptr);
  }

  /** The number of a case, of which there are `count`. */
  caseAt(ptr: number, count: number): number {
    return this.caseOf(this.u8(ptr), count);
  }

  caseOf(value: number, count: number): number {
    if (value >>> 0 >= count) this.#vm.stop(`case ${value >>> 0} of a type that has ${count}`);
    return value;
  }

  /** The bytes of a text of so many units. */
  byteSize(units: number): number {
    if (this.#encoding === "utf8") return units;
    if (this.#encoding === "utf16") return units * 2;
    return units < UTF16_TAG ? units : (units - UTF16_TAG) * 2;
  }

  /** Unicode text. */
  text(ptr: number, units: number): string {
    if (units === 0) return "";
    const memory = this.#memory;
    const size = this.byteSize(units);
    if (this.#encoding === "utf8") {
      this.check(ptr, size, 1);
      return this.#isAscii(ptr, size) ? memory.latin1(ptr, size) : this.#decode(utf8Decoder, ptr, size);
    }
    this.check(ptr, size, 2);
    if (this.#encoding === "latin1+utf16" && units < UTF16_TAG) return memory.latin1(ptr, size);
    if (size > LOOP_READ_LIMIT * 2) return this.#decode(utf16Decoder, ptr, size);
    const bytes = memory.bytes;
    let text = "";
    for (let at = ptr; at < ptr + size; at += 2) text += String.fromCharCode(bytes[at]! | bytes[at + 1]! << 8);
    if (!text.isWellFormed()) this.#refuseText();
    return text;
  }

  #isAscii(ptr: number, size: number): boolean {
    const bytes = this.#memory.bytes;
    let all = 0;
    for (let i = ptr; i < ptr + size; i++) all |= bytes[i]!;
    return all < 0x80;
  }

  #decode(decoder: TextDecoder, ptr: number, size: number): string {
    try {
      return decoder.decode(this.#memory.view(ptr, size));
    } catch {
      return this.#refuseText();
    }
  }

  #refuseText(): never {
    this.#vm.stop(this.#encoding === "utf8" ? "text that is not UTF-8" : "text with half of a surrogate pair");
  }

  /** About so many bytes of a text that is longer; what they cut in two is replaced. */
  textStart(ptr: number, units: number, bytes: number): string {
    const size = this.byteSize(units);
    this.check(ptr, size, this.#encoding === "utf8" ? 1 : 2);
    const shown = Math.min(size, bytes & ~1);
    if (this.#encoding === "utf8") return this.#memory.utf8(ptr, shown);
    if (this.#encoding === "latin1+utf16" && units < UTF16_TAG) return this.#memory.latin1(ptr, shown);
    return lenientUtf16Decoder.decode(this.#memory.view(ptr, shown));
  }

  /** Text as UTF-8; valid until the guest runs again. */
  utf8(ptr: number, units: number): Uint8Array {
    if (this.#encoding !== "utf8") return fromUtf8(this.text(ptr, units));
    if (units === 0) return EMPTY_BYTES;
    this.check(ptr, units, 1);
    if (!this.#isAscii(ptr, units)) this.#decode(utf8Decoder, ptr, units);
    return this.#memory.view(ptr, units);
  }

  /** The size of a text whose pointer and length are at `at`; it is all there. */
  #sizeAt(at: number): number {
    const size = this.byteSize(this.u32(at + 4));
    if (size !== 0) this.check(this.u32(at), size, 1);
    return size;
  }

  /** Text whose pointer and length are at `at`. */
  textAt(at: number): string {
    return this.text(this.u32(at), this.u32(at + 4));
  }

  /** A copy of the bytes of a list. */
  bytes(ptr: number, size: number): Uint8Array {
    if (size === 0) return EMPTY_BYTES;
    this.check(ptr, size, 1);
    return this.#memory.copy(ptr, size);
  }

  /** The bytes themselves, valid until the guest runs again. */
  view(ptr: number, size: number): Uint8Array {
    if (size === 0) return EMPTY_BYTES;
    this.check(ptr, size, 1);
    return this.#memory.view(ptr, size);
  }

  /** The addresses of a list's elements are checked; those of what they point to when that is read. */
  #list(ptr: number, count: number, size: number): void {
    if (count !== 0) this.check(ptr, count * size, 4);
  }

  /**
   * Names and values, fit for the wire; a name that is none is left out, with a word in the log. Null when there
   * are more than a header map may have: entries may all be the same large text, which the guest has only once.
   */
  headers(ptr: number, count: number): [string, string][] | null {
    this.#list(ptr, count, HEADER_SIZE);
    const vm = this.#vm;
    const { maxHeaderBytes } = vm.options;
    let bytes = 0;
    if (count <= MAX_HEADERS) {
      for (let at = ptr; at < ptr + count * HEADER_SIZE; at += 8) bytes += this.#sizeAt(at);
    }
    if (count > MAX_HEADERS || bytes > maxHeaderBytes) {
      vm.log.onLimit("header_bytes", `a list of headers may have ${MAX_HEADERS} entries and ${maxHeaderBytes} bytes`);
      return null;
    }
    vm.charge(count * UNITS_PER_NEW_PAIR);
    const pairs: [string, string][] = [];
    for (let i = 0; i < count; i++) {
      const at = ptr + i * HEADER_SIZE;
      const name = this.#name(at);
      const value = this.#value(at + 8);
      if (name !== null) pairs.push([name, value]);
    }
    return pairs;
  }

  /** Edits as action, name, value, action, …; they are carried out when nothing can go wrong any more. */
  edits(ptr: number, count: number, into: (number | string)[]): void {
    this.#list(ptr, count, EDIT_SIZE);
    const vm = this.#vm;
    const { maxHeaderBytes } = vm.options;
    const end = ptr + Math.min(count, MAX_EDITS) * EDIT_SIZE;
    vm.charge((end - ptr) / EDIT_SIZE * UNITS_PER_NEW_PAIR);
    let bytes = 0;
    let at = ptr;
    for (; at < end; at += EDIT_SIZE) {
      const action = this.caseAt(at, 3);
      bytes += this.#sizeAt(at + 4) + (action === Edit.Remove ? 0 : this.#sizeAt(at + 12));
      if (bytes > maxHeaderBytes) break;
      const name = this.#name(at + 4);
      const value = action === Edit.Remove ? "" : this.#value(at + 12);
      if (name !== null) into.push(action, name, value);
    }
    if (at === ptr + count * EDIT_SIZE) return;
    vm.log.onLimit(
      "header_bytes",
      `a callback may make ${MAX_EDITS} edits of headers with ${maxHeaderBytes} bytes; further ones are left out`,
    );
  }

  #name(at: number): string | null {
    const text = this.textAt(at);
    const name = cleanHeaderName(text);
    if (name === null) this.#vm.log.explain(`${JSON.stringify(text.slice(0, 64))} is no header name and left out`);
    return name;
  }

  #value(at: number): string {
    return cleanHeaderValue(toWire(this.textAt(at)));
  }

  localResponse(at: number): WasmLocalReply {
    return this.localResponseOf(
      this.u16(at),
      this.u32(at + 4),
      this.u32(at + 8),
      this.u32(at + 12),
      this.u32(at + 16),
      this.u32(at + 20),
      this.u32(at + 24),
      this.u8(at + 28),
      this.u32(at + 32),
    );
  }

  /** The same, given as parameters. */
  localResponseOf(
    given: number,
    headersPtr: number,
    headersCount: number,
    bodyPtr: number,
    bodySize: number,
    detailsPtr: number,
    detailsSize: number,
    hasGrpcStatus: number,
    grpcStatus: number,
  ): WasmLocalReply {
    const vm = this.#vm;
    let status = given & 0xffff;
    if (status < 200 || status > 599) {
      vm.log.explain(`a local response with status ${status} cannot be sent, 500 is`);
      status = 500;
    }
    const headers = this.headers(headersPtr >>> 0, headersCount >>> 0) ?? [];
    let size = bodySize >>> 0;
    const { maxBodyBytes } = vm.options;
    if (size > maxBodyBytes) {
      this.check(bodyPtr >>> 0, size, 1);
      vm.log.onLimit("body_bytes", `a local response has more than ${maxBodyBytes} bytes; 500 is sent without any`);
      status = 500;
      size = 0;
    }
    const body = this.bytes(bodyPtr >>> 0, size);
    const details = this.byteSize(detailsSize >>> 0) <= MAX_DETAILS_BYTES
      ? this.text(detailsPtr >>> 0, detailsSize >>> 0)
      : this.textStart(detailsPtr >>> 0, detailsSize >>> 0, MAX_DETAILS_BYTES);
    const reply = { status, body, details: cleanDetails(toWire(details)), headers };
    if (this.caseOf(hasGrpcStatus, 2) === 0 || grpcStatus >>> 0 > MAX_GRPC_STATUS) return reply;
    return { ...reply, grpcStatus: grpcStatus >>> 0 };
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** One character a byte. */
function toWire(text: string): string {
  if (!/[^\0-\xff]/.test(text)) return text;
  const bytes = fromUtf8(text);
  return latin1Slice(bytes, 0, bytes.length);
}
