// host/upstream/plan/connection.ts: how the hosts of a cluster are connected to.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/upstream_impl.cc parseBindConfig
 * @module
 */
import { parseIp } from "../../base/ip.ts";
import type { ConfigNode } from "../../config/node.ts";
import { DEFAULT_HAPPY_EYEBALLS, type HappyEyeballsPlan } from "../../net/happy_eyeballs.ts";
import type { SourceAddressPlan, TcpKeepalivePlan, UpstreamConnectionPlan } from "../plan.ts";

const DEFAULT_SELECTOR = "envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector";

/** `bindConfig` is that of the cluster manager, for clusters without one. */
export function planConnection(cluster: ConfigNode, bindConfig: ConfigNode | null): UpstreamConnectionPlan {
  const options = cluster.message("upstream_connection_options");
  options?.refuse(
    "set_local_interface_name_on_upstream_connections",
    "the runtime does not tell by which interface a connection goes",
    "remove it",
  );
  return {
    tcpKeepalive: planKeepalive(options),
    happyEyeballs: planHappyEyeballs(options?.message("happy_eyeballs_config") ?? null),
    sources: planSources(cluster.message("upstream_bind_config") ?? bindConfig),
  };
}

function planKeepalive(options: ConfigNode | null): TcpKeepalivePlan | null {
  const node = options?.message("tcp_keepalive") ?? null;
  if (node === null) return null;
  node.accept("keepalive_probes", "JavaScript runtimes set only the time before the first probe");
  node.accept("keepalive_interval", "JavaScript runtimes set only the time before the first probe");
  // 7200 s is what Linux does when the configuration asks for keep-alive and names no time.
  return { timeSeconds: node.number("keepalive_time", 7200) };
}

function planHappyEyeballs(node: ConfigNode | null): HappyEyeballsPlan {
  if (node === null) return DEFAULT_HAPPY_EYEBALLS;
  const family = node.enum("first_address_family_version");
  if (family !== "DEFAULT" && family !== "V4" && family !== "V6") {
    node.error("config/unsupported", `addresses of the family ${family} have no alternatives`, {
      field: "first_address_family_version",
      help: "use DEFAULT, V4 or V6",
    });
  }
  return {
    firstFamily: family === "V4" || family === "V6" ? family : "DEFAULT",
    firstFamilyCount: node.number("first_address_family_count", 1),
  };
}

function planSources(node: ConfigNode | null): readonly SourceAddressPlan[] {
  if (node === null) return [];
  node.accept("freebind", "the runtimes cannot bind to an address that the machine does not have");
  node.accept("validate_network_namespaces", "the runtimes connect from their own network namespace");
  checkSelector(node.message("local_address_selector"));
  const first = node.message("source_address");
  const extra = node.messages("extra_source_addresses");
  const old = node.messages("additional_source_addresses");
  const nodes = [
    ...(first === null ? [] : [first]),
    ...extra.flatMap((item) => item.message("address") ?? []),
    ...old,
  ];
  const sources = nodes.flatMap((item) => planSource(item) ?? []);
  if (extra.length > 1 || old.length > 1) {
    node.error("config/conflict", "only one extra source address can be used", {
      field: extra.length > 1 ? "extra_source_addresses" : "additional_source_addresses",
    });
  } else if (sources.length > 1 && parseIp(sources[0]!.address)!.version === parseIp(sources[1]!.address)!.version) {
    node.error("config/conflict", "the two source addresses are of the same family", {
      field: extra.length > 0 ? "extra_source_addresses" : "additional_source_addresses",
    });
  }
  return sources;
}

function checkSelector(node: ConfigNode | null): void {
  if (node === null) return;
  node.accept("name", "the type of typed_config says which selector it is");
  const config = node.any("typed_config");
  if (config === null || config.typeName === DEFAULT_SELECTOR) return;
  node.error("config/unsupported", `local address selector '${config.typeName}' is not known`, {
    field: "typed_config",
    help: `use ${DEFAULT_SELECTOR}`,
  });
}

function planSource(node: ConfigNode): SourceAddressPlan | null {
  node.accept("protocol", "upstreams are reached by TCP only");
  const port = node.number("port_value");
  const address = node.string("address");
  if (parseIp(address) !== null) return { address, port };
  node.error("config/bad-address", `'${address}' is no IP address`, { field: "address" });
  return null;
}
