// host/net/plan/filter_chain_match.ts: a FilterChainMatch message as a plan.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/listener_manager/filter_chain_manager_impl.cc
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { type CidrBlock, cidrBlock } from "../../base/cidr.ts";
import { type FilterChainMatchPlan, MATCH_ANY } from "../plan.ts";

/** Null matches everything. */
export function planFilterChainMatch(node: ConfigNode | null): FilterChainMatchPlan {
  if (node === null) return MATCH_ANY;
  for (const field of ["address_suffix", "suffix_len"]) node.refuse(field, "Envoy does not implement it either");
  return {
    destinationPort: node.has("destination_port") ? node.number("destination_port") : null,
    prefixRanges: planRanges(node, "prefix_ranges"),
    serverNames: planServerNames(node),
    transportProtocol: node.string("transport_protocol"),
    applicationProtocols: node.strings("application_protocols"),
    directSourcePrefixRanges: planRanges(node, "direct_source_prefix_ranges"),
    sourceType: node.enum("source_type") as FilterChainMatchPlan["sourceType"],
    sourcePrefixRanges: planRanges(node, "source_prefix_ranges"),
    sourcePorts: node.numbers("source_ports"),
  };
}

function planServerNames(node: ConfigNode): string[] {
  return node.strings("server_names").map((name, index) => {
    const wildcard = name.startsWith("*.") ? name.slice(2) : name;
    if (wildcard.includes("*") || wildcard === "") {
      node.error("config/bad-server-name", `partial wildcards are not supported in "server_names": '${name}'`, {
        field: "server_names",
        index,
        help: "write a whole name, or a suffix as `*.example.com`; leave `server_names` out to match every name",
      });
    }
    return name.toLowerCase();
  });
}

function planRanges(node: ConfigNode, field: string): CidrBlock[] {
  return node.messages(field).flatMap((range) => {
    const text = range.string("address_prefix");
    // Envoy takes a missing prefix_len for 0, which matches everything.
    const block = cidrBlock(text, range.number("prefix_len"));
    if (block !== null) return [block];
    range.error("config/bad-address", `malformed IP address: ${text}`, { field: "address_prefix" });
    return [];
  });
}
