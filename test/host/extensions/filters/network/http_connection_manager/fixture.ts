// test/host/extensions/filters/network/http_connection_manager/fixture.ts: connection managers from YAML.
import { NO_RUNTIME } from "../../../../../../host/base/runtime.ts";
import { loadBootstrap, loadRegistry } from "../../../../../../host/config/load.ts";
import type { ConfigNode } from "../../../../../../host/config/node.ts";
import type { FactoryContext, HttpFilterUse, PlanContext } from "../../../../../../host/extensions/define.ts";
import { compileHeaderMutation } from "../../../../../../host/http/header_mutation.ts";
import { compileLocalReplies } from "../../../../../../host/extensions/filters/network/http_connection_manager/local_replies.ts";
import {
  type HttpConnectionManagerPlan,
  planner,
} from "../../../../../../host/extensions/filters/network/http_connection_manager/planner.ts";
import { compileFormat, parseFormat } from "../../../../../../host/observe/formatter.ts";
import { Downstream, type Options } from "../../../../http/conn_manager/downstream.ts";
import { formatWorld } from "../../../../observe/formatter_fixture.ts";

const registry = loadRegistry();
const MESSAGE = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const WORLD = formatWorld();
const ROUTER: HttpFilterUse = { name: "r", extension: "", plan: null, disabled: false, terminal: true };

/** A plan, and what was wrong with the YAML of further fields. */
export function planned(yaml: string): { plan: HttpConnectionManagerPlan | null; problems: string[] } {
  const { root, diagnostics } = loadBootstrap({
    registry,
    yaml: `stat_prefix: a\nroute_config: {}\nhttp_filters: [ { name: r } ]\n${yaml}`,
    typeName: MESSAGE,
  });
  const context = {
    clusterNames: new Set<string>(),
    formatProblem: (format: string) => parseFormat(format, WORLD).problems[0]?.message ?? null,
    formatWorld: WORLD,
    readDataSource: (node: ConfigNode) => new TextEncoder().encode(node.string("inline_string")),
    planHttpFilter: () => ROUTER,
  } as unknown as PlanContext;
  const plan = root === null ? null : planner.plan(root, context) as HttpConnectionManagerPlan | null;
  const problems = diagnostics.all.filter((each) => each.severity === "error");
  return { plan, problems: problems.map(({ code, message }) => `${code}: ${message}`) };
}

/** A downstream connection whose manager has these fields besides. */
export function downstream(yaml: string, options: Options = {}): Downstream {
  const { plan, problems } = planned(yaml);
  if (problems.length > 0 || plan === null) throw new Error(problems.join("\n"));
  const { localReplies, earlyHeaderMutations } = plan;
  return new Downstream({
    ...options,
    plan: plan.manager,
    configure: ({ clock, random }) => ({
      earlyHeaderMutations: earlyHeaderMutations.map((each) =>
        compileHeaderMutation(each, (text) => compileFormat(text, { ...WORLD, clock }, { omitEmptyValues: true }))
      ),
      localReplies: localReplies === null ? null : compileLocalReplies(
        localReplies,
        { clock, random, runtime: NO_RUNTIME, world: { ...WORLD, clock } } as FactoryContext,
      ),
    }),
  });
}
