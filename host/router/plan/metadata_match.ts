// host/router/plan/metadata_match.ts: what a route asks of the metadata of hosts.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RouteAction.metadata_match
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";

/** The namespace `envoy.lb` of `metadata_match`; others mean nothing. */
export function planMetadataMatch(node: ConfigNode): Readonly<Record<string, unknown>> | null {
  const namespaces = node.message("metadata_match")?.json("filter_metadata") as Record<string, unknown> | undefined;
  return (namespaces?.["envoy.lb"] ?? null) as Record<string, unknown> | null;
}
