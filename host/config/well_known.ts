// host/config/well_known.ts: protobuf's own types, which have a form of their own in JSON and YAML.
/**
 * Durations, times, wrappers, structs and masks. Wrappers and durations are also taken in the form of a
 * plain message (`{value: 1}`, `{seconds: 1}`), as Envoy does.
 *
 * @see https://protobuf.dev/programming-guides/json/
 * @module
 */
import { type Element, type MapKey, Message, setScalar } from "../api/message.ts";
import type { MessageSchema, ScalarType } from "../api/schema.ts";
import { parseDuration, parseTimestamp, readScalar, Refusal } from "./scalars.ts";
import { describeNode, findEntry, type TreeMap, type TreeNode } from "./tree.ts";

const WRAPPER = /^google\.protobuf\.(Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value$/;
const OTHERS: ReadonlySet<string> = new Set([
  "google.protobuf.Duration",
  "google.protobuf.Timestamp",
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.ListValue",
  "google.protobuf.FieldMask",
]);

/** True for types whose JSON form is not that of a message (`Any` aside). */
export function isWellKnown(typeName: string): boolean {
  return typeName.startsWith("google.protobuf.") && (OTHERS.has(typeName) || WRAPPER.test(typeName));
}

export function isWrapper(typeName: string): boolean {
  return typeName.startsWith("google.protobuf.") && WRAPPER.test(typeName);
}

/** Types that hold the configuration of any extension as a `Struct`. */
export function isTypedStruct(typeName: string): boolean {
  return typeName === "xds.type.v3.TypedStruct" || typeName === "udpa.type.v1.TypedStruct";
}

export function readWellKnown(schema: MessageSchema, node: TreeNode, secret: boolean): Message | Refusal {
  switch (schema.typeName) {
    case "google.protobuf.Duration":
      return readTime(schema, node, secret, parseDuration, "a duration, for example 0.25s");
    case "google.protobuf.Timestamp":
      return readTime(schema, node, secret, parseTimestamp, "a time, for example 2026-01-31T12:00:00Z");
    case "google.protobuf.Struct":
      return node.kind === "map" ? structOf(schema, node) : expected("a map", node);
    case "google.protobuf.Value":
      return valueOf(schema, node);
    case "google.protobuf.ListValue":
      return node.kind === "list" ? listValueOf(schema, node.items) : expected("a list", node);
    case "google.protobuf.FieldMask":
      return readFieldMask(schema, node);
    default:
      return readWrapper(schema, node, secret);
  }
}

function expected(what: string, node: TreeNode): Refusal {
  return new Refusal("config/wrong-type", `expected ${what}, found ${describeNode(node)}`);
}

function readWrapper(schema: MessageSchema, node: TreeNode, secret: boolean): Message | Refusal {
  const field = schema.field("value")!;
  const parts = node.kind === "map" ? plainForm(node, ["value"]) : null;
  if (parts !== null && parts.size === 0) return new Message(schema);
  const inner = parts?.get("value") ?? node;
  const value = readScalar(field.type as ScalarType, inner, secret);
  if (value instanceof Refusal) return value;
  const message = new Message(schema);
  setScalar(message, field, value);
  return message;
}

function readTime(
  schema: MessageSchema,
  node: TreeNode,
  secret: boolean,
  parse: (text: string) => { seconds: bigint; nanos: number } | Refusal,
  what: string,
): Message | Refusal {
  const message = new Message(schema);
  if (node.kind === "map") {
    const parts = plainForm(node, ["seconds", "nanos"]);
    if (parts === null) return expected(what, node);
    for (const [name, part] of parts) {
      const field = schema.field(name)!;
      const value = readScalar(field.type as ScalarType, part, secret);
      if (value instanceof Refusal) return value;
      setScalar(message, field, value);
    }
    return message;
  }
  if (node.kind === "list" || node.kind === "null" || node.kind === "bool") return expected(what, node);
  const time = parse(node.text);
  if (time instanceof Refusal) return time;
  setScalar(message, schema.field("seconds")!, time.seconds);
  setScalar(message, schema.field("nanos")!, time.nanos);
  return message;
}

/** The entries of a map that has no other keys than these; null when it has. */
function plainForm(map: TreeMap, names: readonly string[]): Map<string, TreeNode> | null {
  const parts = new Map<string, TreeNode>();
  for (const { key, value } of map.entries) {
    if (!names.includes(key)) return null;
    if (value.kind !== "null") parts.set(key, value);
  }
  return parts;
}

function readFieldMask(schema: MessageSchema, node: TreeNode): Message | Refusal {
  const message = new Message(schema);
  const paths = node.kind === "map" ? findEntry(node, "paths")?.value : node;
  const texts: string[] = [];
  if (paths?.kind === "list") {
    for (const item of paths.items) {
      if (item.kind !== "string") return expected("a list of field paths", node);
      texts.push(item.text);
    }
  } else if (paths?.kind === "string") {
    for (const path of paths.text.split(",")) {
      if (path !== "") texts.push(path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    }
  } else if (paths !== undefined) return expected("field paths, separated by commas", node);
  if (texts.length !== 0) message.setByName("paths", texts);
  return message;
}

function structOf(schema: MessageSchema, map: TreeMap): Message {
  const struct = new Message(schema);
  const field = schema.field("fields")!;
  const fields = new Map<MapKey, Element>();
  for (const { key, value } of map.entries) fields.set(key, valueOf(field.message, value));
  if (fields.size !== 0) struct.set(field, fields);
  return struct;
}

function listValueOf(schema: MessageSchema, items: readonly TreeNode[]): Message {
  const list = new Message(schema);
  const field = schema.field("values")!;
  if (items.length !== 0) list.set(field, items.map((item) => valueOf(field.message, item)));
  return list;
}

function valueOf(schema: MessageSchema, node: TreeNode): Message {
  const message = new Message(schema);
  switch (node.kind) {
    case "null":
      message.setByName("null_value", 0);
      break;
    case "bool":
      message.setByName("bool_value", node.value as boolean);
      break;
    case "number":
      message.setByName("number_value", node.value as number);
      break;
    case "string":
      message.setByName("string_value", node.text);
      break;
    case "map":
      message.setByName("struct_value", structOf(schema.field("struct_value")!.message, node));
      break;
    case "list":
      message.setByName("list_value", listValueOf(schema.field("list_value")!.message, node.items));
      break;
  }
  return message;
}
