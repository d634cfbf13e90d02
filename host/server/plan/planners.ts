// host/server/plan/planners.ts: finds the planner of every extension that a configuration names.
/**
 * Extensions are found by the type of their configuration message, as Envoy finds them; the name in the
 * configuration is free. Planners are loaded before planning, so that planning itself is synchronous.
 *
 * @module
 */
import { nearestName } from "../../base/suggest.ts";
import type { ConfigNode } from "../../config/node.ts";
import { WasmLimitsPlan } from "../../extensions/common/wasm/limits.ts";
import type { NativeFilter, NativeFilterModule, NativeFilters } from "../../extensions/common/native/filter.ts";
import { UPSTREAM_SCOPE } from "../../extensions/common/upstream_filters.ts";
import type { WasmPluginPlan } from "../../extensions/common/wasm/plugin_plan.ts";
import type {
  AccessLogFilterPlanner,
  AccessLogPlanner,
  BootstrapExtensionPlanner,
  HttpFilterPlace,
  HttpFilterPlanner,
  HttpFilterUse,
  ListenerScope,
  NativeFilterLookup,
  NetworkFilterPlanner,
  PlanContext,
  PlannerRow,
} from "../../extensions/define.ts";
import {
  ACCESS_LOG_FILTERS,
  ACCESS_LOGGERS,
  BOOTSTRAP_EXTENSIONS,
  HTTP_FILTERS,
  NETWORK_FILTERS,
} from "../../extensions/standard.ts";
import type { ExtensionPlan } from "../../net/plan.ts";
import { type FormatWorld, parseFormat } from "../../observe/formatter.ts";
import type { ResolverPlan } from "../../upstream/dns_plan.ts";
import { type AddDnsCache, createDnsCacheCheck } from "../../upstream/plan/dns_cache.ts";
import type { EndpointsPlan } from "../../upstream/plan.ts";
import { NO_ENDPOINTS } from "../../upstream/plan/endpoints.ts";
import type { EndpointFile } from "./endpoint_file.ts";
import type { UsedExtensions } from "../snapshot.ts";

/** What planning may look at outside the configuration. */
export interface PlanEnvironment {
  readFile(
    path: string,
  ): { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly message: string };
  isFolder(path: string): boolean;
  /** The endpoints that a file has. */
  readEndpointFile(path: string): EndpointFile;
  env(name: string): string | undefined;
  /** What format strings may look at. */
  readonly world: FormatWorld;
  /** `--disable-extensions`. */
  readonly disabledExtensions: ReadonlySet<string>;
  /** The native filters that an embedding program brought; null where there is no such program. */
  readonly nativeFilters: NativeFilters | null;
  /** Filters must be known to threads other than this one. */
  readonly manyWorkers: boolean;
}

/** A plugin that the configuration asks for, and where. */
export interface WasmPluginUse {
  readonly key: string;
  readonly plan: WasmPluginPlan;
  readonly node: ConfigNode;
}

interface Found<Planner> {
  readonly row: PlannerRow<Planner>;
  readonly planner: Planner;
  readonly config: ConfigNode;
}

type PlannerMap<Planner> = Map<string, { readonly row: PlannerRow<Planner>; readonly planner: Planner }>;

const PLACES: Readonly<Record<HttpFilterPlace, string>> = {
  downstream: "a connection manager",
  upstream: "a cluster or of a router's upstream_http_filters",
};

