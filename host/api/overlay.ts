// host/api/overlay.ts: adds fields to a descriptor set that the published protos do not have yet.
/**
 * The protos on npm are those of Envoy 1.31. What nuncio knows of newer ones stands in tables of our own:
 *
 * ```
 * file envoy/config/route/v3/route_components.proto envoy.config.route.v3     (made when it does not exist)
 *   message RouteMatch                                                        (likewise)
 *     repeated CookieMatcher cookies = 17                                     (types relative to the package)
 *     host_rewrite_specifier: string host_rewrite = 44                        (member of a oneof)
 *     string name = 1 {"string":{"min_len":"1"}} sensitive deprecated         (validate.rules, annotations)
 *     replace repeated envoy.config.route.v3.RateLimit rate_limits = 3          (the type has changed since)
 *   enum RateLimit.XRateLimitOption UNSPECIFIED=0 OFF=1
 * ```
 *
 * @module
 */
import { create, createFileRegistry, fromJson, type JsonValue, setExtension } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
} from "@bufbuild/protobuf/wkt";
import type { FileRegistry } from "@bufbuild/protobuf";

const FIELD =
  /^(?:(\w+): )?(optional |repeated )?(map<(\w+),([\w.]+)>|[\w.]+) (\w+) = (\d+)((?: \{.*\})?)((?: sensitive| deprecated)*)$/;
const SCALARS: Readonly<Record<string, Type>> = {
  double: Type.DOUBLE,
  float: Type.FLOAT,
  int64: Type.INT64,
  uint64: Type.UINT64,
  int32: Type.INT32,
  uint32: Type.UINT32,
  bool: Type.BOOL,
  string: Type.STRING,
  bytes: Type.BYTES,
};
const REPLACE = "replace ";
const RULES = "validate.rules";
const SENSITIVE = "udpa.annotations.sensitive";

/** Where every type of the set is declared, and whether it is an enum. */
type Homes = Map<string, { readonly file: string; readonly isEnum: boolean }>;

/** Applies tables to `set`, in place. A line that does not fit throws: the tables are ours. */
export function applyOverlay(set: FileDescriptorSet, tables: readonly string[]): void {
  const overlay = new Overlay(set);
  const lines = tables.join("\n").split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // Types first, so that fields may name any of them.
  for (const line of lines) overlay.declare(line);
  for (const line of lines) overlay.define(line);
  set.file = inDependencyOrder(set.file);
}

class Overlay {
  readonly #set: FileDescriptorSet;
  readonly #homes: Homes;
  readonly #registry: FileRegistry;
  #file: FileDescriptorProto;
  #message: DescriptorProto | null = null;
  #messageName = "";

  constructor(set: FileDescriptorSet) {
    this.#set = set;
    this.#homes = homesOf(set);
    this.#registry = createFileRegistry(set);
    this.#file = set.file[0]!;
  }

