// host/upstream/discovery/eds.ts: hosts as somebody else lists them, again and again.
// pure: no I/O, no clock, no runtime globals
/**
 * Lists come from whoever reads them (files, control planes) by `updateEndpoints`, whole each time. The cluster
 * is ready with the first list, or when none came for a while. A list may say how long it holds.
 *
 * @see Envoy: source/extensions/clusters/eds/eds.cc
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import type { EdsPlan, EndpointsPlan } from "../plan.ts";
import type { Discovery, DiscoveryContext } from "./discovery.ts";
import { staticLocalities } from "./static.ts";

export class EdsDiscovery implements Discovery {
  readonly #context: DiscoveryContext;
  readonly #plan: EdsPlan;
  readonly #fetchTimeout: Timer;
  readonly #stale: Timer;
  #last = "";
  #onReady: (() => void) | null = null;

  constructor(context: DiscoveryContext, plan: EdsPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#fetchTimeout = context.clock.createTimer(() => this.#onFetchTimeout());
    this.#stale = context.clock.createTimer(() => this.#onStale());
  }

  start(onReady: () => void): void {
    const { initial, initialFetchTimeoutMs } = this.#plan;
    this.#onReady = onReady;
    if (initial !== null) this.updateEndpoints(initial);
    else if (initialFetchTimeoutMs > 0) this.#fetchTimeout.enable(initialFetchTimeoutMs);
  }

  close(): void {
    this.#onReady = null;
    this.#fetchTimeout.disable();
    this.#stale.disable();
  }

  updateEndpoints(endpoints: EndpointsPlan): void {
    if (endpoints.staleAfterMs > 0) this.#stale.enable(endpoints.staleAfterMs);
    else this.#stale.disable();
    const text = JSON.stringify(endpoints);
    const { stats, members, priorities } = this.#context;
    // What was given already comes again with every generation of the configuration.
    if (text !== this.#last) {
      this.#last = text;
      stats.updateAttempt.inc();
      stats.updateSuccess.inc();
      this.#context.setDropOverload(endpoints.dropOverload);
      priorities.setPolicy(endpoints.overprovisioningFactor, endpoints.weightedPriorityHealth);
      if (!members.update(staticLocalities(endpoints.localities))) stats.updateNoRebuild.inc();
    }
    this.#ready();
  }

  #onFetchTimeout(): void {
    this.#context.stats.scope.counter("init_fetch_timeout").inc();
    this.#ready();
  }

  /** Nobody repeated what was said: it does not hold any more. */
  #onStale(): void {
    this.#last = "";
    this.#context.stats.assignmentStale.inc();
    this.#context.members.update([]);
  }

  #ready(): void {
    const onReady = this.#onReady;
    this.#onReady = null;
    this.#fetchTimeout.disable();
    onReady?.();
  }
}
