// host/matching/plan/stream_matchers.ts: MetadataMatcher, FilterStateMatcher and CookieMatcher as plain data.
/**
 * @see Envoy: api/envoy/type/matcher/v3/metadata.proto, filter_state.proto
 * @module
 */
import { type CidrBlock, cidrBlock } from "../../base/cidr.ts";
import { toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import type { CookieMatcherPlan } from "../cookies.ts";
import type { FilterStateMatcherPlan, MetadataMatcherPlan } from "../stream_matchers.ts";
import { planStringMatcher } from "./string_matcher.ts";
import { planValueMatcher } from "./value_matcher.ts";

/** A MetadataMatcher, or null after reporting what is wrong. */
export function planMetadataMatcher(node: ConfigNode): MetadataMatcherPlan | null {
  const valueNode = node.message("value");
  const value = valueNode === null ? null : planValueMatcher(valueNode);
  const plan = {
    namespace: node.string("filter"),
    path: node.messages("path").map((segment) => segment.string("key")),
    invert: node.bool("invert"),
  };
  return value === null ? null : { ...plan, value };
}

/** A FilterStateMatcher, or null after reporting what is wrong. */
export function planFilterStateMatcher(node: ConfigNode): FilterStateMatcherPlan | null {
  const key = node.string("key");
  const kind = node.oneof("matcher");
  if (kind === "string_match") {
    const matcher = planStringMatcher(node.message(kind)!);
    return matcher === null ? null : { key, test: { kind: "string", matcher } };
  }
  if (kind === "address_match") {
    const address = node.message(kind)!;
    return {
      key,
      test: { kind: "address", blocks: planCidrBlocks(address, "ranges"), invert: address.bool("invert_match") },
    };
  }
  return null;
}

/** A list of CidrRange messages; those that are no blocks are reported. */
export function planCidrBlocks(node: ConfigNode, field: string): CidrBlock[] {
  return node.messages(field).flatMap((range) => {
    const address = range.string("address_prefix");
    const block = cidrBlock(address, range.number("prefix_len"));
    if (block !== null) return [block];
    range.error("matching/bad-address", `"${address}" is no IP address`, { field: "address_prefix" });
    return [];
  });
}

/** A CookieMatcher, or null after reporting what is wrong. */
export function planCookieMatcher(node: ConfigNode): CookieMatcherPlan | null {
  const inner = node.message("string_match");
  const value = inner === null ? null : planStringMatcher(inner);
  const plan = { name: toWireText(node.string("name")), invert: node.bool("invert_match") };
  return value === null ? null : { ...plan, value };
}