  declare(line: string): void {
    const [keyword, name, rest] = line.split(" ");
    if (keyword === "file") this.#openFile(name!, rest!);
    if (keyword === "message") {
      this.#container(name!, (types) => {
        const last = name!.split(".").at(-1)!;
        if (types.messages.some((message) => message.name === last)) return;
        types.messages.push(create(DescriptorProtoSchema, { name: last }));
        this.#homes.set(`${this.#file.package}.${name}`, { file: this.#file.name, isEnum: false });
      });
    }
    if (keyword === "enum") {
      this.#container(name!, (types) => {
        const last = name!.split(".").at(-1)!;
        let type = types.enums.find((candidate) => candidate.name === last);
        if (type === undefined) {
          type = create(EnumDescriptorProtoSchema, { name: last });
          types.enums.push(type);
          this.#homes.set(`${this.#file.package}.${name}`, { file: this.#file.name, isEnum: true });
        }
        for (const value of line.split(" ").slice(2)) {
          const [valueName, number] = value.split("=");
          type.value.push({
            $typeName: "google.protobuf.EnumValueDescriptorProto",
            name: valueName!,
            number: Number(number),
          });
        }
      });
    }
  }

  define(line: string): void {
    const [keyword, name, rest] = line.split(" ");
    if (keyword === "file") return this.#openFile(name!, rest!);
    if (keyword === "enum") return;
    if (keyword === "message") {
      this.#messageName = `${this.#file.package}.${name}`;
      this.#container(name!, (types) => {
        this.#message = types.messages.find((message) => message.name === name!.split(".").at(-1))!;
      });
      return;
    }
    this.#addField(line);
  }

  #addField(line: string): void {
    const isReplacement = line.startsWith(REPLACE);
    const match = FIELD.exec(isReplacement ? line.slice(REPLACE.length) : line);
    const message = this.#message;
    if (match === null || message === null) throw new Error(`overlay: cannot read "${line}"`);
    const [, oneof, label, type, keyType, valueType, name, number, rules, flags] = match;
    if (isReplacement) message.field = message.field.filter((field) => field.name !== name);
    if (message.field.some((field) => field.name === name || field.number === Number(number))) {
      throw new Error(`overlay: ${message.name} already has "${line}"`);
    }
    const field = this.#field(name!, Number(number), valueType === undefined ? type! : valueType);
    if (label === "repeated ") field.label = Label.REPEATED;
    if (oneof !== undefined) field.oneofIndex = oneofIndex(message, oneof);
    if (label === "optional ") {
      field.proto3Optional = true;
      field.oneofIndex = oneofIndex(message, `_${name}`);
    }
    if (keyType !== undefined) this.#makeMap(message, field, keyType);
    this.#annotate(field, rules!.trim(), flags!);
    message.field.push(field);
  }

  #field(name: string, number: number, typeName: string): FieldDescriptorProto {
    const field = create(FieldDescriptorProtoSchema, { name, number, label: Label.OPTIONAL, jsonName: jsonName(name) });
    const scalar = SCALARS[typeName];
    if (scalar !== undefined) {
      field.type = scalar;
      return field;
    }
    const local = `${this.#file.package}.${typeName}`;
    const full = this.#homes.has(local) ? local : typeName;
    const home = this.#homes.get(full);
    if (home === undefined) throw new Error(`overlay: unknown type ${typeName} of field ${name}`);
    field.type = home.isEnum ? Type.ENUM : Type.MESSAGE;
    field.typeName = `.${full}`;
    if (home.file !== this.#file.name && !this.#file.dependency.includes(home.file)) {
      this.#file.dependency.push(home.file);
    }
    return field;
  }

  #makeMap(message: DescriptorProto, field: FieldDescriptorProto, keyType: string): void {
    const entryName = `${field.name.replace(/(^|_)(\w)/g, (_, __, letter: string) => letter.toUpperCase())}Entry`;
    const value = create(FieldDescriptorProtoSchema, { ...field, name: "value", number: 2, jsonName: "value" });
    const entry = create(DescriptorProtoSchema, {
      name: entryName,
      field: [this.#field("key", 1, keyType), value],
      options: { mapEntry: true },
    });
    message.nestedType.push(entry);
    field.label = Label.REPEATED;
    field.type = Type.MESSAGE;
    field.typeName = `.${this.#messageName}.${entryName}`;
  }

  #annotate(field: FieldDescriptorProto, rules: string, flags: string): void {
    if (rules === "" && flags === "") return;
    const options = create(FieldOptionsSchema, { deprecated: flags.includes("deprecated") });
    if (rules !== "") {
      const extension = this.#registry.getExtension(RULES)!;
      setExtension(
        options,
        extension,
        fromJson(extension.message!, JSON.parse(rules) as JsonValue, { registry: this.#registry }),
      );
    }
    if (flags.includes("sensitive")) setExtension(options, this.#registry.getExtension(SENSITIVE)!, true);
    field.options = options;
  }

  #openFile(name: string, packageName: string): void {
    let file = this.#set.file.find((candidate) => candidate.name === name);
    if (file === undefined) {
      file = create(FileDescriptorProtoSchema, { name, package: packageName, syntax: "proto3" });
      this.#set.file.push(file);
    }
    if (file.package !== packageName) throw new Error(`overlay: ${name} is of package ${file.package}`);
    this.#file = file;
    this.#message = null;
  }

  /** Calls back with the lists that a type of this (dotted) name belongs to. */
  #container(
    name: string,
    use: (types: { messages: DescriptorProto[]; enums: EnumDescriptorProto[] }) => void,
  ): void {
    let types = { messages: this.#file.messageType, enums: this.#file.enumType };
    for (const outer of name.split(".").slice(0, -1)) {
      const message = types.messages.find((candidate) => candidate.name === outer);
      if (message === undefined) throw new Error(`overlay: ${name}: no message ${outer}`);
      types = { messages: message.nestedType, enums: message.enumType };
    }
    use(types);
  }
}

function oneofIndex(message: DescriptorProto, name: string): number {
  const found = message.oneofDecl.findIndex((oneof) => oneof.name === name);
  if (found !== -1) return found;
  message.oneofDecl.push({ $typeName: "google.protobuf.OneofDescriptorProto", name });
  return message.oneofDecl.length - 1;
}

/** The JSON name that protoc gives a field. */
function jsonName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function homesOf(set: FileDescriptorSet): Homes {
  const homes: Homes = new Map();
  const walk = (prefix: string, file: string, messages: DescriptorProto[], enums: EnumDescriptorProto[]): void => {
    for (const type of enums) homes.set(`${prefix}.${type.name}`, { file, isEnum: true });
    for (const message of messages) {
      homes.set(`${prefix}.${message.name}`, { file, isEnum: false });
      walk(`${prefix}.${message.name}`, file, message.nestedType, message.enumType);
    }
  };
  for (const file of set.file) walk(file.package, file.name, file.messageType, file.enumType);
  return homes;
}

/** Files after the files that they import, as registries want them. */
function inDependencyOrder(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const ordered = new Set<FileDescriptorProto>();
  const visiting = new Set<string>();
  const visit = (file: FileDescriptorProto): void => {
    if (ordered.has(file)) return;
    if (visiting.has(file.name)) throw new Error(`overlay: ${file.name} imports itself`);
    visiting.add(file.name);
    for (const name of file.dependency) {
      const dependency = byName.get(name);
      if (dependency === undefined) throw new Error(`overlay: ${file.name} imports ${name}, which is missing`);
      visit(dependency);
    }
    ordered.add(file);
  };
  for (const file of files) visit(file);
  return [...ordered];
}
