// host/upstream/discovery/dns_discovery.ts: what clusters have in common whose hosts are names.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/clusters/dns/dns_cluster.cc
 * @module
 */
import type { EndpointPlan } from "../plan.ts";
import type { Discovery, DiscoveryContext, DnsAddress } from "./discovery.ts";
import { ResolveTarget } from "./resolve_target.ts";

/** Looks names up, and is ready when the first of them was, or at once where nobody is to wait for that. */
export abstract class DnsDiscovery implements Discovery {
  protected readonly context: DiscoveryContext;
  readonly #targets: ResolveTarget[] = [];
  #onReady: (() => void) | null = null;

  constructor(context: DiscoveryContext) {
    this.context = context;
  }

  /** Calls `lookUp` for each name. */
  protected abstract addNames(): void;

  protected lookUp(name: string, onAnswer: (addresses: readonly DnsAddress[]) => void): void {
    this.#targets.push(new ResolveTarget(this.context, name, onAnswer, () => this.#ready()));
  }

  start(onReady: () => void): void {
    this.#onReady = onReady;
    this.addNames();
    for (const target of this.#targets) target.resolve();
    if (this.#targets.length === 0 || !this.context.plan.dns.waitsForWarm) this.#ready();
  }

  close(): void {
    for (const target of this.#targets) target.close();
    this.#onReady = null;
  }

  #ready(): void {
    const onReady = this.#onReady;
    this.#onReady = null;
    onReady?.();
  }
}

/** What hosts of an endpoint are called. */
export function hostnameOf({ hostname, address }: EndpointPlan): string {
  return hostname === "" ? address : hostname;
}
