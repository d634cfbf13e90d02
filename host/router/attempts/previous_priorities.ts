// host/router/attempts/previous_priorities.ts: retries go to priorities that were not tried before.
// pure: no I/O, no clock, no runtime globals
/**
 * After every so many attempts the priorities of all hosts that were tried are left out, and what they would
 * have had goes to the others by their health. When none is left, it begins anew.
 *
 * @see Envoy: source/extensions/retry/priority/previous_priorities/previous_priorities.cc
 * @module
 */
import type { Host } from "../../upstream/host.ts";
import { distributeLoad, priorityHealth, type PriorityPercentages, type PrioritySet } from "../../upstream/priority.ts";

export class PreviousPriorities {
  readonly #updateFrequency: number;
  #tried: Host[] = [];
  readonly #excluded = new Set<number>();
  #load: PriorityPercentages | null = null;

  constructor(updateFrequency: number) {
    this.#updateFrequency = updateFrequency;
  }

  onHostTried(host: Host): void {
    this.#tried.push(host);
  }

  /** The load for the next attempt, where `load` is that of the first one. */
  priorityLoad(priorities: PrioritySet, load: PriorityPercentages): PriorityPercentages {
    if (this.#tried.length < this.#updateFrequency) return load;
    if (this.#tried.length % this.#updateFrequency === 0) {
      for (const host of this.#tried) this.#excluded.add(host.priority);
      this.#load = this.#loadOfOthers(priorities);
    }
    return this.#load ?? load;
  }

  /** Null when no host of any priority can take anything. */
  #loadOfOthers({ hostSets }: PrioritySet): PriorityPercentages | null {
    const health = priorityHealth(hostSets);
    const others = (percent: number, priority: number) => this.#excluded.has(priority) ? 0 : percent;
    const load = distributeLoad({ healthy: health.healthy.map(others), degraded: health.degraded.map(others) });
    if (load !== null) return load;
    this.#excluded.clear();
    this.#tried = [];
    return distributeLoad(health);
  }
}
