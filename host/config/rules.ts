// host/config/rules.ts: the rules on values that Envoy's protos carry (validate.rules), checked on messages.
/**
 * Walks a decoded message, in `Any`s too, and reports every rule that a value breaks. A field that was
 * written but could not be read is left alone: it has been reported already.
 *
 * @see https://github.com/bufbuild/protoc-gen-validate
 * @module
 */
import { unpackAny } from "../api/wire.ts";
import { ANY, defaultValue, type Element, type FieldValue, Message } from "../api/message.ts";
import type { FieldRules, FieldSchema, MessageSchema, RuleBody } from "../api/schema.ts";
import type { DiagnosticList } from "../base/diagnostic.ts";
import { NuncioError } from "../base/error.ts";
import { brokenScalarRule } from "./rule_checks.ts";
import type { Place } from "./place.ts";
import type { Positions } from "./positions.ts";
import { isTypedStruct, isWellKnown, isWrapper } from "./well_known.ts";

/** The fields of a type that have rules; the others need no look. */
const ruledFields = new WeakMap<MessageSchema, readonly FieldSchema[]>();

function ruledFieldsOf(schema: MessageSchema): readonly FieldSchema[] {
  let fields = ruledFields.get(schema);
  if (fields === undefined) {
    fields = schema.fields.filter((field) => field.rules !== null);
    ruledFields.set(schema, fields);
  }
  return fields;
}

export class RuleChecker {
  readonly #diagnostics: DiagnosticList;
  readonly #positions: Positions | null;

  /** `positions` is null for messages that came as bytes. */
  constructor(positions: Positions | null, diagnostics: DiagnosticList) {
    this.#positions = positions;
    this.#diagnostics = diagnostics;
  }

  check(message: Message, place: Place): void {
    if (message.typeName === ANY) return this.#any(message, place);
    if (isWellKnown(message.typeName)) return;
    if (!message.schema.unvalidated) {
      for (const oneof of message.schema.requiredOneofs) this.#requiredOneof(message, oneof, place);
      for (const field of ruledFieldsOf(message.schema)) {
        if (!this.#isBroken(message, field)) this.#field(message, field, field.rules!, place);
      }
    }
    for (const field of message.setFields()) if (field.type === "message") this.#children(message, field, place);
  }

  #children(message: Message, field: FieldSchema, place: Place): void {
    if (field.rules?.message?.skip === true) return;
    const value = message.get(field)!;
    const inner = place.field(field.name);
    if (value instanceof Message) this.check(value, inner);
    else if (Array.isArray(value)) value.forEach((item, index) => this.check(item as Message, inner.item(index)));
    else if (value instanceof Map) {
      for (const [key, item] of value) this.check(item as Message, inner.entry(String(key)));
    }
  }

