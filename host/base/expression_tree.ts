// host/base/expression_tree.ts: expressions that a configuration has already taken apart.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** A `cel.expr.Expr` as plain data, of the shape in which the evaluator has it. */
export interface ExpressionTree {
  readonly id: bigint;
  readonly exprKind: { readonly case: string; readonly value: object };
}

/** An expression: a text, or what became of one. */
export type ExpressionSource = string | ExpressionTree;
