// host/wasm/component/component_types.ts: types of the component model, as texts that can be compared.
// pure: no I/O, no clock, no runtime globals
/**
 * Two functions fit when their types have the same structure, so a type is written out with everything that it
 * is made of: `list<record{name:string,value:string}>`. The names that types are given do not matter.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions
 * @module
 */
import { type BinaryReader, UnreadableModule } from "../binary_reader.ts";

export interface ResourceType {
  readonly kind: "resource";
  /** For those that the component defines: an index of core functions, or null without a destructor. */
  readonly destructor?: number | null;
  /** For those that the component defines: which of them it is. */
  readonly resource?: number;
}

export type ComponentType =
  /** `resource` is that which a handle is of, for one that the component defines. */
  | { readonly kind: "value"; readonly text: string; readonly resource?: number }
  /** `resource` is that of the handle which it answers with. */
  | { readonly kind: "func"; readonly text: string; readonly resource?: number }
  | {
    readonly kind: "instance";
    readonly functions: ReadonlyMap<string, string>;
    readonly types: ReadonlyMap<string, ComponentType>;
  }
  | { readonly kind: "component" }
  | ResourceType;

export function isResource(type: ComponentType): type is ResourceType {
  return type.kind === "resource";
}

/** A component's types by index; those around it can be named, too. */
export class TypeScope {
  readonly types: ComponentType[] = [];
  readonly parent: TypeScope | null;

  constructor(parent: TypeScope | null) {
    this.parent = parent;
  }

  typeAt(index: number): ComponentType {
    const type = this.types[index];
    if (type === undefined) throw new UnreadableModule(`type ${index} of ${this.types.length}`);
    return type;
  }

  /** The scope `count` levels up; 0 is this one. */
  outer(count: number): TypeScope {
    // deno-lint-ignore no-this-alias
    let scope: TypeScope | null = this;
    for (let i = 0; i < count && scope !== null; i++) scope = scope.parent;
    if (scope === null) throw new UnreadableModule(`an alias ${count} levels up`);
    return scope;
  }
}

const PRIMITIVES: Readonly<Record<number, string>> = {
  0x7f: "bool",
  0x7e: "s8",
  0x7d: "u8",
  0x7c: "s16",
  0x7b: "u16",
  0x7a: "s32",
  0x79: "u32",
  0x78: "s64",
  0x77: "u64",
  0x76: "f32",
  0x75: "f64",
  0x74: "char",
  0x73: "string",
};

/** Types are written out, so one of a few bytes can be made that is longer than memory. */
const MAX_TEXT_LENGTH = 20_000;

function limited(text: string): string {
  if (text.length > MAX_TEXT_LENGTH) throw new UnreadableModule("a type of more than 20,000 characters");
  return text;
}

function value(text: string): ComponentType {
  return { kind: "value", text: limited(text) };
}

/** One entry of a type section. */
export function readType(reader: BinaryReader, scope: TypeScope): ComponentType {
  const form = reader.byte();
  const primitive = PRIMITIVES[form];
  if (primitive !== undefined) return value(primitive);
  switch (form) {
    case 0x72:
      return value(`record{${list(reader, () => `${reader.name()}:${valueType(reader, scope)}`)}}`);
    case 0x71:
      return value(`variant{${list(reader, () => variantCase(reader, scope))}}`);
    case 0x70:
      return value(`list<${valueType(reader, scope)}>`);
    case 0x6f:
      return value(`tuple<${list(reader, () => valueType(reader, scope))}>`);
    case 0x6e:
      return value(`flags{${list(reader, () => reader.name())}}`);
    case 0x6d:
      return value(`enum{${list(reader, () => reader.name())}}`);
    case 0x6b:
      return value(`option<${valueType(reader, scope)}>`);
    case 0x6a: {
      const ok = optionalType(reader, scope) ?? "_";
      const error = optionalType(reader, scope);
      return value(error === null ? `result<${ok}>` : `result<${ok},${error}>`);
    }
    case 0x69: {
      const type = scope.typeAt(reader.number());
      return isResource(type) && type.resource !== undefined
        ? { kind: "value", text: "own", resource: type.resource }
        : value("own");
    }
    case 0x68:
      reader.number();
      return value("borrow");
    case 0x40:
      return functionType(reader, scope);
    case 0x42:
      return instanceType(reader, scope);
    case 0x41:
      skipComponentType(reader, scope);
      return { kind: "component" };
    case 0x3f: {
      if (reader.byte() !== 0x7f) throw new UnreadableModule("a resource that is no i32");
      return { kind: "resource", destructor: reader.byte() === 1 ? reader.number() : null };
    }
    default:
      throw new UnreadableModule(`component type 0x${form.toString(16)}`);
  }
}

