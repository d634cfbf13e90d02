// host/router/async_client/own_route.ts: the route of requests that the proxy itself sends.
// pure: no I/O, no clock, no runtime globals
/**
 * Nobody configured it: it leads to a cluster, and has Envoy's defaults besides.
 *
 * @see Envoy: source/common/http/null_route_impl.h
 * @module
 */
import { NO_RUNTIME } from "../../base/runtime.ts";
import { FilterConfigs } from "../routes/filter_configs.ts";
import { MATCH_ALL } from "../plan.ts";
import { NO_RATE_LIMITS } from "../routes/rate_limit.ts";
import { RouteEntry } from "../routes/route.ts";
import { RouteRecipe } from "../routes/route_recipe.ts";

const RECIPE = new RouteRecipe(
  { name: "", match: MATCH_ALL, action: { kind: "nonForwarding" }, metadata: {}, requestBufferLimitBytes: null },
  {
    virtualHost: {
      name: "",
      includeRequestAttemptCount: false,
      includeAttemptCountInResponse: false,
      includeIsTimeoutRetry: false,
      metadata: {},
    },
    requestHeaders: [],
    responseHeaders: [],
    virtualClusters: null,
    rateLimits: NO_RATE_LIMITS,
  },
  {
    compileFormat: (text) => ({ format: () => text }),
    compileBody: () => () => "",
    runtime: NO_RUNTIME,
    expressions: null,
  },
  null,
);

const ENTRY = new RouteEntry(RECIPE, new FilterConfigs([]), null, null);

export function ownRoute(clusterName: string): RouteEntry {
  return ENTRY.withCluster(clusterName);
}
