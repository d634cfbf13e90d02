// host/router/attempts/load_balancer_context.ts: what a request tells the load balancer.
// pure: no I/O, no clock, no runtime globals
/**
 * Made for requests of which something matters to the choice of a host: those that are hashed,
 * that may be retried, or that a filter chose a host for; and for all where the policy asks.
 *
 * @see Envoy: source/common/router/router.h Filter, as Upstream::LoadBalancerContext
 * @module
 */
import type { OverrideHost } from "../../http/filter.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { Host } from "../../upstream/host.ts";
import { LoadBalancerContextBase } from "../../upstream/lb/context.ts";
import type { PriorityPercentages, PrioritySet } from "../../upstream/priority.ts";
import { MetadataMatch } from "../../upstream/lb/metadata_match.ts";
import type { RetryState } from "./retry_state.ts";
import type { RoutedRequest } from "../routed_request.ts";

export class RequestLoadBalancerContext extends LoadBalancerContextBase {
  readonly #request: RoutedRequest;
  /** Null once no attempt will follow the current one. */
  retry: RetryState | null;
  /** `set-cookie` headers of the hash policy. */
  cookies: string[] | null = null;
  /** Once it was asked for. */
  #metadataMatch: MetadataMatch | null | undefined = undefined;

  constructor(request: RoutedRequest, retry: RetryState | null) {
    super();
    this.#request = request;
    this.retry = retry;
  }

  override get hostSelectionRetryCount(): number {
    return this.#retryOfNow?.hostSelectionRetryCount ?? 0;
  }

  /** First attempts go anywhere. */
  get #retryOfNow(): RetryState | null {
    return this.#request.stream.info.attemptCount > 1 ? this.retry : null;
  }

  override hash(): bigint | null {
    const { hashPolicy, headers, stream } = this.#request;
    const setCookie = (header: string) => void (this.cookies ??= []).push(header);
    return hashPolicy?.hash(headers, stream.info, setCookie) ?? null;
  }

  /** What the route asks of hosts, and what filters say in the dynamic metadata, which take precedence. */
  override metadataMatch(): MetadataMatch | null {
    if (this.#metadataMatch !== undefined) return this.#metadataMatch;
    const { route, stream } = this.#request;
    const fields = stream.info.dynamicMetadata.get("envoy.lb");
    return this.#metadataMatch = fields === undefined
      ? route.metadataMatch
      : route.metadataMatch?.merge(fields) ?? MetadataMatch.of(fields);
  }

  /** A retry goes where load balancing sends it. */
  override overrideHost(): OverrideHost | null {
    const { info, upstreamOverrideHost } = this.#request.stream;
    return info.attemptCount > 1 ? null : upstreamOverrideHost;
  }

  override get requestHeaders(): HeaderMap {
    return this.#request.headers;
  }

  override get streamInfo(): StreamInfo {
    return this.#request.stream.info;
  }

  override priorityLoad(priorities: PrioritySet, load: PriorityPercentages): PriorityPercentages {
    return this.#retryOfNow?.priorityLoad(priorities, load) ?? load;
  }

  override shouldSelectAnotherHost(host: Host): boolean {
    return this.#retryOfNow?.shouldSelectAnotherHost(host) ?? false;
  }
}
