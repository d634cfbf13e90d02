// host/extensions/common/wasm/foreign_functions/arguments.ts: protobuf messages that guests hand over.
// pure: no I/O, no clock, no runtime globals
/**
 * The messages of Envoy's foreign functions are flat and small: fields are read by their numbers, the last of
 * several wins, and what is unknown is skipped.
 *
 * @see Envoy: source/extensions/common/wasm/ext/*.proto
 * @module
 */
import { WireReader, WireType } from "../../../../api/wire_reader.ts";
import { WireWriter } from "../../../../api/wire_writer.ts";
import { NuncioError } from "../../../../base/error.ts";
import { utf8Slice } from "../../../../base/bytes.ts";

const NONE = new Uint8Array(0);

/** What the fields of a message must be. */
export type FieldKinds = Readonly<Record<number, "string" | "bytes" | "number">>;

export class Arguments {
  readonly #lengths: ReadonlyMap<number, Uint8Array>;
  readonly #numbers: ReadonlyMap<number, number>;

  constructor(lengths: ReadonlyMap<number, Uint8Array>, numbers: ReadonlyMap<number, number>) {
    this.#lengths = lengths;
    this.#numbers = numbers;
  }

  bytes(field: number): Uint8Array {
    return this.#lengths.get(field) ?? NONE;
  }

  text(field: number): string {
    const bytes = this.bytes(field);
    return utf8Slice(bytes, 0, bytes.length);
  }

  number(field: number): number {
    return this.#numbers.get(field) ?? 0;
  }
}

/** The fields of a message; null when the bytes are none. */
export function readArguments(bytes: Uint8Array, kinds: FieldKinds): Arguments | null {
  try {
    return read(new WireReader(bytes, 0, bytes.length), kinds);
  } catch (error) {
    if (error instanceof NuncioError) return null;
    throw error;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function read(reader: WireReader, kinds: FieldKinds): Arguments | null {
  const lengths = new Map<number, Uint8Array>();
  const numbers = new Map<number, number>();
  while (!reader.done) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wireType = tag & 7;
    const kind = kinds[field];
    if (field === 0) return null;
    if (kind === "number" && wireType === WireType.Varint) numbers.set(field, reader.int32());
    else if (kind !== undefined && kind !== "number" && wireType === WireType.Length) {
      const value = reader.bytes();
      if (kind === "string" && !isUtf8(value)) return null;
      lengths.set(field, value);
    } else reader.skip(wireType);
  }
  return new Arguments(lengths, numbers);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The answer of those functions that say whether something worked; fields with defaults are not written. */
export function writeResult(
  isOk: boolean,
  signature: Uint8Array | null,
  error: { readonly field: number; readonly text: string } | null,
): Uint8Array {
  const writer = new WireWriter();
  if (isOk) {
    writer.tag(1, WireType.Varint);
    writer.uint32(1);
  }
  if (signature !== null && signature.length > 0) {
    writer.tag(2, WireType.Length);
    writer.bytes(signature);
  }
  if (error !== null && error.text !== "") {
    writer.tag(error.field, WireType.Length);
    writer.string(error.text);
  }
  return writer.finish();
}
