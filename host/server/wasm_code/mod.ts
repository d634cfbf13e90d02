// host/server/wasm_code/mod.ts: the bytes of a plugin, wherever they come from.
/**
 * Runs on the main thread, beside everything that is served: a fetch blocks no worker. A plugin gets its code
 * before its configuration is accepted, or the configuration is refused with what kept it from coming.
 *
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { parseOciReference } from "../../extensions/common/wasm/oci_reference.ts";
import type { RemoteCodePlan, WasmCodePlan } from "../../extensions/common/wasm/plugin_plan.ts";
import { type ConnectTarget, createFetcher, mayServeMetadata } from "../../net/fetch.ts";
import { isLoopback, parseIp } from "../../base/ip.ts";
import type { Logger } from "../../observe/log.ts";
import type { StatsScope } from "../../observe/stats.ts";
import type { FileRead } from "../../platform/mod.ts";
import type { ClusterPlan } from "../../upstream/plan.ts";
import { type Attempt, attempt } from "./attempts.ts";
import { CodeCache, defaultCacheFolder } from "./cache.ts";
import { findCredentials } from "./docker_config.ts";
import { pullModule } from "./oci.ts";
import type { PublicKey } from "./public_keys.ts";
import { Registry } from "./registry.ts";
import { fetchModule } from "./remote.ts";
import { checkSignature } from "./signature.ts";

export { defaultCacheFolder } from "./cache.ts";
export { parsePublicKeys, type PublicKey, type PublicKeys } from "./public_keys.ts";
export { ValidComponents } from "./valid_components.ts";

/** What the command line says of code. */
export interface WasmCodeSettings {
  /** With keys every module must be signed by one of them, wherever it comes from. */
  readonly publicKeys: readonly PublicKey[];
  /** `host` or `host:port` of registries that speak plain HTTP; those on loopback do anyway. */
  readonly insecureRegistries: ReadonlySet<string>;
  /** Where fetched code is kept; null: nowhere. */
  readonly cacheFolder: string | null;
  /** Largest module that is fetched; 64 MiB. */
  readonly limitBytes?: number;
}

export interface WasmCodePorts {
  readonly clock: Clock;
  readonly random: Random;
  env(name: string): string | undefined;
  readFile(path: string): FileRead;
}

export type CodeResult =
  | { readonly ok: true; readonly code: LoadedCode }
  | { readonly ok: false; readonly message: string };

export interface LoadedCode {
  readonly bytes: Uint8Array;
  /** What an image's reference stood for: `sha256:…`; null for other sources. */
  readonly imageDigest: string | null;
  /** The key, in hexadecimals; null when no keys are configured. */
  readonly signedBy: string | null;
}

/** How often code was fetched, for statistics. */
export interface FetchCounts {
  cacheHits: number;
  cacheMisses: number;
  fetchSuccesses: number;
  fetchFailures: number;
}

/** Envoy's names. */
const STAT_NAMES: Readonly<Record<keyof FetchCounts, string>> = {
  cacheHits: "remote_load_cache_hits",
  cacheMisses: "remote_load_cache_misses",
  fetchSuccesses: "remote_load_fetch_successes",
  fetchFailures: "remote_load_fetch_failures",
};
const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024;
/** Hosts that the configuration says are down. */
const DOWN: readonly string[] = ["UNHEALTHY", "DRAINING", "TIMEOUT"];

/** Without anything said. */
export function defaultCodeSettings(port: Pick<WasmCodePorts, "env">): WasmCodeSettings {
  const cacheFolder = defaultCacheFolder((name) => port.env(name));
  return { publicKeys: [], insecureRegistries: new Set(), cacheFolder };
}

/** Nothing is kept on disk: for tests, and for who only looks. */
export const UNCACHED_CODE: WasmCodeSettings = { publicKeys: [], insecureRegistries: new Set(), cacheFolder: null };

