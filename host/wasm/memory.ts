// host/wasm/memory.ts: a guest's linear memory, read and written within its bounds.
// pure: no I/O, no clock, no runtime globals
// hot: runs several times per host call; see bench/micro/wasm_hostcalls.bench.ts
/**
 * Pointers and sizes come as signed 32-bit numbers; callers make them unsigned (`>>> 0`) once, at the edge.
 * Any guest call may have grown the memory, which detaches the old buffer: a detached view has length 0, so
 * one comparison tells. Before the memory is known (a `start` section calls imports while the instance is
 * being made) every range is out of bounds.
 *
 * @module
 */
import { EMPTY_BYTES, latin1Slice, latin1Write, utf8Slice } from "../base/bytes.ts";
import { type Fuel, spend } from "./fuel.ts";

/** Up to this many bytes a loop is faster than `latin1Slice`, on both runtimes. */
const LOOP_READ_LIMIT = 8;
const KNOWN_NAMES = 64;
const KNOWN_NAME_LIMIT = 40;

/** The lower-case code of each byte that a header name may have; 0 for others. */
const NAME_CODES: Uint8Array = makeNameCodes();

function makeNameCodes(): Uint8Array {
  const codes = new Uint8Array(256);
  // RFC 9110 §5.6.2: tchar.
  for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
    codes[char.charCodeAt(0)] = char.charCodeAt(0);
  }
  for (let code = 0x41; code <= 0x5a; code++) codes[code] = code + 0x20;
  return codes;
}

/** Ranges up to here are paid for by the call of the host function. */
const CHARGED_BYTES = 4096;

export class GuestMemory {
  /** What a metered guest spends; null for others. */
  fuel: Fuel | null = null;
  #memory: WebAssembly.Memory | null = null;
  #bytes: Uint8Array = EMPTY_BYTES;
  #view: DataView = new DataView(EMPTY_BYTES.buffer);
  /** Names that this guest used last, by shape: comparing is faster than making a string. */
  readonly #names: string[] = new Array(KNOWN_NAMES).fill("");

  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory;
    this.#refresh();
  }

  #refresh(): void {
    if (this.#memory === null) return;
    const buffer = this.#memory.buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** All of the memory; valid until the guest runs again. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#bytes;
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  /** Whether `size` bytes at `ptr` (both unsigned) are there. A guest pays for many: they will be moved. */
  has(ptr: number, size: number): boolean {
    if (ptr + size > this.bytes.length) return false;
    if (size >= CHARGED_BYTES && this.fuel !== null) spend(this.fuel, size >>> 4);
    return true;
  }

  /** The caller checked the bounds, as in all methods below that give no `boolean`. */
  getU32(ptr: number): number {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#view.getUint32(ptr, true);
  }

  /** False, with nothing written, when out of bounds. */
  setU32(ptr: number, value: number): boolean {
    if (ptr + 4 > this.bytes.length) return false;
    this.#view.setUint32(ptr, value, true);
    return true;
  }

  /** Writes 64 bits given as two halves. */
  setU64(ptr: number, low: number, high: number): boolean {
    if (ptr + 8 > this.bytes.length) return false;
    this.#view.setUint32(ptr, low, true);
    this.#view.setUint32(ptr + 4, high, true);
    return true;
  }

  /** Bytes of the memory itself, valid until the guest runs again. */
  view(ptr: number, size: number): Uint8Array {
    return this.bytes.subarray(ptr, ptr + size);
  }

  /** A copy that may be kept. */
  copy(ptr: number, size: number): Uint8Array {
    return size === 0 ? EMPTY_BYTES : this.bytes.slice(ptr, ptr + size);
  }

  latin1(ptr: number, size: number): string {
    const bytes = this.bytes;
    if (size > LOOP_READ_LIMIT) return latin1Slice(bytes, ptr, ptr + size);
    let text = "";
    for (let i = 0; i < size; i++) text += String.fromCharCode(bytes[ptr + i]!);
    return text;
  }

  utf8(ptr: number, size: number): string {
    return size === 0 ? "" : utf8Slice(this.bytes, ptr, ptr + size);
  }

  /** A header name in lower case, or null when it is none (RFC 9110 §5.1; `:` may come first). */
  headerName(ptr: number, size: number): string | null {
    const bytes = this.bytes;
    const codes = NAME_CODES;
    const start = size > 1 && bytes[ptr] === 0x3a ? 1 : 0;
    if (size === 0) return null;
    if (size <= LOOP_READ_LIMIT) {
      let text = start === 1 ? ":" : "";
      for (let i = start; i < size; i++) {
        const code = codes[bytes[ptr + i]!]!;
        if (code === 0) return null;
        text += String.fromCharCode(code);
      }
      return text;
    }
    const slot = (size * 7 + bytes[ptr]! * 3 + bytes[ptr + size - 1]!) & (KNOWN_NAMES - 1);
    const known = this.#names[slot]!;
    if (known.length === size) {
      let i = 0;
      while (i < size && known.charCodeAt(i) === bytes[ptr + i]) i++;
      if (i === size) return known;
    }
    let changed = false;
    for (let i = start; i < size; i++) {
      const byte = bytes[ptr + i]!;
      const code = codes[byte]!;
      if (code === 0) return null;
      if (code !== byte) changed = true;
    }
    const text = latin1Slice(bytes, ptr, ptr + size);
    if (changed) return text.toLowerCase();
    if (size <= KNOWN_NAME_LIMIT) this.#names[slot] = text;
    return text;
  }

  /**
   * A header value. NUL, CR and LF become spaces, as RFC 9110 §5.5 has it for a recipient that does not
   * refuse the message: refusing would be a status that Rust guests panic on.
   */
  headerValue(ptr: number, size: number): string {
    const bytes = this.bytes;
    const end = ptr + size;
    for (let i = ptr; i < end; i++) {
      const byte = bytes[i]!;
      if (byte <= 13 && (byte === 0 || byte === 10 || byte === 13)) {
        return cleanHeaderValue(this.latin1(ptr, size));
      }
    }
    return this.latin1(ptr, size);
  }

  /** Writes latin1 text; the bounds were checked. */
  setLatin1(ptr: number, text: string): void {
    latin1Write(this.bytes, text, ptr);
  }
}

/** A value without the bytes that would end a field line. */
export function cleanHeaderValue(value: string): string {
  return value.replace(/[\0\r\n]/g, " ");
}

/** A header name in lower case, or null when it is none; for text that is already out of guest memory. */
export function cleanHeaderName(name: string): string | null {
  return /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) ? name.toLowerCase() : null;
}
