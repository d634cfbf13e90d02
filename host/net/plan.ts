// host/net/plan.ts: listeners and filter chains as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * What the control plane posts to workers: structured-cloneable, complete, checked.
 *
 * @see Envoy: api/envoy/config/listener/v3/listener.proto
 * @module
 */
import type { CidrBlock } from "../base/cidr.ts";

/** A filter, listener filter, transport socket or access logger that a configuration names. */
export interface ExtensionPlan {
  /** The name that the configuration gives this use of it. */
  readonly name: string;
  /** Which extension: its name in `extensions/standard.ts`, for example `envoy.filters.network.tcp_proxy`. */
  readonly extension: string;
  /** The extension's own plan, plain data. */
  readonly plan: unknown;
}

/** When a filter chain is meant. Empty lists and nulls match everything. */
export interface FilterChainMatchPlan {
  readonly destinationPort: number | null;
  readonly prefixRanges: readonly CidrBlock[];
  /** Lower case; `*.example.com` is the suffix `.example.com`. */
  readonly serverNames: readonly string[];
  /** `raw_buffer`, `tls` or empty. */
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
  readonly directSourcePrefixRanges: readonly CidrBlock[];
  readonly sourceType: "ANY" | "SAME_IP_OR_LOOPBACK" | "EXTERNAL";
  readonly sourcePrefixRanges: readonly CidrBlock[];
  readonly sourcePorts: readonly number[];
}

export interface FilterChainPlan {
  readonly name: string;
  readonly match: FilterChainMatchPlan;
  /** Network filters in order; the last one is terminal. */
  readonly filters: readonly ExtensionPlan[];
  /** Null: raw_buffer. */
  readonly transportSocket: ExtensionPlan | null;
  /** How long the transport's handshake may take; 0: for ever. */
  readonly transportSocketConnectTimeoutMs: number;
}

/** An address to listen on. */
export interface ListenAddressPlan {
  /** An IP address or the path of a unix socket. */
  readonly address: string;
  /** 0 lets the system choose; the main thread does that once for all workers. */
  readonly port: number;
  /** `::` takes IPv4 clients too. */
  readonly ipv4Compat: boolean;
  /** Permissions of a unix socket; 0 leaves them. */
  readonly mode: number;
}

export interface ListenerPlan {
  readonly name: string;
  /** `listener.<statPrefix>.` begins the names of its statistics. */
  readonly statPrefix: string;
  /** At least one; the first is the listener's own, the others are `additional_addresses`. */
  readonly addresses: readonly ListenAddressPlan[];
  readonly bindToPort: boolean;
  readonly reusePort: boolean;
  readonly backlog: number;
  /** The limit of all listeners together does not hold here, and nothing is counted towards it. */
  readonly ignoresGlobalConnectionLimit: boolean;
  /** Nothing of it is ever refused under overload. */
  readonly bypassesOverloadManager: boolean;
  readonly perConnectionBufferLimitBytes: number;
  readonly listenerFilters: readonly ExtensionPlan[];
  /** 0: for ever. */
  readonly listenerFiltersTimeoutMs: number;
  readonly continueOnListenerFiltersTimeout: boolean;
  readonly filterChains: readonly FilterChainPlan[];
  readonly defaultFilterChain: FilterChainPlan | null;
  readonly accessLog: readonly ExtensionPlan[];
  readonly trafficDirection: "UNSPECIFIED" | "INBOUND" | "OUTBOUND";
  readonly drainType: "DEFAULT" | "MODIFY_ONLY";
  /** Namespaces of `metadata.filter_metadata`, as plain JSON; absent when there is none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A match that takes every connection. */
export const MATCH_ANY: FilterChainMatchPlan = {
  destinationPort: null,
  prefixRanges: [],
  serverNames: [],
  transportProtocol: "",
  applicationProtocols: [],
  directSourcePrefixRanges: [],
  sourceType: "ANY",
  sourcePrefixRanges: [],
  sourcePorts: [],
};
