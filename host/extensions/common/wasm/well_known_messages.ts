// host/extensions/common/wasm/well_known_messages.ts: protobuf's own messages, from bytes to values.
// pure: no I/O, no clock, no runtime globals
/**
 * A plugin can declare that a property of its own is a message. Those that every protobuf has are understood
 * here, and are what expressions make of them: a Struct is a map, a wrapper is what it wraps.
 *
 * @see https://protobuf.dev/reference/protobuf/google.protobuf/
 * @module
 */
import { WireReader, WireType } from "../../../api/wire_reader.ts";
import { NuncioError } from "../../../base/error.ts";
import { latin1Slice } from "../../../base/bytes.ts";
import type { PropertyValue } from "../../../wasm/ports.ts";

type Decoder = (reader: WireReader, depth: number) => PropertyValue;

const DEPTH_LIMIT = 64;
const NULL: PropertyValue = { kind: "null" };
const NANOS_PER_SECOND = 1_000_000_000n;

const DECODERS: Readonly<Record<string, Decoder>> = {
  Struct: readStruct,
  Value: readValue,
  ListValue: readList,
  StringValue: wrapper({ kind: "string", value: "" }, (reader) => ({ kind: "string", value: reader.string() })),
  BytesValue: wrapper(
    { kind: "bytes", value: new Uint8Array(0) },
    (reader) => ({ kind: "bytes", value: reader.bytes() }),
  ),
  BoolValue: wrapper({ kind: "bool", value: false }, (reader) => ({ kind: "bool", value: reader.uint64() !== 0n })),
  Int32Value: wrapper({ kind: "int", value: 0 }, (reader) => ({ kind: "int", value: reader.int32() })),
  Int64Value: wrapper(
    { kind: "int", value: 0 },
    (reader) => ({ kind: "int", value: BigInt.asIntN(64, reader.uint64()) }),
  ),
  UInt32Value: wrapper({ kind: "uint", value: 0 }, (reader) => ({ kind: "uint", value: reader.uint32() })),
  UInt64Value: wrapper({ kind: "uint", value: 0 }, (reader) => ({ kind: "uint", value: reader.uint64() })),
  FloatValue: wrapper({ kind: "double", value: 0 }, (reader) => ({ kind: "double", value: reader.float() })),
  DoubleValue: wrapper({ kind: "double", value: 0 }, (reader) => ({ kind: "double", value: reader.double() })),
  Duration: (reader) => ({ kind: "duration", value: readNanoseconds(reader) }),
  Timestamp: (reader) => ({ kind: "timestamp", value: readNanoseconds(reader) }),
};

/** The value of a message of this type; null when the type is not known or the bytes are none. */
export function decodeWellKnown(typeUrl: string, bytes: Uint8Array): PropertyValue | null {
  const type = /(?:^|\/)google\.protobuf\.(\w+)$/.exec(typeUrl)?.[1] ?? "";
  const decode = Object.hasOwn(DECODERS, type) ? DECODERS[type]! : null;
  if (decode === null) return null;
  try {
    return decode(new WireReader(bytes, 0, bytes.length), 0);
  } catch (error) {
    if (error instanceof NuncioError) return null;
    throw error;
  }
}

/** Bytes as latin1 text, for those who compare. */
export function schemaText(schema: Uint8Array | undefined): string {
  return schema === undefined ? "" : latin1Slice(schema, 0, schema.length);
}

function wrapper(unset: PropertyValue, read: (reader: WireReader) => PropertyValue): Decoder {
  return (reader) => {
    let value = unset;
    forEachField(reader, (number) => {
      if (number !== 1) return false;
      value = read(reader);
      return true;
    });
    return value;
  };
}

/** Calls `read` for each field; what it does not read is skipped. */
function forEachField(reader: WireReader, read: (number: number, wireType: number) => boolean): void {
  while (!reader.done) {
    const tag = reader.uint32();
    if (!read(tag >>> 3, tag & 7)) reader.skip(tag & 7);
  }
}

function readStruct(reader: WireReader, depth: number): PropertyValue {
  const entries = new Map<string, PropertyValue>();
  forEachField(reader, (number, wireType) => {
    if (number !== 1 || wireType !== WireType.Length) return false;
    const entry = reader.sub();
    let key = "";
    let value = NULL;
    forEachField(entry, (field, type) => {
      if (type !== WireType.Length) return false;
      if (field === 1) key = entry.string();
      else if (field === 2) value = readValue(entry.sub(), depth + 1);
      else return false;
      return true;
    });
    entries.set(key, value);
    return true;
  });
  return { kind: "map", value: entries };
}

function readValue(reader: WireReader, depth: number): PropertyValue {
  if (depth > DEPTH_LIMIT) throw new NuncioError("config/malformed-binary", "values nested too deep");
  let value = NULL;
  forEachField(reader, (number, wireType) => {
    if (number === 2 && wireType === WireType.Fixed64) value = { kind: "double", value: reader.double() };
    else if (number === 3 && wireType === WireType.Length) value = { kind: "string", value: reader.string() };
    else if (number === 4 && wireType === WireType.Varint) value = { kind: "bool", value: reader.uint64() !== 0n };
    else if (number === 5 && wireType === WireType.Length) value = readStruct(reader.sub(), depth + 1);
    else if (number === 6 && wireType === WireType.Length) value = readList(reader.sub(), depth + 1);
    else return false;
    return true;
  });
  return value;
}

function readList(reader: WireReader, depth: number): PropertyValue {
  const items: PropertyValue[] = [];
  forEachField(reader, (number, wireType) => {
    if (number !== 1 || wireType !== WireType.Length) return false;
    items.push(readValue(reader.sub(), depth + 1));
    return true;
  });
  return { kind: "list", value: items };
}

/** Seconds and nanoseconds. */
function readNanoseconds(reader: WireReader): bigint {
  let nanoseconds = 0n;
  forEachField(reader, (number, wireType) => {
    if (wireType !== WireType.Varint) return false;
    if (number === 1) nanoseconds += BigInt.asIntN(64, reader.uint64()) * NANOS_PER_SECOND;
    else if (number === 2) nanoseconds += BigInt(reader.int32());
    else return false;
    return true;
  });
  return nanoseconds;
}
