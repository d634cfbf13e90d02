// host/wasm/component/type_layout.ts: types out of their texts, and how their values lie in memory.
// pure: no I/O, no clock, no runtime globals
/**
 * The texts are those that `component_types.ts` writes.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 * @module
 */

/** A type, taken apart. Options, results and enums are variants, tuples are records. */
export type Type =
  | { readonly kind: "scalar"; readonly name: string }
  | { readonly kind: "list"; readonly of: Type }
  | { readonly kind: "record"; readonly fields: readonly (readonly [string, Type])[] }
  | { readonly kind: "variant"; readonly cases: readonly (readonly [string, Type | null])[] }
  | { readonly kind: "flags"; readonly names: readonly string[] };

export interface FunctionShape {
  readonly params: readonly (readonly [string, Type])[];
  readonly result: Type | null;
}

/** Of scalars; 4 for others. */
const SIZES: Readonly<Record<string, number>> = {
  bool: 1,
  s8: 1,
  u8: 1,
  s16: 2,
  u16: 2,
  s64: 8,
  u64: 8,
  f64: 8,
  string: 8,
};

/** A function's type; null for a text that is none. */
export function readFunction(text: string): FunctionShape | null {
  const reader = new TypeReader(text);
  if (!reader.skip("func(")) return null;
  const params = reader.fields(")");
  const result = reader.skip("->") ? reader.type() : null;
  return reader.isWhole ? { params, result } : null;
}

class TypeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isWhole(): boolean {
    return this.#at === this.#text.length;
  }

  skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #word(): string {
    const start = this.#at;
    while (/[\w-]/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  /** `name:type` or `name`, up to `end`. */
  #list<T>(end: string, item: (index: number) => T): T[] {
    const items: T[] = [];
    while (!this.skip(end) && this.#at < this.#text.length) {
      items.push(item(items.length));
      this.skip(",");
    }
    return items;
  }

  fields(end: string): (readonly [string, Type])[] {
    return this.#list(end, () => {
      const name = this.#word();
      this.skip(":");
      return [name, this.type()] as const;
    });
  }

  type(): Type {
    const name = this.#word();
    if (this.skip("{")) {
      if (name === "record") return { kind: "record", fields: this.fields("}") };
      if (name === "flags") return { kind: "flags", names: this.#list("}", () => this.#word()) };
      // An enum is a variant whose cases have nothing in them.
      return { kind: "variant", cases: this.#list("}", () => this.#case()) };
    }
    if (!this.skip("<")) return { kind: "scalar", name };
    const of = this.#list(">", () => this.skip("_") ? null : this.type());
    const first = of[0] ?? null;
    switch (name) {
      case "list":
        return { kind: "list", of: first ?? { kind: "scalar", name: "u8" } };
      case "option":
        return { kind: "variant", cases: [["none", null], ["some", first]] };
      case "result":
        return { kind: "variant", cases: [["ok", first], ["error", of[1] ?? null]] };
      default:
        return { kind: "record", fields: of.flatMap((type, index) => type === null ? [] : [[String(index), type]]) };
    }
  }

  #case(): readonly [string, Type | null] {
    const name = this.#word();
    if (!this.skip("(")) return [name, null];
    const type = this.type();
    this.skip(")");
    return [name, type];
  }
}

export function align(offset: number, to: number): number {
  return Math.ceil(offset / to) * to;
}

export function discriminantSize(cases: number): number {
  return cases <= 256 ? 1 : cases <= 65536 ? 2 : 4;
}

export function alignOf(type: Type): number {
  switch (type.kind) {
    case "scalar":
      return type.name === "string" ? 4 : SIZES[type.name] ?? 4;
    case "list":
      return 4;
    case "record":
      return Math.max(1, ...type.fields.map(([, of]) => alignOf(of)));
    case "variant":
      return Math.max(
        discriminantSize(type.cases.length),
        ...type.cases.map(([, of]) => of === null ? 1 : alignOf(of)),
      );
    case "flags":
      return type.names.length <= 8 ? 1 : type.names.length <= 16 ? 2 : 4;
  }
}

export function sizeOf(type: Type): number {
  switch (type.kind) {
    case "scalar":
      return SIZES[type.name] ?? 4;
    case "list":
      return 8;
    case "record": {
      const types = type.fields.map(([, of]) => of);
      const places = offsets(types);
      const end = types.length === 0 ? 0 : places.at(-1)! + sizeOf(types.at(-1)!);
      return align(end, alignOf(type));
    }
    case "variant": {
      const payloads = type.cases.flatMap(([, of]) => of === null ? [] : [of]);
      const from = align(discriminantSize(type.cases.length), Math.max(1, ...payloads.map(alignOf)));
      return align(from + Math.max(0, ...payloads.map(sizeOf)), alignOf(type));
    }
    case "flags":
      return alignOf(type) * Math.ceil(type.names.length / 32 || 1);
  }
}

/** Where each of some values is that follow one another. */
export function offsets(types: readonly Type[]): number[] {
  let end = 0;
  return types.map((type) => {
    const at = align(end, alignOf(type));
    end = at + sizeOf(type);
    return at;
  });
}

export function flatCount(type: Type): number {
  switch (type.kind) {
    case "scalar":
      return type.name === "string" ? 2 : 1;
    case "list":
      return 2;
    case "record":
      return type.fields.reduce((sum, [, of]) => sum + flatCount(of), 0);
    case "variant":
      return 1 + Math.max(0, ...type.cases.map(([, of]) => of === null ? 0 : flatCount(of)));
    case "flags":
      return Math.ceil(type.names.length / 32);
  }
}
