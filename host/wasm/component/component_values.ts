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
import { cleanHeaderName, cleanHeaderValue, type GuestMemory } from "../memory.ts";
import type { HeaderMapPort, WasmLocalReply } from "../ports.ts";
import type { Vm } from "../vm.ts";
import type { StringEncoding } from "./layout.ts";

/** `cabi_realloc`. */
export type Realloc = (oldPtr: number, oldSize: number, align: number, newSize: number) => number;

export const Edit = { Set: 0, Add: 1, Remove: 2 } as const;

const HEADER_SIZE = 16;
const EDIT_SIZE = 20;
export const LOCAL_RESPONSE_SIZE = 36;
/** `latin1+utf16` marks UTF-16 in the length. */
const UTF16_TAG = 0x8000_0000;
const MAX_GRPC_STATUS = 16;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class ComponentValues {
  readonly #vm: Vm;
  readonly #memory: GuestMemory;
  readonly #realloc: Realloc;
  readonly #encoding: StringEncoding;
  /** Of the text or list that was lowered last, in the units of the guest; where it is was the result. */
  length = 0;
  #scratch = 0;
  #scratchSize = 0;
  #results = 0;
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

  /**
   * Text as UTF-8 in memory that is the host's until the next call: where it is; its size is in `length`. For
   * functions that are given text by address.
   */
  scratchText(text: string): number {
    const bytes = fromUtf8(text);
    if (bytes.length > this.#scratchSize) {
      const { context } = this.#vm;
      this.#vm.context = null;
      const size = Math.max(256, bytes.length);
      this.#scratch = this.#realloc(this.#scratch, this.#scratchSize, 1, size) >>> 0;
      this.#vm.context = context;
      this.#scratchSize = size;
      this.check(this.#scratch, size, 1);
    }
    if (bytes.length !== 0) this.#memory.bytes.set(bytes, this.#scratch);
    this.length = bytes.length;
    return this.#scratch;
  }

  /** The guest's own text as UTF-8: where it is; its size is in `length`. */
  utf8(ptr: number, units: number): number {
    if (this.#encoding !== "utf8") return this.scratchText(this.text(ptr, units));
    this.length = units;
    return ptr;
  }

  /** Sixteen bytes for results of functions that write them to an address. */
  get results(): number {
    if (this.#results === 0) this.#results = this.allocate(16, 8);
    return this.#results;
  }

  // --- Out of the guest ---

  /** Ends the guest when the bytes are not all there. */
  check(ptr: number, size: number, align: number): void {
    if (ptr % align !== 0 || !this.#memory.has(ptr, size)) {
      this.#vm.stop(`a value of ${size} bytes at ${ptr} is out of bounds or not aligned`);
    }
  }

  /** Ends the guest for an address that somebody else has found wrong. */
  refuseAddress(): never {
    this.#vm.stop("an argument is out of bounds");
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

  /** Unicode text. */
  text(ptr: number, units: number): string {
    if (units === 0) return "";
    const memory = this.#memory;
    if (this.#encoding === "utf8") {
      this.check(ptr, units, 1);
      const bytes = memory.bytes;
      let all = 0;
      for (let i = ptr; i < ptr + units; i++) all |= bytes[i]!;
      if (all < 0x80) return memory.latin1(ptr, units);
      try {
        return decoder.decode(bytes.subarray(ptr, ptr + units));
      } catch {
        return this.#vm.stop("text that is not UTF-8");
      }
    }
    if (this.#encoding === "latin1+utf16" && units < UTF16_TAG) {
      this.check(ptr, units, 2);
      return memory.latin1(ptr, units);
    }
    const count = this.#encoding === "utf16" ? units : units - UTF16_TAG;
    this.check(ptr, count * 2, 2);
    const bytes = memory.bytes;
    let text = "";
    let all = 0;
    for (let i = 0; i < count; i++) {
      const code = bytes[ptr + i * 2]! | bytes[ptr + i * 2 + 1]! << 8;
      all |= code;
      text += String.fromCharCode(code);
    }
    if (all >= 0xd800 && !text.isWellFormed()) this.#vm.stop("text with half of a surrogate pair");
    return text;
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

  bytesAt(at: number): Uint8Array {
    return this.bytes(this.u32(at), this.u32(at + 4));
  }

  /** The addresses of a list's elements are checked; those of what they point to when that is read. */
  #list(ptr: number, count: number, size: number): void {
    if (count !== 0) this.check(ptr, count * size, 4);
  }

  /** Names and values, fit for the wire; a name that is none is left out, with a word in the log. */
  headers(ptr: number, count: number): [string, string][] {
    this.#list(ptr, count, HEADER_SIZE);
    const pairs: [string, string][] = [];
    for (let i = 0; i < count; i++) {
      const at = ptr + i * HEADER_SIZE;
      const name = this.#name(at);
      const value = this.#value(at + 8);
      if (name !== null) pairs.push([name, value]);
    }
    return pairs;
  }

  headersAt(at: number): [string, string][] {
    return this.headers(this.u32(at), this.u32(at + 4));
  }

  /** Edits as action, name, value, action, …; they are carried out when nothing can go wrong any more. */
  edits(ptr: number, count: number, into: (number | string)[]): void {
    this.#list(ptr, count, EDIT_SIZE);
    for (let i = 0; i < count; i++) {
      const at = ptr + i * EDIT_SIZE;
      const action = this.caseAt(at, 3);
      const name = this.#name(at + 4);
      const value = action === Edit.Remove ? "" : this.#value(at + 12);
      if (name !== null) into.push(action, name, value);
    }
  }

  #name(at: number): string | null {
    const text = this.textAt(at);
    const name = cleanHeaderName(text);
    if (name === null) this.#vm.explain(`${JSON.stringify(text.slice(0, 64))} is no header name and left out`);
    return name;
  }

  #value(at: number): string {
    return cleanHeaderValue(toWire(this.textAt(at)));
  }

  localResponse(at: number): WasmLocalReply {
    const status = this.u16(at);
    const hasGrpcStatus = this.caseAt(at + 28, 2) === 1;
    return this.#reply(
      status,
      this.headersAt(at + 4),
      this.bytesAt(at + 12),
      this.textAt(at + 20),
      hasGrpcStatus ? this.u32(at + 32) : null,
    );
  }

  /** The same, given as parameters. */
  localResponseOf(
    status: number,
    headersPtr: number,
    headersCount: number,
    bodyPtr: number,
    bodySize: number,
    detailsPtr: number,
    detailsSize: number,
    hasGrpcStatus: number,
    grpcStatus: number,
  ): WasmLocalReply {
    return this.#reply(
      status & 0xffff,
      this.headers(headersPtr >>> 0, headersCount >>> 0),
      this.bytes(bodyPtr >>> 0, bodySize >>> 0),
      this.text(detailsPtr >>> 0, detailsSize >>> 0),
      this.caseOf(hasGrpcStatus, 2) === 1 ? grpcStatus >>> 0 : null,
    );
  }

  #reply(
    given: number,
    headers: [string, string][],
    body: Uint8Array,
    details: string,
    grpcStatus: number | null,
  ): WasmLocalReply {
    let status = given;
    if (status < 200 || status > 599) {
      this.#vm.explain(`a local response with status ${status} cannot be sent, 500 is`);
      status = 500;
    }
    const reply = { status, body, details: toWire(details).replace(/\s/g, "_"), headers };
    return grpcStatus !== null && grpcStatus <= MAX_GRPC_STATUS ? { ...reply, grpcStatus } : reply;
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
