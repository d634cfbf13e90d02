// host/config/config_node.ts: a message as the planners see it, with what they read remembered.
/**
 * The one implementation of `ConfigNode`: over a decoded message, with or without positions. Asking for a
 * field that the type does not have is a bug of the planner and throws.
 *
 * @module
 */
import { type Json, structToJson } from "../api/json.ts";
import { defaultValue, type Element, type MapKey, Message } from "../api/message.ts";
import { type FieldSchema, type ScalarType, typeNameOfUrl } from "../api/schema.ts";
import { encodeMessage, unpackAny } from "../api/wire.ts";
import type { DiagnosticList, Severity } from "../base/diagnostic.ts";
import { bug, BUG_CODE, isBug, NuncioError } from "../base/error.ts";
import { SourceText, type Span } from "../base/source.ts";
import type { Coverage } from "./coverage.ts";
import { Decoder } from "./decode.ts";
import { isOpaqueAny } from "./decode_fields.ts";
import type { ConfigNode, ProblemPlace } from "./node.ts";
import type { Place } from "./place.ts";
import type { Positions } from "./positions.ts";
import { treeOfJson } from "./tree.ts";
import { isTypedStruct, isWellKnown, isWrapper } from "./well_known.ts";

/** What all nodes of one configuration share. */
export interface NodeContext {
  readonly positions: Positions;
  readonly diagnostics: DiagnosticList;
  readonly coverage: Coverage;
  /** What `runtimeKey` gave. */
  readonly runtimeKeys: Set<string>;
}

type Mark = "has" | "read" | "accepted";

export class MessageNode implements ConfigNode {
  readonly protoMessage: Message;
  readonly #context: NodeContext;
  readonly #place: Place;
  readonly #marks = new Map<FieldSchema, Mark>();
  readonly #children = new Map<FieldSchema, readonly (MessageNode | null)[]>();
  #takenWhole = false;

  constructor(message: Message, place: Place, context: NodeContext) {
    this.protoMessage = message;
    this.#place = place;
    this.#context = context;
  }

  get typeName(): string {
    return this.protoMessage.typeName;
  }

  get path(): string {
    return this.#place.toString();
  }

  has(field: string): boolean {
    const schema = this.#field(field);
    this.#mark(schema, "has");
    return this.protoMessage.has(schema);
  }

  string(field: string): string {
    return this.#scalar(field, "") as string;
  }

  bool(field: string, defaultValue = false): boolean {
    return this.#scalar(field, defaultValue) as boolean;
  }

  number(field: string, defaultValue = 0): number {
    const value = this.#scalar(field, defaultValue) as number | bigint;
    return typeof value === "number" ? value : this.#safeNumber(value, field);
  }

  runtimeKey(field: string): string {
    const key = this.string(field);
    if (key !== "") this.#context.runtimeKeys.add(key);
    return key;
  }

  bytes(field: string): Uint8Array {
    return this.#scalar(field, NO_BYTES) as Uint8Array;
  }

  durationMs(field: string, defaultMs: number): number;
  durationMs(field: string, defaultMs: null): number | null;
  durationMs(field: string, defaultMs: number | null): number | null {
    const value = this.#read(field);
    if (!(value instanceof Message)) return defaultMs;
    const read = durationMs(value);
    if (read < 0) this.error("config/constraint", `a duration must not be negative: ${read / 1000}s`, { field });
    return read;
  }

  enum(field: string): string {
    const value = (this.#read(field) ?? 0) as number;
    return this.#field(field).enum.nameOf(value) ?? String(value);
  }

  message(field: string): ConfigNode | null {
    return this.#nodes(this.#markRead(field))[0] ?? null;
  }

  messages(field: string): ConfigNode[] {
    return this.#nodes(this.#markRead(field)).filter((node) => node !== null);
  }

