// host/api/message.ts: a protobuf message as a value: its type and the fields that are set.
// pure: no I/O, no clock, no runtime globals
/**
 * Values in memory: 32-bit numbers, floats and enums are numbers, 64-bit numbers are bigints, bytes are
 * `Uint8Array`, repeated fields are arrays, maps are `Map`s. A plain proto3 scalar that equals its default
 * is not set. An `Any` keeps the message inside it unpacked for as long as nobody asks for bytes.
 *
 * @module
 */
import { type FieldSchema, type MessageSchema, type ScalarType } from "./schema.ts";

export type MapKey = string | number | bigint | boolean;
export type Element = string | number | bigint | boolean | Uint8Array | Message;
export type FieldValue = Element | Element[] | Map<MapKey, Element>;

export const ANY = "google.protobuf.Any";

export class Message {
  readonly schema: MessageSchema;
  /** What an `Any` holds, when it is known; its bytes are made from it on demand. */
  packed: Message | null = null;
  /** What a `TypedStruct` means: the message that its `type_url` names. */
  converted: Message | null = null;
  /** Numbers of fields that a binary message had and the schema has not. */
  unknownFields: number[] | null = null;
  readonly #values = new Map<FieldSchema, FieldValue>();

  constructor(schema: MessageSchema) {
    this.schema = schema;
  }

  get typeName(): string {
    return this.schema.typeName;
  }

  has(field: FieldSchema): boolean {
    return this.#values.has(field);
  }

  get(field: FieldSchema): FieldValue | undefined {
    return this.#values.get(field);
  }

  /** Sets a field; other members of its oneof become unset. */
  set(field: FieldSchema, value: FieldValue): void {
    if (field.oneof !== null) {
      for (const other of this.#values.keys()) if (other.oneof === field.oneof) this.#values.delete(other);
    }
    this.#values.set(field, value);
  }

  clear(field: FieldSchema): void {
    this.#values.delete(field);
  }

  /** The fields that are set, in the order in which they were set. */
  setFields(): IterableIterator<FieldSchema> {
    return this.#values.keys();
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** A field by name; undefined when it is not set or does not exist. */
  getByName(name: string): FieldValue | undefined {
    const field = this.schema.field(name);
    return field === null ? undefined : this.#values.get(field);
  }

  setByName(name: string, value: FieldValue): void {
    this.set(this.schema.field(name)!, value);
  }
}

/** What an unset singular field of this type reads as. */
export function defaultValue(type: ScalarType | "enum"): string | number | bigint | boolean | Uint8Array {
  switch (type) {
    case "string":
      return "";
    case "bytes":
      return new Uint8Array(0);
    case "bool":
      return false;
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return 0n;
    default:
      return 0;
  }
}

/** True when `value` is what an unset field of its type reads as. */
export function isDefault(value: Element): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === false || value === 0n || (value === 0 && !Object.is(value, -0));
}

/** Sets a singular scalar the proto3 way: a default without presence is as good as unset. */
export function setScalar(message: Message, field: FieldSchema, value: Element): void {
  if (field.hasPresence || !isDefault(value)) message.set(field, value);
  else message.clear(field);
}

/** Told about every pair of messages that becomes one. */
export type OnMerge = (into: Message, from: Message) => void;

/** Protobuf's merge: scalars of `from` win, lists are joined, messages merged. Gives back `into`. */
export function mergeMessages(into: Message, from: Message, onMerge?: OnMerge): Message {
  onMerge?.(into, from);
  for (const field of [...from.setFields()]) {
    const value = from.get(field)!;
    const before = into.get(field);
    if (before instanceof Message && before.typeName !== ANY) mergeMessages(before, value as Message, onMerge);
    else if (Array.isArray(before)) before.push(...value as Element[]);
    else if (before instanceof Map) { for (const [key, item] of value as Map<MapKey, Element>) before.set(key, item); }
    else into.set(field, value);
  }
  return into;
}
