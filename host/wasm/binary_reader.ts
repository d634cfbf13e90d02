// host/wasm/binary_reader.ts: numbers, names and types of the WebAssembly binary format.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://webassembly.github.io/spec/core/binary/index.html
 * @module
 */
import { utf8Slice } from "../base/bytes.ts";

/** `i32`, `i64`, `f32`, `f64`, `v128`, or `ref` for any reference. */
export type WasmType = "i32" | "i64" | "f32" | "f64" | "v128" | "ref";

export interface FunctionType {
  readonly params: readonly WasmType[];
  readonly results: readonly WasmType[];
}

export interface Limits {
  readonly min: number;
  /** Null without one. */
  readonly max: number | null;
  readonly shared: boolean;
  readonly is64: boolean;
}

/** Something in the module is none of what this reader knows. Never leaves the files that read modules. */
export class UnreadableModule extends Error {}

/** Reads LEB128 numbers, names and types. */
export class BinaryReader {
  readonly bytes: Uint8Array;
  offset: number;
  end: number;

  constructor(bytes: Uint8Array, offset: number, end: number) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  byte(): number {
    if (this.offset >= this.end) throw new UnreadableModule("unexpected end");
    return this.bytes[this.offset++]!;
  }

  /** Unsigned, up to 53 bits. */
  number(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new UnreadableModule("a number without end");
  }

  /** Moves past a number, signed or not. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }

  name(): string {
    const length = this.number();
    const start = this.offset;
    if (start + length > this.end) throw new UnreadableModule("a name without end");
    this.offset += length;
    return utf8Slice(this.bytes, start, start + length);
  }

  skipName(): void {
    const length = this.number();
    if (this.offset + length > this.end) throw new UnreadableModule("a name without end");
    this.offset += length;
  }

  valueType(): WasmType {
    const byte = this.byte();
    switch (byte) {
      case 0x7f:
        return "i32";
      case 0x7e:
        return "i64";
      case 0x7d:
        return "f32";
      case 0x7c:
        return "f64";
      case 0x7b:
        return "v128";
      case 0x63:
      case 0x64:
        this.skipNumber();
        return "ref";
      default:
        if (byte >= 0x68 && byte <= 0x75) return "ref";
        throw new UnreadableModule(`value type 0x${byte.toString(16)}`);
    }
  }

  valueTypes(): WasmType[] {
    const types: WasmType[] = [];
    for (let count = this.number(); count > 0; count--) types.push(this.valueType());
    return types;
  }

  limits(): Limits {
    const flags = this.byte();
    const min = this.number();
    const max = (flags & 1) !== 0 ? this.number() : null;
    if ((flags & 8) !== 0) this.number();
    return { min, max, shared: (flags & 2) !== 0, is64: (flags & 4) !== 0 };
  }

  /** One entry of the type section: a type, a subtype, or a group of them; structs and arrays give null. */
  recursiveTypes(into: (FunctionType | null)[]): void {
    if (this.bytes[this.offset] !== 0x4e) {
      into.push(this.#subType());
      return;
    }
    this.offset++;
    for (let count = this.number(); count > 0; count--) into.push(this.#subType());
  }

  #subType(): FunctionType | null {
    let form = this.byte();
    if (form === 0x50 || form === 0x4f) {
      for (let count = this.number(); count > 0; count--) this.number();
      form = this.byte();
    }
    switch (form) {
      case 0x60:
        return { params: this.valueTypes(), results: this.valueTypes() };
      case 0x5f:
        for (let count = this.number(); count > 0; count--) this.#fieldType();
        return null;
      case 0x5e:
        this.#fieldType();
        return null;
      default:
        throw new UnreadableModule(`type form 0x${form.toString(16)}`);
    }
  }

  #fieldType(): void {
    const packed = this.bytes[this.offset];
    if (packed === 0x78 || packed === 0x77) this.offset++;
    else this.valueType();
    this.byte();
  }
}
