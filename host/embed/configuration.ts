// host/embed/configuration.ts: what a program can give for a configuration.
/** @module */
import type { NativeFilter, NativeFilters } from "../extensions/common/native/filter.ts";
import type { Platform } from "../platform/mod.ts";
import { type Configuration, loadConfiguration } from "../server/configuration.ts";
import type { PluginRegistry } from "../server/plugin_registry.ts";

/** envoy.config.bootstrap.v3.Bootstrap as JSON. */
export interface BootstrapJson {
  readonly static_resources?: unknown;
  readonly [field: string]: unknown;
}

/** What builds a bootstrap: `ProxyBuilder`, or something of one's own. */
export interface BootstrapSource {
  toJSON(): BootstrapJson;
  /** The filters in TypeScript that the bootstrap names. */
  readonly nativeFilters: readonly NativeFilter[];
}

/**
 * A builder, an Envoy v3 bootstrap as an object, as YAML or JSON text, or the path of a file with one. A path
 * and a text: the text is merged over the file.
 */
export type ProxyConfiguration =
  | BootstrapSource
  | { readonly yaml: string; readonly path?: string }
  | { readonly path: string }
  | BootstrapJson;

/** The same for the loader. */
export interface ConfigurationText {
  readonly path: string | null;
  readonly yaml: string | null;
  /** What the text is called in messages. */
  readonly yamlName: string;
  readonly nativeFilters: readonly NativeFilter[];
}

export function configurationText(configuration: ProxyConfiguration): ConfigurationText {
  if (isSource(configuration)) {
    const { nativeFilters } = configuration;
    return {
      path: null,
      yaml: JSON.stringify(configuration, null, 2),
      yamlName: "the built configuration",
      nativeFilters,
    };
  }
  const { yaml, path } = configuration as { readonly yaml?: unknown; readonly path?: unknown };
  if (typeof yaml === "string" || typeof path === "string") {
    return {
      path: typeof path === "string" ? path : null,
      yaml: typeof yaml === "string" ? yaml : null,
      yamlName: "the configuration's text",
      nativeFilters: [],
    };
  }
  const text = JSON.stringify(configuration, null, 2);
  return { path: null, yaml: text, yamlName: "the configuration object", nativeFilters: [] };
}

function isSource(configuration: ProxyConfiguration): configuration is BootstrapSource {
  return "toJSON" in configuration && typeof configuration.toJSON === "function";
}

/** Loads and checks as the command line does, without its flags. */
export function loadText(
  text: ConfigurationText,
  { platform, plugins, natives, concurrency }: {
    readonly platform: Platform;
    readonly plugins: PluginRegistry;
    readonly natives: NativeFilters;
    readonly concurrency: number;
  },
): Promise<Configuration> {
  return loadConfiguration({
    platform,
    configPath: text.path,
    configYaml: text.yaml,
    yamlName: text.yamlName,
    apiDescriptors: null,
    allowUnknownFields: false,
    lenient: false,
    disabledExtensions: new Set(),
    node: { serviceNode: "", serviceCluster: "", serviceZone: "" },
    nativeFilters: natives,
    concurrency,
  }, plugins);
}
