// host/api/wire.ts: messages from and to the protobuf wire format.
// pure: no I/O, no clock, no runtime globals
/**
 * Decoding refuses what is malformed and notes what is unknown; encoding writes fields by number, map
 * entries by key, so that equal messages give equal bytes.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */
import { NuncioError } from "../base/error.ts";
import {
  ANY,
  defaultValue,
  type Element,
  type FieldValue,
  type MapKey,
  mergeMessages,
  Message,
  setScalar,
} from "./message.ts";
import { type FieldSchema, type MessageSchema, type ScalarType, typeNameOfUrl } from "./schema.ts";
import { WireReader, WireType } from "./wire_reader.ts";
import { WireWriter } from "./wire_writer.ts";

/** Deeper messages are refused, as protobuf does. */
const DEPTH_LIMIT = 100;

/** @throws config/malformed-binary */
export function decodeMessage(schema: MessageSchema, bytes: Uint8Array): Message {
  return readMessage(schema, new WireReader(bytes, 0, bytes.length), 0);
}

/** The message in an `Any`; null when its type is not known. @throws config/malformed-binary */
export function unpackAny(any: Message): Message | null {
  if (any.packed !== null) return any.packed;
  const url = any.getByName("type_url");
  if (typeof url !== "string") return null;
  const schema = any.schema.registry.message(typeNameOfUrl(url));
  if (schema === null) return null;
  const bytes = any.getByName("value");
  any.packed = decodeMessage(schema, bytes instanceof Uint8Array ? bytes : new Uint8Array(0));
  return any.packed;
}

function readMessage(schema: MessageSchema, reader: WireReader, depth: number): Message {
  if (depth > DEPTH_LIMIT) throw malformed("messages nested too deep");
  const message = new Message(schema);
  while (!reader.done) {
    const tag = reader.uint32();
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (number === 0) throw malformed("field number 0");
    const field = schema.fieldByNumber(number);
    if (field === null) {
      reader.skip(wireType);
      (message.unknownFields ??= []).push(number);
    } else if (field.kind === "map") readMapEntry(message, field, reader, wireType, depth);
    else if (field.kind === "list") readListItems(message, field, reader, wireType, depth);
    else if (field.type === "message") {
      const value = readElement(field, reader, wireType, depth);
      // A message that comes in several parts is merged: the later part is read over the earlier.
      const before = message.get(field);
      message.set(field, before instanceof Message ? mergeMessages(before, value as Message) : value);
    } else setScalar(message, field, readElement(field, reader, wireType, depth));
  }
  return message;
}

function readElement(field: FieldSchema, reader: WireReader, wireType: number, depth: number): Element {
  if (field.type === "message") {
    if (wireType !== WireType.Length) throw wrongWireType(field);
    return readMessage(field.message, reader.sub(), depth + 1);
  }
  if (wireType !== wireTypeOf(field.type)) throw wrongWireType(field);
  return readScalar(field.type, reader);
}

function readListItems(
  message: Message,
  field: FieldSchema,
  reader: WireReader,
  wireType: number,
  depth: number,
): void {
  const list = (message.get(field) ?? []) as Element[];
  const { type } = field;
  if (wireType === WireType.Length && type !== "message" && type !== "string" && type !== "bytes") {
    const packed = reader.sub();
    while (!packed.done) list.push(readScalar(type, packed));
  } else list.push(readElement(field, reader, wireType, depth));
  if (list.length !== 0) message.set(field, list);
}

function readMapEntry(message: Message, field: FieldSchema, reader: WireReader, wireType: number, depth: number): void {
  if (wireType !== WireType.Length) throw wrongWireType(field);
  const entry = reader.sub();
  let key = defaultValue(field.keyType) as MapKey;
  let value: Element = field.type === "message" ? new Message(field.message) : defaultValue(field.type);
  while (!entry.done) {
    const tag = entry.uint32();
    if (tag >>> 3 === 1) key = readScalar(field.keyType, entry) as MapKey;
    else if (tag >>> 3 === 2) value = readElement(field, entry, tag & 7, depth);
    else entry.skip(tag & 7);
  }
  let map = message.get(field) as Map<MapKey, Element> | undefined;
  if (map === undefined) {
    map = new Map();
    message.set(field, map);
  }
  map.set(key, value);
}

