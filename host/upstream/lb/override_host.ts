// host/upstream/lb/override_host.ts: hosts that the request itself names come before those of another policy.
// pure: no I/O, no clock, no runtime globals
/**
 * Headers or metadata of the request have addresses, separated by commas. Each attempt takes the next one that the
 * cluster has, whatever its health; when there is none left, the policy below is asked.
 *
 * @see Envoy: source/extensions/load_balancing_policies/override_host/load_balancer.cc
 * @module
 */
import { valueAt } from "../../matching/value_matcher.ts";
import type { Host } from "../host.ts";
import type { MetadataKeyPlan, OverrideHostPlan, OverrideHostSourcePlan } from "./plan.ts";
import type { PrioritySet } from "../priority.ts";
import type { LoadBalancerContext } from "./context.ts";
import { OverrideHosts } from "./override_hosts.ts";
import type { BalancerEnvironment, ClusterBalancer } from "./picker.ts";

export class OverrideHostBalancer implements ClusterBalancer {
  readonly asksContext = true;
  readonly #plan: OverrideHostPlan;
  readonly #priorities: PrioritySet;
  readonly #fallback: ClusterBalancer;

  constructor(plan: OverrideHostPlan, { priorities }: BalancerEnvironment, fallback: ClusterBalancer) {
    this.#plan = plan;
    this.#priorities = priorities;
    this.#fallback = fallback;
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    if (context === null || context.streamInfo === null) return this.#fallback.chooseHost(context);
    context.overrideHosts ??= new OverrideHosts(addressesOf(this.#plan.sources, context));
    const host = this.#take(context.overrideHosts) ?? this.#fallback.chooseHost(context);
    const { selectedHostKey } = this.#plan;
    if (host !== null && selectedHostKey !== null) noteSelected(selectedHostKey, host, context);
    return host;
  }

  peekAnotherHost(): Host | null {
    return this.#fallback.peekAnotherHost?.() ?? null;
  }

  close(): void {
    this.#fallback.close?.();
  }

  #take(hosts: OverrideHosts): Host | null {
    for (let address = hosts.take(); address !== null; address = hosts.take()) {
      const host = this.#priorities.hostAt(address);
      if (host !== null) return host;
    }
    return null;
  }
}

function addressesOf(sources: readonly OverrideHostSourcePlan[], context: LoadBalancerContext): string[] {
  const addresses: string[] = [];
  for (const source of sources) {
    const text = source.kind === "header" ? headerOf(source.name, context) : metadataOf(source.key, context);
    if (text === null) continue;
    for (const part of text.includes(",") ? text.split(",") : [text]) {
      const address = part.trim();
      if (address !== "") addresses.push(address);
    }
  }
  return addresses;
}

function headerOf(name: string, { requestHeaders }: LoadBalancerContext): string | null {
  return requestHeaders?.get(name) ?? null;
}

function metadataOf({ namespace, path }: MetadataKeyPlan, { streamInfo }: LoadBalancerContext): string | null {
  const value = valueAt(streamInfo!.dynamicMetadata.get(namespace), path);
  return typeof value === "string" ? value : null;
}

/** For filters and logs behind the choice. */
function noteSelected({ namespace, path }: MetadataKeyPlan, host: Host, { streamInfo }: LoadBalancerContext): void {
  let value: unknown = host.address.text;
  for (const key of path.toReversed()) value = { [key]: value };
  streamInfo!.mergeDynamicMetadata(namespace, value as Record<string, unknown>);
}
