// host/upstream/discovery/original_dst.ts: each request says which host it goes to.
// pure: no I/O, no clock, no runtime globals
/**
 * The address comes from an object of the filter state, from dynamic metadata, from a header, or is the one
 * that a proxy before this one says the client asked for. It is an IP address with a port; names are not
 * looked up. A host is made at its first request, and goes when nobody chose it for a while.
 *
 * Whoever may set the header chooses where the proxy connects to: only trusted clients should.
 *
 * @see Envoy: source/extensions/clusters/original_dst/original_dst_cluster.cc
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import type { Timer } from "../../base/clock.ts";
import { ipAddress, isPipe, parseAddress } from "../../net/address.ts";
import type { SocketAddress, StreamInfo } from "../../observe/stream_info.ts";
import type { Host } from "../host.ts";
import type { LoadBalancerContext } from "../lb/context.ts";
import { type EndpointPlan, type LocalityEndpointsPlan, NO_LOCALITY, type OriginalDstPlan } from "../plan.ts";
import type { DiscoveryContext, FoundEndpoint, ProvidingDiscovery } from "./discovery.ts";

const FILTER_STATE_KEY = "envoy.network.transport_socket.original_dst_address";
const LOCALITY: LocalityEndpointsPlan = { priority: 0, locality: NO_LOCALITY, weight: 0, endpoints: [] };

interface Entry {
  readonly found: FoundEndpoint;
  readonly host: Host;
  /** Chosen since the last time that old ones were looked for. */
  used: boolean;
}

export class OriginalDstCluster implements ProvidingDiscovery {
  readonly asksContext = true;
  readonly #context: DiscoveryContext;
  readonly #plan: OriginalDstPlan;
  readonly #entries = new Map<string, Entry>();
  readonly #cleanup: Timer;

  constructor(context: DiscoveryContext, plan: OriginalDstPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#cleanup = context.clock.createTimer(() => this.#removeOld());
  }

  start(onReady: () => void): void {
    this.#cleanup.enable(this.#plan.cleanupIntervalMs);
    onReady();
  }

  close(): void {
    this.#cleanup.disable();
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    const address = context === null ? null : this.#address(context);
    if (address === null || isPipe(address)) return null;
    const entry = this.#entries.get(address.text) ?? this.#add(address);
    entry.used = true;
    return entry.host;
  }

  #address(context: LoadBalancerContext): SocketAddress | null {
    const info = context.streamInfo;
    const address = stateAddress(info) ?? this.#metadataAddress(info) ?? this.#headerAddress(context) ??
      (info?.connection.localAddressRestored === true ? info.connection.localAddress : null);
    const { port } = this.#plan;
    return address === null || port === null ? address : ipAddress(address.address, port);
  }

  #metadataAddress(info: StreamInfo | null): SocketAddress | null {
    const { metadataKey } = this.#plan;
    if (metadataKey === null || info === null) return null;
    let value: unknown = info.dynamicMetadata.get(metadataKey.namespace);
    for (const key of metadataKey.path) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null;
      value = (value as Record<string, unknown>)[key];
    }
    if (Array.isArray(value)) value = value[0];
    return typeof value === "string" ? this.#parse(value) : null;
  }

  #headerAddress(context: LoadBalancerContext): SocketAddress | null {
    const { headerName } = this.#plan;
    if (headerName === "") return null;
    const value = context.requestHeaders?.get(headerName) ?? null;
    return value === null ? null : this.#parse(value);
  }

  #parse(text: string): SocketAddress | null {
    const address = parseAddress(text);
    if (address !== null && !isPipe(address)) return address;
    this.#context.stats.originalDstHostInvalid.inc();
    return null;
  }

  #add(address: SocketAddress): Entry {
    const found = { address, hostname: this.#context.plan.name + address.text, endpoint: endpointPlan(address) };
    this.#update([...this.#found(), found]);
    const host = this.#context.priorities.hostSets[0]!.hosts.at(-1)!;
    const entry = { found, host, used: true };
    this.#entries.set(address.text, entry);
    return entry;
  }

  #removeOld(): void {
    let removed = false;
    for (const [key, entry] of this.#entries) {
      if (!entry.used && !entry.host.inUse) {
        this.#entries.delete(key);
        removed = true;
      }
      entry.used = false;
    }
    if (removed) this.#update(this.#found());
    this.#cleanup.enable(this.#plan.cleanupIntervalMs);
  }

  #found(): FoundEndpoint[] {
    return [...this.#entries.values()].map((entry) => entry.found);
  }

  #update(endpoints: readonly FoundEndpoint[]): void {
    this.#context.members.update([{ plan: LOCALITY, endpoints }]);
  }
}

/** What a filter left for this cluster. */
function stateAddress(info: StreamInfo | null): SocketAddress | null {
  const state = info?.findFilterState(FILTER_STATE_KEY) ?? null;
  return state === null ? null : parseAddress(latin1Slice(state.value, 0, state.value.length));
}

function endpointPlan({ address, port }: SocketAddress): EndpointPlan {
  return { address, port, hostname: "", weight: 1, health: "UNKNOWN", metadata: {} };
}
