// host/router/plan/cluster_specifier.ts: which cluster a RouteAction leads to, as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto WeightedCluster, ClusterSpecifierPlugin
 * @module
 */
import { nearestName } from "../../base/suggest.ts";
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import { planHeaderOps } from "../../http/plan/header_ops.ts";
import type { ClusterSpecifierPlan, WeightedClusterPlan } from "../plan.ts";
import type { RouteConfigLimits, RoutePlanContext } from "./context.ts";
import { planClusterSpecifierPlugin } from "./cluster_specifier_plugin.ts";
import { planFilterConfigs } from "./filter_config.ts";
import { planMetadataMatch } from "./metadata_match.ts";

/** The cluster of a RouteAction, or null when there is none. */
export function planClusterSpecifier(
  node: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): ClusterSpecifierPlan | null {
  switch (node.oneof("cluster_specifier")) {
    case "cluster": {
      const name = node.string("cluster");
      checkCluster(node, "cluster", name, limits, context);
      return { kind: "name", name };
    }
    case "cluster_header":
      return { kind: "header", header: asciiLower(toWireText(node.string("cluster_header"))) };
    case "weighted_clusters": {
      const weighted = node.message("weighted_clusters");
      return weighted === null ? null : planWeightedClusters(weighted, limits, context);
    }
    case "cluster_specifier_plugin": {
      const name = node.string("cluster_specifier_plugin");
      const plugin = limits.clusterSpecifierPlugins.get(name);
      if (plugin !== undefined) return plugin;
      node.error("router/unknown-plugin", `there is no cluster specifier plugin '${name}'`, {
        field: "cluster_specifier_plugin",
        help: "add it to cluster_specifier_plugins of the route configuration",
      });
      return null;
    }
    case "inline_cluster_specifier_plugin": {
      const plugin = node.message("inline_cluster_specifier_plugin");
      return plugin === null ? null : planClusterSpecifierPlugin(plugin, context);
    }
    default:
      return null;
  }
}

/** Reports a name that no cluster has. */
export function checkCluster(
  node: ConfigNode,
  field: string,
  name: string,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): void {
  if (!limits.validateClusters || context.clusters === null || context.clusters.has(name)) return;
  const near = nearestName(name, [...context.clusters]);
  node.error("router/unknown-cluster", `route: unknown cluster '${name}'`, {
    field,
    help: near === null ? "add the cluster to static_resources.clusters" : `did you mean '${near}'?`,
  });
}

function planWeightedClusters(
  node: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): ClusterSpecifierPlan {
  const clusters = node.messages("clusters").map((cluster) => planWeightedCluster(cluster, limits, context));
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) {
    node.error("router/no-weight", "the sum of the weights is 0, it must be greater", { field: "clusters" });
  } else if (total > 0xffffffff) {
    node.error("router/too-much-weight", `the sum of the weights is ${total}, more than 4294967295`, {
      field: "clusters",
    });
  }
  node.accept("total_weight", "the sum of the weights counts, as in Envoy");
  return {
    kind: "weighted",
    clusters,
    runtimeKeyPrefix: node.runtimeKey("runtime_key_prefix"),
    randomHeader: asciiLower(toWireText(node.string("header_name"))),
    byHash: node.bool("use_hash_policy"),
  };
}

function planWeightedCluster(
  node: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): WeightedClusterPlan {
  const name = node.string("name");
  const clusterHeader = asciiLower(toWireText(node.string("cluster_header")));
  if (name !== "" && clusterHeader !== "") {
    node.error("router/two-clusters", "both name and cluster_header are set", {
      field: "cluster_header",
      help: "remove one of them",
    });
  } else if (name === "" && clusterHeader === "") {
    node.error("router/no-cluster", "neither name nor cluster_header is set");
  } else if (name !== "") {
    checkCluster(node, "name", name, limits, context);
  }
  if (!node.has("weight")) node.error("config/required", "ClusterWeight needs weight");
  return {
    name,
    clusterHeader,
    weight: node.number("weight", 0),
    requestHeaders: planHeaderOps(node, "request", context),
    responseHeaders: planHeaderOps(node, "response", context),
    filterConfigs: planFilterConfigs(node, context),
    hostRewriteLiteral: toWireText(node.string("host_rewrite_literal")),
    metadataMatch: planMetadataMatch(node),
  };
}
