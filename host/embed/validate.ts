// host/embed/validate.ts: checks a configuration without serving it.
/** @module */
import { renderText } from "../base/diagnostic_render.ts";
import type { NativeFilter } from "../extensions/common/native/filter.ts";
import { configurationSource, type ProxyConfiguration } from "./configuration.ts";
import { embeddedInstance, embeddedLogs } from "./embedded_instance.ts";

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
  const instance = embeddedInstance(embeddedLogs("off"), options.concurrency ?? 1);
  try {
    const { diagnostics } = await instance.load(configurationSource(configuration, options.filters));
    const problems = diagnostics.all.flatMap(({ severity, code, message }) =>
      severity === "note" ? [] : [{ severity, code, message }]
    );
    return { problems, text: problems.length === 0 ? "" : renderText(diagnostics) };
  } finally {
    await instance.stop();
  }
}
