// host/config/decode.ts: a tree and a message type become a message, with every problem reported.
/**
 * Follows protobuf's JSON rules and the liberties that Envoy takes with them: enum names in any letter
 * case, one value where a list is meant, `{seconds: 1}` for a duration, null items dropped. Goes on after a
 * problem, so that all of them are reported at once; rules on values are checked later, by `rules.ts`.
 *
 * @see Envoy: source/common/protobuf/utility.cc
 * @module
 */
import { ANY, defaultValue, type Element, type MapKey, Message, setScalar } from "../api/message.ts";
import { type FieldSchema, type MessageSchema, typeNameOfUrl, type TypeRegistry } from "../api/schema.ts";
import { type DiagnosticList, quoted } from "../base/diagnostic.ts";
import type { SourceText, Span } from "../base/source.ts";
import { nearestName } from "../base/suggest.ts";
import { nearestTypeName, oldFieldHelp } from "./hints.ts";
import { isOpaqueAny, isRepeatedLater, mapKey, redactScalars, takesNull } from "./decode_fields.ts";
import type { Place } from "./place.ts";
import { type Positions, span } from "./positions.ts";
import { readScalar, Refusal } from "./scalars.ts";
import { describeNode, findEntry, isScalar, type TreeEntry, type TreeMap, type TreeNode } from "./tree.ts";
import { isTypedStruct, isWellKnown, readWellKnown } from "./well_known.ts";

export interface DecodeOptions {
  /** Unknown fields are warnings, as with `--allow-unknown-static-fields`. */
  readonly allowUnknownFields?: boolean;
}

export class Decoder {
  readonly #registry: TypeRegistry;
  readonly #source: SourceText;
  readonly #diagnostics: DiagnosticList;
  readonly #positions: Positions;
  readonly #options: DecodeOptions;

  constructor(
    registry: TypeRegistry,
    source: SourceText,
    positions: Positions,
    diagnostics: DiagnosticList,
    options: DecodeOptions = {},
  ) {
    this.#registry = registry;
    this.#source = source;
    this.#positions = positions;
    this.#diagnostics = diagnostics;
    this.#options = options;
  }

  /** The message that `node` stands for; what could not be used is reported and left out. */
  message(schema: MessageSchema, node: TreeNode, place: Place, secret = false, opaque = false): Message | null {
    if (schema.typeName === ANY) return this.#any(schema, node, place, secret, opaque);
    if (isWellKnown(schema.typeName)) {
      const value = readWellKnown(schema, node, secret);
      if (value instanceof Refusal) {
        this.#refuse(value, node, place);
        return null;
      }
      this.#positions.record(value, this.#source, node);
      return value;
    }
    if (node.kind !== "map") {
      const message = `expected a map (${schema.shortName}), found ${secret ? "something else" : describeNode(node)}`;
      this.#error("config/wrong-type", message, node, place);
      return null;
    }
    const message = new Message(schema);
    this.#fill(message, node, place, secret);
    return message;
  }

  #fill(message: Message, map: TreeMap, place: Place, secret: boolean, inAny = false): void {
    this.#positions.record(message, this.#source, map);
    for (let i = 0; i < map.entries.length; i++) {
      const entry = map.entries[i]!;
      if (inAny && entry.key === "@type") continue;
      const field = message.schema.field(entry.key);
      if (field === null) {
        this.#unknownField(message, map, entry, place);
        continue;
      }
      if (isRepeatedLater(map, i)) {
        this.#warn(
          "config/duplicate-key",
          `"${entry.key}" is written again below, and the last one counts`,
          this.#keySpan(entry),
          place,
        );
        continue;
      }
      const { value } = entry;
      const hidden = secret || field.sensitive;
      if (field.sensitive && !secret) redactScalars(this.#source, value);
      if (value.kind === "null" && !(field.kind === "one" && takesNull(field))) continue;
      if (!this.#checkOneof(message, field, entry, place)) continue;
      this.#checkDeprecated(message, field, entry, place);
      if (!this.#field(message, field, value, place.field(field.name), hidden)) {
        this.#positions.markBroken(message, field);
      }
    }
  }

