// host/server/plugin_registry.ts: the wasm plugins of the process: their code, its versions, its reloads.
/**
 * Lives on the main thread. New code reaches workers only after it was tried; a module that fails leaves
 * everything as it was, with the reason kept for the admin page.
 *
 * @module
 */
import { COMPONENT_WORLD } from "../../abi/mod.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import type { ConfigNode } from "../config/node.ts";
import type { WasmPluginPlan } from "../extensions/common/wasm/plugin_plan.ts";
import type { WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import type { Logger } from "../observe/log.ts";
import type { StatsScope } from "../observe/stats.ts";
import type { ClusterPlan } from "../upstream/plan.ts";
import type { CallTraceMode, WasmModule } from "../wasm/mod.ts";
import type { NodeIdentity } from "./snapshot.ts";
import { describeSource, type LoadedCode, type WasmCode } from "./wasm_code/mod.ts";
import type { TrialReply, WasmTrial } from "./wasm_trial.ts";

/** What the registry needs of the server. */
export interface PluginRegistryOptions {
  readonly trial: Pick<WasmTrial, "try" | "close">;
  readonly logger: Logger;
  /** Gets the bytes, from wherever they are. */
  readonly code: Pick<WasmCode, "load" | "close" | "countIn">;
  /** Whether plugins begin with their calls traced; off unless given. */
  readonly callTrace?: CallTraceMode;
  /** Gives new code to all workers; a text says why one refused, and then all have `previous` as the next version. */
  publish(snapshot: WasmPluginSnapshot, previous: WasmPluginSnapshot): Promise<string | null>;
}

/** One loaded plugin, for the admin page. */
export interface RegisteredPlugin {
  readonly key: string;
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  /** The file that is watched; null for other sources. */
  readonly file: string | null;
  /** For people: a path, a URI without its secrets, or that the code is inline. */
  readonly source: string;
  /** What the reference of an image stood for when the code was fetched, as `sha256:…`; null for other sources. */
  readonly imageDigest: string | null;
  /** The public key by which the module is signed, in hexadecimals; null when none is asked for. */
  readonly signedBy: string | null;
  readonly version: number;
  readonly sha256: string;
  readonly abiVersion: string;
  readonly previousSha256: string | null;
  readonly callTrace: CallTraceMode;
  /** What went wrong with the last reload; null when it went well. */
  readonly lastError: string | null;
}

/** How a reload or rollback went for one plugin. */
export type SwapReport =
  | {
    readonly ok: true;
    readonly name: string;
    readonly oldSha256: string;
    readonly newSha256: string;
    readonly changed: boolean;
  }
  | { readonly ok: false; readonly name: string; readonly error: string };

/** What is known of code besides its bytes. */
type CodeFacts = Pick<LoadedCode, "imageDigest" | "signedBy">;

interface Version {
  readonly module: WasmModule;
  readonly facts: CodeFacts;
}

interface Entry {
  readonly key: string;
  readonly plan: WasmPluginPlan;
  current: WasmPluginSnapshot;
  /** Of `current`. */
  facts: CodeFacts;
  previous: Version | null;
  /** Of the last code that its source gave and that was taken, whether it serves or was rolled back. */
  sourceSha256: string;
  lastError: string | null;
  /** One reload at a time: the next one waits for this. */
  busy: Promise<unknown>;
}

/** The plugins of a configuration, and where they run. */
interface Generation {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly node: NodeIdentity;
  readonly clusters: readonly ClusterPlan[];
}

const NOTHING: Generation = {
  entries: new Map(),
  node: { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} },
  clusters: [],
};

export class PluginRegistry {
  readonly #options: PluginRegistryOptions;
  #current: Generation = NOTHING;
  /** What was loaded and does not serve so far. */
  #loaded: Generation = NOTHING;

  constructor(options: PluginRegistryOptions) {
    this.#options = options;
  }

