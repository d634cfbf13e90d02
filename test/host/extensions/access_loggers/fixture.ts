// test/host/extensions/access_loggers/fixture.ts: plans from YAML and loggers on a clock that stands still.
import { NO_RUNTIME } from "../../../../host/base/runtime.ts";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import type { ConfigNode } from "../../../../host/config/node.ts";
import type { AccessLogPlanContext } from "../../../../host/extensions/access_loggers/common/filter_plan.ts";
import { planner as cel } from "../../../../host/extensions/access_log_filters/cel/planner.ts";
import type { FactoryContext } from "../../../../host/extensions/define.ts";
import type { ExtensionPlan } from "../../../../host/net/plan.ts";
import { LogRegistry } from "../../../../host/observe/log.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { formatWorld } from "../../observe/formatter_fixture.ts";

const registry = loadRegistry();

export interface Planned<Plan> {
  readonly plan: Plan | null;
  /** Code and message of every error, and notes of fields without effect. */
  readonly problems: string[];
}

/** Plans an AccessLog message, given as YAML, with a planner of its `typed_config`. */
export function planAccessLog<Plan>(
  yaml: string,
  planner: { plan(config: ConfigNode, context: AccessLogPlanContext): unknown },
): Planned<Plan> {
  const { root, diagnostics } = loadBootstrap({ registry, yaml, typeName: "envoy.config.accesslog.v3.AccessLog" });
  const config = root?.any("typed_config") ?? null;
  let plan: Plan | null = null;
  if (root !== null && config !== null) {
    const context = { accessLog: root, formatWorld: formatWorld(), readDataSource, planAccessLogFilter };
    plan = planner.plan(config, context as unknown as AccessLogPlanContext) as Plan | null;
  }
  return { plan, problems: diagnostics.all.map((each) => `${each.severity} ${each.code}: ${each.message}`) };
}

function planAccessLogFilter(node: ConfigNode): ExtensionPlan {
  return { name: node.string("name"), extension: "cel", plan: cel.plan(node.any("typed_config")!) };
}

function readDataSource(node: ConfigNode): Uint8Array {
  return new TextEncoder().encode(node.string("inline_string"));
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "nuncio-access-log-"));
}

export interface LoggerWorld {
  readonly clock: ManualClock;
  readonly stats: StatsStore;
  readonly context: FactoryContext;
  /** What was logged of loggers. */
  log(): string;
}

export function loggerWorld(settings: { flushIntervalMs: number; flushBytes: number }): LoggerWorld {
  const clock = new ManualClock();
  const stats = StatsStore.create();
  const random = new SeededRandom(1);
  const world = { hostname: "vm", environment: () => undefined, clock, random };
  let log = "";
  const logs = new LogRegistry({ clock, format: "json", destination: { write: (line) => log += line } });
  const logger = (component: string) => logs.logger(component);
  const context = { clock, random, runtime: NO_RUNTIME, stats, world, accessLogSettings: settings, logger };
  return { clock, stats, context: context as unknown as FactoryContext, log: () => log };
}
