// host/observe/stream_info.ts: the facts of one stream, for logs, filters and properties.
// pure: no I/O, no clock, no runtime globals
/**
 * One object per HTTP stream or L4 connection, filled as the facts come. The connection's facts are one
 * shared object, so that a stream costs little.
 *
 * @see Envoy: envoy/stream_info/stream_info.h
 * @module
 */

/** Response flags, in the order of Envoy's enum; printed in the order in which they were set. */
export const ResponseFlag = {
  FailedLocalHealthCheck: "LH",
  NoHealthyUpstream: "UH",
  UpstreamRequestTimeout: "UT",
  LocalReset: "LR",
  UpstreamRemoteReset: "UR",
  UpstreamConnectionFailure: "UF",
  UpstreamConnectionTermination: "UC",
  UpstreamOverflow: "UO",
  NoRouteFound: "NR",
  DelayInjected: "DI",
  FaultInjected: "FI",
  RateLimited: "RL",
  UnauthorizedExternalService: "UAEX",
  RateLimitServiceError: "RLSE",
  DownstreamConnectionTermination: "DC",
  UpstreamRetryLimitExceeded: "URX",
  StreamIdleTimeout: "SI",
  InvalidEnvoyRequestHeaders: "IH",
  DownstreamProtocolError: "DPE",
  UpstreamMaxStreamDurationReached: "UMSDR",
  ResponseFromCacheFilter: "RFCF",
  NoFilterConfigFound: "NFCF",
  DurationTimeout: "DT",
  UpstreamProtocolError: "UPE",
  NoClusterFound: "NC",
  OverloadManager: "OM",
  DnsResolutionFailed: "DF",
  DropOverload: "DO",
  UnconditionalDropOverload: "UDO",
  DownstreamRemoteReset: "DR",
} as const;
export type ResponseFlag = (typeof ResponseFlag)[keyof typeof ResponseFlag];

/** A socket address as people write it. */
export interface SocketAddress {
  /** An IP address without brackets, or the path of a unix socket. */
  readonly address: string;
  /** 0 for unix sockets. */
  readonly port: number;
  /** `1.2.3.4:80`, `[::1]:80`, or the path. */
  readonly text: string;
}

/** What is known of the TLS session of a connection. */
export interface TlsInfo {
  readonly version: string;
  readonly cipherSuite: string;
  readonly peerCertificatePresented: boolean;
  readonly peerCertificateValidated: boolean;
  readonly subjectPeerCertificate: string;
  readonly subjectLocalCertificate: string;
  readonly uriSanPeerCertificate: readonly string[];
  readonly uriSanLocalCertificate: readonly string[];
  readonly dnsSanPeerCertificate: readonly string[];
  readonly dnsSanLocalCertificate: readonly string[];
  readonly sha256PeerCertificateDigest: string;
  readonly peerCertificatePem: string;
}

/** Facts of a connection that all its streams share. */
export interface ConnectionInfo {
  readonly id: number;
  readonly localAddress: SocketAddress;
  /** The peer that is really connected. */
  readonly directRemoteAddress: SocketAddress;
  /** The peer, or who a PROXY header says it is. */
  remoteAddress: SocketAddress;
  /** `localAddress` is what a proxy before this one says that the client asked for. */
  readonly localAddressRestored?: boolean;
  requestedServerName: string;
  alpn: string;
  tls: TlsInfo | null;
  terminationDetails: string;
  transportFailureReason: string;
  /** What filters left for all streams of the connection. */
  filterState?: Map<string, FilterStateObject>;
  /** Monotonic times of the connection, where they are known. */
  startMs?: number;
  endMs?: number;
  /** When a dialled connection stood, before TLS. */
  connectedMs?: number;
  tlsEstablishedMs?: number;
}

/** `filter_metadata` of a configured object, by namespace; values are plain JSON. */
export type FilterMetadata = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** Metadata as plans have it, in the form in which streams refer to it. */
export function filterMetadata(planned: Readonly<Record<string, unknown>> | null | undefined): FilterMetadata {
  const entries = Object.entries(planned ?? {});
  return entries.length === 0 ? NO_METADATA : new Map(entries as [string, Record<string, unknown>][]);
}

/** Where a host is. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** The upstream half of a stream's facts. */
export interface UpstreamInfo {
  clusterName: string;
  /** What statistics and logs call the cluster. */
  observabilityName: string;
  host: SocketAddress | null;
  hostName: string;
  localAddress: SocketAddress | null;
  connection: ConnectionInfo | null;
  transportFailureReason: string;
  /** Requests sent on the upstream connection, this one included. */
  requestCount: number;
  endpointCount: number;
  /** `HTTP/1.1` and so on; empty for L4. */
  protocol?: string;
  /** Bytes of this stream on upstream connections, of all attempts so far: all of it, and its heads. */
  wireBytesSent?: number;
  wireBytesReceived?: number;
  headerBytesSent?: number;
  headerBytesReceived?: number;
  clusterMetadata?: FilterMetadata | null;
  hostMetadata?: FilterMetadata | null;
  locality?: Locality;
  localityMetadata?: FilterMetadata;
  /** Monotonic times; -1 for "not yet". */
  poolReadyMs: number;
  firstByteSentMs: number;
  lastByteSentMs: number;
  firstByteReceivedMs: number;
  lastByteReceivedMs: number;
}

