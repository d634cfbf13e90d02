// host/net/plan/listener.ts: a Listener message as a plan.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/listener_manager/listener_impl.cc
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { ipAddress } from "../address.ts";
import { FilterChainMatcher } from "../filter_chain_match.ts";
import { formatIp, type Ip, isAnyOrMapped, parseIp } from "../../base/ip.ts";
import type { ExtensionPlan, FilterChainPlan, ListenAddressPlan, ListenerPlan } from "../plan.ts";
import { planFilterChainMatch } from "./filter_chain_match.ts";

/** What a listener's filters are planned with. */
export interface ListenerPlanScope {
  readonly name: string;
  readonly statPrefix: string;
  readonly trafficDirection: "UNSPECIFIED" | "INBOUND" | "OUTBOUND";
}

/** Plans what this file knows nothing of. Each gives null, or a shorter list, after reporting on the node. */
export interface ListenerPlanners {
  planFilters(nodes: readonly ConfigNode[], scope: ListenerPlanScope): readonly ExtensionPlan[];
  planAccessLog(node: ConfigNode, scope: ListenerPlanScope): ExtensionPlan | null;
  /** Absent: there are no listener filters. */
  planListenerFilter?(node: ConfigNode, scope: ListenerPlanScope): ExtensionPlan | null;
  /** Absent: there is raw_buffer only. */
  planTransportSocket?(node: ConfigNode, scope: ListenerPlanScope): ExtensionPlan | null;
  /** What is put in when a filter chain matches by what only a TLS ClientHello tells, as Envoy does. */
  readonly tlsInspector?: ExtensionPlan;
}

const UNSUPPORTED = "config/unsupported";
const RAW_BUFFER = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
const TLS_INSPECTOR = "envoy.filters.listener.tls_inspector";
/** More than Envoy's 128: one busy moment of a worker must not cost a client a second. */
const DEFAULT_BACKLOG = 1024;

/** The plan of an `envoy.config.listener.v3.Listener`; null when it has no usable address. */
export function planListener(node: ConfigNode, planners: ListenerPlanners): ListenerPlan | null {
  const addresses = planAddresses(node);
  const first = addresses[0] ?? null;
  const statPrefix = node.string("stat_prefix") || (first === null ? "" : addressText(first));
  const name = node.string("name") || (first === null ? "" : addressText(first));
  const trafficDirection = node.enum("traffic_direction") as ListenerPlan["trafficDirection"];
  const scope: ListenerPlanScope = { name, statPrefix, trafficDirection };
  const chainNodes = node.messages("filter_chains");
  const filterChains = chainNodes.map((each) => planFilterChain(each, planners, scope));
  const fallbackNode = node.message("default_filter_chain");
  const defaultFilterChain = fallbackNode === null ? null : planFilterChain(fallbackNode, planners, scope);
  if (chainNodes.length === 0 && fallbackNode === null) {
    node.error("config/missing-field", "no filter chains specified", { help: "add `filter_chains`" });
  }
  checkConflicts(chainNodes, filterChains);
  const listenerFilters = planListenerFilters(node, planners, scope, chainNodes, filterChains);
  refuseUnsupported(node);
  acceptWithoutEffect(node);
  const deprecated = node.message("deprecated_v1");
  const metadata = node.message("metadata")?.json("filter_metadata");
  const plan: ListenerPlan = {
    name,
    statPrefix,
    addresses,
    bindToPort: node.bool("bind_to_port", true) && (deprecated?.bool("bind_to_port", true) ?? true),
    reusePort: node.bool("enable_reuse_port", true),
    backlog: node.number("tcp_backlog_size", DEFAULT_BACKLOG),
    ignoresGlobalConnectionLimit: node.bool("ignore_global_conn_limit"),
    bypassesOverloadManager: node.bool("bypass_overload_manager"),
    perConnectionBufferLimitBytes: node.number("per_connection_buffer_limit_bytes", 1024 * 1024),
    listenerFilters,
    listenerFiltersTimeoutMs: node.durationMs("listener_filters_timeout", 15_000),
    continueOnListenerFiltersTimeout: node.bool("continue_on_listener_filters_timeout"),
    filterChains,
    defaultFilterChain,
    accessLog: node.messages("access_log").flatMap((each) => planners.planAccessLog(each, scope) ?? []),
    trafficDirection,
    drainType: node.enum("drain_type") as ListenerPlan["drainType"],
    ...(metadata === undefined ? {} : { metadata: metadata as Record<string, unknown> }),
  };
  return first === null ? null : plan;
}

function addressText(plan: ListenAddressPlan): string {
  return parseIp(plan.address) === null ? plan.address : ipAddress(plan.address, plan.port).text;
}

function planAddresses(node: ConfigNode): ListenAddressPlan[] {
  const address = node.message("address");
  if (address === null) {
    node.error("config/missing-field", "the listener has no address", {
      help: "add `address: { socket_address: { address: 0.0.0.0, port_value: 10000 } }`",
    });
  }
  const more = node.messages("additional_addresses").map((each) => each.message("address"));
  return [address, ...more].flatMap((each) => each === null ? [] : planAddress(each) ?? []);
}

