// host/extensions/common/wasm/plugin_stats.ts: `wasm.<plugin>.*`: calls, fuel, memory and traps of one worker's VMs.
/**
 * VMs count for themselves, in plain numbers; what has been added since the last time goes into the
 * statistics when somebody asks for them, or with their flush. A VM that several plugins share counts for the
 * one that it was made for.
 *
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../../../observe/stats.ts";
import type { LimitName, LogSource, ReloadOutcome, VmStatus, VmUsage } from "../../../wasm/mod.ts";

const RELOAD_OUTCOMES: readonly ReloadOutcome[] = ["vm_reload_success", "vm_reload_failure", "vm_reload_backoff"];

/** The numbers of one plugin. */
class PluginNumbers {
  readonly calls: Counter;
  readonly fuelSpent: Counter;
  readonly traps: Counter;
  readonly memoryBytes: Gauge;
  /** By limit, once it was reached. */
  readonly limits: Map<LimitName, Counter> = new Map();
  readonly scope: StatsScope;
  /** Of VMs that are gone, and of all that is in the counters. */
  readonly gone = { calls: 0, fuelSpent: 0 };
  readonly published = { calls: 0, fuelSpent: 0, memoryBytes: 0 };

  constructor(scope: StatsScope) {
    this.scope = scope;
    this.calls = scope.counter("calls");
    this.fuelSpent = scope.counter("fuel_spent");
    this.traps = scope.counter("traps");
    this.memoryBytes = scope.gauge("memory_bytes");
    // There from the beginning, as in Envoy: a rate over them needs the zero.
    for (const outcome of RELOAD_OUTCOMES) scope.counter(outcome);
  }

  publish(vms: readonly VmStatus[]): void {
    const { gone, published } = this;
    const calls = vms.reduce((sum, vm) => sum + vm.calls, gone.calls);
    const fuelSpent = vms.reduce((sum, vm) => sum + vm.fuelSpent, gone.fuelSpent);
    const memoryBytes = vms.reduce((sum, vm) => sum + vm.memoryBytes, 0);
    this.calls.add(calls - published.calls);
    this.fuelSpent.add(fuelSpent - published.fuelSpent);
    this.memoryBytes.add(memoryBytes - published.memoryBytes);
    published.calls = calls;
    published.fuelSpent = fuelSpent;
    published.memoryBytes = memoryBytes;
  }
}

export class WasmPluginStats {
  readonly #stats: StatsScope;
  readonly #plugins = new Map<string, PluginNumbers>();

  constructor(stats: StatsScope) {
    this.#stats = stats;
  }

  onVmCreated(source: LogSource): void {
    this.#of(source);
  }

  onVmDestroyed(source: LogSource, usage: VmUsage): void {
    const { gone } = this.#of(source);
    gone.calls += usage.calls;
    gone.fuelSpent += usage.fuelSpent;
  }

  onVmFailed(source: LogSource): void {
    this.#of(source).traps.inc();
  }

  /** `wasm.<plugin>.limit.<name>`: how often a limit has kept the guest from something. */
  onLimit(source: LogSource, limit: LimitName, count: number): void {
    const { limits, scope } = this.#of(source);
    let counter = limits.get(limit);
    if (counter === undefined) limits.set(limit, counter = scope.counter(`limit.${limit}`));
    counter.add(count);
  }

  /** Under Envoy's names. */
  onReload(source: LogSource, outcome: ReloadOutcome): void {
    this.#scopeOf(source).counter(outcome).inc();
  }

  /** Brings the statistics up to date with what VMs have counted. */
  publish(vms: readonly VmStatus[]): void {
    for (const [name, numbers] of this.#plugins) {
      numbers.publish(vms.filter((vm) => vm.source.pluginName === name));
    }
  }

  #of(source: LogSource): PluginNumbers {
    let numbers = this.#plugins.get(source.pluginName);
    if (numbers === undefined) {
      this.#plugins.set(source.pluginName, numbers = new PluginNumbers(this.#scopeOf(source)));
    }
    return numbers;
  }

  #scopeOf({ pluginName }: LogSource): StatsScope {
    return this.#stats.scope(`wasm.${pluginName}`);
  }
}
