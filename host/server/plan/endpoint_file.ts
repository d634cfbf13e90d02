// host/server/plan/endpoint_file.ts: the endpoints of clusters, from a file.
/**
 * The file is a DiscoveryResponse with ClusterLoadAssignments, in YAML, JSON or binary, as a control plane would
 * send it.
 *
 * @see Envoy: source/extensions/config_subscription/filesystem/filesystem_subscription_impl.cc
 * @module
 */
import type { TypeRegistry } from "../../api/schema.ts";
import { renderText } from "../../base/diagnostic_render.ts";
import { loadBootstrap } from "../../config/load.ts";
import { unreadFields } from "../../config/unread.ts";
import type { EndpointsPlan } from "../../upstream/plan.ts";
import { planEndpoints } from "../../upstream/plan/endpoints.ts";

const RESPONSE = "envoy.service.discovery.v3.DiscoveryResponse";
const ASSIGNMENT = "envoy.config.endpoint.v3.ClusterLoadAssignment";

export type EndpointFile =
  /** By `cluster_name`. */
  | { readonly ok: true; readonly assignments: ReadonlyMap<string, EndpointsPlan> }
  | { readonly ok: false; readonly message: string };

/** Reads a file; anything wrong with it makes all of it wrong. */
export function readEndpointFile(registry: TypeRegistry, path: string): EndpointFile {
  const { root, diagnostics } = loadBootstrap({
    registry,
    typeName: RESPONSE,
    paths: [path],
    allowUnknownFields: true,
  });
  if (root === null) return { ok: false, message: renderText(diagnostics) };
  root.accept("version_info", "the file is what it is");
  root.accept("type_url", "each resource has its type");
  const assignments = new Map<string, EndpointsPlan>();
  for (const resource of root.messages("resources")) {
    if (resource.typeName !== ASSIGNMENT) {
      resource.error("config/wrong-type", `a ${ASSIGNMENT} is expected here, not a ${resource.typeName}`);
      continue;
    }
    assignments.set(resource.string("cluster_name"), planEndpoints(resource));
  }
  diagnostics.addAll(unreadFields(root));
  return diagnostics.hasErrors ? { ok: false, message: renderText(diagnostics) } : { ok: true, assignments };
}