  /**
   * Loads and tries what a configuration asks for; problems are reported at its nodes. What there is already stays as
   * it is, with its code. Nothing of it serves before `commit`.
   */
  async load(
    uses: readonly { readonly key: string; readonly plan: WasmPluginPlan; readonly node: ConfigNode }[],
    node: NodeIdentity,
    clusters: readonly ClusterPlan[],
  ): Promise<void> {
    const entries = new Map<string, Entry>();
    const generation: Generation = { entries, node, clusters };
    // What is far away comes all at once, and is tried when it is there, so that one thread does for many; it is
    // reported in order.
    const tries = uses.map(async ({ key, plan }) => {
      const known = this.#current.entries.get(key);
      if (known !== undefined) return { known };
      const loaded = await this.#options.code.load(plan.code, clusters);
      return loaded.ok ? { code: loaded.code, reply: await this.#try(loaded.code.bytes, plan, generation) } : loaded;
    });
    for (const [index, use] of uses.entries()) {
      const tried = await tries[index]!;
      if ("known" in tried) {
        entries.set(use.key, tried.known);
        continue;
      }
      if (!("reply" in tried)) {
        const place = use.node.message("vm_config")?.message("code") ?? use.node;
        place.error("config/wasm-code", tried.message);
        continue;
      }
      const { code, reply } = tried;
      if (!reply.result.ok) {
        use.node.error("config/wasm-plugin", trialError(use.plan, reply));
        continue;
      }
      const current: WasmPluginSnapshot = {
        key: use.key,
        plan: use.plan,
        module: reply.result.module,
        version: 1,
        callTrace: this.#options.callTrace ?? "off",
      };
      this.#noteSourceMap(use.plan, current.module);
      entries.set(use.key, {
        key: use.key,
        plan: use.plan,
        current,
        facts: factsOf(code),
        previous: null,
        sourceSha256: current.module.digest,
        lastError: null,
        busy: Promise.resolve(),
      });
    }
    this.#loaded = generation;
  }

  /** Puts what was loaded last in place of what was there; what it gives brings that back. */
  commit(): () => void {
    const before = this.#current;
    this.#current = this.#loaded;
    return () => this.#current = before;
  }

  get snapshots(): WasmPluginSnapshot[] {
    return [...this.#current.entries.values()].map((entry) => entry.current);
  }

  /** Gives up what is being fetched, and ends the thread that tries modules. */
  close(): void {
    this.#options.code.close();
    this.#options.trial.close();
  }

  /** Counts what is fetched, and was fetched so far. */
  countFetchesIn(stats: StatsScope): void {
    this.#options.code.countIn(stats);
  }

  get plugins(): RegisteredPlugin[] {
    return [...this.#current.entries.values()].map((entry) => ({
      key: entry.key,
      name: entry.plan.name,
      rootId: entry.plan.rootId,
      vmId: entry.plan.vmId,
      file: entry.plan.code.kind === "file" ? entry.plan.code.path : null,
      source: describeSource(entry.plan.code),
      ...entry.facts,
      version: entry.current.version,
      sha256: entry.current.module.digest,
      abiVersion: abiOf(entry.current.module),
      previousSha256: entry.previous?.module.digest ?? null,
      callTrace: entry.current.callTrace,
      lastError: entry.lastError,
    }));
  }

