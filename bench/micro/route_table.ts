// bench/micro/route_table.ts: a route table of a configuration, for what is measured with one.
import { ManualClock } from "../../host/base/clock.ts";
import { SeededRandom } from "../../host/base/random.ts";
import { loadBootstrap, loadRegistry } from "../../host/config/load.ts";
import { compileLine } from "../../host/observe/format_plan.ts";
import { compileFormat, type FormatWorld } from "../../host/observe/formatter.ts";
import { StatsStore } from "../../host/observe/stats.ts";
import { planRouteConfig } from "../../host/router/plan/route_config.ts";
import { RouteTable } from "../../host/router/routes/route_table.ts";

const registry = loadRegistry();
const world: FormatWorld = {
  hostname: "bench",
  environment: () => undefined,
  clock: new ManualClock(),
  random: new SeededRandom(1),
};

/** `config` is a RouteConfiguration. */
export function routeTable(config: object): RouteTable {
  const { root } = loadBootstrap({
    registry,
    yaml: JSON.stringify(config),
    typeName: "envoy.config.route.v3.RouteConfiguration",
  });
  const plan = planRouteConfig(root!, {
    clusters: null,
    validateClustersByDefault: false,
    env: () => undefined,
    formatProblem: () => null,
    formatWorld: world,
    planFilterConfig: () => null,
    readDataSource: () => null,
  });
  return new RouteTable(plan, {
    compileFormat: (text, omitEmptyValues = true) => compileFormat(text, world, { omitEmptyValues }),
    compileBody: (format) => compileLine(format, world),
    stats: StatsStore.create(),
  });
}
