// host/server/shared_counts.ts: numbers that all workers have in common.
/**
 * Limits hold for the process: several workers count together, in gauges that no listing shows.
 *
 * @module
 */
import type { Gauge, StatsStore } from "../observe/stats.ts";
import { GaugeCount, LocalCount, type SharedCount } from "../upstream/circuit_breaker.ts";

const PREFIX = "nuncio.shared_counts.";
const OPEN_CONNECTIONS = `${PREFIX}listeners`;

export class SharedCounts {
  readonly #stats: StatsStore;
  readonly #concurrency: number;
  /** Connections that all listeners have open. Main reads it, too, so it is a gauge also where there is one worker. */
  readonly openConnections: GaugeCount;

  constructor(stats: StatsStore, concurrency: number) {
    this.#stats = stats;
    this.#concurrency = concurrency;
    this.openConnections = new GaugeCount(openConnectionsIn(stats));
  }

  create(name: string): SharedCount {
    return this.#concurrency > 1 ? new GaugeCount(this.#stats.gauge(PREFIX + name)) : new LocalCount();
  }

  /** Leaves out of listings what there is so far. */
  hide(): void {
    this.#stats.hide(PREFIX);
  }
}

/** The gauge of connections that all listeners have open. */
export function openConnectionsIn(stats: StatsStore): Gauge {
  return stats.gauge(OPEN_CONNECTIONS);
}
