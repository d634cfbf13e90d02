// host/config/fraction.ts: FractionalPercent and RuntimeFractionalPercent as plain data.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { Fraction, RuntimeFractionPlan } from "../base/runtime.ts";
import type { ConfigNode } from "./node.ts";

/** The denominators that there are, by the names of the enum. */
export const DENOMINATORS: Readonly<Record<string, number>> = {
  HUNDRED: 100,
  TEN_THOUSAND: 10_000,
  MILLION: 1_000_000,
};

/** A FractionalPercent; null is none at all. */
export function planFractionalPercent(node: ConfigNode | null): Fraction {
  return {
    numerator: node?.number("numerator") ?? 0,
    denominator: DENOMINATORS[node?.enum("denominator") ?? "HUNDRED"] ?? 100,
  };
}

/** The `field` of type RuntimeFractionalPercent; null for always. */
export function planRuntimeFraction(parent: ConfigNode, field: string): RuntimeFractionPlan | null {
  const runtime = parent.message(field);
  if (runtime === null) return null;
  const runtimeKey = runtime.runtimeKey("runtime_key");
  const value = runtime.message("default_value");
  return value === null ? null : { ...planFractionalPercent(value), ...(runtimeKey !== "" && { runtimeKey }) };
}
