// host/api/schema.ts: message and enum types of Envoy's API, each parsed when it is first asked for.
// pure: no I/O, no clock, no runtime globals
/**
 * A `TypeRegistry` sits on the text that `compile_schema.ts` makes: one line a type. Opening it finds the
 * line starts and nothing else, so a proxy that starts pays for the few dozen types that it uses.
 *
 * @module
 */
import { NuncioError } from "../base/error.ts";

/** A field as it stands in the text. Absent keys mean no. */
export interface FieldLine {
  /** Name. */
  n: string;
  /** Number. */
  i: number;
  /** A scalar type, `message` or `enum`; of the elements of a list, of the values of a map. */
  t: string;
  /** Name of the message or enum type. */
  y?: string;
  /** Repeated. */
  r?: 1;
  /** Repeated and, against the rule, not packed. */
  u?: 1;
  /** Type of a map's keys. */
  k?: string;
  /** Oneof. */
  o?: string;
  /** Explicit presence (proto3 `optional`). */
  p?: 1;
  /** JSON name, where it is not the usual one. */
  j?: string;
  /** Sensitive. */
  s?: 1;
  /** Deprecated. */
  d?: 1;
  /** Refused by Envoy unless a runtime key allows it. */
  x?: 1;
  /** `validate.rules`. */
  v?: FieldRules;
}

export interface MessageLine {
  f: FieldLine[];
  /** Oneofs of which one member is required. */
  q?: string[];
  /** Not validated. */
  x?: 1;
  /** Deprecated. */
  d?: 1;
}

export interface EnumLine {
  v: [string, number][];
  /** Values that Envoy refuses. */
  x?: string[];
  /** Deprecated values. */
  d?: string[];
}

/** Rules as proto JSON: 64-bit numbers are strings, durations are like `1s`, names are the proto's. */
export type RuleBody = Readonly<Record<string, unknown>>;
export interface FieldRules {
  readonly message?: { readonly required?: boolean; readonly skip?: boolean };
  readonly [kind: string]: RuleBody | undefined;
}

export type ScalarType =
  | "double"
  | "float"
  | "int32"
  | "sint32"
  | "sfixed32"
  | "uint32"
  | "fixed32"
  | "int64"
  | "sint64"
  | "sfixed64"
  | "uint64"
  | "fixed64"
  | "bool"
  | "string"
  | "bytes";

/** A field of a message. */
export class FieldSchema {
  readonly name: string;
  readonly jsonName: string;
  readonly number: number;
  readonly kind: "one" | "list" | "map";
  /** Of the field, of the list's elements, or of the map's values. */
  readonly type: ScalarType | "message" | "enum";
  /** Full name of the message or enum; empty for scalars. */
  readonly typeName: string;
  readonly keyType: ScalarType;
  readonly oneof: string | null;
  /** False for plain proto3 scalars, which cannot tell unset from default. */
  readonly hasPresence: boolean;
  readonly packed: boolean;
  readonly sensitive: boolean;
  readonly deprecated: boolean;
  readonly disallowed: boolean;
  readonly rules: FieldRules | null;
  readonly #registry: TypeRegistry;
  #message: MessageSchema | null = null;
  #enum: EnumSchema | null = null;

  constructor(line: FieldLine, registry: TypeRegistry) {
    this.name = line.n;
    this.jsonName = line.j ?? toCamelCase(line.n);
    this.number = line.i;
    this.kind = line.k !== undefined ? "map" : line.r === 1 ? "list" : "one";
    this.type = line.t as FieldSchema["type"];
    this.typeName = line.y ?? "";
    this.keyType = (line.k ?? "string") as ScalarType;
    this.oneof = line.o ?? null;
    this.hasPresence = line.o !== undefined || line.p === 1 || (line.t === "message" && this.kind === "one");
    this.packed = line.r === 1 && line.u !== 1 && line.t !== "string" && line.t !== "bytes" && line.t !== "message";
    this.sensitive = line.s === 1;
    this.deprecated = line.d === 1;
    this.disallowed = line.x === 1;
    this.rules = line.v ?? null;
    this.#registry = registry;
  }

  /** The message type; only of fields whose `type` is `message`. */
  get message(): MessageSchema {
    this.#message ??= this.#registry.requireMessage(this.typeName);
    return this.#message;
  }

  /** The enum type; only of fields whose `type` is `enum`. */
  get enum(): EnumSchema {
    this.#enum ??= this.#registry.requireEnum(this.typeName);
    return this.#enum;
  }
}

/** A message type. */
export class MessageSchema {
  readonly typeName: string;
  readonly fields: readonly FieldSchema[];
  readonly registry: TypeRegistry;
  readonly requiredOneofs: readonly string[];
  readonly unvalidated: boolean;
  readonly deprecated: boolean;
  readonly #byName = new Map<string, FieldSchema>();
  readonly #byNumber = new Map<number, FieldSchema>();

