// host/matching/stream_matchers.ts: predicates over what filters noted of a stream.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/common/matchers.cc MetadataMatcher, FilterStateMatcher
 * @module
 */
import { latin1Slice } from "../base/bytes.ts";
import { type CidrBlock, inCidrBlock } from "../base/cidr.ts";
import { parseIp } from "../base/ip.ts";
import { compileStringMatcher, type StringMatcherPlan } from "./string_matcher.ts";
import { compileValueMatcher, valueAt, type ValueMatcherPlan } from "./value_matcher.ts";

/** The part of a stream's facts that these matchers need. */
export interface NotedFacts {
  /** By namespace. */
  readonly dynamicMetadata: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** An object of the stream, or of its connection. */
  findFilterState(key: string): FilterStateValue | null;
}

/** An object of the filter state as matchers see it. */
export interface FilterStateValue {
  readonly value: Uint8Array;
  readonly type?: string;
}

/** Says yes or no to a stream. */
export type StreamPredicate = (facts: NotedFacts) => boolean;

/** A MetadataMatcher, as plain data. */
export interface MetadataMatcherPlan {
  readonly namespace: string;
  readonly path: readonly string[];
  readonly value: ValueMatcherPlan;
  readonly invert: boolean;
}

/** `invert` takes what is not there, too. */
export function compileMetadataMatcher(
  plan: MetadataMatcherPlan,
): (facts: Pick<NotedFacts, "dynamicMetadata">) => boolean {
  const matches = compileValueMatcher(plan.value);
  return ({ dynamicMetadata }) => matches(valueAt(dynamicMetadata.get(plan.namespace), plan.path)) !== plan.invert;
}

/** A FilterStateMatcher as plain data. */
export interface FilterStateMatcherPlan {
  readonly key: string;
  readonly test:
    | { readonly kind: "string"; readonly matcher: StringMatcherPlan }
    | { readonly kind: "address"; readonly blocks: readonly CidrBlock[]; readonly invert: boolean };
}

/** Objects of the stream and of its connection; one that is not there never matches. */
export function compileFilterStateMatcher({ key, test }: FilterStateMatcherPlan): StreamPredicate {
  const matches = test.kind === "string" ? stringTest(test.matcher) : addressTest(test.blocks, test.invert);
  return (facts) => {
    const object = facts.findFilterState(key);
    return object !== null && matches(object);
  };
}

function stringTest(matcher: StringMatcherPlan): (object: FilterStateValue) => boolean {
  const matches = compileStringMatcher(matcher);
  return ({ value }) => matches(latin1Slice(value, 0, value.length));
}

/** Only objects that are addresses are looked at. */
function addressTest(blocks: readonly CidrBlock[], invert: boolean): (object: FilterStateValue) => boolean {
  return ({ value, type }) => {
    const ip = type === "address" ? parseIp(latin1Slice(value, 0, value.length)) : null;
    return ip !== null && blocks.some((block) => inCidrBlock(block, ip)) !== invert;
  };
}
