// host/router/plan/cluster_specifier_plugin.ts: extensions that choose a route's cluster, as plain data.
/**
 * @see Envoy: source/extensions/router/cluster_specifiers
 * @module
 */
import { expressionProblem } from "../../http/plan/format.ts";
import type { ConfigNode } from "../../config/node.ts";
import type { HttpInputPlan } from "../../http/match_inputs.ts";
import { planHttpInput } from "../../http/plan/match_inputs.ts";
import { planMatchTree } from "../../matching/plan/match_tree.ts";
import type { ClusterSpecifierPlan } from "../plan.ts";
import type { RoutePlanContext } from "./context.ts";

/** The plugins that routes can name. */
export function planClusterSpecifierPlugins(
  node: ConfigNode,
  context: RoutePlanContext,
): Map<string, ClusterSpecifierPlan | null> {
  const plugins = new Map<string, ClusterSpecifierPlan | null>();
  for (const plugin of node.messages("cluster_specifier_plugins")) {
    const name = plugin.message("extension")?.string("name") ?? "";
    plugins.set(name, planClusterSpecifierPlugin(plugin, context));
  }
  return plugins;
}

const SPECIFIERS = "envoy.extensions.router.cluster_specifiers.";

/** A ClusterSpecifierPlugin, or null after reporting that it cannot be used. */
export function planClusterSpecifierPlugin(node: ConfigNode, context: RoutePlanContext): ClusterSpecifierPlan | null {
  const isOptional = node.bool("is_optional");
  const extension = node.message("extension");
  extension?.string("name");
  const config = extension?.any("typed_config") ?? null;
  if (config === null) return null;
  if (config.typeName === `${SPECIFIERS}matcher.v3.MatcherClusterSpecifier`) return planTree(config, context);
  // Nothing more is to be said of what is in it.
  config.toBinary();
  if (isOptional) {
    node.warn("config/unknown-extension", `${config.typeName} is not there: its routes lead nowhere`, {
      field: "extension",
    });
    return { kind: "nowhere" };
  }
  extension!.error("config/unknown-extension", `${config.typeName} is no cluster specifier here`, {
    field: "typed_config",
    help: `use ${SPECIFIERS}matcher.v3.MatcherClusterSpecifier`,
  });
  return null;
}

function planTree(config: ConfigNode, context: RoutePlanContext): ClusterSpecifierPlan | null {
  const matcher = config.message("cluster_matcher");
  const tree = matcher === null ? null : planMatchTree<HttpInputPlan, string>(matcher, {
    keepsMatching: false,
    planInput: (input) => planHttpInput(input, context),
    expressions: {
      areAttributes: ({ kind }) => kind === "attributes",
      problemOf: (expression) => expressionProblem(expression, context.formatWorld),
    },
    planAction: (action) => {
      if (action.typeName === `${SPECIFIERS}matcher.v3.ClusterAction`) return action.string("cluster");
      action.error("config/unknown-extension", `${action.typeName} leads to no cluster`, {
        help: `use ${SPECIFIERS}matcher.v3.ClusterAction`,
      });
      return null;
    },
  });
  return tree === null ? null : { kind: "tree", tree };
}
