// host/matching/input_test.ts: what a tree asks of one input.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/matcher/value_input_matcher.h, source/extensions/matching/input_matchers
 * @module
 */
import type { ExpressionSource } from "../base/expression_tree.ts";
import { type CidrBlock, inCidrBlock } from "../base/cidr.ts";
import { parseIp } from "../base/ip.ts";
import { type Runtime, runtimeFraction, type RuntimeFractionPlan } from "../base/runtime.ts";
import { xxHash64 } from "../base/xxhash.ts";
import { compileStringMatcher, type StringMatcherPlan } from "./string_matcher.ts";
import { compileValueMatcher, type ValueMatcherPlan } from "./value_matcher.ts";

export type InputTestPlan =
  | { readonly kind: "value"; readonly matcher: StringMatcherPlan }
  | { readonly kind: "ip"; readonly blocks: readonly CidrBlock[] }
  /** Takes a share of all texts, always the same ones. */
  | {
    readonly kind: "runtimeFraction";
    readonly fraction: RuntimeFractionPlan;
    readonly seed: number;
  }
  | {
    readonly kind: "consistentHashing";
    readonly threshold: number;
    readonly modulo: number;
    readonly seed: number;
  }
  /** For inputs that are `AttributesInput`s. */
  | { readonly kind: "expression"; readonly expression: ExpressionSource }
  /** For inputs that are `MetadataInput`s. */
  | { readonly kind: "metadata"; readonly matcher: ValueMatcherPlan; readonly invert: boolean };

/** What an expression looks at, on its way from an input to its test. */
export class AttributesInput {
  readonly facts: object;

  constructor(facts: object) {
    this.facts = facts;
  }
}

/** Makes the test of an expression, which takes what its facts make true. */
export type CompileExpressionTest = (expression: ExpressionSource) => (facts: object) => boolean;

/** A value of metadata, on its way from an input to its test. */
export class MetadataInput {
  /** Plain JSON; `undefined` when it is not there. */
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** A hash less whole ones of this leaves the same remainder for every denominator that there is. */
const LEAST_COMMON_DENOMINATOR = 1_000_000n;

/** A test never takes what is of another kind than it expects. */
export type InputTest = (value: string | object) => boolean;

export function compileInputTest(
  plan: InputTestPlan,
  runtime: Runtime,
  compileExpression: CompileExpressionTest,
): InputTest {
  switch (plan.kind) {
    case "value":
      return ofText(compileStringMatcher(plan.matcher));
    case "ip":
      return ofText((text) => {
        const ip = parseIp(text);
        return ip !== null && plan.blocks.some((block) => inCidrBlock(block, ip));
      });
    case "runtimeFraction": {
      const seed = BigInt(plan.seed);
      const takes = runtimeFraction(plan.fraction, runtime);
      return ofText((text) => takes(Number(xxHash64(text, seed) % LEAST_COMMON_DENOMINATOR)));
    }
    case "consistentHashing": {
      const seed = BigInt(plan.seed), modulo = BigInt(plan.modulo);
      return ofText((text) => Number(xxHash64(text, seed) % modulo) >= plan.threshold);
    }
    case "expression": {
      const isTrue = compileExpression(plan.expression);
      return (value) => value instanceof AttributesInput && isTrue(value.facts);
    }
    case "metadata": {
      const matches = compileValueMatcher(plan.matcher);
      return (value) => value instanceof MetadataInput && matches(value.value) !== plan.invert;
    }
  }
}

function ofText(test: (text: string) => boolean): InputTest {
  return (value) => typeof value === "string" && test(value);
}