export class Planners {
  readonly #environment: PlanEnvironment;
  readonly #http: PlannerMap<HttpFilterPlanner>;
  readonly #network: PlannerMap<NetworkFilterPlanner>;
  readonly #accessLog: PlannerMap<AccessLogPlanner>;
  readonly #accessLogFilter: PlannerMap<AccessLogFilterPlanner>;
  readonly #bootstrap: PlannerMap<BootstrapExtensionPlanner>;
  readonly #used = {
    http: new Set<string>(),
    network: new Set<string>(),
    accessLog: new Set<string>(),
    accessLogFilter: new Set<string>(),
  };
  readonly #plugins = new Map<string, WasmPluginUse>();
  /** That of the bootstrap; set before planning. */
  dnsResolver: ResolverPlan = null;
  readonly addDnsCache: AddDnsCache = createDnsCacheCheck();
  readonly #nativeModules = new Map<string, NativeFilterModule>();
  /** What the runtime allows wasm plugins; set before planning. */
  wasmLimits: WasmLimitsPlan = new WasmLimitsPlan(new Map());

  private constructor(
    environment: PlanEnvironment,
    http: PlannerMap<HttpFilterPlanner>,
    network: PlannerMap<NetworkFilterPlanner>,
    accessLog: PlannerMap<AccessLogPlanner>,
    accessLogFilter: PlannerMap<AccessLogFilterPlanner>,
    bootstrap: PlannerMap<BootstrapExtensionPlanner>,
  ) {
    this.#environment = environment;
    this.#http = http;
    this.#network = network;
    this.#accessLog = accessLog;
    this.#accessLogFilter = accessLogFilter;
    this.#bootstrap = bootstrap;
  }

  /** Loads the planners of the extensions among `typeNames`. */
  static async load(typeNames: ReadonlySet<string>, environment: PlanEnvironment): Promise<Planners> {
    const [http, network, accessLog, accessLogFilter, bootstrap] = await Promise.all([
      loadPlanners(HTTP_FILTERS, typeNames),
      loadPlanners(NETWORK_FILTERS, typeNames),
      loadPlanners(ACCESS_LOGGERS, typeNames),
      loadPlanners(ACCESS_LOG_FILTERS, typeNames),
      loadPlanners(BOOTSTRAP_EXTENSIONS, typeNames),
    ]);
    return new Planners(environment, http, network, accessLog, accessLogFilter, bootstrap);
  }

  /** What planning may look at outside the configuration. */
  get environment(): PlanEnvironment {
    return this.#environment;
  }

  get usedExtensions(): UsedExtensions {
    return {
      httpFilters: [...this.#used.http],
      networkFilters: [...this.#used.network],
      accessLoggers: [...this.#used.accessLog],
      accessLogFilters: [...this.#used.accessLogFilter],
      expressions: (this.#environment.world.expressions ?? null) !== null,
    };
  }

  /** Modules that workers import their native filters from. */
  get nativeModules(): readonly NativeFilterModule[] {
    return [...this.#nativeModules.values()];
  }

  get plugins(): readonly WasmPluginUse[] {
    return [...this.#plugins.values()];
  }

  context(listener: ListenerScope, clusterNames: ReadonlySet<string>): PlanContext {
    const context: PlanContext = {
      listener,
      clusterNames,
      readFile: (path) => this.#environment.readFile(path),
      env: (name) => this.#environment.env(name),
      formatProblem: (format) => parseFormat(format, this.#environment.world).problems[0]?.message ?? null,
      formatWorld: this.#environment.world,
      readDataSource: (node) => this.#readDataSource(node),
      planHttpFilter: (node, place = "downstream") => {
        const scope = place === "downstream" ? context : { ...context, listener: UPSTREAM_SCOPE };
        return this.#planHttpFilter(node, scope, place);
      },
      planAccessLog: (node) => this.#planAccessLog(node, context),
      planAccessLogFilter: (node) => this.#planAccessLogFilter(node),
      planRouteFilterConfig: (config) => this.#planRouteFilterConfig(config),
      dnsResolver: this.dnsResolver,
      addDnsCache: this.addDnsCache,
      nativeFilter: (kind, name) => this.#nativeFilter(kind, name),
      wasmLimits: (pluginName) => this.wasmLimits.of(pluginName),
      addWasmPlugin: (node, plan) => this.#addWasmPlugin(node, plan),
    };
    return context;
  }

  /** What a file says of a service; null, after a report, when nothing. */
  readEndpoints(node: ConfigNode, path: string, serviceName: string): EndpointsPlan | null {
    const bytes = this.#environment.readFile(path);
    if (!bytes.ok) {
      node.error("config/missing-file", `file '${path}' cannot be read: ${bytes.message}`, { field: "path" });
      return null;
    }
    const file = this.#environment.readEndpointFile(path);
    const endpoints = file.ok ? file.assignments.get(serviceName) : undefined;
    if (endpoints !== undefined) return endpoints;
    node.warn("config/endpoints", file.ok ? `'${path}' says nothing of '${serviceName}'` : file.message, {
      field: "path",
    });
    // A file that says nothing says that there are none; one that cannot be understood may yet say something.
    return file.ok ? NO_ENDPOINTS : null;
  }

  /** Plans a network filter; null after an error was reported on the node. */
  planNetworkFilter(node: ConfigNode, context: PlanContext): ExtensionPlan & { readonly terminal: boolean } | null {
    const found = this.#find(node, this.#network, NETWORK_FILTERS, "network filter");
    if (found === null) return null;
    this.#used.network.add(found.row.name);
    const plan = found.planner.plan(found.config, context);
    return { name: node.string("name"), extension: found.row.name, plan, terminal: found.planner.terminal === true };
  }

  /** Plans an entry of `bootstrap_extensions`; problems are reported on the node. */
  planBootstrapExtension(node: ConfigNode, context: PlanContext): void {
    node.accept("name", "the type of typed_config says which extension it is");
    const found = this.#find(node, this.#bootstrap, BOOTSTRAP_EXTENSIONS, "bootstrap extension");
    found?.planner.plan(found.config, context);
  }

  #planHttpFilter(node: ConfigNode, context: PlanContext, place: HttpFilterPlace): HttpFilterUse | null {
    const optional = node.bool("is_optional");
    const found = this.#find(node, this.#http, HTTP_FILTERS, "HTTP filter", optional);
    if (found === null) return null;
    if ((found.planner.place ?? place) !== place) {
      const where = PLACES[found.planner.place!];
      node.error("config/filter-order", `${found.row.name} can only be in the chain of ${where}`, {
        field: "typed_config",
      });
      return null;
    }
    this.#used.http.add(found.row.name);
    const plan = found.planner.plan(found.config, context);
    return {
      name: node.string("name"),
      extension: found.row.name,
      plan,
      disabled: node.bool("disabled"),
      terminal: found.planner.terminal === true,
    };
  }

  #planAccessLog(node: ConfigNode, context: PlanContext): ExtensionPlan | null {
    const found = this.#find(node, this.#accessLog, ACCESS_LOGGERS, "access logger");
    if (found === null) return null;
    this.#used.accessLog.add(found.row.name);
    return {
      name: node.string("name"),
      extension: found.row.name,
      plan: found.planner.plan(found.config, { ...context, accessLog: node } as PlanContext),
    };
  }

  #planAccessLogFilter(node: ConfigNode): ExtensionPlan | null {
    const found = this.#find(node, this.#accessLogFilter, ACCESS_LOG_FILTERS, "access log filter");
    if (found === null) return null;
    this.#used.accessLogFilter.add(found.row.name);
    return { name: node.string("name"), extension: found.row.name, plan: found.planner.plan(found.config) };
  }

  #planRouteFilterConfig(config: ConfigNode): unknown {
    for (const { planner } of this.#http.values()) {
      if (planner.routeConfig === config.typeName && planner.planRoute !== undefined) return planner.planRoute(config);
    }
    config.error("config/unsupported", `${config.typeName} has no per-route configuration here`);
    return null;
  }

  #nativeFilter(kind: NativeFilter["kind"], name: string): NativeFilterLookup {
    const { nativeFilters, manyWorkers } = this.#environment;
    if (nativeFilters === null) {
      const problem = `there is no native filter '${name}': only a program that embeds the proxy can bring one`;
      return { filter: null, names: [], problem };
    }
    const filter = nativeFilters.find(kind, name);
    if (filter === null) {
      const problem = `the program brought no native ${kind} filter '${name}'`;
      return { filter, names: nativeFilters.names(kind), problem };
    }
    if (filter.module !== null) {
      this.#nativeModules.set(`${filter.module.exportName} ${filter.module.url}`, filter.module);
    } else if (manyWorkers) {
      const problem = `native filter '${name}' is an object of one thread; several workers need one of importFilter()`;
      return { filter: null, names: [], problem };
    }
    return { filter };
  }

  #addWasmPlugin(node: ConfigNode, plan: WasmPluginPlan): string {
    const key = JSON.stringify(plan, (_name, value) => value instanceof Uint8Array ? [...value] : value as unknown);
    if (!this.#plugins.has(key)) this.#plugins.set(key, { key, plan, node });
    return key;
  }

  #readDataSource(node: ConfigNode): Uint8Array | null {
    switch (node.oneof("specifier")) {
      case "filename": {
        const path = node.string("filename");
        const file = this.#environment.readFile(path);
        if (file.ok) return file.bytes;
        node.error("config/missing-file", `file '${path}' cannot be read: ${file.message}`, { field: "filename" });
        return null;
      }
      case "inline_bytes":
        return node.bytes("inline_bytes");
      case "inline_string":
        return new TextEncoder().encode(node.string("inline_string"));
      case "environment_variable": {
        const name = node.string("environment_variable");
        const value = this.#environment.env(name);
        if (value !== undefined) return new TextEncoder().encode(value);
        node.error("config/missing-variable", `environment variable ${name} is not set`, {
          field: "environment_variable",
        });
        return null;
      }
      default:
        node.error("config/missing-field", "the data source names neither a file nor inline data");
        return null;
    }
  }

  #find<Planner>(
    node: ConfigNode,
    planners: PlannerMap<Planner>,
    rows: readonly PlannerRow<Planner>[],
    kind: string,
    optional = false,
  ): Found<Planner> | null {
    const config = node.any("typed_config");
    if (config === null) {
      const name = node.string("name");
      const row = rows.find((each) => each.name === name);
      node.error("config/missing-field", `${kind} '${name}' has no typed_config`, {
        help: row === undefined
          ? `say what it is by typed_config: {"@type": type.googleapis.com/…}`
          : `add typed_config: {"@type": type.googleapis.com/${row.config}}`,
      });
      return null;
    }
    const found = planners.get(config.typeName);
    if (found === undefined) {
      if (optional) {
        node.warn(
          "config/unsupported-extension",
          `optional ${kind} ${config.typeName} is left out: nuncio does not have it`,
        );
        return null;
      }
      const near = nearestName(config.typeName, rows.map((row) => row.config));
      node.error("config/unsupported-extension", `nuncio has no ${kind} for ${config.typeName}`, {
        field: "typed_config",
        help: near === null ? `${kind}s here: ${rows.map((row) => row.name).join(", ")}` : `there is ${near}`,
      });
      return null;
    }
    if (this.#environment.disabledExtensions.has(found.row.name)) {
      node.error("config/disabled-extension", `${found.row.name} is turned off by --disable-extensions`);
      return null;
    }
    return { row: found.row, planner: found.planner, config };
  }
}

async function loadPlanners<Planner>(
  rows: readonly PlannerRow<Planner>[],
  typeNames: ReadonlySet<string>,
): Promise<PlannerMap<Planner>> {
  const wanted = rows.filter((row) => typeNames.has(row.config));
  const loaded = await Promise.all(
    wanted.map(async (row) => [row.config, { row, planner: await row.loadPlanner() }] as const),
  );
  return new Map(loaded);
}
