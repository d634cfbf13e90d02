// host/extensions/common/upstream_filters.ts: the HTTP filters of attempts at clusters, as plain data.
/**
 * @see Envoy: api/envoy/extensions/upstreams/http/v3/http_protocol_options.proto http_filters
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { HttpFilterUse, ListenerScope, PlanContext } from "../define.ts";

/** What filters of clusters get in the place of a listener. */
export const UPSTREAM_SCOPE: ListenerScope = { name: "", statPrefix: "", trafficDirection: "OUTBOUND" };

/** Plans a chain, which is empty or ends with the upstream codec. */
export function planUpstreamFilters(
  nodes: readonly ConfigNode[],
  context: Pick<PlanContext, "planHttpFilter">,
): HttpFilterUse[] {
  const uses: HttpFilterUse[] = [];
  for (const [index, node] of nodes.entries()) {
    const use = context.planHttpFilter(node, "upstream");
    if (use === null) continue;
    const last = index === nodes.length - 1;
    if (use.terminal && !last) {
      node.error("config/filter-order", `terminal filter '${use.name}' is not the last one of the upstream chain`, {
        help: "move it to the end",
      });
    } else if (!use.terminal && last) {
      node.error("config/filter-order", `non-terminal filter '${use.name}' is the last one of the upstream chain`, {
        help: "end the chain with envoy.filters.http.upstream_codec",
      });
    }
    uses.push(use);
  }
  return uses;
}