function readScalar(type: ScalarType | "enum", reader: WireReader): string | number | bigint | boolean | Uint8Array {
  switch (type) {
    case "double":
      return reader.double();
    case "float":
      return reader.float();
    case "int32":
    case "enum":
      return reader.int32();
    case "uint32":
      return reader.uint32();
    case "sint32": {
      const zigzag = reader.uint32();
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    case "fixed32":
      return reader.fixed32();
    case "sfixed32":
      return reader.fixed32() | 0;
    case "int64":
      return BigInt.asIntN(64, reader.uint64());
    case "uint64":
      return reader.uint64();
    case "sint64": {
      const zigzag = reader.uint64();
      return (zigzag >> 1n) ^ -(zigzag & 1n);
    }
    case "fixed64":
      return reader.fixed64();
    case "sfixed64":
      return BigInt.asIntN(64, reader.fixed64());
    case "bool":
      return reader.uint64() !== 0n;
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes();
  }
}

function wireTypeOf(type: ScalarType | "enum" | "message"): number {
  switch (type) {
    case "double":
    case "fixed64":
    case "sfixed64":
      return WireType.Fixed64;
    case "float":
    case "fixed32":
    case "sfixed32":
      return WireType.Fixed32;
    case "string":
    case "bytes":
    case "message":
      return WireType.Length;
    default:
      return WireType.Varint;
  }
}

function malformed(message: string): NuncioError {
  return new NuncioError("config/malformed-binary", message);
}

function wrongWireType(field: FieldSchema): NuncioError {
  return malformed(`field ${field.name} (${field.number}) is not written as ${field.type}`);
}

/** The bytes of a message: fields in the order of their numbers, map entries in the order of their keys. */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new WireWriter();
  writeFields(writer, message);
  return writer.finish();
}

function writeFields(writer: WireWriter, message: Message): void {
  const fields = [...message.setFields()].sort((a, b) => a.number - b.number);
  const isPacked = message.packed !== null && message.typeName === ANY;
  for (const field of fields) if (!isPacked || field.number === 1) writeField(writer, field, message.get(field)!);
  if (isPacked) {
    writer.tag(2, WireType.Length);
    const mark = writer.startLength();
    writeFields(writer, message.packed!);
    writer.endLength(mark);
  }
}

function writeField(writer: WireWriter, field: FieldSchema, value: FieldValue): void {
  if (value instanceof Map) {
    const entries = [...value].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
    for (const [key, item] of entries) {
      writer.tag(field.number, WireType.Length);
      const mark = writer.startLength();
      writer.tag(1, wireTypeOf(field.keyType));
      writeScalar(writer, field.keyType, key);
      writeElement(writer, 2, field.type, item);
      writer.endLength(mark);
    }
  } else if (!Array.isArray(value)) writeElement(writer, field.number, field.type, value);
  else if (!field.packed) { for (const item of value) writeElement(writer, field.number, field.type, item); }
  else if (value.length !== 0) {
    writer.tag(field.number, WireType.Length);
    const mark = writer.startLength();
    for (const item of value) writeScalar(writer, field.type as ScalarType, item);
    writer.endLength(mark);
  }
}

function writeElement(writer: WireWriter, number: number, type: FieldSchema["type"], value: Element): void {
  writer.tag(number, wireTypeOf(type));
  if (value instanceof Message) {
    const mark = writer.startLength();
    writeFields(writer, value);
    writer.endLength(mark);
  } else writeScalar(writer, type as ScalarType, value);
}

function writeScalar(writer: WireWriter, type: ScalarType | "enum", value: Element): void {
  switch (type) {
    case "double":
      return writer.double(value as number);
    case "float":
      return writer.float(value as number);
    case "int32":
    case "enum":
      return writer.int32(value as number);
    case "uint32":
      return writer.uint32(value as number);
    case "sint32":
      return writer.uint32((((value as number) << 1) ^ ((value as number) >> 31)) >>> 0);
    case "fixed32":
    case "sfixed32":
      return writer.fixed32(value as number);
    case "int64":
    case "uint64":
      return writer.uint64(BigInt.asUintN(64, value as bigint));
    case "sint64":
      return writer.uint64(BigInt.asUintN(64, ((value as bigint) << 1n) ^ ((value as bigint) >> 63n)));
    case "fixed64":
    case "sfixed64":
      return writer.fixed64(BigInt.asUintN(64, value as bigint));
    case "bool":
      return writer.uint32(value === true ? 1 : 0);
    case "string":
      return writer.string(value as string);
    case "bytes":
      return writer.bytes(value as Uint8Array);
  }
}
