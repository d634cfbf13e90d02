// host/matching/plan/cidr.ts: CidrRange messages as plain data.
/**
 * @see Envoy: api/envoy/config/core/v3/address.proto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { cidrProblem, type CidrRangePlan } from "../cidr.ts";

/** A CidrRange, or null after reporting what is wrong. */
export function planCidrRange(node: ConfigNode): CidrRangePlan | null {
  const plan = { address: node.string("address_prefix"), prefixLength: node.number("prefix_len", 0) };
  const problem = cidrProblem(plan);
  if (problem === null) return plan;
  node.error("matching/bad-cidr", `invalid address range: ${problem}`);
  return null;
}
