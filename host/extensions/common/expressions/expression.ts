// host/extensions/common/expressions/expression.ts: what an expression is to those who use it.
/**
 * Guests evaluate expressions, and so do access logs, formats, rate limits and trees of matchers. What they look at
 * are attributes.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 * @module
 */
import type { PropertyValue } from "../../../wasm/ports.ts";

/** An expression that is ready to be evaluated. */
export interface Expression {
  evaluate(properties: PropertyReader): Evaluation;
  /** A value's bytes as guests get them; null when it has none. */
  encode(value: unknown): Uint8Array | null;
}

/** Gives an attribute. */
export type PropertyReader = (path: readonly string[]) => PropertyValue | null;

/** A value of CEL, or why there is no value; and how many steps it took. */
export type Evaluation =
  | { readonly ok: true; readonly value: unknown; readonly steps: number }
  | { readonly ok: false; readonly message: string; readonly steps: number };

export type Compilation =
  | { readonly ok: true; readonly expression: Expression }
  /** `parsed` tells a text that is no expression from an expression that cannot be evaluated. */
  | { readonly ok: false; readonly parsed: boolean; readonly message: string };
