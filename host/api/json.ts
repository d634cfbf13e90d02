// host/api/json.ts: messages as proto3 JSON, and structs as plain values.
// pure: no I/O, no clock, no runtime globals
/**
 * What `/config_dump` shows and what a `Struct` means. Field names stay those of the proto, as Envoy
 * prints them; 64-bit numbers become strings.
 *
 * @see https://protobuf.dev/programming-guides/json/
 * @module
 */
import { ANY, type Element, type FieldValue, Message } from "./message.ts";
import type { FieldSchema } from "./schema.ts";
import { unpackAny } from "./wire.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface ToJsonOptions {
  /** Fields that hold secrets are shown as `[redacted]`. */
  readonly redact?: boolean;
}

const REDACTED = "[redacted]";

export function messageToJson(message: Message, options: ToJsonOptions = {}): Json {
  switch (message.typeName) {
    case ANY:
      return anyToJson(message, options);
    case "google.protobuf.Struct":
    case "google.protobuf.ListValue":
    case "google.protobuf.Value":
      return structToJson(message);
    case "google.protobuf.Duration":
      return durationText(message);
    case "google.protobuf.Timestamp":
      return timestampText(message);
    case "google.protobuf.FieldMask":
      return ((message.getByName("paths") ?? []) as string[])
        .map((path) => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())).join(",");
  }
  if (isWrapperName(message.typeName)) {
    const field = message.schema.field("value")!;
    return elementToJson(field, (message.get(field) ?? defaultOf(field)) as Element, options);
  }
  const json: { [key: string]: Json } = {};
  for (const field of message.schema.fields) {
    const value = message.get(field);
    if (value !== undefined) json[field.name] = fieldToJson(field, value, options);
  }
  return json;
}

function isWrapperName(typeName: string): boolean {
  return typeName.startsWith("google.protobuf.") && typeName.endsWith("Value");
}

function defaultOf(field: FieldSchema): Element {
  if (field.type === "string") return "";
  if (field.type === "bool") return false;
  if (field.type === "bytes") return new Uint8Array(0);
  return field.type.endsWith("64") ? 0n : 0;
}

function fieldToJson(field: FieldSchema, value: FieldValue, options: ToJsonOptions): Json {
  const hidden = options.redact === true && field.sensitive;
  if (Array.isArray(value)) {
    return value.map((item) => hidden ? redacted(item) : elementToJson(field, item, options));
  }
  if (value instanceof Map) {
    const json: { [key: string]: Json } = {};
    for (const [key, item] of value) json[String(key)] = hidden ? redacted(item) : elementToJson(field, item, options);
    return json;
  }
  return hidden ? redacted(value) : elementToJson(field, value, options);
}

/** Keeps the shape of a message, so that one sees what kind of secret is there. */
function redacted(value: Element): Json {
  if (!(value instanceof Message)) return REDACTED;
  if (isWrapperName(value.typeName) || value.typeName === ANY) return REDACTED;
  const json: { [key: string]: Json } = {};
  for (const field of value.setFields()) {
    const inner = value.get(field)!;
    json[field.name] = inner instanceof Message ? redacted(inner) : REDACTED;
  }
  return json;
}

function elementToJson(field: FieldSchema, value: Element, options: ToJsonOptions): Json {
  if (value instanceof Message) return messageToJson(value, options);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return toBase64(value);
  if (field.type === "enum") return field.enum.nameOf(value as number) ?? (value as number);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (field.type === "float") return shortestFloat(value as number);
  return value;
}

/** The shortest number that reads as the same 32-bit float. */
function shortestFloat(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function anyToJson(any: Message, options: ToJsonOptions): Json {
  const url = any.getByName("type_url");
  if (typeof url !== "string") return {};
  const inner = unpackAny(any);
  if (inner === null) {
    const bytes = any.getByName("value");
    return { "@type": url, value: toBase64(bytes instanceof Uint8Array ? bytes : new Uint8Array(0)) };
  }
  const json = messageToJson(inner, options);
  const isPlain = inner.typeName === ANY || inner.typeName.startsWith("google.protobuf.") &&
      inner.typeName !== "google.protobuf.Empty";
  if (isPlain || json === null || typeof json !== "object" || Array.isArray(json)) return { "@type": url, value: json };
  return { "@type": url, ...json };
}

/** A `Struct`, `Value` or `ListValue` as what it stands for. */
export function structToJson(message: Message): Json {
  if (message.typeName === "google.protobuf.Struct") {
    const json: { [key: string]: Json } = {};
    const fields = message.getByName("fields") as ReadonlyMap<string, Message> | undefined;
    for (const [key, value] of fields ?? []) {
      // A key like __proto__ must stay a key.
      Object.defineProperty(json, key, {
        value: structToJson(value),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return json;
  }
  if (message.typeName === "google.protobuf.ListValue") {
    return ((message.getByName("values") ?? []) as Message[]).map(structToJson);
  }
  for (const field of message.setFields()) {
    const value = message.get(field)!;
    if (value instanceof Message) return structToJson(value);
    if (field.name !== "null_value") return value as string | number | boolean;
  }
  return null;
}

/** For example `0.250s`: no digits, or three, six or nine. */
export function durationText(duration: Message): string {
  const seconds = (duration.getByName("seconds") ?? 0n) as bigint;
  const nanos = (duration.getByName("nanos") ?? 0) as number;
  const sign = seconds < 0n || nanos < 0 ? "-" : "";
  return `${sign}${seconds < 0n ? -seconds : seconds}${fraction(Math.abs(nanos))}s`;
}

function timestampText(time: Message): string {
  const seconds = (time.getByName("seconds") ?? 0n) as bigint;
  const nanos = (time.getByName("nanos") ?? 0) as number;
  return new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, `${fraction(nanos)}Z`);
}

function fraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  return `.${digits.endsWith("000000") ? digits.slice(0, 3) : digits.endsWith("000") ? digits.slice(0, 6) : digits}`;
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
