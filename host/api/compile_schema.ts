// host/api/compile_schema.ts: turns a descriptor set into the compact text that `schema.ts` reads.
/**
 * Descriptors as protoc writes them take 60 ms to read and 20 MB to hold; a proxy needs some dozens of the
 * 1,700 types. The text has one line a type, `kind name json`, so that a type is parsed when it is asked for.
 * Runs at install time, and for `--api-descriptors FILE`.
 *
 * @module
 */
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  type FileRegistry,
  getOption,
  hasOption,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, type FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import type { EnumLine, FieldLine, MessageLine } from "./schema.ts";

const SCALAR_NAMES: Readonly<Record<number, string>> = {
  [ScalarType.DOUBLE]: "double",
  [ScalarType.FLOAT]: "float",
  [ScalarType.INT64]: "int64",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.INT32]: "int32",
  [ScalarType.FIXED64]: "fixed64",
  [ScalarType.FIXED32]: "fixed32",
  [ScalarType.BOOL]: "bool",
  [ScalarType.STRING]: "string",
  [ScalarType.BYTES]: "bytes",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.SFIXED32]: "sfixed32",
  [ScalarType.SFIXED64]: "sfixed64",
  [ScalarType.SINT32]: "sint32",
  [ScalarType.SINT64]: "sint64",
};

/** Descriptions of descriptions: no configuration has them. */
const LEFT_OUT =
  /^(google\.protobuf\.(compiler\.)?(\w*Descriptor|\w*Options|FeatureSet|Edition|SourceCodeInfo|GeneratedCode|UninterpretedOption|ExtensionRange|SymbolVisibility)|validate\.|(udpa|xds|envoy)\.annotations\.|google\.api\.(?!expr\.))/;

/** The text, one line a type, sorted by name. */
export function compileSchema(set: FileDescriptorSet): string {
  const registry = createFileRegistry(set);
  const annotations = new Annotations(registry);
  const lines: string[] = [];
  for (const type of registry) {
    if ((type.kind !== "message" && type.kind !== "enum") || LEFT_OUT.test(type.typeName)) continue;
    if (type.kind === "message") lines.push(`m ${type.typeName} ${JSON.stringify(messageLine(type, annotations))}`);
    else lines.push(`e ${type.typeName} ${JSON.stringify(enumLine(type, annotations))}`);
  }
  // ASCII, so that it may be read as latin1, which is a plain copy.
  // deno-lint-ignore no-control-regex
  return (lines.sort().join("\n") + "\n").replace(/[^\x00-\x7f]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

class Annotations {
  readonly #registry: FileRegistry;

  constructor(registry: FileRegistry) {
    this.#registry = registry;
  }

  flag(
    desc: DescField | DescMessage | DescEnum["values"][number] | DescMessage["oneofs"][number],
    name: string,
  ): boolean {
    const extension = this.#registry.getExtension(name);
    if (extension === undefined || !hasOption(desc, extension)) return false;
    return getOption(desc, extension) === true;
  }

  rules(field: DescField): unknown {
    const extension = this.#registry.getExtension("validate.rules");
    if (extension === undefined || !hasOption(field, extension)) return undefined;
    const value = getOption(field, extension);
    return toJson(extension.message!, value as Parameters<typeof toJson>[1], {
      registry: this.#registry,
      useProtoFieldName: true,
    });
  }
}

function messageLine(message: DescMessage, annotations: Annotations): MessageLine {
  const line: MessageLine = { f: message.fields.map((field) => fieldLine(field, annotations)) };
  const required = message.oneofs.filter((oneof) => annotations.flag(oneof, "validate.required"));
  if (required.length !== 0) line.q = required.map((oneof) => oneof.name);
  if (annotations.flag(message, "validate.disabled") || annotations.flag(message, "validate.ignored")) line.x = 1;
  if (message.deprecated) line.d = 1;
  return line;
}

function fieldLine(field: DescField, annotations: Annotations): FieldLine {
  const line: FieldLine = { n: field.name, i: field.number, t: elementType(field) };
  const type = field.message?.typeName ?? field.enum?.typeName;
  if (type !== undefined) line.y = type;
  if (field.fieldKind === "list") {
    line.r = 1;
    if (!field.packed && elementType(field) !== "string" && isPackable(elementType(field))) line.u = 1;
  }
  if (field.fieldKind === "map") line.k = SCALAR_NAMES[field.mapKey]!;
  if (field.oneof !== undefined) line.o = field.oneof.name;
  else if (
    (field.fieldKind === "scalar" || field.fieldKind === "enum") &&
    field.presence !== FeatureSet_FieldPresence.IMPLICIT
  ) line.p = 1;
  if (field.jsonName !== camelCase(field.name)) line.j = field.jsonName;
  if (annotations.flag(field, "udpa.annotations.sensitive")) line.s = 1;
  if (field.deprecated) line.d = 1;
  if (annotations.flag(field, "envoy.annotations.disallowed_by_default")) line.x = 1;
  const rules = annotations.rules(field);
  if (rules !== undefined) line.v = rules as NonNullable<FieldLine["v"]>;
  return line;
}

function elementType(field: DescField): string {
  const kind = field.fieldKind === "list"
    ? field.listKind
    : field.fieldKind === "map"
    ? field.mapKind
    : field.fieldKind;
  return kind === "scalar" ? SCALAR_NAMES[field.scalar as number]! : kind;
}

function isPackable(type: string): boolean {
  return type !== "bytes" && type !== "message";
}

function enumLine(type: DescEnum, annotations: Annotations): EnumLine {
  const line: EnumLine = { v: type.values.map((value) => [value.name, value.number]) };
  const refused = type.values.filter((value) =>
    annotations.flag(value, "envoy.annotations.disallowed_by_default_enum")
  );
  if (refused.length !== 0) line.x = refused.map((value) => value.name);
  const deprecated = type.values.filter((value) => value.deprecated);
  if (deprecated.length !== 0) line.d = deprecated.map((value) => value.name);
  return line;
}

/** The JSON name that protoc gives a field by default. */
function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
