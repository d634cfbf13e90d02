// host/router/plan/context.ts: what planning a route configuration needs to know from outside.
import type { ConfigNode } from "../../config/node.ts";
import type { FormatWorld } from "../../observe/formatter.ts";
import type { ClusterSpecifierPlan } from "../plan.ts";

/** Knowledge that the route configuration itself does not have. */
export interface RoutePlanContext {
  /** Names of the clusters there are; null when they are not known, and so cannot be checked. */
  readonly clusters: ReadonlySet<string> | null;
  /** The default of `validate_clusters`: true for static route configurations, false for RDS. */
  readonly validateClustersByDefault: boolean;
  env(name: string): string | undefined;
  /** What is wrong with a format string for a header value, or null. */
  formatProblem(format: string): string | null;
  /** What formats and expressions are compiled in, to see what is wrong with them. */
  readonly formatWorld: FormatWorld;
  /** The plan that a filter makes of its message in `typed_per_filter_config`; it reports on the node. */
  planFilterConfig(filterName: string, node: ConfigNode): unknown;
  /** The bytes of a DataSource, or null after reporting on the node why there are none. */
  readDataSource(node: ConfigNode): Uint8Array | null;
}

/** The route configuration's own settings that its routes' planning depends on. */
export interface RouteConfigLimits {
  readonly validateClusters: boolean;
  readonly maxDirectResponseBodyBytes: number;
  /** `cluster_specifier_plugins` by name; null for one that cannot be used, which was reported. */
  readonly clusterSpecifierPlugins: ReadonlyMap<string, ClusterSpecifierPlan | null>;
}
