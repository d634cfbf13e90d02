// host/wasm/component/component_trace.ts: the arguments and results of a component's calls, for people.
// pure: no I/O, no clock, no runtime globals
/**
 * A function's type says what its core arguments mean: the canonical ABI flattens them, and puts what is left into
 * memory. Whatever a guest gives is only looked at here, before anybody has checked it; what is not there is said
 * to be that.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 * @module
 */
import { latin1Slice, utf8Slice } from "../../base/bytes.ts";
import { quoted } from "../../base/diagnostic.ts";
import type { CallText } from "../call_trace.ts";
import type { Vm } from "../vm.ts";
import type { StringEncoding } from "./layout.ts";
import {
  align,
  alignOf,
  discriminantSize,
  flatCount,
  type FunctionShape,
  offsets,
  readFunction,
  sizeOf,
  type Type,
} from "./type_layout.ts";

type CoreValue = number | bigint;

/** More core parameters than these go into memory. */
const MAX_FLAT_PARAMS = 16;
/** Elements of a list that are shown. */
const SHOWN_ITEMS = 32;
/** Characters of a text that are shown. */
const SHOWN_LENGTH = 100;
/** Texts that are names, and no secrets. */
const NAMES = new Set(["name", "path", "cluster", "vm-id", "details", "remove"]);

/** What the calls of one function mean. */
export class ComponentCallText implements CallText {
  readonly #vm: Vm;
  readonly #shape: FunctionShape | null;
  readonly #encoding: StringEncoding;
  readonly #isImport: boolean;
  readonly #showsValues: boolean;

  constructor(vm: Vm, type: string, encoding: StringEncoding, isImport: boolean, showsValues: boolean) {
    this.#vm = vm;
    this.#shape = readFunction(type);
    this.#isImport = isImport;
    this.#encoding = encoding;
    this.#showsValues = showsValues;
  }