  constructor(typeName: string, line: MessageLine, registry: TypeRegistry) {
    this.typeName = typeName;
    this.registry = registry;
    this.fields = line.f.map((field) => new FieldSchema(field, registry));
    this.requiredOneofs = line.q ?? [];
    this.unvalidated = line.x === 1;
    this.deprecated = line.d === 1;
    for (const field of this.fields) {
      this.#byName.set(field.name, field);
      this.#byNumber.set(field.number, field);
    }
    for (const field of this.fields) {
      if (!this.#byName.has(field.jsonName)) this.#byName.set(field.jsonName, field);
    }
  }

  /** The last part of the name. */
  get shortName(): string {
    return this.typeName.slice(this.typeName.lastIndexOf(".") + 1);
  }

  /** By proto name or JSON name. */
  field(name: string): FieldSchema | null {
    return this.#byName.get(name) ?? null;
  }

  fieldByNumber(number: number): FieldSchema | null {
    return this.#byNumber.get(number) ?? null;
  }

  /** Members of a oneof, in order. */
  oneofFields(oneof: string): FieldSchema[] {
    return this.fields.filter((field) => field.oneof === oneof);
  }
}

/** An enum type. */
export class EnumSchema {
  readonly typeName: string;
  readonly values: readonly (readonly [string, number])[];
  readonly #line: EnumLine;
  readonly #byName = new Map<string, number>();
  readonly #byNumber = new Map<number, string>();

  constructor(typeName: string, line: EnumLine) {
    this.typeName = typeName;
    this.values = line.v;
    this.#line = line;
    for (const [name, number] of line.v) {
      this.#byName.set(name, number);
      if (!this.#byNumber.has(number)) this.#byNumber.set(number, name);
    }
    for (const [name, number] of line.v) {
      const upper = name.toUpperCase();
      if (!this.#byName.has(upper)) this.#byName.set(upper, number);
    }
  }

  /** The number of a name, in any letter case; null when there is none. */
  number(name: string): number | null {
    return this.#byName.get(name) ?? this.#byName.get(name.toUpperCase()) ?? null;
  }

  /** The first name of a number, or null. */
  nameOf(number: number): string | null {
    return this.#byNumber.get(number) ?? null;
  }

  isDisallowed(name: string): boolean {
    return this.#line.x?.includes(name) ?? false;
  }

  isDeprecated(name: string): boolean {
    return this.#line.d?.includes(name) ?? false;
  }
}

/** All types, by full name. */
export class TypeRegistry {
  readonly #text: string;
  /** Offset of the JSON of a type; enums negative. */
  readonly #lines = new Map<string, number>();
  readonly #messages = new Map<string, MessageSchema>();
  readonly #enums = new Map<string, EnumSchema>();

  constructor(text: string) {
    this.#text = text;
    for (let start = 0; start < text.length;) {
      const end = text.indexOf("\n", start);
      const stop = end === -1 ? text.length : end;
      if (stop > start + 2) {
        const nameEnd = text.indexOf(" ", start + 2);
        const offset = text.charCodeAt(start) === 101 ? -(nameEnd + 1) : nameEnd + 1;
        this.#lines.set(text.slice(start + 2, nameEnd), offset);
      }
      start = stop + 1;
    }
  }

  get size(): number {
    return this.#lines.size;
  }

  /** Full names of all message types. */
  *messageNames(): IterableIterator<string> {
    for (const [name, offset] of this.#lines) if (offset > 0) yield name;
  }

  /** The message type of this full name, or null. */
  message(typeName: string): MessageSchema | null {
    const known = this.#messages.get(typeName);
    if (known !== undefined) return known;
    const offset = this.#lines.get(typeName);
    if (offset === undefined || offset < 0) return null;
    const schema = new MessageSchema(typeName, this.#parse(offset) as MessageLine, this);
    this.#messages.set(typeName, schema);
    return schema;
  }

  enum(typeName: string): EnumSchema | null {
    const known = this.#enums.get(typeName);
    if (known !== undefined) return known;
    const offset = this.#lines.get(typeName);
    if (offset === undefined || offset > 0) return null;
    const schema = new EnumSchema(typeName, this.#parse(-offset) as EnumLine);
    this.#enums.set(typeName, schema);
    return schema;
  }

  requireMessage(typeName: string): MessageSchema {
    const schema = this.message(typeName);
    if (schema === null) {
      throw new NuncioError("config/unknown-type", `no message type ${typeName} in the API descriptors`);
    }
    return schema;
  }

  requireEnum(typeName: string): EnumSchema {
    const schema = this.enum(typeName);
    if (schema === null) {
      throw new NuncioError("config/unknown-type", `no enum type ${typeName} in the API descriptors`);
    }
    return schema;
  }

  #parse(offset: number): unknown {
    const end = this.#text.indexOf("\n", offset);
    return JSON.parse(this.#text.slice(offset, end === -1 ? undefined : end));
  }
}

/** The full type name in a type URL: what follows the last slash. */
export function typeNameOfUrl(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

export const TYPE_URL_PREFIX = "type.googleapis.com/";

function toCamelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