  #any(any: Message, place: Place): void {
    let inner: Message | null;
    try {
      inner = unpackAny(any);
    } catch (error) {
      if (!(error instanceof NuncioError)) throw error;
      this.#diagnostics.add({ severity: "error", code: error.code, message: error.message, at: place.toString() });
      return;
    }
    if (inner === null) {
      const url = any.getByName("type_url");
      if (typeof url === "string" && any.getByName("value") !== undefined) {
        const message = `unknown type ${url}`;
        this.#diagnostics.add({ severity: "error", code: "config/unknown-type", message, at: place.toString() });
      }
      return;
    }
    if (isTypedStruct(inner.typeName)) {
      if (inner.converted !== null) this.check(inner.converted, place.field("value"));
    } else this.check(inner, place);
  }

  #requiredOneof(message: Message, oneof: string, place: Place): void {
    const members = message.schema.oneofFields(oneof);
    if (members.some((member) => message.has(member) || this.#isBroken(message, member))) return;
    this.#diagnostics.add({
      severity: "error",
      code: "config/required",
      message: `${message.schema.shortName} needs ${oneof}`,
      span: this.#positions?.messageSpan(message),
      help: [
        members.length === 1
          ? `set ${members[0]!.name}`
          : `set one of ${members.map((member) => member.name).join(", ")}`,
      ],
      at: place.toString(),
    });
  }

  #field(message: Message, field: FieldSchema, rules: FieldRules, place: Place): void {
    const value = message.get(field);
    if (value === undefined && this.#isRequired(message, field, rules)) {
      this.#diagnostics.add({
        severity: "error",
        code: "config/required",
        message: `${message.schema.shortName} needs ${field.name}`,
        span: this.#positions?.messageSpan(message),
        help: [`set ${field.name}`],
        at: place.toString(),
      });
      return;
    }
    if (field.kind === "list") this.#list(message, field, rules["repeated"], place);
    else if (field.kind === "map") this.#map(message, field, rules["map"], place);
    else if (value !== undefined || !field.hasPresence) {
      this.#value(message, field, rules, value, place.field(field.name));
    }
  }

  #isRequired(message: Message, field: FieldSchema, rules: FieldRules): boolean {
    if (field.oneof !== null) return false;
    // A string that must not be empty and was not written is missing rather than empty.
    if (field.type === "string" && field.kind === "one" && Number(rules["string"]?.["min_len"] ?? 0) > 0) {
      if (!this.#isWritten(message, field)) return true;
    }
    return rules.message?.required === true || rules["duration"]?.["required"] === true ||
      rules["any"]?.["required"] === true || rules["timestamp"]?.["required"] === true;
  }

  #list(message: Message, field: FieldSchema, rules: RuleBody | undefined, place: Place): void {
    if (rules === undefined) return;
    const list = (message.get(field) ?? []) as Element[];
    if (list.length === 0 && rules["ignore_empty"] === true) return;
    const inner = place.field(field.name);
    this.#count(message, field, list.length, rules["min_items"], rules["max_items"], "item", inner);
    if (rules["unique"] === true && new Set(list).size !== list.length) {
      const twice = list.findIndex((item, index) => list.indexOf(item) !== index);
      this.#broken(message, field, twice, inner.item(twice), `${field.name} has the same item twice`);
    }
    const items = rules["items"] as FieldRules | undefined;
    if (items !== undefined) {
      list.forEach((item, index) => this.#value(message, field, items, item, inner.item(index), index));
    }
  }

  #map(message: Message, field: FieldSchema, rules: RuleBody | undefined, place: Place): void {
    if (rules === undefined) return;
    const map = (message.get(field) ?? new Map()) as ReadonlyMap<string, Element>;
    if (map.size === 0 && rules["ignore_empty"] === true) return;
    const inner = place.field(field.name);
    this.#count(message, field, map.size, rules["min_pairs"], rules["max_pairs"], "entry", inner);
    const keys = rules["keys"] as FieldRules | undefined;
    const values = rules["values"] as FieldRules | undefined;
    for (const [key, item] of map) {
      if (keys !== undefined) this.#scalar(message, field, keys, key, inner.entry(String(key)), String(key));
      if (values !== undefined) this.#value(message, field, values, item, inner.entry(String(key)), String(key));
    }
  }

  #count(
    message: Message,
    field: FieldSchema,
    count: number,
    least: unknown,
    most: unknown,
    noun: "item" | "entry",
    place: Place,
  ): void {
    const plural = noun === "item" ? "items" : "entries";
    const amount = (n: number) => `${n} ${n === 1 ? noun : plural}`;
    if (least !== undefined && count < Number(least)) {
      const there = count === 0 ? `is empty` : `has ${amount(count)}`;
      this.#broken(
        message,
        field,
        undefined,
        place,
        `${field.name} ${there}, expected at least ${amount(Number(least))}`,
      );
    }
    if (most !== undefined && count > Number(most)) {
      this.#broken(
        message,
        field,
        undefined,
        place,
        `${field.name} has ${amount(count)}, expected at most ${amount(Number(most))}`,
      );
    }
  }

  /** A singular value, or an item; wrappers are checked by what they hold. */
  #value(
    message: Message,
    field: FieldSchema,
    rules: FieldRules,
    value: FieldValue | undefined,
    place: Place,
    item?: number | string,
  ): void {
    let plain = value as Element | undefined;
    if (plain instanceof Message && isWrapper(plain.typeName)) {
      const inner = plain.schema.field("value")!;
      plain = (plain.get(inner) as Element | undefined) ?? defaultValue(inner.type as "string");
    }
    plain ??= defaultValue(field.type === "message" ? "string" : field.type);
    this.#scalar(message, field, rules, plain, place, item);
  }

  #scalar(
    message: Message,
    field: FieldSchema,
    rules: FieldRules,
    value: Element,
    place: Place,
    item?: number | string,
  ): void {
    for (const kind in rules) {
      if (kind === "message") continue;
      let problem = brokenScalarRule(kind, rules[kind]!, value, field, true);
      if (problem !== null && !this.#isSecret(message, field, item)) {
        problem = brokenScalarRule(kind, rules[kind]!, value, field, false);
      }
      if (problem !== null) this.#broken(message, field, item, place, `${field.name} ${problem}`);
    }
  }

  #broken(
    message: Message,
    field: FieldSchema,
    item: number | string | undefined,
    place: Place,
    text: string,
  ): void {
    this.#diagnostics.add({
      severity: "error",
      code: "config/constraint",
      message: text,
      span: this.#positions?.valueSpan(message, field, item),
      at: place.toString(),
    });
  }

  #isSecret(message: Message, field: FieldSchema, item: number | string | undefined): boolean {
    const at = this.#positions?.valueSpan(message, field, item);
    return field.sensitive || (at !== undefined && at.source.isRedacted(at.start, at.end));
  }

  #isWritten(message: Message, field: FieldSchema): boolean {
    return this.#positions?.isWritten(message, field) ?? false;
  }

  #isBroken(message: Message, field: FieldSchema): boolean {
    return this.#positions?.isBroken(message, field) ?? false;
  }
}
