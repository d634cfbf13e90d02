// host/upstream/lb/context.ts: what a request or a connection tells the load balancer.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: envoy/upstream/load_balancer.h LoadBalancerContext
 * @module
 */
import type { OverrideHost } from "../../http/filter.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { Host } from "../host.ts";
import type { PriorityPercentages, PrioritySet } from "../priority.ts";
import type { OverrideHosts } from "./override_hosts.ts";
import type { MetadataMatch } from "./metadata_match.ts";

/** Asked while a host is chosen, for what the policy at hand needs. */
export interface LoadBalancerContext {
  /** For policies that hash, which ask once per choice; null when nothing of the request is hashed. */
  hash(): bigint | null;
  /** What the metadata of the host has to say; null when nothing is asked of it. */
  metadataMatch(): MetadataMatch | null;
  /** The loads that count for this choice: those by health, or for a retry others. */
  priorityLoad(priorities: PrioritySet, load: PriorityPercentages): PriorityPercentages;
  /** A host that is to be taken whatever the policy says, as long as it can be. */
  overrideHost(): OverrideHost | null;
  /** True to try another host than this one, for example on a retry. */
  shouldSelectAnotherHost(host: Host): boolean;
  /** How often `shouldSelectAnotherHost` may say so. */
  readonly hostSelectionRetryCount: number;
  /** Null when there is no request, only bytes. */
  readonly requestHeaders: HeaderMap | null;
  /** Null when nothing downstream is behind the choice. */
  readonly streamInfo: StreamInfo | null;
  /** What a policy took from the request at its first attempt. */
  overrideHosts: OverrideHosts | null;
}

/** A context that has nothing to say, for others to say more. */
export class LoadBalancerContextBase implements LoadBalancerContext {
  overrideHosts: OverrideHosts | null = null;

  hash(): bigint | null {
    return null;
  }

  metadataMatch(): MetadataMatch | null {
    return null;
  }

  priorityLoad(_priorities: PrioritySet, load: PriorityPercentages): PriorityPercentages {
    return load;
  }

  overrideHost(): OverrideHost | null {
    return null;
  }

  shouldSelectAnotherHost(_host: Host): boolean {
    return false;
  }

  get hostSelectionRetryCount(): number {
    return 0;
  }

  get requestHeaders(): HeaderMap | null {
    return null;
  }

  get streamInfo(): StreamInfo | null {
    return null;
  }
}

/** Stands between a policy and the context that another one was given; says the same unless it says more. */
export class LoadBalancerContextWrapper implements LoadBalancerContext {
  protected inner: LoadBalancerContext | null;

  constructor(inner: LoadBalancerContext | null) {
    this.inner = inner;
  }

  hash(): bigint | null {
    return this.inner?.hash() ?? null;
  }

  metadataMatch(): MetadataMatch | null {
    return this.inner?.metadataMatch() ?? null;
  }

  priorityLoad(priorities: PrioritySet, load: PriorityPercentages): PriorityPercentages {
    return this.inner?.priorityLoad(priorities, load) ?? load;
  }

  overrideHost(): OverrideHost | null {
    return this.inner?.overrideHost() ?? null;
  }

  get overrideHosts(): OverrideHosts | null {
    return this.inner?.overrideHosts ?? null;
  }

  set overrideHosts(hosts: OverrideHosts | null) {
    if (this.inner !== null) this.inner.overrideHosts = hosts;
  }

  shouldSelectAnotherHost(host: Host): boolean {
    return this.inner?.shouldSelectAnotherHost(host) ?? false;
  }

  get hostSelectionRetryCount(): number {
    return this.inner?.hostSelectionRetryCount ?? 0;
  }

  get requestHeaders(): HeaderMap | null {
    return this.inner?.requestHeaders ?? null;
  }

  get streamInfo(): StreamInfo | null {
    return this.inner?.streamInfo ?? null;
  }
}
