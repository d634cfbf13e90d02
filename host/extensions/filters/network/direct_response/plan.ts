// host/extensions/filters/network/direct_response/plan.ts: reads a direct_response Config message.
/**
 * @see Envoy: api/envoy/extensions/filters/network/direct_response/v3/config.proto
 * @module
 */
import { fromUtf8 } from "../../../../base/bytes.ts";
import type { ConfigNode } from "../../../../config/node.ts";

export interface DirectResponsePlan {
  readonly response: Uint8Array;
}

/** `readDataSource` reads a DataSource's file or environment variable, or reports why it cannot. */
export function planDirectResponse(
  node: ConfigNode,
  readDataSource: (node: ConfigNode) => Uint8Array | null,
): DirectResponsePlan {
  const response = node.message("response");
  if (response === null) return { response: fromUtf8("") };
  return { response: readDataSource(response) ?? fromUtf8("") };
}
