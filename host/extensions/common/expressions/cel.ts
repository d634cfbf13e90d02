// host/extensions/common/expressions/cel.ts: expressions in CEL, compiled and evaluated.
/**
 * What somebody writes must not hold the worker: an expression cannot loop for ever, but nested comprehensions
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
  celMethod,
  CelScalar,
  isCelError,
  isCelList,
  isCelMap,
  parse,
  plan,
} from "@bufbuild/cel";
import { RE2JS } from "re2js";
import type { ExpressionSource } from "../../../base/expression_tree.ts";
import { concatBytes } from "../../../base/bytes.ts";
import { encodeCel, toCel } from "./cel_values.ts";
import type { Compilation, Evaluation, PropertyReader } from "./expression.ts";

/** Nodes that an evaluation may visit in comprehensions, with what it costs to match regular expressions. */
const MAX_STEPS = 1_000_000;
/** Elements of a list or map that is iterated over. */
const MAX_RANGE = 1000;
const MAX_PATTERNS = 100;
/** Characters that are copied or counted in the time of one step. */
const TEXT_PER_STEP = 64;

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

/** The evaluation that is under way: there is never more than one. */
let steps = 0;

function spend(amount: number): void {
  steps += amount;
  if (steps > MAX_STEPS) throw new Error(`the expression takes more than ${MAX_STEPS} steps`);
}

function spendOnText(length: number): void {
  spend(Math.ceil(length / TEXT_PER_STEP));
}

function codePoints(text: string): bigint {
  spendOnText(text.length);
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  }
  return BigInt(count);
}

const { BYTES, DYN, INT, STRING } = CelScalar;

const env = celEnv({
  funcs: [
    celFunc(RANGE, [DYN, INT], DYN, (range, nodes) => {
      const size = isCelList(range) || isCelMap(range) ? range.size : 0;
      if (size > MAX_RANGE) throw new Error(`an expression iterates over at most ${MAX_RANGE} elements, not ${size}`);
      spend(size * Number(nodes));
      return range as CelInput;
    }),
    // In place of the library's, which count nothing and take long over long texts.
    celFunc("_+_", [STRING, STRING], STRING, (a, b) => {
      spendOnText(a.length + b.length);
      return a + b;
    }),
    celFunc("_+_", [BYTES, BYTES], BYTES, (a, b) => {
      spendOnText(a.length + b.length);
      return concatBytes([a, b], a.length + b.length);
    }),
    celFunc("size", [STRING], INT, (text) => codePoints(text)),
    celMethod("size", STRING, [], INT, function () {
      return codePoints(this);
    }),
  ],
  re2: {
    compile(pattern: string) {
      return {
        test(text: string): boolean {
          spend(Math.ceil(pattern.length * (pattern.length + text.length) / TEXT_PER_STEP));
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

export function compileExpression(source: ExpressionSource): Compilation {
  let expr: Expr;
  try {
    // What is prepared below is changed by that.
    expr = typeof source === "string" ? parse(source).expr : structuredClone(source) as unknown as Expr;
  } catch (error) {
    return { ok: false, parsed: false, message: messageOf(error) };
  }
  try {
    const problem = prepare(expr).problem;
    if (problem !== null) return { ok: false, parsed: true, message: problem };
    const planned = plan(env, expr);
    return { ok: true, expression: { evaluate: (properties) => evaluate(planned, properties), encode: encodeCel } };
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
    // An expression that goes on in spite of the error (`… || true`) has taken too much all the same.
    if (steps > MAX_STEPS) spend(0);
    if (isCelError(value)) return { ok: false, message: value.message, steps };
    return { ok: true, value, steps };
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
      return value === null ? undefined : toCel(value, properties, [name]);
    },
  });
}
