// host/server/server_stats.ts: what the process says of itself in numbers.
/**
 * @see Envoy: source/server/server.h ALL_SERVER_STATS
 * @module
 */
import type { Timer } from "../base/clock.ts";
import type { Counter, StatsStore } from "../observe/stats.ts";
import type { Platform } from "../platform/mod.ts";
import type { Snapshot } from "./snapshot.ts";

/** Of a process without certificates that end. */
const NO_CERTIFICATE_EXPIRES = 4_294_967_295;

export class ServerStats {
  readonly bug: Counter;
  readonly workerReplaced: Counter;
  readonly configReload: Counter;
  readonly configReloadRejected: Counter;
  readonly #platform: Platform;
  readonly #store: StatsStore;
  readonly #startMs: number;
  readonly #flushTimer: Timer;
  #flushIntervalMs = 5000;

  /** `onFlush` is called before statistics are flushed. */
  constructor(platform: Platform, store: StatsStore, onFlush: () => void) {
    this.#platform = platform;
    this.#store = store;
    this.#startMs = platform.clock.nowMs();
    const scope = store.scope("server");
    this.bug = scope.counter("nuncio_bug");
    this.workerReplaced = scope.counter("worker_replaced");
    this.configReload = scope.counter("config_reload");
    this.configReloadRejected = scope.counter("config_reload_rejected");
    this.#flushTimer = platform.clock.createTimer(() => {
      onFlush();
      this.#flush();
    });
  }

  get uptimeMs(): number {
    return this.#platform.clock.nowMs() - this.#startMs;
  }

  set live(live: boolean) {
    this.#store.scope("server").gauge("live").set(live ? 1 : 0);
  }

  set flushIntervalMs(flushIntervalMs: number) {
    this.#flushIntervalMs = flushIntervalMs;
  }

  /** All workers serve: from now on statistics are flushed. */
  start(concurrency: number, snapshot: Snapshot): void {
    const scope = this.#store.scope("server");
    scope.gauge("concurrency").set(concurrency);
    this.live = true;
    scope.gauge("state").set(0);
    this.#store.scope("listener_manager").gauge("workers_started").set(1);
    this.#countListeners(snapshot);
    this.#measure();
    this.#flushTimer.enable(this.#flushIntervalMs);
  }

  stop(): void {
    this.#flushTimer.disable();
  }

  /** Another configuration serves: what clusters and listeners that are gone had counted is not listed any more. */
  onReload(before: Snapshot, after: Snapshot): void {
    this.configReload.inc();
    this.#countListeners(after);
    const kept = new Set(statPrefixes(after));
    for (const name of statPrefixes(before)) if (!kept.has(name)) this.#store.hide(this.#store.scope(name).prefix);
  }

  #countListeners({ listeners }: Snapshot): void {
    this.#store.scope("listener_manager").gauge("total_listeners_active").set(listeners.length);
  }

  #measure(): void {
    const scope = this.#store.scope("server");
    const memory = this.#platform.memoryUsage();
    scope.gauge("uptime").set(Math.floor(this.uptimeMs / 1000));
    scope.gauge("memory_allocated").set(memory.heapUsedBytes + memory.externalBytes);
    scope.gauge("memory_heap_size").set(memory.heapTotalBytes);
    scope.gauge("memory_physical_size").set(memory.rssBytes);
    scope.gauge("days_until_first_cert_expiring").set(NO_CERTIFICATE_EXPIRES);
  }

  #flush(): void {
    this.#measure();
    this.#store.flush();
    this.#flushTimer.enable(this.#flushIntervalMs);
  }
}

function statPrefixes({ clusters, listeners }: Snapshot): string[] {
  return [
    ...clusters.map((cluster) => `cluster.${cluster.statName}`),
    ...listeners.map((listener) => `listener.${listener.statPrefix}`),
  ];
}
