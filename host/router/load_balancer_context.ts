// host/router/load_balancer_context.ts: what a request tells the load balancer.
// pure: no I/O, no clock, no runtime globals
/**
 * Made for requests of which something matters to the choice of a host: those that are hashed or retried.
 *
 * @see Envoy: source/common/router/router.h Filter, as Upstream::LoadBalancerContext
 * @module
 */
import type { Host } from "../upstream/host.ts";
import type { LoadBalancerContext } from "../upstream/lb/picker.ts";
import type { RetryState } from "./retry_state.ts";
import type { RoutedRequest } from "./routed_request.ts";

export class RequestLoadBalancerContext implements LoadBalancerContext {
  readonly #request: RoutedRequest;
  /** Null once no attempt will follow the current one. */
  retry: RetryState | null;
  /** `set-cookie` headers of the hash policy. */
  cookies: string[] | null = null;

  constructor(request: RoutedRequest, retry: RetryState | null) {
    this.#request = request;
    this.retry = retry;
  }

  get hostSelectionRetryCount(): number {
    return this.retry?.hostSelectionRetryCount ?? 0;
  }

  hash(): bigint | null {
    const { route, headers, stream } = this.#request;
    const setCookie = (header: string) => void (this.cookies ??= []).push(header);
    return route.hashPolicy?.hash(headers, stream.info, setCookie) ?? null;
  }

  shouldSelectAnotherHost(host: Host): boolean {
    return this.retry?.shouldSelectAnotherHost(host) ?? false;
  }
}
