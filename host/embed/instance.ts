// host/embed/instance.ts: a proxy with all its parts: what loads configurations, what serves them, what shows them.
/**
 * The command line is one more program that embeds it.
 *
 * @see Envoy: source/server/server.h InstanceBase
 * @module
 */
import type { Control, ControlOptions } from "../admin/control.ts";
import { DiagnosticList } from "../base/diagnostic.ts";
import { NuncioError } from "../base/error.ts";
import { VERSION } from "../base/version.ts";
import type { ConfigNode } from "../config/node.ts";
import { type NativeFilter, NativeFilters } from "../extensions/common/native/filter.ts";
import { type Configuration, type ConfigurationOptions, loadConfiguration } from "../server/configuration.ts";
import type { BootstrapPlan } from "../server/plan/bootstrap.ts";
import { PluginRegistry } from "../server/plugin_registry.ts";
import { Server, type ServerOptions, type StartResult } from "../server/server.ts";
import { ValidComponents, WasmCode, type WasmCodeSettings } from "../server/wasm_code/mod.ts";
import { WasmTrial } from "../server/wasm_trial.ts";
import type { CallTraceMode } from "../wasm/mod.ts";

export interface InstanceOptions extends Omit<ServerOptions, "plugins" | "nativeFilters"> {
  readonly codeSettings: WasmCodeSettings;
  /** Whether plugins begin with their calls traced; off unless given. */
  readonly callTrace?: CallTraceMode;
  /** How long a module may take when it is tried; tests shorten it. */
  readonly trialLimitMs?: number;
  /** Whether the program brings filters of its own; then they run on this thread. */
  readonly nativeFilters?: boolean;
}

/** Where a configuration is, and how it is read. */
export interface ConfigurationSource
  extends Omit<ConfigurationOptions, "platform" | "concurrency" | "nativeFilters" | "node"> {
  readonly node?: ConfigurationOptions["node"];
  readonly nativeFilters?: readonly NativeFilter[];
}

export type ControlSettings = Pick<
  ControlOptions,
  "commandLineOptions" | "statsTags" | "adminAddressPath" | "quit"
>;

/** `diagnostics` has errors when the configuration is wrong, and else warnings; `problems` says why it cannot serve. */
export type ReloadResult =
  & { readonly diagnostics: DiagnosticList }
  & ({ readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] });

const ANONYMOUS = { serviceNode: "", serviceCluster: "", serviceZone: "" };

export class Instance {
  readonly server: Server;
  readonly #options: InstanceOptions;
  readonly #plugins: PluginRegistry;
  readonly #natives: NativeFilters | null;
  #nativeFilters: readonly NativeFilter[] = [];
  /** What serves, and what shows it. */
  #serving: { readonly plan: BootstrapPlan; readonly control: Control } | null = null;
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(options: InstanceOptions) {
    const { platform, codeSettings, callTrace, trialLimitMs } = options;
    const logger = options.logs.logger("wasm");
    this.#options = options;
    this.#natives = options.nativeFilters === true ? new NativeFilters() : null;
    this.#plugins = new PluginRegistry({
      trial: new WasmTrial(platform, {
        validComponents: new ValidComponents({ folder: codeSettings.cacheFolder, platform, logger }),
        ...(trialLimitMs !== undefined && { limitMs: trialLimitMs }),
      }),
      logger,
      code: new WasmCode(platform, codeSettings, logger),
      ...(callTrace !== undefined && { callTrace }),
      publish: (next, previous) => this.server.publishPlugin(next, previous),
    });
    const { nativeFilters: _, ...serverOptions } = options;
    this.server = new Server({
      ...serverOptions,
      plugins: this.#plugins,
      ...(this.#natives !== null && { nativeFilters: this.#natives }),
    });
  }

  /** `http://127.0.0.1:9901`, or null without an admin interface. */
  get adminUrl(): string | null {
    return this.#serving?.control.adminUrl ?? null;
  }

  /**
   * Reads and checks a configuration, and tries the code of its plugins.
   *
   * @throws config/invalid when two filters of the program have one name, and the like
   */
  async load(source: ConfigurationSource): Promise<Configuration> {
    const { nativeFilters = [], node = ANONYMOUS, ...rest } = source;
    this.#useNativeFilters(nativeFilters);
    const { platform, concurrency } = this.#options;
    return await loadConfiguration({
      ...rest,
      node,
      platform,
      concurrency,
      ...(this.#natives !== null && { nativeFilters: this.#natives }),
    }, this.#plugins);
  }

  /** Serves what was loaded last. With problems nothing is left running. */
  async start(plan: BootstrapPlan, root: ConfigNode, settings: ControlSettings): Promise<StartResult> {
    const started = await this.server.start(plan);
    if (!started.ok) return started;
    // What only checks configurations does without it.
    const { startControl } = await import("../admin/control.ts");
    const { platform, logs } = this.#options;
    const { server } = this;
    const result = await startControl({
      ...settings,
      platform,
      server,
      logs,
      admin: plan.admin,
      root,
      version: VERSION,
    });
    if (result.control === null) {
      await this.stop();
      return { ok: false, problems: [result.problem] };
    }
    this.#serving = { plan, control: result.control };
    return started;
  }

  /**
   * Serves another configuration, or goes on as before. One after the other: what is loaded serves, or is given up,
   * before anything else is loaded.
   *
   * @throws config/invalid as `load` does
   */
  reload(source: ConfigurationSource): Promise<ReloadResult> {
    const result = this.#reloading.then(() => this.#reload(source));
    this.#reloading = result.catch(() => {});
    return result;
  }

  async #reload(source: ConfigurationSource): Promise<ReloadResult> {
    if (this.#serving === null) {
      return { ...this.server.refuseReload(["it does not serve yet, or any more"]), diagnostics: new DiagnosticList() };
    }
    const before = this.#nativeFilters;
    let taken = false;
    try {
      const { plan, root, diagnostics } = await this.load(source);
      const outcome = plan === null || root === null
        ? this.server.refuseReload(errorsOf(diagnostics))
        : await this.server.reload(plan);
      if (outcome.ok) {
        taken = true;
        this.#adopt(plan!, root!);
      }
      return { ...outcome, diagnostics };
    } finally {
      if (taken) this.#natives?.forgetOthers();
      else this.#useNativeFilters(before);
    }
  }

  #adopt(plan: BootstrapPlan, root: ConfigNode): void {
    // Stopped just now.
    if (this.#serving === null) return;
    const { plan: before, control } = this.#serving;
    if (JSON.stringify(plan.admin) !== JSON.stringify(before.admin)) {
      this.#options.logs.logger("admin").warn("the admin interface stays where it is: only a start moves it");
    }
    control.update(root);
    this.#serving = { plan, control };
  }

  /** Ends everything at once, whatever there is of it. */
  async stop(): Promise<void> {
    await this.#serving?.control.close();
    this.#serving = null;
    await this.server.stop();
  }

  #useNativeFilters(filters: readonly NativeFilter[]): void {
    const twice = this.#natives?.use(filters) ?? null;
    if (twice !== null) throw new NuncioError("config/invalid", `two native filters are called '${twice}'`);
    this.#nativeFilters = filters;
  }
}

function errorsOf(diagnostics: DiagnosticList): string[] {
  return diagnostics.all.flatMap(({ severity, at, message }) =>
    severity === "error" ? [(at ?? "") === "" ? message : `${at}: ${message}`] : []
  );
}
