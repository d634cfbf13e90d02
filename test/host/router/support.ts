// test/host/router/support.ts: route tables from configuration as people write it.
import { NO_RUNTIME, type Runtime } from "../../../host/base/runtime.ts";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { ManualClock } from "../../../host/base/clock.ts";
import type { Diagnostic } from "../../../host/base/diagnostic.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { loadBootstrap, loadRegistry } from "../../../host/config/load.ts";
import { unreadFields } from "../../../host/config/unread.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { compileLine } from "../../../host/observe/format_plan.ts";
import { compileFormat, type Expressions, type FormatWorld } from "../../../host/observe/formatter.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import {
  type ConnectionInfo,
  type SocketAddress,
  StreamInfo,
  type TlsInfo,
} from "../../../host/observe/stream_info.ts";
import type { RouteConfigPlan } from "../../../host/router/plan.ts";
import { planRouteConfig } from "../../../host/router/plan/route_config.ts";
import type { RouteEntry } from "../../../host/router/routes/route.ts";
import { RouteTable } from "../../../host/router/routes/route_table.ts";

const registry = loadRegistry();
const world: FormatWorld = {
  hostname: "test",
  environment: () => undefined,
  clock: new ManualClock(),
  random: new SeededRandom(1),
};

export interface Planned {
  readonly plan: RouteConfigPlan;
  readonly problems: readonly Diagnostic[];
}

/** Plans a RouteConfiguration; problems hold what was never read, too. */
export function planned(
  config: object,
  clusters: readonly string[] = ["c", "d", "e", "m"],
  expressions: Expressions | null = null,
): Planned {
  const { root, diagnostics } = loadBootstrap({
    registry,
    yaml: JSON.stringify(config),
    typeName: "envoy.config.route.v3.RouteConfiguration",
  });
  if (root === null) throw new Error(diagnostics.all.map(({ message }) => message).join("; "));
  const plan = planRouteConfig(root, {
    clusters: new Set(clusters),
    validateClustersByDefault: true,
    env: (name) => name === "SET" ? "value" : undefined,
    formatProblem: (format) => compileFormat(format, world).problems[0]?.message ?? null,
    formatWorld: { ...world, expressions },
    planFilterConfig: (_name, node) => node.typeName,
    readDataSource: (node) => fromUtf8(node.string("inline_string")),
  });
  return { plan, problems: [...diagnostics.all, ...unreadFields(root)] };
}

/** A table of a configuration without errors, from a plan that went to a worker. */
export function tableOf(config: object, clusters?: readonly string[], runtime: Runtime = NO_RUNTIME): RouteTable {
  const { plan, problems } = planned(config, clusters);
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("; "));
  return new RouteTable(structuredClone(plan), {
    compileFormat: (text, omitEmptyValues = true) => compileFormat(text, world, { omitEmptyValues }),
    compileBody: (format) => compileLine(format, world),
    stats: StatsStore.create(),
    runtime,
  });
}

/** A table of one virtual host for all domains. */
export function tableOfRoutes(routes: readonly object[], more: object = {}): RouteTable {
  return tableOf({ ...more, virtual_hosts: [{ name: "v", domains: ["*"], routes }] });
}

export interface Asked {
  readonly path?: string;
  readonly host?: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly random?: number;
  readonly tls?: Partial<TlsInfo>;
  readonly client?: SocketAddress;
  readonly server?: SocketAddress;
}

export function requestOf(asked: Asked): HeaderMap {
  const headers = HeaderMap.of([
    [":authority", asked.host ?? "h"],
    [":path", asked.path ?? "/"],
    [":method", asked.method ?? "GET"],
    [":scheme", "http"],
    ["x-forwarded-proto", "http"],
  ]);
  for (const [name, value] of asked.headers ?? []) {
    if (name === "x-forwarded-proto") headers.set(name, value);
    else headers.add(name, value);
  }
  return headers;
}

export function infoOf(asked: Asked = {}): StreamInfo {
  const address = { address: "127.0.0.1", port: 1, text: "127.0.0.1:1" };
  const connection: ConnectionInfo = {
    id: 1,
    localAddress: asked.server ?? address,
    directRemoteAddress: asked.client ?? address,
    remoteAddress: asked.client ?? address,
    requestedServerName: "",
    alpn: "",
    tls: asked.tls === undefined ? null : asked.tls as TlsInfo,
    terminationDetails: "",
    transportFailureReason: "",
  };
  return new StreamInfo(connection, 0, 0);
}

export function ask(table: RouteTable, asked: Asked | string): RouteEntry | null {
  const full = typeof asked === "string" ? { path: asked } : asked;
  return table.route(requestOf(full), infoOf(full), full.random ?? 0);
}

/** The body of the direct response that was chosen, or null when no route matched. */
export function answer(table: RouteTable, asked: Asked | string): string | null {
  const full = typeof asked === "string" ? { path: asked } : asked;
  const entry = ask(table, asked);
  return entry === null ? null : bodyOf(entry, full);
}

/** The body of a direct response. */
export function bodyOf(entry: RouteEntry, asked: Asked = {}): string {
  return new TextDecoder().decode(entry.bodyFor(requestOf(asked), infoOf(asked)));
}

/** A route that answers with `body`. */
export function direct(match: object, body: string, more: object = {}): object {
  return { match, direct_response: { status: 200, body: { inline_string: body } }, ...more };
}

/** A request as an upstream sees it: host, path and the fields but x-forwarded-proto. */
export function upstreamView(table: RouteTable, asked: Asked): string[] {
  const headers = requestOf(asked);
  const info = infoOf(asked);
  table.route(headers, info, asked.random ?? 0)!.finalizeRequestHeaders(headers, info);
  headers.remove("x-forwarded-proto");
  const view = [`host=${headers.authority}`, `path=${headers.path}`];
  for (let i = 0; i < headers.fieldCount; i++) view.push(`${headers.fieldName(i)}=${headers.fieldValue(i)}`);
  return view;
}
