// host/upstream/discovery/dns_discovery.ts: what clusters have in common whose hosts are names.
// pure: no I/O, no clock, no runtime globals
/**
 * Where there are several workers, one of them looks the names up for all.
 *
 * @see Envoy: source/extensions/clusters/dns/dns_cluster.cc
 * @module
 */
import type { EndpointPlan } from "../plan.ts";
import { sharedClusterId } from "../plan_key.ts";
import type { Discovery, DiscoveryContext, DnsAddress } from "./discovery.ts";
import type { NameExchange, NameListener, NameOutcome } from "./name_exchange.ts";
import { ResolveTarget } from "./resolve_target.ts";

/** A name, and who takes its addresses. */
export interface DnsName {
  readonly name: string;
  onAnswer(addresses: readonly DnsAddress[]): void;
}

/** Has names looked up; is ready when the first of them was, or at once where nobody is to wait for that. */
export abstract class DnsDiscovery implements Discovery, NameListener {
  protected readonly context: DiscoveryContext;
  /** Null where this worker is alone, or the cluster its own. */
  readonly #exchange: NameExchange | null;
  /** What the exchange calls this cluster. */
  readonly #id: string;
  #names: readonly DnsName[] = [];
  #targets: readonly ResolveTarget[] = [];
  #onReady: (() => void) | null = null;
  #begun = false;

  constructor(context: DiscoveryContext) {
    this.context = context;
    this.#exchange = context.names;
    this.#id = this.#exchange === null ? "" : sharedClusterId(context.plan);
  }

  /** All names that are to be looked up. */
  protected abstract names(): readonly DnsName[];

  start(onReady: () => void): void {
    this.#onReady = onReady;
    this.#begun = true;
    this.#names = this.names();
    const exchange = this.#exchange;
    if (exchange !== null && !exchange.looksUp) {
      exchange.listen(this.#id, this.#names.length, this);
    } else {
      this.#targets = this.#names.map(({ name }, i) =>
        new ResolveTarget(this.context, name, (addresses) => this.#onAnswer(i, addresses), () => this.#onAttempt(i))
      );
      for (const target of this.#targets) target.resolve();
    }
    if (this.#names.length === 0 || !this.context.plan.dns.waitsForWarm) this.#ready();
  }

  onOutcome(target: number, outcome: NameOutcome): void {
    if (outcome !== null) this.#names[target]!.onAnswer(outcome);
    this.#ready();
  }

  close(): void {
    for (const target of this.#targets) target.close();
    this.#onReady = null;
    if (!this.#begun) return;
    this.#begun = false;
    if (this.#exchange?.looksUp === true) this.#exchange.closed(this.#id);
    else this.#exchange?.leave(this.#id, this);
  }

  #onAnswer(target: number, addresses: readonly DnsAddress[]): void {
    this.#exchange?.answered(this.#id, target, addresses);
    this.#names[target]!.onAnswer(addresses);
  }

  #onAttempt(target: number): void {
    this.#exchange?.attempted(this.#id, target);
    this.#ready();
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