/** Redirects that the proxy followed itself, for the request that they led to. */
export interface InternalRedirects {
  count: number;
  /** The routes that they led to, by the name of the route that each came from. */
  readonly followed: Map<string, Set<string>>;
}

export class StreamInfo {
  readonly connection: ConnectionInfo;
  /** Monotonic times (`Clock.nowMs`); -1 for "not yet". */
  readonly startMs: number;
  lastDownstreamRxByteMs = -1;
  firstDownstreamTxByteMs = -1;
  lastDownstreamTxByteMs = -1;
  endMs = -1;
  /** Milliseconds since 1970. */
  readonly startWallMs: number;
  protocol = "";
  /** Who the client is after x-forwarded-for; the connection's remote address unless something says else. */
  remoteAddress: SocketAddress;
  responseCode = 0;
  responseCodeDetails = "";
  /** Body bytes. */
  bytesReceived = 0;
  bytesSent = 0;
  /** Bytes of heads as they are on the wire. */
  headerBytesReceived = 0;
  headerBytesSent = 0;
  /** All bytes of the stream on the wire: heads, framing and body. */
  wireBytesReceived = 0;
  wireBytesSent = 0;
  attemptCount = 0;
  routeName = "";
  /** Where the route leads; empty when it leads to no cluster that exists. */
  clusterName = "";
  virtualHostName = "";
  /** The kind of request that the virtual host counts it as. */
  virtualClusterName = "";
  routeMetadata: FilterMetadata | null = null;
  virtualHostMetadata: FilterMetadata | null = null;
  listenerMetadata: FilterMetadata | null = null;
  requestId = "";
  /** Of the active span; empty when the stream is not traced. */
  traceId = "";
  spanId = "";
  filterChainName = "";
  /** `:scheme` is to say how the upstream is spoken to. */
  schemeMatchesUpstream = false;
  /** A health check that a filter recognised. */
  healthCheck = false;
  listenerName = "";
  trafficDirection: "UNSPECIFIED" | "INBOUND" | "OUTBOUND" = "UNSPECIFIED";
  upstream: UpstreamInfo | null = null;
  internalRedirects: InternalRedirects | null = null;
  #flags: ResponseFlag[] | null = null;
  #dynamicMetadata: Map<string, Record<string, unknown>> | null = null;
  #filterState: Map<string, FilterStateObject> | null = null;

  constructor(connection: ConnectionInfo, startMs: number, startWallMs: number) {
    this.connection = connection;
    this.remoteAddress = connection.remoteAddress;
    this.startMs = startMs;
    this.startWallMs = startWallMs;
  }

  /** Takes over what is known of the client and its request from a stream that goes on as this one. */
  continueFrom(before: StreamInfo): void {
    this.remoteAddress = before.remoteAddress;
    this.requestId = before.requestId;
    this.bytesReceived = before.bytesReceived;
    this.internalRedirects = before.internalRedirects;
  }

  setFlag(flag: ResponseFlag): void {
    if (this.#flags === null) this.#flags = [flag];
    else if (!this.#flags.includes(flag)) this.#flags.push(flag);
  }

  hasFlag(flag: ResponseFlag): boolean {
    return this.#flags !== null && this.#flags.includes(flag);
  }

  /** Flags in the order in which they were set. */
  get flags(): readonly ResponseFlag[] {
    return this.#flags ?? NO_FLAGS;
  }

  /** Dynamic metadata by namespace; values are plain JSON. */
  get dynamicMetadata(): ReadonlyMap<string, Record<string, unknown>> {
    return this.#dynamicMetadata ?? NO_METADATA;
  }

  /** Merges `fields` into a namespace of the dynamic metadata. */
  mergeDynamicMetadata(namespace: string, fields: Readonly<Record<string, unknown>>): void {
    const all = this.#dynamicMetadata ??= new Map();
    const old = all.get(namespace) ?? Object.create(null) as Record<string, unknown>;
    all.set(namespace, Object.assign(Object.create(null), old, fields));
  }

  /** Objects that filters leave for one another and for the router, by name. */
  get filterState(): Map<string, FilterStateObject> {
    return this.#filterState ??= new Map();
  }

  get hasFilterState(): boolean {
    return this.#filterState !== null && this.#filterState.size > 0;
  }

  /** An object of this stream, or of its connection. */
  findFilterState(name: string): FilterStateObject | null {
    return this.#filterState?.get(name) ?? this.connection.filterState?.get(name) ?? null;
  }
}

/** A value in the filter state. */
export interface FilterStateObject {
  readonly value: Uint8Array;
  readonly readOnly: boolean;
  /** What the bytes are, for those who look into them: bytes alone unless said otherwise. */
  readonly type?: FilterStateType;
  /** A type URL, or the binary schema of a flat buffer. */
  readonly schema?: Uint8Array;
}

/** `address` is the text of an IP address. */
export type FilterStateType = "bytes" | "string" | "flatbuffers" | "protobuf" | "address";

const NO_FLAGS: readonly ResponseFlag[] = [];
const NO_METADATA: ReadonlyMap<string, Record<string, unknown>> = new Map();