  /** Names of all plugins, for messages. */
  get names(): string[] {
    return [...new Set([...this.#current.entries.values()].map((entry) => entry.plan.name))];
  }

  /** Files that plugins come from, to be watched. */
  get files(): string[] {
    const files = [...this.#current.entries.values()].map((entry) =>
      entry.plan.code.kind === "file" ? entry.plan.code.path : null
    );
    return [...new Set(files.filter((file) => file !== null))];
  }

  /** Loads every plugin of a name again; null when there is none. */
  reload(name: string): Promise<SwapReport[]> | null {
    return this.#each((entry) => entry.plan.name === name, (entry) => this.#reload(entry));
  }

  /** Loads every plugin that comes from a file again, if the file changed since it was loaded from it. */
  reloadFile(path: string): Promise<SwapReport[]> | null {
    return this.#each(
      (entry) => entry.plan.code.kind === "file" && entry.plan.code.path === path,
      (entry) => this.#reload(entry, true),
    );
  }

  /** Goes one version back; null when there is no plugin of this name. */
  rollBack(name: string): Promise<SwapReport[]> | null {
    return this.#each((entry) => entry.plan.name === name, (entry) => this.#rollBack(entry));
  }

  /** Switches the tracing of calls, for streams to come; null when there is no plugin of this name. */
  trace(name: string, callTrace: CallTraceMode): Promise<SwapReport[]> | null {
    return this.#each((entry) => entry.plan.name === name, (entry) => this.#trace(entry, callTrace));
  }

  #each(matches: (entry: Entry) => boolean, act: (entry: Entry) => Promise<SwapReport>): Promise<SwapReport[]> | null {
    const entries = [...this.#current.entries.values()].filter(matches);
    if (entries.length === 0) return null;
    const reports = entries.map((entry) => {
      const report = entry.busy.then(() => act(entry));
      entry.busy = report;
      return report;
    });
    return Promise.all(reports);
  }

  /** With `onlyNew`, code that was loaded before is not loaded again after a rollback: nobody asked for it. */
  async #reload(entry: Entry, onlyNew = false): Promise<SwapReport> {
    const loaded = await this.#options.code.load(entry.plan.code, this.#current.clusters);
    if (!loaded.ok) return this.#refuse(entry, loaded.message);
    const reply = await this.#try(loaded.code.bytes, entry.plan, this.#current);
    if (!reply.result.ok) return this.#refuse(entry, trialError(entry.plan, reply));
    const { module } = reply.result;
    this.#noteSourceMap(entry.plan, module);
    if (module.digest === entry.current.module.digest) {
      entry.lastError = null;
      entry.sourceSha256 = module.digest;
      // Another image may have the same module in it.
      entry.facts = factsOf(loaded.code);
      return unchanged(entry);
    }
    if (onlyNew && module.digest === entry.sourceSha256) {
      entry.lastError = null;
      this.#options.logger.info("a wasm plugin's file still has what was rolled back", { plugin: entry.plan.name });
      return unchanged(entry);
    }
    const report = await this.#swap(entry, { module, facts: factsOf(loaded.code) });
    if (report.ok) entry.sourceSha256 = module.digest;
    return report;
  }

  /** The same code on new VMs. */
  async #trace(entry: Entry, callTrace: CallTraceMode): Promise<SwapReport> {
    const before = entry.current;
    const { name } = entry.plan;
    const sha256 = before.module.digest;
    const changed = before.callTrace !== callTrace;
    if (changed) {
      const next: WasmPluginSnapshot = { ...before, callTrace, version: before.version + 1 };
      const refusal = await this.#options.publish(next, before);
      entry.current = refusal === null ? next : { ...before, version: next.version + 1 };
      if (refusal !== null) return { ok: false, name, error: refusal };
      this.#options.logger.info("the tracing of a wasm plugin's calls was switched", {
        plugin: name,
        trace: callTrace,
      });
    }
    return { ok: true, name, oldSha256: sha256, newSha256: sha256, changed };
  }

  /** Says once for each code why there are no lines in its traps. */
  #noteSourceMap(plan: WasmPluginPlan, module: WasmModule): void {
    if (typeof module.sourceMap === "string") this.#options.logger.info(module.sourceMap, { plugin: plan.name });
  }

  async #rollBack(entry: Entry): Promise<SwapReport> {
    if (entry.previous === null) return this.#refuse(entry, `wasm plugin '${entry.plan.name}' has no earlier version`);
    return await this.#swap(entry, entry.previous);
  }

  async #swap(entry: Entry, { module, facts }: Version): Promise<SwapReport> {
    if (this.#current.entries.get(entry.key) !== entry) {
      return this.#refuse(entry, "the configuration does not name it any more");
    }
    const before = entry.current;
    const next: WasmPluginSnapshot = { ...before, module, version: before.version + 1 };
    const refusal = await this.#options.publish(next, before);
    if (refusal !== null) {
      entry.current = { ...before, version: next.version + 1 };
      return this.#refuse(entry, refusal);
    }
    entry.current = next;
    entry.previous = { module: before.module, facts: entry.facts };
    entry.facts = facts;
    entry.lastError = null;
    const oldSha256 = before.module.digest;
    this.#options.logger.info("a wasm plugin was reloaded", {
      plugin: entry.plan.name,
      old_sha256: oldSha256,
      new_sha256: module.digest,
      version: next.version,
    });
    return { ok: true, name: entry.plan.name, oldSha256, newSha256: module.digest, changed: true };
  }

  #refuse(entry: Entry, error: string): SwapReport {
    entry.lastError = error;
    this.#options.logger.error("a wasm plugin was not reloaded: the old code goes on", {
      plugin: entry.plan.name,
      reason: error,
    });
    return { ok: false, name: entry.plan.name, error };
  }

  #try(bytes: Uint8Array, plan: WasmPluginPlan, { node, clusters }: Generation): Promise<TrialReply> {
    this.#options.logger.debug("a wasm plugin is tried", { plugin: plan.name, bytes: bytes.length });
    const clusterNames = clusters.map((cluster) => cluster.name);
    return this.#options.trial.try({ bytes, plan, node, clusterNames });
  }
}

function trialError(plan: WasmPluginPlan, reply: TrialReply): string {
  const diagnostics: readonly Diagnostic[] = reply.result.ok ? [] : reply.result.diagnostics;
  const lines = diagnostics.map((each) => [each.message, ...(each.notes ?? [])].join("; "));
  const said = reply.log.length === 0 ? "" : ` (the guest said: ${reply.log.slice(-3).join(" | ")})`;
  return `wasm plugin '${plan.name}' from ${describeSource(plan.code)} cannot run: ${lines.join("; ")}${said}`;
}

function unchanged({ plan: { name }, current: { module: { digest } } }: Entry): SwapReport {
  return { ok: true, name, oldSha256: digest, newSha256: digest, changed: false };
}

function factsOf({ imageDigest, signedBy }: LoadedCode): CodeFacts {
  return { imageDigest, signedBy };
}

/** The version of the ABI, or the world of a component. */
function abiOf(module: WasmModule): string {
  return module.component === undefined ? module.info.abiVersion ?? "" : COMPONENT_WORLD;
}
