// host/server/configuration.ts: from the command line's files to a checked plan.
/**
 * Everything that can be wrong is found before anything is started: the message, its cross references, the
 * fields that nobody reads, the code of wasm plugins.
 *
 * @module
 */
import { type Json, messageToJson } from "../api/json.ts";
import type { DiagnosticList } from "../base/diagnostic.ts";
import { contentsOf } from "../config/any_types.ts";
import type { Coverage } from "../config/coverage.ts";
import { MessageNode } from "../config/config_node.ts";
import type { ConfigNode } from "../config/node.ts";
import { loadBootstrap, loadRegistry, loadRegistryFromDescriptors } from "../config/load.ts";
import { unreadFields } from "../config/unread.ts";
import type { NativeFilters } from "../extensions/common/native/filter.ts";
import type { Platform } from "../platform/mod.ts";
import { type BootstrapPlan, type NodeFlags, planBootstrap } from "./plan/bootstrap.ts";
import { readEndpointFile } from "./plan/endpoint_file.ts";
import { Planners } from "./plan/planners.ts";
import type { PluginRegistry } from "./plugin_registry.ts";

export interface ConfigurationOptions {
  readonly platform: Platform;
  readonly configPath: string | null;
  readonly configYaml: string | null;
  readonly apiDescriptors: string | null;
  readonly allowUnknownFields: boolean;
  /** Fields that nuncio does not act on are warnings. */
  readonly lenient: boolean;
  readonly disabledExtensions: ReadonlySet<string>;
  /** What `configYaml` is called in messages; absent: the flag that it came with. */
  readonly yamlName?: string;
  /** Of the program that embeds the proxy. */
  readonly nativeFilters?: NativeFilters;
  readonly concurrency?: number;
  readonly node: NodeFlags;
}

export interface Configuration {
  /** Null when there are errors. */
  readonly plan: BootstrapPlan | null;
  readonly root: ConfigNode | null;
  readonly diagnostics: DiagnosticList;
  /** Which fields were read: what the reference page of the configuration is made of. */
  readonly coverage: Coverage;
}

/** A configuration as JSON without its secrets, for `/config_dump`. */
export function configurationJson(root: ConfigNode): { readonly [key: string]: Json } {
  if (!(root instanceof MessageNode)) return {};
  return messageToJson(root.protoMessage, { redact: true }) as { readonly [key: string]: Json };
}

/** Messages with expressions for routes. */
const EXPRESSION_TYPES = [
  "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor",
  "xds.type.matcher.v3.CelMatcher",
];

/** Loads and checks a configuration; `plugins` tries the wasm code that it names. */
export async function loadConfiguration(
  options: ConfigurationOptions,
  plugins: PluginRegistry,
): Promise<Configuration> {
  const { platform } = options;
  const registry = options.apiDescriptors === null
    ? loadRegistry()
    : await loadRegistryFromDescriptors(options.apiDescriptors);
  const { root, diagnostics, coverage } = loadBootstrap({
    registry,
    ...(options.configPath !== null && { paths: [options.configPath] }),
    ...(options.configYaml !== null && { yaml: options.configYaml }),
    ...(options.yamlName !== undefined && { yamlName: options.yamlName }),
    allowUnknownFields: options.allowUnknownFields,
  });
  if (root === null) return { plan: null, root, diagnostics, coverage };
  // Planning is synchronous, so the evaluator has to be there before.
  const { typeNames, isMarked } = contentsOf(root, "CEL(");
  const expressions = isMarked || EXPRESSION_TYPES.some((name) => typeNames.has(name))
    ? (await import("../extensions/common/expressions/stream_expressions.ts")).CHECK_EXPRESSIONS
    : null;
  const planners = await Planners.load(typeNames, {
    readFile: (path) => platform.readFile(path),
    isFolder: (path) => platform.fileFacts(path)?.isFolder === true,
    readEndpointFile: (path) => readEndpointFile(registry, path),
    env: (name) => platform.env(name),
    world: {
      hostname: platform.hostname,
      environment: (name) => platform.env(name),
      clock: platform.clock,
      random: platform.random,
      expressions,
    },
    disabledExtensions: options.disabledExtensions,
    nativeFilters: options.nativeFilters ?? null,
    manyWorkers: (options.concurrency ?? 1) > 1,
  });
  const plan = planBootstrap(root, planners, options.node);
  await plugins.load(plan.plugins, plan.node, plan.clusters);
  diagnostics.addAll(unreadFields(root, { lenient: options.lenient }));
  return { plan: diagnostics.hasErrors ? null : plan, root, diagnostics, coverage };
}
