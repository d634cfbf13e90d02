// host/extensions/common/wasm/limits.ts: what wasm plugins may spend and have, from runtime keys.
/**
 * Envoy's messages have no place for these, so they are runtime keys, which Envoy leaves alone: one
 * configuration serves both. `nuncio.wasm.<limit>` is for all plugins, `nuncio.wasm.plugins.<name>.<limit>`
 * for those of a name.
 *
 * @module
 */
import { nearestName } from "../../../base/suggest.ts";
import type { GuestLimits, PluginConfig } from "../../../wasm/mod.ts";

/** Limits that a configuration sets; the engine has defaults for the others. */
export type WasmLimits = Partial<
  & Pick<PluginConfig, "cpuBudget" | "startCpuBudget" | "maxMemoryBytes" | "maxTableElements" | "compat">
  & GuestLimits
>;

interface LimitRow {
  readonly key: string;
  readonly field: Exclude<keyof WasmLimits, "compat">;
  readonly least: number;
  readonly most: number;
}

const MAX_FUEL = 2 ** 31 - 1;
const MAX_COUNT = 2 ** 31 - 1;

/** Every limit by the last part of its key. */
const LIMITS: readonly LimitRow[] = [
  { key: "cpu_budget", field: "cpuBudget", least: 1, most: MAX_FUEL },
  { key: "start_cpu_budget", field: "startCpuBudget", least: 1, most: MAX_FUEL },
  { key: "max_memory_bytes", field: "maxMemoryBytes", least: 65536, most: 2 ** 32 },
  { key: "max_table_elements", field: "maxTableElements", least: 1, most: 10_000_000 },
  { key: "max_http_calls", field: "maxHttpCalls", least: 0, most: MAX_COUNT },
  { key: "max_http_calls_per_stream", field: "maxHttpCallsPerStream", least: 0, most: MAX_COUNT },
  { key: "max_http_call_bytes", field: "maxHttpCallBytes", least: 0, most: MAX_COUNT },
  { key: "max_metrics", field: "maxMetrics", least: 0, most: MAX_COUNT },
  { key: "max_log_line_bytes", field: "maxLogLineBytes", least: 1, most: MAX_COUNT },
  { key: "max_log_lines_per_second", field: "maxLogLinesPerSecond", least: 0, most: MAX_COUNT },
  { key: "max_log_bytes_per_second", field: "maxLogBytesPerSecond", least: 0, most: MAX_COUNT },
  { key: "max_shared_bytes", field: "maxSharedBytes", least: 0, most: MAX_COUNT },
  { key: "max_shared_keys", field: "maxSharedKeys", least: 0, most: MAX_COUNT },
  { key: "max_queues", field: "maxQueues", least: 0, most: MAX_COUNT },
  { key: "max_queued_messages", field: "maxQueuedMessages", least: 0, most: MAX_COUNT },
  { key: "max_contexts", field: "maxContexts", least: 1, most: MAX_COUNT },
  { key: "max_property_bytes", field: "maxPropertyBytes", least: 0, most: MAX_COUNT },
  { key: "max_body_bytes", field: "maxBodyBytes", least: 0, most: MAX_COUNT },
  { key: "max_header_bytes", field: "maxHeaderBytes", least: 0, most: MAX_COUNT },
  { key: "max_deferred", field: "maxDeferred", least: 1, most: MAX_COUNT },
];
/** `false` runs modules as they are, without a limit on CPU. */
const METERING = "metering";
/** `envoy`: guests get no more than Envoy gives them; `nuncio`, the default, as documented. */
const COMPAT = "compat";
const PREFIX = "nuncio.wasm.";
const PLUGINS_PREFIX = "nuncio.wasm.plugins.";

/** A problem with a runtime key. */
export interface LimitProblem {
  readonly key: string;
  readonly message: string;
  readonly help: string | null;
}

export class WasmLimitsPlan {
  readonly problems: readonly LimitProblem[];
  readonly #common: WasmLimits;
  readonly #byPlugin: ReadonlyMap<string, WasmLimits>;

  /**
   * Reads the keys that begin with `nuncio.wasm.`; others are none of its business.
   *
   * @param values Runtime values by key.
   */
  constructor(values: ReadonlyMap<string, unknown>) {
    const problems: LimitProblem[] = [];
    const common: WasmLimits = {};
    const byPlugin = new Map<string, WasmLimits>();
    for (const [key, value] of values) {
      if (!key.startsWith(PREFIX)) continue;
      const dot = key.lastIndexOf(".");
      const name = key.startsWith(PLUGINS_PREFIX) && dot > PLUGINS_PREFIX.length
        ? key.slice(PLUGINS_PREFIX.length, dot)
        : null;
      const read = readLimit(key, name === null ? key.slice(PREFIX.length) : key.slice(dot + 1), value);
      if ("message" in read) problems.push(read);
      else if (name === null) Object.assign(common, read);
      else byPlugin.set(name, { ...byPlugin.get(name), ...read });
    }
    this.problems = problems;
    this.#common = common;
    this.#byPlugin = byPlugin;
  }

  /** The limits of plugins of this name. */
  of(pluginName: string): WasmLimits {
    return { ...this.#common, ...this.#byPlugin.get(pluginName) };
  }
}

function readLimit(key: string, limit: string, value: unknown): WasmLimits | LimitProblem {
  if (limit === METERING) {
    if (typeof value !== "boolean") {
      return { key, message: `is ${JSON.stringify(value)}, expected true or false`, help: null };
    }
    return value ? {} : { cpuBudget: 0 };
  }
  if (limit === COMPAT) {
    if (value !== "envoy" && value !== "nuncio") {
      return { key, message: `is ${JSON.stringify(value)}, expected "envoy" or "nuncio"`, help: null };
    }
    return { compat: value };
  }
  const row = LIMITS.find((each) => each.key === limit);
  if (row === undefined) {
    const names = [...LIMITS.map((each) => each.key), METERING, COMPAT];
    const near = nearestName(limit, names);
    return {
      key,
      message: "is not known",
      help: near === null ? `limits are ${names.join(", ")}` : `there is ${near}`,
    };
  }
  if (typeof value !== "number" || !Number.isInteger(value) || value < row.least || value > row.most) {
    const expected = `expected a whole number from ${row.least} to ${row.most}`;
    return { key, message: `is ${JSON.stringify(value)}, ${expected}`, help: null };
  }
  return { [row.field]: value };
}
