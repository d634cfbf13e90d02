// host/extensions/common/wasm/foreign_functions/expression.ts: expr_create, expr_evaluate, expr_delete.
/**
 * Expressions in CEL over what `proxy_get_property` gives. The evaluator is loaded by itself (`cel.ts`), since
 * few plugins want it.
 *
 * @see Envoy: source/extensions/common/wasm/foreign.cc ExpressionFactory; https://cel.dev
 * @module
 */
import { Status } from "../../../../../abi/mod.ts";
import { utf8Slice } from "../../../../base/bytes.ts";
import type { ForeignCall, ForeignFunction } from "../../../../wasm/mod.ts";
import type { Compilation, Expression } from "../../expressions/expression.ts";

/** Expressions that a plugin may have at once. */
export const MAX_EXPRESSIONS = 1000;
/** Bytes of the text of one. */
export const MAX_EXPRESSION_BYTES = 8192;

/** About what making and evaluating costs, in units of fuel. */
const CREATE_UNITS_PER_BYTE = 2000;
const EVALUATE_UNITS = 1000;
const STEP_UNITS = 20;

type Compile = (text: string) => Compilation;

let compile: Compile | null = null;
let loading: Promise<void> | null = null;

/** Loads the evaluator; once for a thread. */
export function loadExpressions(): Promise<void> {
  return loading ??= import("../../expressions/cel.ts").then((cel) => void (compile = cel.compileExpression));
}

/** The expressions of one plugin. */
class Expressions {
  readonly byToken = new Map<number, Expression>();
  #next = 0;

  /** A token that is not in use. */
  takeToken(): number {
    while (this.byToken.has(this.#next)) this.#next = (this.#next + 1) >>> 0;
    const token = this.#next;
    this.#next = (token + 1) >>> 0;
    return token;
  }
}

function expressionsOf(call: ForeignCall): Expressions {
  let expressions = call.pluginData.get("cel") as Expressions | undefined;
  if (expressions === undefined) call.pluginData.set("cel", expressions = new Expressions());
  return expressions;
}

export const createExpression: ForeignFunction = (call, bytes) => {
  const expressions = expressionsOf(call);
  if (compile === null) {
    call.explain("the evaluator of expressions is not loaded");
    return Status.InternalFailure;
  }
  if (bytes.length > MAX_EXPRESSION_BYTES) {
    call.explain(`an expression has at most ${MAX_EXPRESSION_BYTES} bytes, this one ${bytes.length}`);
    return Status.BadArgument;
  }
  if (expressions.byToken.size >= MAX_EXPRESSIONS) {
    call.explain(`a plugin has at most ${MAX_EXPRESSIONS} expressions`);
    return Status.BadArgument;
  }
  call.charge(bytes.length * CREATE_UNITS_PER_BYTE);
  const compiled = compile(utf8Slice(bytes, 0, bytes.length));
  if (!compiled.ok) {
    // Envoy numbers what it could parse.
    if (compiled.parsed) expressions.takeToken();
    call.explain(compiled.message);
    return Status.BadArgument;
  }
  const token = expressions.takeToken();
  expressions.byToken.set(token, compiled.expression);
  const result = new Uint8Array(4);
  new DataView(result.buffer).setUint32(0, token, true);
  return result;
};

export const evaluateExpression: ForeignFunction = (call, bytes) => {
  const token = readToken(bytes);
  if (token < 0) return Status.BadArgument;
  const expression = expressionsOf(call).byToken.get(token);
  if (expression === undefined) return Status.NotFound;
  const result = expression.evaluate(call.property);
  call.charge(EVALUATE_UNITS + result.steps * STEP_UNITS);
  if (!result.ok) {
    call.explain(result.message);
    return Status.InternalFailure;
  }
  return expression.encode(result.value) ?? Status.SerializationFailure;
};

export const deleteExpression: ForeignFunction = (call, bytes) => {
  const token = readToken(bytes);
  if (token < 0) return Status.BadArgument;
  expressionsOf(call).byToken.delete(token);
  return Status.Ok;
};

/** -1 for bytes that are no token. */
function readToken(bytes: Uint8Array): number {
  return bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : -1;
}
