// host/extensions/filters/http/dynamic_forward_proxy/filter.ts: a request waits until its host has an address.
// pure: no I/O, no clock, no runtime globals
/**
 * For requests to clusters that send each request to the host that it is for. Others pass.
 *
 * Who may send such requests has the proxy connect to whatever he names, in the proxy's network:
 * `resolved_address_filter` of the DNS cache keeps addresses out, and so should RBAC or routes keep out hosts.
 *
 * @see Envoy: source/extensions/filters/http/dynamic_forward_proxy/proxy_filter.cc
 * @module
 */
import { fromLatin1 } from "../../../../base/bytes.ts";
import { type FilterStream, HeadersStatus, type HttpFilter } from "../../../../http/filter.ts";
import type { HeaderMap } from "../../../../http/header_map.ts";
import { ResponseFlag } from "../../../../observe/stream_info.ts";
import type { ClusterManager } from "../../../../upstream/cluster_manager.ts";
import {
  DEFAULT_PORT,
  type DynamicForwardProxyCluster,
  dynamicHost,
  dynamicPort,
} from "../../../../upstream/discovery/dynamic_forward_proxy.ts";
import type { SubClusters } from "../../../../upstream/discovery/sub_clusters.ts";
import type { CachedHost, DnsCache } from "../../../../upstream/dns_cache/dns_cache.ts";
import type { DynamicForwardProxyFilterPlan, HostRewritePlan } from "./planner.ts";

const UPSTREAM_ADDRESS = "envoy.stream.upstream_address";
const OVERFLOW_DETAILS = "dynamic_forward_proxy_pending_request_overflow";

export interface DynamicForwardProxyConfig {
  /** Of the filter in its chain. */
  readonly name: string;
  readonly plan: DynamicForwardProxyFilterPlan;
  readonly clusters: Pick<ClusterManager, "get" | "dnsCaches">;
}

export class DynamicForwardProxyFilter implements HttpFilter {
  readonly #config: DynamicForwardProxyConfig;
  readonly #stream: FilterStream;
  /** Ends what the request waits for; null when it does not wait. */
  #waiting: (() => void) | null = null;

  constructor(config: DynamicForwardProxyConfig, stream: FilterStream) {
    this.#config = config;
    this.#stream = stream;
  }

  onRequestHeaders(headers: HeaderMap): HeadersStatus {
    const cluster = this.#cluster();
    if (cluster === null) return HeadersStatus.Continue;
    this.#rewriteHost(headers);
    if (cluster.subClusters !== null) return this.#waitForCluster(cluster.subClusters, headers);
    const { plan: { dnsCache }, clusters } = this.#config;
    return dnsCache === null ? HeadersStatus.Continue : this.#waitForAddress(clusters.dnsCaches.get(dnsCache), headers);
  }

  /** The one that the request is for now; null for one that the filter is not for. */
  #cluster(): DynamicForwardProxyCluster | null {
    const clusterName = this.#stream.route()?.clusterName ?? null;
    const cluster = clusterName === null ? null : this.#config.clusters.get(clusterName);
    if (cluster?.plan.type !== "DYNAMIC_FORWARD_PROXY") return null;
    return cluster.balancer as DynamicForwardProxyCluster;
  }

  #waitForAddress(cache: DnsCache, headers: HeaderMap): HeadersStatus {
    if (!cache.pendingRequests.canCreate()) {
      cache.stats.pendingOverflow.inc();
      return this.#refuse("Dynamic forward proxy pending request overflow", OVERFLOW_DETAILS);
    }
    const host = this.#host(headers);
    if (host.name === "") {
      this.#stream.sendLocalReply({ status: 400, body: "Empty host header", details: "empty_host_header" });
      return HeadersStatus.StopIteration;
    }
    const load = cache.load(host.name, host.port, (found) => this.#onLoaded(found));
    switch (load.status) {
      case "in_cache":
        return this.#use(load.host) ? HeadersStatus.Continue : HeadersStatus.StopIteration;
      case "overflow":
        return this.#refuse("DNS cache overflow", "dns_cache_overflow");
      case "loading":
        cache.pendingRequests.inc();
        this.#waiting = () => {
          cache.pendingRequests.dec();
          load.cancel();
        };
        return HeadersStatus.StopAllIterationAndWatermark;
    }
  }

  #waitForCluster(subClusters: SubClusters, headers: HeaderMap): HeadersStatus {
    const { name, port } = this.#host(headers);
    const result = subClusters.ensure(name, port, () => {
      this.#stopWaiting();
      // A reload may have put another cluster, or none, in the place of the one that was asked.
      const now = this.#cluster()?.subClusters ?? null;
      const status = now === null ? HeadersStatus.Continue : this.#waitForCluster(now, headers);
      if (status === HeadersStatus.Continue) this.#stream.continueRequest();
    });
    if (result === "ready") return HeadersStatus.Continue;
    if (result === "full") return this.#refuse("Sub cluster overflow", "sub_cluster_overflow");
    const timer = this.#stream.clock.createTimer(() => {
      this.#stopWaiting();
      this.#refuse("Sub cluster warming timeout", "sub_cluster_warming_timeout");
    });
    timer.enable(this.#config.plan.clusterInitTimeoutMs);
    this.#waiting = () => {
      timer.disable();
      result();
    };
    return HeadersStatus.StopAllIterationAndWatermark;
  }

  onDestroy(): void {
    this.#stopWaiting();
  }

  #rewriteHost(headers: HeaderMap): void {
    const rewrite = this.#stream.route()!.perFilterConfig(this.#config.name) as HostRewritePlan | undefined;
    if (rewrite === undefined || rewrite === null) return;
    const host = rewrite.header === "" ? rewrite.literal : headers.get(rewrite.header);
    if (host !== null && host !== "") headers.authority = host;
  }

  #host(headers: HeaderMap): { name: string; port: number } {
    const own = this.#config.plan.allowDynamicHostFromFilterState;
    const { info } = this.#stream;
    return {
      name: (own ? dynamicHost(info) : null) ?? headers.authority ?? "",
      port: (own ? dynamicPort(info) : null) ?? DEFAULT_PORT,
    };
  }

  #onLoaded(host: CachedHost): void {
    this.#stopWaiting();
    if (this.#use(host)) this.#stream.continueRequest();
  }

  /** False when the host has no address, and the request was answered. */
  #use({ address, details }: CachedHost): boolean {
    const { info } = this.#stream;
    if (address === null) {
      info.setFlag(ResponseFlag.DnsResolutionFailed);
      this.#refuse("DNS resolution failure", `dns_resolution_failure{${details}}`);
      return false;
    }
    if (this.#config.plan.saveUpstreamAddress) {
      info.filterState.set(UPSTREAM_ADDRESS, { value: fromLatin1(address.text), readOnly: false, type: "string" });
    }
    return true;
  }

  #stopWaiting(): void {
    const stop = this.#waiting;
    this.#waiting = null;
    stop?.();
  }

  #refuse(body: string, details: string): HeadersStatus {
    this.#stream.sendLocalReply({ status: 503, body, details });
    return HeadersStatus.StopIteration;
  }
}
