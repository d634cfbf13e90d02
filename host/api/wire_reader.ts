// host/api/wire_reader.ts: the primitives of the protobuf wire format, read with bounds checked.
// pure: no I/O, no clock, no runtime globals
/**
 * Every read either stays within its range or throws `config/malformed-binary`.
 *
 * @module
 */
import { NuncioError } from "../base/error.ts";

export const WireType = { Varint: 0, Fixed64: 1, Length: 2, Group: 3, Fixed32: 5 } as const;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** A varint's low 32 bits. */
  uint32(): number {
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 0x80 && this.#at < this.#end) {
      this.#at++;
      return first;
    }
    return Number(this.uint64() & 0xffff_ffffn);
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw truncated();
      const byte = this.#bytes[this.#at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new NuncioError("config/malformed-binary", "a number of more than ten bytes");
  }

  fixed32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  fixed64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  float(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  bytes(): Uint8Array {
    const length = this.uint32();
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length);
  }

  string(): string {
    const length = this.uint32();
    const start = this.#advance(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw new NuncioError("config/malformed-binary", "a string that is not UTF-8");
    }
  }

  /** A reader of the length-delimited value that comes next. */
  sub(): WireReader {
    const length = this.uint32();
    const start = this.#advance(length);
    return new WireReader(this.#bytes, start, start + length);
  }

  skip(wireType: number): void {
    switch (wireType) {
      case WireType.Varint:
        this.uint64();
        return;
      case WireType.Fixed64:
        this.#advance(8);
        return;
      case WireType.Length:
        this.#advance(this.uint32());
        return;
      case WireType.Fixed32:
        this.#advance(4);
        return;
      default:
        throw new NuncioError("config/malformed-binary", `wire type ${wireType}`);
    }
  }

  #advance(length: number): number {
    const start = this.#at;
    if (start + length > this.#end) throw truncated();
    this.#at = start + length;
    return start;
  }
}

function truncated(): NuncioError {
  return new NuncioError("config/malformed-binary", "the message ends in the middle of a field");
}
