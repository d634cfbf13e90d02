// host/embed/configuration.ts: what a program can give for a configuration.
/** @module */
import type { NativeFilter } from "../extensions/common/native/filter.ts";
import type { ConfigurationSource } from "./instance.ts";

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

/** Where the loader finds it, with the filters that it brings and `filters`. */
export function configurationSource(
  configuration: ProxyConfiguration,
  filters: readonly NativeFilter[] = [],
): ConfigurationSource {
  const text = (configYaml: string | null, yamlName: string, configPath: string | null = null) => ({
    configPath,
    configYaml,
    yamlName,
    apiDescriptors: null,
    allowUnknownFields: false,
    lenient: false,
    disabledExtensions: new Set<string>(),
    nativeFilters: filters,
  });
  if (isSource(configuration)) {
    return {
      ...text(JSON.stringify(configuration, null, 2), "the built configuration"),
      nativeFilters: [...configuration.nativeFilters, ...filters],
    };
  }
  const { yaml, path } = configuration as { readonly yaml?: unknown; readonly path?: unknown };
  if (typeof yaml === "string" || typeof path === "string") {
    return text(
      typeof yaml === "string" ? yaml : null,
      "the configuration's text",
      typeof path === "string" ? path : null,
    );
  }
  return text(JSON.stringify(configuration, null, 2), "the configuration object");
}

function isSource(configuration: ProxyConfiguration): configuration is BootstrapSource {
  return "toJSON" in configuration && typeof configuration.toJSON === "function";
}