function list(reader: BinaryReader, item: () => string): string {
  const items: string[] = [];
  for (let count = reader.number(); count > 0; count--) items.push(item());
  return items.join(",");
}

function valueType(reader: BinaryReader, scope: TypeScope): string {
  const primitive = PRIMITIVES[reader.bytes[reader.offset]!];
  if (primitive !== undefined && reader.offset < reader.end) {
    reader.offset++;
    return primitive;
  }
  const type = scope.typeAt(reader.number());
  if (type.kind !== "value") throw new UnreadableModule("a value whose type is none");
  return type.text;
}

function optionalType(reader: BinaryReader, scope: TypeScope): string | null {
  return reader.byte() === 1 ? valueType(reader, scope) : null;
}

function variantCase(reader: BinaryReader, scope: TypeScope): string {
  const name = reader.name();
  const type = optionalType(reader, scope);
  reader.byte();
  return type === null ? name : `${name}(${type})`;
}

function functionType(reader: BinaryReader, scope: TypeScope): ComponentType {
  const params = list(reader, () => `${reader.name()}:${valueType(reader, scope)}`);
  if (reader.byte() !== 0) {
    reader.byte();
    return { kind: "func", text: limited(`func(${params})`) };
  }
  const at = reader.offset;
  const text = limited(`func(${params})->${valueType(reader, scope)}`);
  if (!text.endsWith("->own")) return { kind: "func", text };
  reader.offset = at;
  const result = scope.typeAt(reader.number());
  return result.kind === "value" && result.resource !== undefined
    ? { kind: "func", text, resource: result.resource }
    : { kind: "func", text };
}

/** What an instance gives; it may name types of the scope around it. */
function instanceType(reader: BinaryReader, outer: TypeScope): ComponentType {
  const scope = new TypeScope(outer);
  const functions = new Map<string, string>();
  const types = new Map<string, ComponentType>();
  for (let count = reader.number(); count > 0; count--) {
    declaration(reader, reader.byte(), scope, (name, type) => {
      if (type.kind === "func") functions.set(name, type.text);
      else types.set(name, type);
    });
  }
  return { kind: "instance", functions, types };
}

function skipComponentType(reader: BinaryReader, outer: TypeScope): void {
  const scope = new TypeScope(outer);
  for (let count = reader.number(); count > 0; count--) {
    const kind = reader.byte();
    // An import is written as an export is.
    declaration(reader, kind === 3 ? 4 : kind, scope, () => {});
  }
}

function declaration(
  reader: BinaryReader,
  kind: number,
  scope: TypeScope,
  onExport: (name: string, type: ComponentType) => void,
): void {
  if (kind === 1) {
    scope.types.push(readType(reader, scope));
  } else if (kind === 2) {
    const sort = reader.byte();
    const target = reader.byte();
    if (sort !== 3 || target !== 2) throw new UnreadableModule("an alias inside a type that is of no outer type");
    scope.types.push(scope.outer(reader.number()).typeAt(reader.number()));
  } else if (kind === 4) {
    const nameKind = reader.byte();
    if (nameKind > 1) throw new UnreadableModule(`a name of kind ${nameKind}`);
    const name = reader.name();
    const sort = reader.byte();
    if (sort === 3) {
      const type = typeOfBound(reader, scope);
      scope.types.push(type);
      onExport(name, type);
    } else if (sort === 1 || sort === 4 || sort === 5) onExport(name, scope.typeAt(reader.number()));
    else throw new UnreadableModule(`an export of kind ${sort} inside a type`);
  } else throw new UnreadableModule(`a declaration of kind ${kind}`);
}

/** A type that equals another one, or any resource. */
export function typeOfBound(reader: BinaryReader, scope: TypeScope): ComponentType {
  return reader.byte() === 0 ? scope.typeAt(reader.number()) : { kind: "resource" };
}
