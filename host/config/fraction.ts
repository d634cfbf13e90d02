// host/config/fraction.ts: FractionalPercent and RuntimeFractionalPercent as plain data.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { ConfigNode } from "./node.ts";

export interface FractionPlan {
  readonly numerator: number;
  readonly denominator: number;
}

const DENOMINATORS: Readonly<Record<string, number>> = { TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

/** A FractionalPercent. */
export function planFractionalPercent(node: ConfigNode): FractionPlan {
  return { numerator: node.number("numerator"), denominator: DENOMINATORS[node.enum("denominator")] ?? 100 };
}

/** The `field` of type RuntimeFractionalPercent; null for always. */
export function planRuntimeFraction(parent: ConfigNode, field: string): FractionPlan | null {
  const runtime = parent.message(field);
  if (runtime === null) return null;
  if (runtime.has("runtime_key")) runtime.accept("runtime_key", "there are no runtime layers: default_value applies");
  const value = runtime.message("default_value");
  return value === null ? null : planFractionalPercent(value);
}