  /** Sets a field; false when a part of it could not be used. */
  #field(message: Message, field: FieldSchema, node: TreeNode, place: Place, secret: boolean): boolean {
    if (field.kind === "map") return this.#map(message, field, node, place, secret);
    if (field.kind === "list") return this.#list(message, field, node, place, secret);
    const value = this.#element(message.schema, field, node, place, secret);
    if (value === null) return false;
    if (value instanceof Message) message.set(field, value);
    else setScalar(message, field, value);
    return true;
  }

  #list(message: Message, field: FieldSchema, node: TreeNode, place: Place, secret: boolean): boolean {
    const list: Element[] = [];
    const whole = this.#items(message, field, node, place, secret, list);
    if (list.length !== 0) message.set(field, list);
    return whole;
  }

  /** Adds the items of a list, of lists in it too, or the one value that stands for a list. */
  #items(
    message: Message,
    field: FieldSchema,
    node: TreeNode,
    place: Place,
    secret: boolean,
    list: Element[],
  ): boolean {
    // A ListValue is itself a list, so lists of them do not flatten.
    const isList = node.kind === "list" && field.typeName !== "google.protobuf.ListValue";
    let whole = true;
    for (const item of isList ? node.items : [node]) {
      if (item.kind === "list" && isList) {
        if (!this.#items(message, field, item, place, secret, list)) whole = false;
        continue;
      }
      const value = this.#element(message.schema, field, item, isList ? place.item(list.length) : place, secret);
      if (value === null) whole = false;
      else list.push(value);
    }
    return whole;
  }

  #map(message: Message, field: FieldSchema, node: TreeNode, place: Place, secret: boolean): boolean {
    if (node.kind !== "map") {
      this.#error(
        "config/wrong-type",
        `expected a map, found ${secret ? "something else" : describeNode(node)}`,
        node,
        place,
      );
      return false;
    }
    const map = new Map<MapKey, Element>();
    let whole = true;
    for (const entry of node.entries) {
      const key = mapKey(field, entry.key);
      const inner = place.entry(entry.key);
      const value = key instanceof Refusal ? null : this.#element(message.schema, field, entry.value, inner, secret);
      if (key instanceof Refusal) this.#refuse(key, entry.value, inner);
      if (key instanceof Refusal || value === null) whole = false;
      else map.set(key, value);
    }
    if (map.size !== 0) message.set(field, map);
    return whole;
  }

  #element(owner: MessageSchema, field: FieldSchema, node: TreeNode, place: Place, secret: boolean): Element | null {
    if (node.kind === "null" && !takesNull(field)) return this.#nullElement(field, node, place);
    if (field.type === "message") {
      return this.message(field.message, node, place, secret, isOpaqueAny(owner, field));
    }
    if (field.type === "enum") return this.#enum(owner, field, node, place);
    const value = readScalar(field.type, node, secret);
    if (!(value instanceof Refusal)) return value;
    this.#refuse(value, node, place);
    return null;
  }

  /** A null in a list or a map counts as an empty value, which nobody means. */
  #nullElement(field: FieldSchema, node: TreeNode, place: Place): Element {
    const at = span(this.#source, node.start, node.end);
    this.#warn("config/null-item", "a null in a list or a map counts as an empty value", at, place);
    if (field.type !== "message") return defaultValue(field.type);
    const message = new Message(field.message);
    this.#positions.record(message, this.#source, node);
    return message;
  }

  #enum(owner: MessageSchema, field: FieldSchema, node: TreeNode, place: Place): number | null {
    const type = field.enum;
    if (node.kind === "null" && type.typeName === "google.protobuf.NullValue") return 0;
    if (node.kind === "number" && Number.isInteger(node.value)) return node.value as number;
    const names = type.values.map(([name]) => name);
    if (node.kind === "string") {
      const number = type.number(node.text);
      if (number === null && /^\s*-?[0-9]{1,9}\s*$/.test(node.text)) return Number(node.text);
      if (number !== null) {
        const name = names.find((candidate) => candidate.toUpperCase() === node.text.toUpperCase())!;
        if (type.isDisallowed(name)) {
          this.#error("config/disallowed-field", `Envoy no longer accepts ${name} for ${field.name}`, node, place);
        }
        return number;
      }
    }
    const near = node.kind === "string" ? nearestName(node.text, names) : null;
    const help = near !== null ? `a value with a similar name exists: ${near}` : `use one of ${names.join(", ")}`;
    const there = node.kind === "string" ? quoted(node.text) : isScalar(node) ? node.text : describeNode(node);
    this.#error("config/unknown-enum-value", `${owner.shortName}.${field.name} has no value ${there}`, node, place, [
      help,
    ]);
    return null;
  }

  #any(schema: MessageSchema, node: TreeNode, place: Place, secret: boolean, opaque: boolean): Message | null {
    if (node.kind !== "map") {
      this.#error("config/wrong-type", `expected a map with "@type", found ${describeNode(node)}`, node, place);
      return null;
    }
    const any = new Message(schema);
    this.#positions.record(any, this.#source, node);
    if (node.entries.length === 0) return any;
    const entry = findEntry(node, "@type");
    if (entry === null) {
      const help = 'add "@type": type.googleapis.com/ with the full name of the type';
      this.#error("config/missing-type", 'there is no "@type", so the type of this map is unknown', node, place, [
        help,
      ]);
      return null;
    }
    const inner = this.#typeOf(entry, place);
    if (inner === null) return null;
    any.setByName("type_url", entry.value.kind === "string" ? entry.value.text : inner.typeName);
    if (isWellKnown(inner.typeName) || inner.typeName === ANY) {
      const value = findEntry(node, "value")?.value ?? { kind: "map", entries: [], start: node.start, end: node.end };
      any.packed = this.message(inner, value, place.field("value"), secret);
      return any.packed === null ? null : any;
    }
    const packed = new Message(inner);
    this.#fill(packed, node, place, secret, true);
    any.packed = packed;
    if (isTypedStruct(inner.typeName) && !opaque) this.#convert(packed, node, place, secret);
    return any;
  }

  /** The type that `"@type"` or `type_url` names, reported when it does not exist. */
  #typeOf(entry: TreeEntry, place: Place): MessageSchema | null {
    const url = entry.value.kind === "string" ? entry.value.text : "";
    const where = place.field(entry.key);
    if (url.lastIndexOf("/") < 1) {
      const help = `write it as type.googleapis.com/${url === "" ? "envoy.…" : typeNameOfUrl(url)}`;
      this.#error(
        "config/unknown-type",
        `${quoted(url)} is not a type URL, which has a host and a "/"`,
        entry.value,
        where,
        [
          help,
        ],
      );
      return null;
    }
    const name = typeNameOfUrl(url);
    const type = this.#registry.message(name);
    if (type !== null) return type;
    const near = nearestTypeName(name, this.#registry.messageNames());
    const help = near === null
      ? "check the spelling, or give the descriptors that have it with --api-descriptors FILE"
      : /\.v2(alpha\d*)?\./.test(name)
      ? `replace the v2 type by its v3 form: type.googleapis.com/${near}`
      : `a type with a similar name exists: type.googleapis.com/${near}`;
    this.#error("config/unknown-type", `unknown type ${name}`, entry.value, where, [help]);
    return null;
  }

  /** Reads the `value` of a `TypedStruct` as the message that its `type_url` names. */
  #convert(typed: Message, node: TreeMap, place: Place, secret: boolean): void {
    const entry = findEntry(node, "type_url") ?? findEntry(node, "typeUrl");
    if (entry === null || entry.value.kind !== "string" || entry.value.text === "") return;
    const type = this.#typeOf(entry, place);
    if (type === null) return;
    const value = findEntry(node, "value")?.value;
    const map: TreeNode = value === undefined || value.kind === "null"
      ? { kind: "map", entries: [], start: node.start, end: node.end }
      : value;
    typed.converted = this.message(type, map, place.field("value"), secret);
  }

  /** False when another member of the same oneof has been set. */
  #checkOneof(message: Message, field: FieldSchema, entry: TreeEntry, place: Place): boolean {
    if (field.oneof === null) return true;
    const other = message.schema.oneofFields(field.oneof).find((member) =>
      member !== field && (message.has(member) || this.#positions.isBroken(message, member))
    );
    if (other === undefined) return true;
    this.#report(
      "error",
      "config/oneof-conflict",
      `only one of ${other.name} and ${field.name} may be set (${field.oneof})`,
      this.#keySpan(entry),
      place.field(field.name),
      [`remove ${other.name} or ${field.name}`],
    );
    return false;
  }

  #checkDeprecated(message: Message, field: FieldSchema, entry: TreeEntry, place: Place): void {
    if (!field.deprecated) return;
    const key = this.#keySpan(entry);
    const name = `${message.schema.shortName}.${field.name}`;
    if (field.disallowed) {
      this.#report(
        "error",
        "config/disallowed-field",
        `Envoy no longer accepts ${name}`,
        key,
        place.field(field.name),
      );
    } else this.#warn("config/deprecated-field", `${name} is deprecated`, key, place.field(field.name));
  }

  #unknownField(message: Message, map: TreeMap, entry: TreeEntry, place: Place): void {
    const { schema } = message;
    const names = schema.fields.map((field) => field.name);
    const old = oldFieldHelp(schema.typeName, map, entry.key);
    const near = old === null ? nearestName(entry.key, names) : null;
    const help = old !== null
      ? old.help
      : near !== null
      ? [`a field with a similar name exists: ${near}`]
      : entry.key === "<<"
      ? ["write the fields out; Envoy does not merge with <<"]
      : names.length !== 0 && names.length <= 8
      ? [`its fields are ${names.join(", ")}`]
      : [];
    // The field that was meant is not also missing.
    for (const meant of old?.stands ?? (near === null ? [] : [near])) {
      const field = schema.field(meant);
      if (field !== null) this.#positions.markBroken(message, field);
    }
    this.#report(
      this.#options.allowUnknownFields === true ? "warning" : "error",
      "config/unknown-field",
      `${schema.shortName} has no field ${quoted(entry.key)}`,
      this.#keySpan(entry),
      place,
      help,
    );
  }

  #keySpan(entry: TreeEntry): Span | undefined {
    return span(this.#source, entry.keyStart, entry.keyEnd);
  }

  #refuse(refusal: Refusal, node: TreeNode, place: Place): void {
    this.#error(refusal.code, refusal.message, node, place, refusal.help === null ? [] : [refusal.help]);
  }

  #error(code: string, message: string, node: TreeNode, place: Place, help: readonly string[] = []): void {
    this.#report("error", code, message, span(this.#source, node.start, node.end), place, help);
  }

  #warn(code: string, message: string, at: Span | undefined, place: Place): void {
    this.#report("warning", code, message, at, place);
  }

  #report(
    severity: "error" | "warning",
    code: string,
    message: string,
    at: Span | undefined,
    place: Place,
    help: readonly string[] = [],
  ): void {
    this.#diagnostics.add({ severity, code, message, span: at, help, at: place.toString() });
  }
}
