// host/embed/validate.ts: checks a configuration without serving it.
/** @module */
import { renderText } from "../base/diagnostic_render.ts";
import { type NativeFilter, NativeFilters } from "../extensions/common/native/filter.ts";
import { LOG_COMPONENTS } from "../observe/log.ts";
import { detectPlatform } from "../platform/detect.ts";
import { createLogRegistry } from "../server/logging.ts";
import { PluginRegistry } from "../server/plugin_registry.ts";
import { defaultCodeSettings, WasmCode } from "../server/wasm_code/mod.ts";
import { WasmTrial } from "../server/wasm_trial.ts";
import { configurationText, loadText, type ProxyConfiguration } from "./configuration.ts";

/** One thing that is wrong, or worth a warning. */
export interface ConfigurationProblem {
  readonly severity: "error" | "warning";
  /** For example `config/unknown-field`; `nuncio explain CODE` says more. */
  readonly code: string;
  readonly message: string;
}

/**
 * Everything that is wrong with a configuration; nothing when it can be served. WebAssembly filters are loaded and
 * tried, as at a start.
 *
 * @example
 * ```ts
 * import { validateConfiguration } from "./validate.ts";
 * const { problems, text } = await validateConfiguration({ yaml: "static_resources: { listenrs: [] }" });
 * console.assert(problems[0]?.code === "config/unknown-field");
 * console.assert(text.includes("listeners"));
 * ```
 */
export async function validateConfiguration(
  configuration: ProxyConfiguration,
  options: { readonly concurrency?: number; readonly filters?: readonly NativeFilter[] } = {},
): Promise<{ readonly problems: readonly ConfigurationProblem[]; readonly text: string }> {
  const platform = detectPlatform();
  const levels = Object.fromEntries(LOG_COMPONENTS.map((name) => [name, "off" as const]));
  const logger = createLogRegistry(platform, { format: "json", color: false, path: null }, levels).logger("wasm");
  const plugins = new PluginRegistry({
    trial: new WasmTrial(platform),
    logger,
    code: new WasmCode(platform, defaultCodeSettings(platform), logger),
    publish: () => Promise.resolve(null),
  });
  try {
    const text = configurationText(configuration);
    const natives = new NativeFilters();
    natives.use([...text.nativeFilters, ...options.filters ?? []]);
    const { diagnostics } = await loadText(text, { platform, plugins, natives, concurrency: options.concurrency ?? 1 });
    const problems = diagnostics.all.flatMap(({ severity, code, message }) =>
      severity === "note" ? [] : [{ severity, code, message }]
    );
    return { problems, text: problems.length === 0 ? "" : renderText(diagnostics) };
  } finally {
    plugins.close();
  }
}
