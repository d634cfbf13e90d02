// host/server/runtime/runtime_layers.ts: the layers of runtime values, and what they come to.
/**
 * The main thread has them; workers get the outcome with every change. A layer of files is read again, with all the
 * others, when its link points elsewhere.
 *
 * @see Envoy: source/common/runtime/runtime_impl.cc LoaderImpl
 * @module
 */
import type { RuntimeEntries, RuntimeEntry } from "../../base/runtime.ts";
import { runtimeEntryOfText } from "../../config/runtime_entry.ts";
import type { FileWatcher } from "../../config/watch.ts";
import type { Logger } from "../../observe/log.ts";
import type { Counter, Gauge, StatsScope } from "../../observe/stats.ts";
import type { Platform } from "../../platform/mod.ts";
import type { DiskLayerPlan, RuntimeLayerPlan } from "../plan/runtime.ts";
import { readDiskLayer } from "./disk_layer.ts";

export interface RuntimeLayersOptions {
  readonly platform: Pick<Platform, "fileFacts" | "readFile" | "readFolder" | "realPath">;
  /** Tells when a link is another one. */
  readonly watcher: FileWatcher;
  readonly logger: Logger;
  /** The root. */
  readonly stats: StatsScope;
  /** Files have other values. */
  onChange(): void;
}

/** A layer; a key of a later one takes the place of an earlier one's. */
export interface RuntimeLayer {
  readonly name: string;
  readonly values: RuntimeEntries;
}

interface RuntimeStats {
  readonly loadSuccess: Counter;
  readonly loadError: Counter;
  readonly overrideDirExists: Counter;
  readonly overrideDirNotExists: Counter;
  readonly adminOverridesActive: Gauge;
  readonly numKeys: Gauge;
  readonly numLayers: Gauge;
}

const NO_VALUES: RuntimeEntries = new Map();

export class RuntimeLayers {
  readonly #options: RuntimeLayersOptions;
  readonly #stats: RuntimeStats;
  readonly #stops: (() => void)[] = [];
  #plans: readonly RuntimeLayerPlan[] = [];
  #serviceCluster = "";
  #isUsed = false;
  #layers: readonly RuntimeLayer[] = [];
  #values: RuntimeEntries = NO_VALUES;
  /** They stay when another configuration comes. */
  #adminValues: RuntimeEntries = NO_VALUES;

  constructor(options: RuntimeLayersOptions) {
    this.#options = options;
    const scope = options.stats.scope("runtime");
    this.#stats = {
      loadSuccess: scope.counter("load_success"),
      loadError: scope.counter("load_error"),
      overrideDirExists: scope.counter("override_dir_exists"),
      overrideDirNotExists: scope.counter("override_dir_not_exists"),
      adminOverridesActive: scope.gauge("admin_overrides_active"),
      numKeys: scope.gauge("num_keys"),
      numLayers: scope.gauge("num_layers"),
    };
    // Fields that Envoy deprecated are warned of when a configuration is read; nothing is counted later.
    scope.counter("deprecated_feature_use");
    scope.gauge("deprecated_feature_seen_since_process_start");
  }

  /** Those that could be read, the one that wins last. */
  get layers(): readonly RuntimeLayer[] {
    return this.#layers;
  }

  /** What the layers come to. */
  get values(): RuntimeEntries {
    return this.#values;
  }

  /** Takes the layers of a configuration, without a call of `onChange`; the function returned goes back. */
  use(plans: readonly RuntimeLayerPlan[], serviceCluster: string): () => void {
    const before = { plans: this.#plans, serviceCluster: this.#serviceCluster };
    this.close();
    this.#plans = plans;
    this.#serviceCluster = serviceCluster;
    for (const plan of plans) {
      if (plan.kind !== "disk") continue;
      this.#stops.push(this.#options.watcher.watch(plan.symlinkRoot, () => {
        this.#load();
        this.#options.onChange();
      }));
    }
    this.#load();
    // Envoy loads once more when its clusters are there, and counts that, too.
    if (!this.#isUsed) this.#load();
    this.#isUsed = true;
    return () => void this.use(before.plans, before.serviceCluster);
  }

  /** Sets values of the admin layer, and removes those that are empty; gives what is wrong with them, or null. */
  merge(values: Iterable<readonly [string, string]>): string | null {
    if (!this.#plans.some(({ kind }) => kind === "admin")) return "No admin layer specified";
    const merged = new Map(this.#adminValues);
    for (const [key, text] of values) {
      merged.delete(key);
      if (text === "") continue;
      const entry = runtimeEntryOfText(text);
      if ("problem" in entry) return entry.problem;
      merged.set(key, entry);
    }
    this.#adminValues = merged;
    this.#load();
    return null;
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #load(): void {
    const stats = this.#stats;
    const layers: RuntimeLayer[] = [];
    let diskLayers = 0;
    let failed = false;
    for (const plan of this.#plans) {
      const { name } = plan;
      if (plan.kind === "static") layers.push({ name, values: plan.values });
      else if (plan.kind === "admin") layers.push({ name, values: this.#adminValues });
      else {
        const values = this.#readDisk(plan);
        if (values === null) failed = true;
        else if (values !== NO_VALUES) {
          diskLayers++;
          layers.push({ name, values });
        }
      }
    }
    this.#layers = layers;
    const values = new Map<string, RuntimeEntry>();
    for (const layer of layers) for (const [key, entry] of layer.values) values.set(key, entry);
    this.#values = values;
    (failed ? stats.loadError : stats.loadSuccess).inc();
    (diskLayers > 1 ? stats.overrideDirExists : stats.overrideDirNotExists).inc();
    const hasAdmin = this.#plans.some(({ kind }) => kind === "admin");
    stats.adminOverridesActive.set(hasAdmin && this.#adminValues.size > 0 ? 1 : 0);
    stats.numKeys.set(values.size);
    stats.numLayers.set(layers.length);
  }

  /** `NO_VALUES` where there is no such folder, null where it cannot be read. */
  #readDisk({ name, symlinkRoot, subdirectory, appendsServiceCluster }: DiskLayerPlan): RuntimeEntries | null {
    const { platform, logger } = this.#options;
    const path = `${symlinkRoot}/${subdirectory}${appendsServiceCluster ? `/${this.#serviceCluster}` : ""}`;
    if (platform.fileFacts(path)?.isFolder !== true) return NO_VALUES;
    const read = readDiskLayer(path, platform);
    if (read.ok) return read.values;
    logger.error("runtime values of a layer cannot be read: it is left out", { layer: name, err: read.message });
    return null;
  }
}
