// host/wasm/binary_writer.ts: bytes of the WebAssembly binary format, put together.
// pure: no I/O, no clock, no runtime globals
// hot: once per instruction that something is put in front of; see bench/micro/meter.bench.ts
/** @module */

/** Bytes that grow. */
export class BinaryWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  number(value: number): void {
    while (value >= 0x80) {
      this.byte((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    this.byte(value);
  }

  /** A signed number that is not negative. */
  constant(value: number): void {
    while (value >= 0x40) {
      this.byte((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    this.byte(value);
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (this.length + size > this.bytes.length) this.#reserve(size);
    // Most pieces are a few bytes: a view for each would cost more than the copy.
    if (size < 64) {
      const { bytes } = this;
      let to = this.length;
      for (let from = start; from < end; from++) bytes[to++] = source[from]!;
    } else this.bytes.set(source.subarray(start, end), this.length);
    this.length += size;
  }

  #reserve(size: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

/** Bytes of a number. */
export function numberSize(value: number): number {
  let size = 1;
  while ((value >>>= 7) > 0) size++;
  return size;
}

/** Bytes of a constant. */
export function constantSize(value: number): number {
  let size = 1;
  for (; value >= 0x40; value >>>= 7) size++;
  return size;
}