  arguments(args: readonly CoreValue[]): string[] {
    const shape = this.#shape;
    if (shape === null) return args.map(String);
    if (shape.params.reduce((sum, [, type]) => sum + flatCount(type), 0) > MAX_FLAT_PARAMS) {
      return this.#fields(shape.params, Number(args[0]) >>> 0);
    }
    const flat = new FlatValues(args);
    const given = shape.params.map(([name, type]) => named(name, type, this.#flat(name, type, flat)));
    // An object says nothing that its context does not.
    return shape.params[0]?.[0] === "self" ? given.slice(1) : given;
  }

  results(args: readonly CoreValue[], result: unknown): string {
    const type = this.#shape?.result ?? null;
    if (type === null) return "";
    if (flatCount(type) > 1) {
      // A host function is told where to put it, a guest's says where it is.
      const at = Number(this.#isImport ? args.at(-1) : result) >>> 0;
      return ` = ${this.#load("", type, at)}`;
    }
    if (typeof result !== "number" && typeof result !== "bigint") return "";
    return ` = ${this.#flat("", type, new FlatValues([result]))}`;
  }

  #fields(fields: FunctionShape["params"], at: number): string[] {
    const places = offsets(fields.map(([, type]) => type));
    return fields.map(([name, type], index) => named(name, type, this.#load(name, type, at + places[index]!)));
  }

  #flat(name: string, type: Type, flat: FlatValues): string {
    switch (type.kind) {
      case "scalar":
        if (type.name === "string") return this.#text(name, flat.address(), flat.address());
        return scalar(type.name, flat.next());
      case "list":
        return this.#list(name, type.of, flat.address(), flat.address());
      case "record":
        return this.#record(type.fields, (field, of) => this.#flat(field, of, flat));
      case "variant": {
        const discriminant = flat.address();
        const rest = flat.take(flatCount(type) - 1);
        return this.#variant(type.cases, discriminant, (of, label) => this.#flat(label, of, rest));
      }
      case "flags":
        return flagNames(type.names, flat.address());
    }
  }

  #load(name: string, type: Type, at: number): string {
    const { memory } = this.#vm;
    const size = sizeOf(type);
    if (at + size > memory.byteLength) return `out of bounds (0x${at.toString(16)})`;
    const word = (offset: number): number => memory.getU32(at + offset);
    switch (type.kind) {
      case "scalar":
        if (type.name === "string") return this.#text(name, word(0), word(4));
        return scalar(type.name, this.#number(at, size));
      case "list":
        return this.#list(name, type.of, word(0), word(4));
      case "record": {
        const places = offsets(type.fields.map(([, of]) => of));
        let index = 0;
        return this.#record(type.fields, (field, of) => this.#load(field, of, at + places[index++]!));
      }
      case "variant": {
        const width = discriminantSize(type.cases.length);
        const payload = at + align(width, Math.max(1, ...type.cases.map(([, of]) => of === null ? 1 : alignOf(of))));
        return this.#variant(
          type.cases,
          Number(this.#number(at, width)),
          (of, label) => this.#load(label, of, payload),
        );
      }
      case "flags":
        return flagNames(type.names, Number(this.#number(at, Math.min(size, 4))));
    }
  }

  #number(at: number, size: number): CoreValue {
    const { bytes } = this.#vm.memory;
    if (size === 8) {
      let value = 0n;
      for (let i = 7; i >= 0; i--) value = value << 8n | BigInt(bytes[at + i]!);
      return value;
    }
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
    return value;
  }

  #record(fields: FunctionShape["params"], read: (name: string, type: Type) => string): string {
    const [first, second] = fields;
    if (fields.length === 2 && first![0] === "name" && second![0] === "value") {
      const name = read("name", first![1]);
      return `${/^"[\x21-\x7e]*"$/.test(name) ? name.slice(1, -1) : name}: ${read("value", second![1])}`;
    }
    return `{${fields.map(([name, type]) => named(name, type, read(name, type))).join(", ")}}`;
  }

  #variant(
    cases: readonly (readonly [string, Type | null])[],
    discriminant: number,
    read: (type: Type, label: string) => string,
  ): string {
    const found = cases[discriminant];
    if (found === undefined) return `case ${discriminant} of ${cases.length}`;
    const [label, type] = found;
    return type === null ? label : `${label}(${read(type, label)})`;
  }

  #list(name: string, of: Type, at: number, count: number): string {
    const { memory } = this.#vm;
    const size = sizeOf(of);
    if (count !== 0 && at + count * size > memory.byteLength) {
      return `out of bounds (0x${at.toString(16)}, ${count})`;
    }
    if (of.kind === "scalar" && of.name === "u8") {
      if (!this.#showsValues) return bytesText(count);
      return quoted(utf8Slice(memory.bytes, at, at + count), SHOWN_LENGTH);
    }
    const items: string[] = [];
    for (let i = 0; i < Math.min(count, SHOWN_ITEMS); i++) items.push(this.#load(name, of, at + i * size));
    if (count > SHOWN_ITEMS) items.push(`… ${count - SHOWN_ITEMS} more`);
    return `[${items.join(", ")}]`;
  }

  #text(name: string, at: number, units: number): string {
    const { bytes } = this.#vm.memory;
    const isWide = this.#encoding === "utf16" || this.#encoding === "latin1+utf16" && units >= 0x8000_0000;
    const size = isWide ? (units & 0x7fff_ffff) * 2 : units;
    if (size !== 0 && at + size > bytes.length) return `out of bounds (0x${at.toString(16)}, ${units})`;
    if (!this.#showsValues && !NAMES.has(name)) return bytesText(size);
    const shown = bytes.subarray(at, at + Math.min(size, 4 * SHOWN_LENGTH));
    if (isWide) return quoted(utf16.decode(shown), SHOWN_LENGTH);
    const read = this.#encoding === "utf8" ? utf8Slice : latin1Slice;
    return quoted(read(shown, 0, shown.length), SHOWN_LENGTH);
  }
}

const utf16 = new TextDecoder("utf-16le", { ignoreBOM: true });

/** Core values in order; what is not there is 0. */
class FlatValues {
  readonly #values: readonly CoreValue[];
  #index = 0;

  constructor(values: readonly CoreValue[]) {
    this.#values = values;
  }

  next(): CoreValue {
    return this.#values[this.#index++] ?? 0;
  }

  address(): number {
    return Number(this.next()) >>> 0;
  }

  /** The next few, on their own. */
  take(count: number): FlatValues {
    const from = this.#index;
    this.#index += count;
    return new FlatValues(this.#values.slice(from, this.#index));
  }
}

/** `name=value`; a size stands for itself. */
function named(name: string, type: Type, value: string): string {
  return /^\d+ bytes?$/.test(value) || value.startsWith("out of bounds") && type.kind !== "record"
    ? `${name} ${value}`
    : `${name}=${value}`;
}

function bytesText(size: number): string {
  return size === 1 ? "1 byte" : `${size} bytes`;
}

function scalar(name: string, value: CoreValue): string {
  switch (name) {
    case "bool":
      return String(value !== 0);
    case "u64":
      return String(BigInt.asUintN(64, BigInt(value)));
    case "s64":
      return String(BigInt.asIntN(64, BigInt(value)));
    case "u8":
    case "u16":
    case "u32":
    case "own":
    case "borrow":
      return String(Number(value) >>> 0);
    case "s32":
      return String(Number(value) | 0);
    default:
      return String(value);
  }
}

function flagNames(names: readonly string[], bits: number): string {
  return `{${names.filter((_, index) => (bits >>> index & 1) === 1).join(", ")}}`;
}
