// host/upstream/discovery/dynamic_forward_proxy.ts: the host that a request asks for is the host that it goes to.
// pure: no I/O, no clock, no runtime globals
/**
 * Hosts are the names of a DNS cache that have an address; the filter `dynamic_forward_proxy` has requests
 * wait until theirs has one. A request whose name is not there has no host.
 *
 * @see Envoy: source/extensions/clusters/dynamic_forward_proxy/cluster.cc
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import type { SocketAddress, StreamInfo } from "../../observe/stream_info.ts";
import type { CachedHost, DnsCache, DnsCacheListener } from "../dns_cache/dns_cache.ts";
import { parseDynamicHost } from "../dns_cache/dynamic_host.ts";
import type { Host } from "../host.ts";
import type { LoadBalancerContext } from "../lb/context.ts";
import { type DynamicForwardProxyPlan, type LocalityEndpointsPlan, NO_LOCALITY } from "../plan.ts";
import type { DiscoveryContext, FoundEndpoint, ProvidingDiscovery } from "./discovery.ts";
import { SubClusters } from "./sub_clusters.ts";

const DYNAMIC_HOST = "envoy.upstream.dynamic_host";
const DYNAMIC_PORT = "envoy.upstream.dynamic_port";
/** Of plain upstreams. */
export const DEFAULT_PORT = 80;

const LOCALITY: LocalityEndpointsPlan = { priority: 0, locality: NO_LOCALITY, weight: 0, endpoints: [] };

export class DynamicForwardProxyCluster implements ProvidingDiscovery, DnsCacheListener {
  readonly asksContext = true;
  noHostDetails = "";
  readonly #context: DiscoveryContext;
  readonly #cache: DnsCache | null;
  /** Null unless each host has a cluster of its own. */
  readonly subClusters: SubClusters | null;
  readonly #found = new Map<string, FoundEndpoint>();
  readonly #hosts = new Map<string, Host>();

  constructor(context: DiscoveryContext, plan: DynamicForwardProxyPlan) {
    this.#context = context;
    this.#cache = plan.dnsCache === null ? null : context.clusters.dnsCaches.get(plan.dnsCache);
    this.subClusters = plan.subClusters === null ? null : new SubClusters(context, plan.subClusters);
  }

  start(onReady: () => void): void {
    this.#cache?.addListener(this);
    this.subClusters?.start();
    for (const host of this.#cache?.hosts() ?? []) this.#found.set(host.key, foundEndpoint(host));
    if (this.#found.size > 0) this.#update();
    onReady();
  }

  close(): void {
    this.#cache?.removeListener(this);
    this.subClusters?.close();
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    this.noHostDetails = "";
    if (context === null) return null;
    const info = context.streamInfo;
    const name = dynamicHost(info) ?? context.requestHeaders?.authority ?? info?.connection.requestedServerName ?? "";
    if (name === "") return null;
    const port = dynamicPort(info) ?? DEFAULT_PORT;
    if (this.subClusters !== null) {
      return this.#context.clusters.get(this.subClusters.nameOf(name, port))?.balancer.chooseHost(context) ?? null;
    }
    const { key } = parseDynamicHost(name, port);
    const host = this.#hosts.get(key);
    const cached = this.#cache?.find(key) ?? null;
    if (host === undefined || host.coarseHealth === "unhealthy") {
      this.noHostDetails = cached?.details ?? "";
      return null;
    }
    cached?.touch();
    return host;
  }

  // DnsCacheListener

  onHostChanged(host: CachedHost): void {
    this.#found.set(host.key, foundEndpoint(host));
    this.#update();
  }

  onHostRemoved(key: string): void {
    this.#found.delete(key);
    this.#update();
  }

  #update(): void {
    this.#context.members.update([{ plan: LOCALITY, endpoints: [...this.#found.values()] }]);
    this.#hosts.clear();
    for (const host of this.#context.priorities.hosts()) this.#hosts.set(host.hostname, host);
  }
}

/** The host that a filter chose in the place of the request's. */
export function dynamicHost(info: StreamInfo | null): string | null {
  return stateText(info, DYNAMIC_HOST);
}

/** The port that a filter chose, for hosts without one. */
export function dynamicPort(info: StreamInfo | null): number | null {
  const text = stateText(info, DYNAMIC_PORT);
  const port = text !== null && /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65535 ? port : null;
}

function stateText(info: StreamInfo | null, name: string): string | null {
  const state = info?.findFilterState(name) ?? null;
  return state === null ? null : latin1Slice(state.value, 0, state.value.length);
}

function foundEndpoint({ key, addresses }: CachedHost): FoundEndpoint {
  const [address, ...additionalAddresses] = addresses as [SocketAddress, ...SocketAddress[]];
  return {
    address,
    additionalAddresses,
    hostname: key,
    key,
    endpoint: {
      address: address.address,
      port: address.port,
      hostname: key,
      weight: 1,
      health: "UNKNOWN",
      metadata: {},
    },
  };
}