  strings(field: string): string[] {
    const schema = this.#field(field);
    const items = (this.#read(field) ?? []) as Element[];
    if (schema.type !== "enum") return items.map((item) => String(unwrapped(item)));
    return items.map((item) => schema.enum.nameOf(item as number) ?? String(item));
  }

  numbers(field: string): number[] {
    const items = (this.#read(field) ?? []) as Element[];
    return items.map((item) => {
      const value = unwrapped(item) as number | bigint;
      return typeof value === "number" ? value : this.#safeNumber(value, field);
    });
  }

  messageMap(field: string): [string, ConfigNode][] {
    const schema = this.#markRead(field);
    return this.#keyed(schema);
  }

  stringMap(field: string): [string, string][] {
    const map = this.#read(field) as Map<MapKey, Element> | undefined;
    return [...map ?? []].map(([key, value]) => [String(key), String(unwrapped(value))]);
  }

  oneof(name: string): string | null {
    const members = this.protoMessage.schema.oneofFields(name);
    if (members.length === 0) throw missing(this.typeName, `oneof ${name}`);
    return members.find((member) => this.protoMessage.has(member))?.name ?? null;
  }

  any(field: string): ConfigNode | null {
    return this.#nodes(this.#markRead(field))[0] ?? null;
  }

  anyMap(field: string): [string, ConfigNode][] {
    return this.#keyed(this.#markRead(field));
  }

  json(field: string): unknown {
    const value = this.#read(field);
    if (value instanceof Message) return structToJson(value);
    if (Array.isArray(value)) return value.map((item): Json => structToJson(item as Message));
    if (value instanceof Map) {
      return Object.fromEntries([...value].map(([key, item]) => [String(key), structToJson(item as Message)]));
    }
    return null;
  }

  toBinary(): Uint8Array {
    this.#takenWhole = true;
    for (const field of this.protoMessage.setFields()) this.#context.coverage.read(this.typeName, field.name);
    return encodeMessage(this.protoMessage);
  }

  accept(field: string, reason: string): void {
    const schema = this.#field(field);
    this.#context.coverage.accept(this.typeName, field, reason);
    this.#marks.set(schema, "accepted");
    if (!this.protoMessage.has(schema)) return;
    const message = `${this.protoMessage.schema.shortName}.${field} is accepted and has no effect here: ${reason}`;
    this.#report("note", "config/accepted-without-effect", message, { field }, true);
  }

  refuse(field: string, reason: string, help?: string): void {
    const schema = this.#field(field);
    this.#context.coverage.refuse(this.typeName, field, reason);
    this.#marks.set(schema, "accepted");
    const value = this.protoMessage.get(schema);
    if (!this.protoMessage.has(schema) || (schema.kind === "one" && !unwrapped(value as Element))) return;
    this.#report("error", "config/unsupported", reason, { field, ...(help !== undefined && { help }) });
  }

  error(code: string, message: string, where?: ProblemPlace): void {
    this.#report("error", code, message, where);
  }

  warn(code: string, message: string, where?: ProblemPlace): void {
    this.#report("warning", code, message, where);
  }

  get runtimeKeys(): ReadonlySet<string> {
    return this.#context.runtimeKeys;
  }

  /** Calls back with every field that is set and that nobody has read, from here down. */
  visitUnread(visit: (node: MessageNode, field: FieldSchema) => void): void {
    if (this.#takenWhole) return;
    for (const field of this.protoMessage.setFields()) {
      const mark = this.#marks.get(field);
      if (mark === undefined) visit(this, field);
      else if (mark !== "accepted" && field.type === "message" && !isLeaf(field.typeName)) {
        for (const child of this.#nodes(field)) child?.visitUnread(visit);
      }
    }
  }

  fieldSpan(field: FieldSchema): Span | undefined {
    return this.#context.positions.fieldSpan(this.protoMessage, field);
  }

  fieldPath(field: FieldSchema): string {
    return this.#place.field(field.name).toString();
  }

  /** Nodes of a field's messages: made once, so that what is read of them adds up. */
  #nodes(field: FieldSchema): readonly (MessageNode | null)[] {
    const known = this.#children.get(field);
    if (known !== undefined) return known;
    const value = this.protoMessage.get(field);
    const place = this.#place.field(field.name);
    let nodes: (MessageNode | null)[] = [];
    if (value instanceof Message) nodes = [this.#node(value, place, field)];
    else if (Array.isArray(value)) {
      nodes = value.map((item, index) => this.#node(item as Message, place.item(index), field));
    } else if (value instanceof Map) {
      nodes = [...value].map(([key, item]) => this.#node(item as Message, place.entry(String(key)), field));
    }
    this.#children.set(field, nodes);
    return nodes;
  }

  #keyed(field: FieldSchema): [string, ConfigNode][] {
    const map = this.protoMessage.get(field) as Map<MapKey, Element> | undefined;
    const nodes = this.#nodes(field);
    const entries: [string, ConfigNode][] = [];
    let index = 0;
    for (const key of map?.keys() ?? []) {
      const node = nodes[index++];
      if (node !== null && node !== undefined) entries.push([String(key), node]);
    }
    return entries;
  }

  /** A message's node; of an `Any`, the node of what is in it. */
  #node(message: Message, place: Place, field: FieldSchema): MessageNode | null {
    if (message.typeName !== "google.protobuf.Any") return new MessageNode(message, place, this.#context);
    const url = message.getByName("type_url");
    if (typeof url !== "string" || url === "") return null;
    let inner: Message | null;
    try {
      inner = unpackAny(message);
    } catch (error) {
      if (!(error instanceof NuncioError) || isBug(error)) throw error;
      return this.#refuseAny(error.code, error.message, place);
    }
    if (inner === null) return this.#refuseAny("config/unknown-type", `unknown type ${typeNameOfUrl(url)}`, place);
    if (!isTypedStruct(inner.typeName) || isOpaqueAny(this.protoMessage.schema, field)) {
      return new MessageNode(inner, place, this.#context);
    }
    inner.converted ??= this.#convert(inner, place);
    const value = place.field("value");
    return inner.converted === null ? null : new MessageNode(inner.converted, value, this.#context);
  }

  /** A `TypedStruct` that came as bytes: its struct is read as JSON of the type that it names. */
  #convert(typed: Message, place: Place): Message | null {
    const url = typed.getByName("type_url");
    const name = typeof url === "string" ? typeNameOfUrl(url) : "";
    const type = typed.schema.registry.message(name);
    if (type === null) return this.#refuseAny("config/unknown-type", `unknown type ${name}`, place);
    const value = typed.getByName("value");
    const json = value instanceof Message ? structToJson(value) : {};
    const { positions, diagnostics } = this.#context;
    const decoder = new Decoder(typed.schema.registry, NO_SOURCE, positions, diagnostics);
    return decoder.message(type, treeOfJson(json), place.field("value"));
  }

  #refuseAny(code: string, message: string, place: Place): null {
    this.#context.diagnostics.add({ severity: "error", code, message, at: place.toString() });
    return null;
  }

  #scalar(field: string, whenUnset: Element): Element {
    const value = this.#read(field);
    if (value !== undefined) return unwrapped(value as Element);
    return whenUnset;
  }

  #safeNumber(value: bigint, field: string): number {
    if (value > MAX_SAFE || value < -MAX_SAFE) {
      this.error("config/number-too-large", `${value} is more than nuncio can count exactly (2^53)`, { field });
    }
    return Number(value);
  }

  #read(field: string): ReturnType<Message["get"]> {
    return this.protoMessage.get(this.#markRead(field));
  }

  #markRead(field: string): FieldSchema {
    const schema = this.#field(field);
    this.#mark(schema, "read");
    return schema;
  }

  #mark(field: FieldSchema, mark: "has" | "read"): void {
    if (this.#marks.get(field) !== "read") this.#marks.set(field, mark);
    this.#context.coverage[mark](this.typeName, field.name);
  }

  #field(name: string): FieldSchema {
    const field = this.protoMessage.schema.field(name);
    if (field === null) throw missing(this.typeName, `field ${name}`);
    return field;
  }

  #report(severity: Severity, code: string, message: string, where: ProblemPlace = {}, onKey = false): void {
    const { positions, diagnostics } = this.#context;
    const field = where.field === undefined ? null : this.#field(where.field);
    let place = this.#place;
    if (field !== null) place = place.field(field.name);
    if (field !== null && where.index !== undefined) place = place.item(where.index);
    diagnostics.add({
      severity,
      code,
      message,
      span: field === null
        ? positions.messageSpan(this.protoMessage)
        : onKey
        ? positions.fieldSpan(this.protoMessage, field)
        : positions.valueSpan(this.protoMessage, field, where.index),
      help: where.help === undefined ? undefined : [where.help],
      at: place.toString(),
    });
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_SOURCE = new SourceText("", "");
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function missing(typeName: string, what: string): NuncioError {
  const message = `a planner asked for ${what} of ${typeName}, which has none`;
  bug(true, message);
  return new NuncioError(BUG_CODE, message);
}

/** What is read as one value, however it is read. */
function isLeaf(typeName: string): boolean {
  return isWellKnown(typeName);
}

/** What a wrapper holds; other values as they are. */
function unwrapped(value: Element): Element {
  if (!(value instanceof Message) || !isWrapper(value.typeName)) return value;
  const field = value.schema.field("value")!;
  return (value.get(field) as Element | undefined) ?? defaultValue(field.type as ScalarType);
}

function durationMs(duration: Message): number {
  const seconds = (duration.getByName("seconds") ?? 0n) as bigint;
  return Number(seconds) * 1000 + ((duration.getByName("nanos") ?? 0) as number) / 1e6;
}