export class WasmCode {
  readonly #ports: WasmCodePorts;
  readonly #settings: WasmCodeSettings;
  readonly #logger: Logger;
  readonly #cache: CodeCache;
  readonly #ending = new AbortController();
  /** What is being fetched, by its plan: plugins with the same code fetch it once. */
  readonly #fetches = new Map<string, Promise<Attempt<Fetched>>>();
  #stats: StatsScope | null = null;
  readonly counts: FetchCounts = { cacheHits: 0, cacheMisses: 0, fetchSuccesses: 0, fetchFailures: 0 };

  constructor(ports: WasmCodePorts, settings: WasmCodeSettings, logger: Logger) {
    this.#ports = ports;
    this.#settings = settings;
    this.#logger = logger;
    this.#cache = new CodeCache({ folder: settings.cacheFolder, clock: ports.clock, random: ports.random, logger });
  }

  /** The code that a plan names; `clusters` are those of the configuration. Signatures are checked. */
  async load(plan: WasmCodePlan, clusters: readonly ClusterPlan[]): Promise<CodeResult> {
    const read = await this.#read(plan, clusters);
    if (!read.ok) return { ok: false, message: read.message };
    const { bytes, imageDigest } = read.value;
    const { publicKeys } = this.#settings;
    if (publicKeys.length === 0) return { ok: true, code: { bytes, imageDigest, signedBy: null } };
    const check = await checkSignature(bytes, publicKeys);
    if (check.ok) return { ok: true, code: { bytes, imageDigest, signedBy: check.signedBy } };
    return { ok: false, message: `${describeSource(plan)} is refused: ${check.message}` };
  }

  /** Counts in statistics, too; what was counted so far included. Code that is not remote leaves none. */
  countIn(stats: StatsScope): void {
    this.#stats = stats;
    const names = Object.keys(STAT_NAMES) as (keyof FetchCounts)[];
    if (names.every((name) => this.counts[name] === 0)) return;
    for (const name of names) stats.counter(STAT_NAMES[name]).add(this.counts[name]);
  }

  /** Gives up what is being fetched, and what will be. */
  close(): void {
    this.#ending.abort();
  }

