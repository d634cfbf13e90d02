// host/extensions/common/expressions/cel_values.ts: properties as values of CEL, and results as bytes.
/**
 * Attributes are looked up when an expression gets to them: `request.path` reads one header.
 *
 * @module
 */
import {
  type CelInput,
  celList,
  type CelMap,
  celMap,
  celUint,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
} from "@bufbuild/cel";
import { create, toBinary } from "@bufbuild/protobuf";
import { isReflectMessage } from "@bufbuild/protobuf/reflect";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { encodePairs, type Pair } from "../../../../abi/mod.ts";
import { fromLatin1, fromUtf8, latin1Slice, utf8Slice } from "../../../base/bytes.ts";
import { encodeProperty, type HeaderMapPort, type PropertyValue } from "../../../wasm/mod.ts";
import type { PropertyReader } from "./expression.ts";

/** Bytes of a string or of bytes that an expression looks at. */
const MAX_TEXT_BYTES = 65_536;

const NANOS_PER_SECOND = 1_000_000_000n;
const NO_ENTRIES = new Uint8Array(4);

/** What stands behind maps that are not made of their entries. */
const origins = new WeakMap<object, PropertyValue>();

/** A property as an expression sees it; what is there to be looked into is looked up below `path`. */
export function toCel(value: PropertyValue, properties: PropertyReader, path: readonly string[]): CelInput {
  switch (value.kind) {
    case "latin1":
      return wireText(value.value);
    case "string":
      return limited(value.value);
    case "bytes":
      return limited(value.value);
    case "int":
      return BigInt(value.value);
    case "uint":
      return celUint(BigInt(value.value));
    case "double":
    case "bool":
      return value.value;
    case "duration":
      return create(DurationSchema, secondsAndNanos(value.value));
    case "timestamp":
      return create(TimestampSchema, secondsAndNanos(value.value));
    case "null":
      return null;
    case "list":
      return celList(value.value.map((each, index) => toCel(each, properties, [...path, String(index)])));
    case "map":
      return celMap(
        new Map(Array.from(value.value, ([key, each]) => [key, toCel(each, properties, [...path, key])])),
      );
    case "headers":
      return withOrigin(new HeaderEntries(value.value), value);
    case "message":
    case "opaque":
      return withOrigin(new Attributes(properties, path), value);
  }
}

function withOrigin(entries: ReadonlyMap<string, CelInput>, origin: PropertyValue): CelMap {
  const map = celMap(entries);
  origins.set(map, origin);
  return map;
}

function secondsAndNanos(nanoseconds: bigint): { seconds: bigint; nanos: number } {
  return { seconds: nanoseconds / NANOS_PER_SECOND, nanos: Number(nanoseconds % NANOS_PER_SECOND) };
}

/** Text of the wire is UTF-8 where it is more than ASCII. */
function wireText(value: string): string {
  limited(value);
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  const bytes = fromLatin1(value);
  return utf8Slice(bytes, 0, bytes.length);
}

function limited<Value extends string | Uint8Array>(value: Value): Value {
  if (value.length > MAX_TEXT_BYTES) {
    throw new Error(`an expression looks at values of at most ${MAX_TEXT_BYTES} bytes`);
  }
  return value;
}

/** A map whose entries are looked up by path, and which does not know what there is. */
class Attributes implements ReadonlyMap<string, CelInput> {
  readonly size = 0;
  readonly #properties: PropertyReader;
  readonly #path: readonly string[];

  constructor(properties: PropertyReader, path: readonly string[]) {
    this.#properties = properties;
    this.#path = path;
  }

  get(name: string): CelInput | undefined {
    if (typeof name !== "string") return undefined;
    const path = [...this.#path, name];
    const value = this.#properties(path);
    return value === null ? undefined : toCel(value, this.#properties, path);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  forEach(): void {}

  keys(): MapIterator<string> {
    return new Map<string, CelInput>().keys();
  }

  values(): MapIterator<CelInput> {
    return new Map<string, CelInput>().values();
  }

  entries(): MapIterator<[string, CelInput]> {
    return new Map<string, CelInput>().entries();
  }

  [Symbol.iterator](): MapIterator<[string, CelInput]> {
    return this.entries();
  }
}

/** Header fields: each name once, with all its values. */
class HeaderEntries implements ReadonlyMap<string, CelInput> {
  readonly #headers: HeaderMapPort;
  #all: Map<string, CelInput> | null = null;

  constructor(headers: HeaderMapPort) {
    this.#headers = headers;
  }

  get(name: string): CelInput | undefined {
    if (typeof name !== "string") return undefined;
    const value = this.#headers.getJoined(name.toLowerCase());
    return value === null ? undefined : wireText(value);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Made when an expression iterates or counts. */
  #entries(): Map<string, CelInput> {
    if (this.#all === null) {
      const all = this.#all = new Map<string, CelInput>();
      this.#headers.forEach((name) => void all.set(name, ""));
      for (const name of all.keys()) all.set(name, this.get(name)!);
    }
    return this.#all;
  }

  get size(): number {
    return this.#entries().size;
  }

  forEach(callback: (value: CelInput, key: string, map: ReadonlyMap<string, CelInput>) => void): void {
    this.#entries().forEach(callback);
  }

  keys(): MapIterator<string> {
    return this.#entries().keys();
  }

  values(): MapIterator<CelInput> {
    return this.#entries().values();
  }

  entries(): MapIterator<[string, CelInput]> {
    return this.#entries().entries();
  }

  [Symbol.iterator](): MapIterator<[string, CelInput]> {
    return this.entries();
  }
}

/** A result as guests expect it; null when it has no bytes. */
export function encodeCel(value: unknown): Uint8Array | null {
  switch (typeof value) {
    case "string":
      return fromUtf8(value);
    case "bigint":
      return encodeProperty({ kind: "int", value });
    case "number":
      return encodeProperty({ kind: "double", value });
    case "boolean":
      return encodeProperty({ kind: "bool", value });
  }
  if (value instanceof Uint8Array) return value;
  if (isCelUint(value)) return encodeProperty({ kind: "uint", value: value.value });
  if (value === null || isCelType(value)) return null;
  if (isCelMap(value)) {
    const origin = origins.get(value);
    return origin === undefined ? encodeEntries(value) : encodeProperty(origin);
  }
  if (isCelList(value)) return encodeEntries(Array.from(value, (each) => [each, ""]));
  if (!isReflectMessage(value)) return null;
  const { message } = value;
  if (message.$typeName === DurationSchema.typeName || message.$typeName === TimestampSchema.typeName) {
    const { seconds, nanos } = message as unknown as { seconds: bigint; nanos: number };
    return encodeProperty({ kind: "duration", value: seconds * NANOS_PER_SECOND + BigInt(nanos) });
  }
  return toBinary(value.desc, message);
}

function encodeEntries(entries: Iterable<readonly [unknown, unknown]>): Uint8Array | null {
  const pairs: Pair[] = [];
  for (const [key, value] of entries) {
    const name = encodeCel(key);
    const bytes = encodeCel(value);
    if (name === null || bytes === null) return null;
    pairs.push([latin1Slice(name, 0, name.length), latin1Slice(bytes, 0, bytes.length)]);
  }
  return pairs.length === 0 ? NO_ENTRIES : encodePairs(pairs);
}