function planAddress(node: ConfigNode): ListenAddressPlan | null {
  const pipe = node.message("pipe");
  if (pipe !== null) {
    const path = pipe.string("path");
    return { address: path, port: 0, ipv4Compat: false, mode: pipe.number("mode") };
  }
  const socket = node.message("socket_address");
  if (socket === null) {
    node.error(UNSUPPORTED, "only socket addresses and pipes can be listened on");
    return null;
  }
  if (socket.enum("protocol") === "UDP") {
    socket.error(UNSUPPORTED, "UDP listeners are not supported yet", { field: "protocol" });
    return null;
  }
  if (socket.string("named_port") !== "") {
    socket.error("config/bad-address", "a listener needs a port number", {
      field: "named_port",
      help: "use port_value",
    });
    return null;
  }
  const ip = planIp(socket);
  if (ip === null) return null;
  const ipv4Compat = socket.bool("ipv4_compat");
  if (ipv4Compat && !isAnyOrMapped(ip)) {
    socket.error(
      "config/bad-address",
      `ipv4_compat is for :: and for IPv4 addresses as IPv6 ones, not for ${formatIp(ip)}`,
      {
        field: "ipv4_compat",
      },
    );
  }
  return { address: formatIp(ip), port: socket.number("port_value"), ipv4Compat, mode: 0 };
}

/** The address of a SocketAddress that is listened on; null after it was reported. */
export function planIp(socket: ConfigNode): Ip | null {
  const text = socket.string("address");
  const ip = parseIp(text);
  if (ip === null) {
    socket.error("config/bad-address", `malformed IP address: ${text}`, {
      field: "address",
      help: "write an IP address; names are not resolved here",
    });
  }
  return ip;
}

function planFilterChain(node: ConfigNode, planners: ListenerPlanners, scope: ListenerPlanScope): FilterChainPlan {
  const filterNodes = node.messages("filters");
  if (filterNodes.length === 0) {
    node.warn("config/no-effect", "the filter chain has no filters: its connections are closed", {
      help: "add a terminal filter, such as http_connection_manager or tcp_proxy",
    });
  }
  node.refuse("use_proxy_proto", "the PROXY protocol is not read so far");
  node.accept("metadata", "nothing here reads the metadata of filter chains");
  return {
    name: node.string("name"),
    match: planFilterChainMatch(node.message("filter_chain_match")),
    filters: planners.planFilters(filterNodes, scope),
    transportSocket: planTransport(node, planners, scope),
    transportSocketConnectTimeoutMs: node.durationMs("transport_socket_connect_timeout", 0),
  };
}

function planTransport(node: ConfigNode, planners: ListenerPlanners, scope: ListenerPlanScope): ExtensionPlan | null {
  const transport = node.message("transport_socket");
  if (transport === null) return null;
  if (planners.planTransportSocket !== undefined) return planners.planTransportSocket(transport, scope);
  const name = transport.string("name");
  const config = transport.any("typed_config");
  if (config === null ? name === "envoy.transport_sockets.raw_buffer" : config.typeName === RAW_BUFFER) return null;
  transport.error(UNSUPPORTED, `transport socket '${name}' is not supported yet`, { field: "typed_config" });
  return null;
}

function planListenerFilters(
  node: ConfigNode,
  planners: ListenerPlanners,
  scope: ListenerPlanScope,
  chainNodes: readonly ConfigNode[],
  chains: readonly FilterChainPlan[],
): ExtensionPlan[] {
  const plans = node.messages("listener_filters").flatMap((each) => {
    if (planners.planListenerFilter !== undefined) return planners.planListenerFilter(each, scope) ?? [];
    each.error(UNSUPPORTED, `listener filter '${each.string("name")}' is not supported yet`);
    // Its configuration is known to be unusable; there is no need to say so field by field.
    each.any("typed_config");
    return [];
  });
  if (plans.some((each) => each.extension === TLS_INSPECTOR)) return plans;
  chains.forEach(({ match }, index) => {
    const needed = match.serverNames.length > 0 || match.applicationProtocols.length > 0 ||
      match.transportProtocol === "tls";
    if (!needed || plans.some((each) => each.extension === TLS_INSPECTOR)) return;
    const place = { field: "filter_chain_match" };
    if (planners.tlsInspector === undefined) {
      chainNodes[index]!.error(UNSUPPORTED, "matching by what a TLS ClientHello says is not supported yet", place);
    } else {
      chainNodes[index]!.warn("config/tls-inspector-added", "the match needs tls_inspector, which was added", {
        ...place,
        help: "add envoy.filters.listener.tls_inspector to `listener_filters`",
      });
      plans.unshift(planners.tlsInspector);
    }
  });
  return plans;
}

function checkConflicts(nodes: readonly ConfigNode[], chains: readonly FilterChainPlan[]): void {
  const matcher = new FilterChainMatcher(chains.map((chain) => chain.match));
  for (const { first, second } of matcher.conflicts) {
    const other = chains[first]!.name === "" ? nodes[first]!.path : `'${chains[first]!.name}'`;
    nodes[second]!.error("config/conflict", `the filter chain has the same matching rules as ${other}`, {
      ...(nodes[second]!.has("filter_chain_match") && { field: "filter_chain_match" }),
      help: "a connection could not choose between them: tell them apart by `filter_chain_match`",
    });
  }
}

const NEEDS_SOCKET_OPTIONS: readonly (readonly [string, string])[] = [
  ["use_original_dst", "SO_ORIGINAL_DST"],
  ["transparent", "IP_TRANSPARENT"],
  ["freebind", "IP_FREEBIND"],
];

function refuseUnsupported(node: ConfigNode): void {
  for (const [field, option] of NEEDS_SOCKET_OPTIONS) {
    node.refuse(field, `it needs the socket option ${option}, which JavaScript runtimes cannot set`);
  }
}

function acceptWithoutEffect(node: ConfigNode): void {
  node.accept("reuse_port", "enable_reuse_port took its place");
  node.accept("connection_balance_config", "the system spreads connections over workers (SO_REUSEPORT)");
  node.accept("max_connections_to_accept_per_socket_event", "the runtime decides how many it accepts at once");
  node.accept("tcp_fast_open_queue_length", "runtimes cannot set TCP_FASTOPEN; clients connect all the same");
}
