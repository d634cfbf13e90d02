// host/config/expression_tree.ts: Expr messages of the Common Expression Language as plain data.
/**
 * Both `google.api.expr.v1alpha1.Expr` and `cel.expr.Expr` are read; they have the same fields.
 *
 * @see https://github.com/google/cel-spec/blob/master/proto/cel/expr/syntax.proto
 * @module
 */
import type { ExpressionTree } from "../base/expression_tree.ts";
import type { ConfigNode } from "./node.ts";

/** An Expr, or null after reporting what it lacks. */
export function planExpressionTree(node: ConfigNode): ExpressionTree | null {
  const id = BigInt(node.number("id", 0));
  const kind = node.oneof("expr_kind");
  const message = kind === null ? null : node.message(kind);
  const value = message === null ? null : planKind(kind!, message);
  if (value !== null) return { id, exprKind: { case: camelCase(kind!), value } };
  if (message === null) {
    node.error("config/bad-expression", "an expression of no kind", { help: "set one of expr_kind" });
  }
  return null;
}

function planKind(kind: string, node: ConfigNode): object | null {
  switch (kind) {
    case "const_expr":
      return planConstant(node);
    case "ident_expr":
      return { name: node.string("name") };
    case "select_expr":
      return whole({ operand: part(node, "operand"), field: node.string("field"), testOnly: node.bool("test_only") });
    case "call_expr":
      return whole({
        target: node.has("target") ? part(node, "target") : undefined,
        function: node.string("function"),
        args: parts(node, "args", planExpressionTree),
      });
    case "list_expr":
      return whole({ elements: parts(node, "elements", planExpressionTree), optionalIndices: [] });
    case "struct_expr":
      return whole({ messageName: node.string("message_name"), entries: parts(node, "entries", planEntry) });
    case "comprehension_expr":
      return whole({
        iterVar: node.string("iter_var"),
        iterVar2: "",
        iterRange: part(node, "iter_range"),
        accuVar: node.string("accu_var"),
        accuInit: part(node, "accu_init"),
        loopCondition: part(node, "loop_condition"),
        loopStep: part(node, "loop_step"),
        result: part(node, "result"),
      });
    default:
      node.error("config/unsupported", `expressions with ${kind} are not evaluated`);
      return null;
  }
}

/** The same, or null where a part was reported. */
function whole<T extends object>(value: T): T | null {
  return Object.values(value).includes(null) ? null : value;
}

function part(node: ConfigNode, field: string): ExpressionTree | null {
  const message = node.message(field);
  if (message !== null) return planExpressionTree(message);
  node.error("config/bad-expression", `the expression has no ${field}`);
  return null;
}

function parts<T>(node: ConfigNode, field: string, plan: (node: ConfigNode) => T | null): T[] | null {
  const planned = node.messages(field).map(plan);
  return planned.every((each) => each !== null) ? planned : null;
}

function planEntry(node: ConfigNode): object | null {
  const isField = node.oneof("key_kind") === "field_key";
  const key = isField ? node.string("field_key") : part(node, "map_key");
  return whole({
    id: BigInt(node.number("id", 0)),
    keyKind: key === null ? null : { case: isField ? "fieldKey" : "mapKey", value: key },
    value: part(node, "value"),
    optionalEntry: false,
  });
}

function planConstant(node: ConfigNode): object {
  const kind = node.oneof("constant_kind") ?? "null_value";
  return { constantKind: { case: camelCase(kind), value: constantValue(kind, node) } };
}

function constantValue(kind: string, node: ConfigNode): unknown {
  switch (kind) {
    case "bool_value":
      return node.bool(kind);
    case "int64_value":
    case "uint64_value":
      return BigInt(node.number(kind, 0));
    case "double_value":
      return node.number(kind, 0);
    case "string_value":
      return node.string(kind);
    case "bytes_value":
      return node.bytes(kind);
    default:
      node.has(kind);
      return 0;
  }
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