  async #read(plan: WasmCodePlan, clusters: readonly ClusterPlan[]): Promise<Attempt<Fetched>> {
    switch (plan.kind) {
      case "inline":
        return { ok: true, value: { bytes: plan.bytes, imageDigest: null } };
      case "file": {
        const file = this.#ports.readFile(plan.path);
        if (file.ok) return { ok: true, value: { bytes: file.bytes, imageDigest: null } };
        return { ok: false, message: `wasm file '${plan.path}' cannot be read: ${file.message}`, final: true };
      }
      case "http":
      case "oci": {
        const key = JSON.stringify(plan);
        let fetch = this.#fetches.get(key);
        if (fetch === undefined) {
          fetch = this.#fetchAwake(plan, clusters).finally(() => this.#fetches.delete(key));
          this.#fetches.set(key, fetch);
        }
        return await fetch;
      }
    }
  }

  /** Before anything listens, nothing but this keeps the process alive between two attempts. */
  async #fetchAwake(plan: RemoteCodePlan, clusters: readonly ClusterPlan[]): Promise<Attempt<Fetched>> {
    const awake = setInterval(() => {}, 60_000);
    try {
      return await this.#fetch(plan, clusters);
    } finally {
      clearInterval(awake);
    }
  }

  async #fetch(plan: RemoteCodePlan, clusters: readonly ClusterPlan[]): Promise<Attempt<Fetched>> {
    const source = describeSource(plan);
    if (plan.kind === "http") {
      const cached = await this.#cache.get(`sha256:${plan.sha256}`);
      if (cached !== null) {
        this.#count("cacheHits");
        return { ok: true, value: { bytes: cached, imageDigest: null } };
      }
      this.#count("cacheMisses");
    }
    const targets = plan.cluster === null ? null : hostsOf(clusters.find((each) => each.name === plan.cluster));
    if (targets?.length === 0) {
      return { ok: false, message: `${source}: cluster '${plan.cluster}' has no host that is up`, final: true };
    }
    const { clock, random } = this.#ports;
    const startMs = clock.nowMs();
    this.#logger.info("wasm code is fetched", { source });
    const result = await attempt(plan.retry, {
      clock,
      random,
      signal: this.#ending.signal,
      onRetry: (message, delayMs) => {
        this.#logger.warn("wasm code could not be fetched: it is tried again", {
          source,
          reason: message,
          delay_ms: delayMs,
        });
      },
    }, async (index) => {
      const outcome = await this.#attempt(plan, targets === null ? null : targets[index % targets.length]!);
      this.#count(outcome.ok ? "fetchSuccesses" : "fetchFailures");
      return outcome;
    });
    if (!result.ok) return { ...result, message: `${source} cannot be fetched: ${result.message}` };
    this.#logger.info("wasm code was fetched", {
      source,
      bytes: result.value.bytes.length,
      ms: Math.round(clock.nowMs() - startMs),
      ...(result.value.imageDigest !== null && { image: result.value.imageDigest }),
    });
    return result;
  }

  #count(name: keyof FetchCounts): void {
    this.counts[name]++;
    this.#stats?.counter(STAT_NAMES[name]).inc();
  }

  /** One attempt, at one host of the cluster, or straight with null. */
  async #attempt(plan: RemoteCodePlan, target: ConnectTarget | null): Promise<Attempt<Fetched>> {
    const { signal } = this.#ending;
    const { limitBytes = DEFAULT_LIMIT_BYTES } = this.#settings;
    const timeoutMs = plan.timeoutMs === 0 ? Infinity : plan.timeoutMs;
    const direct = createFetcher({ refusePeer: mayServeMetadata });
    const primary = target === null ? direct : createFetcher({ connectTo: target });
    try {
      if (plan.kind === "http") {
        const module = await fetchModule({
          uri: plan.uri,
          sha256: plan.sha256!,
          fetcher: primary,
          timeoutMs,
          limitBytes,
          signal,
        });
        if (!module.ok) return module;
        await this.#cache.put(`sha256:${plan.sha256}`, module.value);
        return { ok: true, value: { bytes: module.value, imageDigest: null } };
      }
      const reference = parseOciReference(plan.uri);
      if (typeof reference === "string") return { ok: false, message: reference, final: true };
      const { clock } = this.#ports;
      const startMs = clock.nowMs();
      const registry = new Registry({
        reference,
        plainHttp: this.#settings.insecureRegistries.has(reference.registry) || isOnLoopback(reference.registry),
        found: findCredentials(this.#ports, reference.registry),
        primary,
        direct,
        remainingMs: () => timeoutMs - (clock.nowMs() - startMs),
        signal,
      });
      return await pullModule({ reference, registry, cache: this.#cache, sha256: plan.sha256, limitBytes });
    } finally {
      await Promise.all([primary.close(), target === null ? null : direct.close()]);
    }
  }
}

interface Fetched {
  readonly bytes: Uint8Array;
  readonly imageDigest: string | null;
}

/** Where code comes from, for people: without user, password, and the values of a query. */
export function describeSource(plan: WasmCodePlan): string {
  switch (plan.kind) {
    case "file":
      return plan.path;
    case "inline":
      return "inline code";
    case "oci":
      return plan.uri;
    case "http": {
      const url = new URL(plan.uri);
      const user = url.username === "" && url.password === "" ? "" : "***@";
      // What a query says is often what lets one in.
      const names = [...url.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=***`);
      const query = names.length === 0 ? "" : `?${names.join("&")}`;
      return `${url.protocol}//${user}${url.host}${url.pathname}${query}`;
    }
  }
}

/** The hosts of a cluster that may be up, the most wanted first. */
function hostsOf(cluster: ClusterPlan | undefined): ConnectTarget[] {
  return (cluster?.localities ?? [])
    .toSorted((a, b) => a.priority - b.priority)
    .flatMap((locality) => locality.endpoints)
    .filter((endpoint) => !DOWN.includes(endpoint.health))
    .map(({ address, port }) => ({ address, port }));
}

function isOnLoopback(registry: string): boolean {
  const host = registry.replace(/:[0-9]+$/, "").replace(/^\[|\]$/g, "");
  const ip = parseIp(host);
  return ip === null ? host === "localhost" : isLoopback(ip);
}
