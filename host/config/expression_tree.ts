// host/config/expression_tree.ts: Expr messages of the Common Expression Language as plain data.
/**
 * Both `google.api.expr.v1alpha1.Expr` and `cel.expr.Expr` are read; they have the same fields.
 *
 * @see https://github.com/google/cel-spec/blob/master/proto/cel/expr/syntax.proto
 * @module
 */
import type { ExpressionTree } from "../base/expression_tree.ts";
import type { ConfigNode } from "./node.ts";

/** An Expr, or null after reporting that it has no kind. */
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
      return { operand: part(node, "operand"), field: node.string("field"), testOnly: node.bool("test_only") };
    case "call_expr":
      return { target: part(node, "target"), function: node.string("function"), args: parts(node, "args") };
    case "list_expr":
      return { elements: parts(node, "elements"), optionalIndices: [] };
    case "struct_expr":
      return { messageName: node.string("message_name"), entries: node.messages("entries").map(planEntry) };
    case "comprehension_expr":
      return {
        iterVar: node.string("iter_var"),
        iterVar2: "",
        iterRange: part(node, "iter_range"),
        accuVar: node.string("accu_var"),
        accuInit: part(node, "accu_init"),
        loopCondition: part(node, "loop_condition"),
        loopStep: part(node, "loop_step"),
        result: part(node, "result"),
      };
    default:
      node.error("config/unsupported", `expressions with ${kind} are not evaluated`);
      return null;
  }
}

function part(node: ConfigNode, field: string): ExpressionTree | undefined {
  const message = node.message(field);
  return message === null ? undefined : planExpressionTree(message) ?? undefined;
}

function parts(node: ConfigNode, field: string): ExpressionTree[] {
  return node.messages(field).flatMap((each) => planExpressionTree(each) ?? []);
}

function planEntry(node: ConfigNode): object {
  const isField = node.oneof("key_kind") === "field_key";
  return {
    id: BigInt(node.number("id", 0)),
    keyKind: isField
      ? { case: "fieldKey", value: node.string("field_key") }
      : { case: "mapKey", value: part(node, "map_key") },
    value: part(node, "value"),
    optionalEntry: false,
  };
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
