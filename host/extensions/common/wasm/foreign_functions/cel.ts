// host/extensions/common/wasm/foreign_functions/cel.ts: expressions in CEL, compiled and evaluated.
/**
 * What a guest writes must not hold the worker: an expression cannot loop for ever, but nested comprehensions
 * over long lists come close. So what is iterated over and matched is counted, and an evaluation ends with an
 * error when the count is too high.
 *
 * Attributes are looked up when the expression gets to them: `request.path` reads one header.
 *
 * @see https://github.com/google/cel-spec
 * @module
 */
import {
  celEnv,
  celFunc,
  type CelInput,
  celList,
  type CelMap,
  celMap,
  CelScalar,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  parse,
  plan,
} from "@bufbuild/cel";
import { create, toBinary } from "@bufbuild/protobuf";
import { isReflectMessage } from "@bufbuild/protobuf/reflect";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { RE2JS } from "re2js";
import { encodePairs, type Pair } from "../../../../../abi/mod.ts";
import { fromLatin1, fromUtf8, latin1Slice, utf8Slice } from "../../../../base/bytes.ts";
import { encodeProperty, type HeaderMapPort, type PropertyValue } from "../../../../wasm/mod.ts";
import type { Compilation, Evaluation, PropertyReader } from "./expression.ts";

/** Nodes that an evaluation may visit in comprehensions, with what it costs to match regular expressions. */
export const MAX_STEPS = 1_000_000;
/** Elements of a list or map that is iterated over. */
export const MAX_RANGE = 1000;
/** Bytes of a string or of bytes that an expression looks at. */
export const MAX_TEXT_BYTES = 65_536;
const MAX_PATTERNS = 100;

/** Wraps what is iterated over; no expression can name it. */
const RANGE = "@range";
/** The planner's own. */
const OPERATORS = new Set([
  "_[_]",
  "_[?_]",
  "_?._",
  "_?_:_",
  "_&&_",
  "_||_",
  "@not_strictly_false",
  "__not_strictly_false__",
]);

const NANOS_PER_SECOND = 1_000_000_000n;
const NO_ENTRIES = new Uint8Array(4);

class TooMuch extends Error {}

/** The evaluation that is under way: there is never more than one. */
let steps = 0;

function spend(amount: number): void {
  steps += amount;
  if (steps > MAX_STEPS) throw new TooMuch(`the expression takes more than ${MAX_STEPS} steps`);
}

const env = celEnv({
  funcs: [
    celFunc(RANGE, [CelScalar.DYN, CelScalar.INT], CelScalar.DYN, (range, nodes) => {
      const size = isCelList(range) || isCelMap(range) ? range.size : 0;
      if (size > MAX_RANGE) throw new TooMuch(`an expression iterates over at most ${MAX_RANGE} elements, not ${size}`);
      spend(size * Number(nodes));
      return range as CelInput;
    }),
  ],
  re2: {
    compile(pattern: string) {
      return {
        test(text: string): boolean {
          spend(Math.ceil(pattern.length * (pattern.length + text.length) / 64));
          return regex(pattern).matcher(text).find();
        },
      };
    },
  },
});

const patterns = new Map<string, RE2JS>();

function regex(pattern: string): RE2JS {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = RE2JS.compile(pattern);
    if (patterns.size >= MAX_PATTERNS) patterns.clear();
    patterns.set(pattern, compiled);
  }
  return compiled;
}

type Expr = ReturnType<typeof parse>["expr"];

