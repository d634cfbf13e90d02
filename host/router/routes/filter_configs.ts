// host/router/routes/filter_configs.ts: what routes say to filters, all levels put together.
// pure: no I/O, no clock, no runtime globals
/**
 * Entries are found by the name that a filter has in its chain. The most specific level that has one wins;
 * filters that merge levels ask for all of them.
 *
 * @see Envoy: source/common/router/config_impl.cc PerFilterConfigs
 * @module
 */
import type { FilterConfigPlan } from "../plan.ts";

/** Makes of a plan what a filter works with; runs once per entry on a worker. */
export type CompileFilterConfig = (filterName: string, plan: unknown) => unknown;

/** The entries of one level, compiled. */
export class FilterConfigLevel {
  readonly configs: ReadonlyMap<string, unknown>;
  readonly disabled: ReadonlyMap<string, boolean>;

  constructor(plans: readonly FilterConfigPlan[], compile: CompileFilterConfig) {
    const configs = new Map<string, unknown>();
    const disabled = new Map<string, boolean>();
    for (const { name, disabled: isDisabled, config } of plans) {
      if (config !== null) configs.set(name, compile(name, config));
      disabled.set(name, isDisabled);
    }
    this.configs = configs;
    this.disabled = disabled;
  }
}

/** The levels that apply to a route, looked up in one step. */
export class FilterConfigs {
  readonly #configs = new Map<string, unknown[]>();
  readonly #disabled = new Map<string, boolean>();

  /** `levels` go from the most general to the most specific. */
  constructor(levels: readonly FilterConfigLevel[]) {
    for (const level of levels) {
      for (const [name, config] of level.configs) {
        const all = this.#configs.get(name);
        if (all === undefined) this.#configs.set(name, [config]);
        else all.push(config);
      }
      for (const [name, disabled] of level.disabled) this.#disabled.set(name, disabled);
    }
  }

  /** The configuration of the most specific level, or null. */
  mostSpecific(filterName: string): unknown {
    const all = this.#configs.get(filterName);
    return all === undefined ? null : all[all.length - 1];
  }

  /** The configurations of all levels, the most general first. */
  all(filterName: string): readonly unknown[] {
    return this.#configs.get(filterName) ?? NO_CONFIGS;
  }

  /** Whether the filter is switched off (true) or on (false) here, or null when no level says so. */
  disabled(filterName: string): boolean | null {
    return this.#disabled.get(filterName) ?? null;
  }
}

const NO_CONFIGS: readonly unknown[] = [];
