// host/upstream/plan/mirror_policy.ts: RequestMirrorPolicy messages as plain data.
/**
 * Of routes and virtual hosts, and of the HTTP options of a cluster.
 *
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RouteAction.RequestMirrorPolicy
 * @module
 */
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import { planRuntimeFraction } from "../../config/fraction.ts";
import type { ConfigNode } from "../../config/node.ts";
import { planHeaderMutations } from "../../http/plan/header_mutation.ts";
import type { FormatChecker } from "../../http/plan/header_ops.ts";
import type { MirrorPolicyPlan } from "../mirror_policy.ts";

/** Its `request_mirror_policies`; `checkCluster` reports a name that nobody has. */
export function planMirrorPolicies(
  parent: ConfigNode,
  formats: FormatChecker,
  checkCluster: (node: ConfigNode, name: string) => void = () => {},
): readonly MirrorPolicyPlan[] {
  return parent.messages("request_mirror_policies").map((node) => {
    const cluster = node.string("cluster");
    const clusterHeader = asciiLower(toWireText(node.string("cluster_header")));
    if (cluster !== "" && clusterHeader !== "") {
      node.error("router/two-clusters", "both cluster and cluster_header are set", {
        field: "cluster_header",
        help: "remove one of them",
      });
    } else if (cluster === "" && clusterHeader === "") {
      node.error("router/no-cluster", "neither cluster nor cluster_header is set");
    } else if (cluster !== "") {
      checkCluster(node, cluster);
    }
    node.accept("trace_sampled", "there is no tracing yet, so no span to sample");
    return {
      cluster,
      clusterHeader,
      fraction: planRuntimeFraction(node, "runtime_fraction"),
      hostLiteral: toWireText(node.string("host_rewrite_literal")),
      appendsHostSuffix: !node.bool("disable_shadow_host_suffix_append"),
      mutations: planHeaderMutations(node.messages("request_headers_mutations"), formats),
    };
  });
}