export function compileExpression(text: string): Compilation {
  let expr: Expr;
  try {
    expr = parse(text).expr;
  } catch (error) {
    return { ok: false, parsed: false, message: messageOf(error) };
  }
  try {
    const problem = prepare(expr).problem;
    if (problem !== null) return { ok: false, parsed: true, message: problem };
    const planned = plan(env, expr);
    return { ok: true, expression: { evaluate: (properties) => evaluate(planned, properties) } };
  } catch (error) {
    return { ok: false, parsed: true, message: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  if (error instanceof RangeError) return "the expression is nested too deep";
  return error instanceof Error ? error.message : String(error);
}

/** Counts an expression's nodes, finds functions that do not exist, and has its comprehensions counted. */
function prepare(root: Expr): { nodes: number; problem: string | null } {
  let nodes = 0;
  let problem: string | null = null;
  const visit = (expr: Expr | undefined): number => {
    if (expr === undefined) return 0;
    const before = nodes++;
    const { exprKind } = expr;
    switch (exprKind.case) {
      case "selectExpr":
        visit(exprKind.value.operand);
        break;
      case "callExpr": {
        const { function: name, target, args } = exprKind.value;
        if (!isFunction(name, target)) problem ??= `there is no function ${name}`;
        visit(target);
        for (const each of args) visit(each);
        break;
      }
      case "listExpr":
        for (const each of exprKind.value.elements) visit(each);
        break;
      case "structExpr":
        for (const { keyKind, value } of exprKind.value.entries) {
          if (keyKind.case === "mapKey") visit(keyKind.value);
          visit(value);
        }
        break;
      case "comprehensionExpr": {
        const comprehension = exprKind.value;
        visit(comprehension.iterRange);
        visit(comprehension.accuInit);
        const each = visit(comprehension.loopCondition) + visit(comprehension.loopStep);
        visit(comprehension.result);
        comprehension.iterRange = counted(comprehension.iterRange!, each);
        break;
      }
    }
    return nodes - before;
  };
  visit(root);
  return { nodes, problem };
}

/** `@range(expr, nodes)`. */
function counted(expr: Expr, nodes: number): Expr {
  const call = parse("f(0, 1)").expr;
  const { value } = call.exprKind as { value: { function: string; args: Expr[] } };
  value.function = RANGE;
  value.args = [expr, parse(String(nodes)).expr];
  return call;
}

function isFunction(name: string, target: Expr | undefined): boolean {
  if (OPERATORS.has(name) || env.funcs.find(name) !== undefined) return name !== RANGE;
  const qualifier = qualifiedName(target);
  return qualifier !== null && env.funcs.find(`${qualifier}.${name}`) !== undefined;
}

function qualifiedName(expr: Expr | undefined): string | null {
  if (expr?.exprKind.case === "identExpr") return expr.exprKind.value.name;
  if (expr?.exprKind.case !== "selectExpr" || expr.exprKind.value.testOnly) return null;
  const parent = qualifiedName(expr.exprKind.value.operand);
  return parent === null ? null : `${parent}.${expr.exprKind.value.field}`;
}

function evaluate(planned: ReturnType<typeof plan>, properties: PropertyReader): Evaluation {
  steps = 0;
  try {
    const value = planned(variables(properties));
    if (isCelError(value)) return { ok: false, message: value.message, steps };
    return { ok: true, bytes: encode(value), steps };
  } catch (error) {
    return { ok: false, message: messageOf(error), steps };
  }
}

/** Top-level names that are never a guest's own. */
const ROOTS = new Set([
  "request",
  "response",
  "connection",
  "connection_id",
  "upstream",
  "source",
  "destination",
  "metadata",
  "filter_state",
  "upstream_filter_state",
  "xds",
  "plugin_name",
  "plugin_root_id",
  "plugin_vm_id",
]);

function variables(properties: PropertyReader): Record<string, CelInput> {
  return new Proxy(Object.create(null) as Record<string, CelInput>, {
    get(_target, name) {
      if (typeof name !== "string") return undefined;
      const state = ROOTS.has(name) ? null : properties(["filter_state", `wasm.${name}`]);
      const value = state ?? properties([name]);
      return value === null ? undefined : toInput(value, properties, [name]);
    },
  });
}

/** What stands behind maps that are not made of their entries. */
const origins = new WeakMap<object, PropertyValue>();

function toInput(value: PropertyValue, properties: PropertyReader, path: readonly string[]): CelInput {
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
      return celList(value.value.map((each, index) => toInput(each, properties, [...path, String(index)])));
    case "map":
      return celMap(
        new Map(Array.from(value.value, ([key, each]) => [key, toInput(each, properties, [...path, key])])),
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
    throw new TooMuch(`an expression looks at values of at most ${MAX_TEXT_BYTES} bytes`);
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
    return value === null ? undefined : toInput(value, this.#properties, path);
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
function encode(value: unknown): Uint8Array | null {
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
    const name = encode(key);
    const bytes = encode(value);
    if (name === null || bytes === null) return null;
    pairs.push([latin1Slice(name, 0, name.length), latin1Slice(bytes, 0, bytes.length)]);
  }
  return pairs.length === 0 ? NO_ENTRIES : encodePairs(pairs);
}
