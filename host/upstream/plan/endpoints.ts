// host/upstream/plan/endpoints.ts: a ClusterLoadAssignment as localities of endpoints.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/endpoint/v3/endpoint.proto
 * @module
 */
import { planFractionalPercent } from "../../config/fraction.ts";
import type { ConfigNode } from "../../config/node.ts";
import { parseIp } from "../../base/ip.ts";
import { toWireText } from "../../base/wire_text.ts";
import {
  type DropOverloadPlan,
  type EndpointHealth,
  type EndpointHealthCheckPlan,
  type EndpointPlan,
  type EndpointsPlan,
  type LocalityEndpointsPlan,
  NO_LOCALITY,
} from "../plan.ts";

export const NO_ENDPOINTS: EndpointsPlan = {
  localities: [],
  overprovisioningFactor: 140,
  weightedPriorityHealth: false,
  dropOverload: null,
  staleAfterMs: 0,
};

export function planEndpoints(node: ConfigNode | null): EndpointsPlan {
  if (node === null) return NO_ENDPOINTS;
  node.accept("cluster_name", "it names the resource of EDS; here the cluster is known");
  const named = new Map(node.messageMap("named_endpoints"));
  const policy = node.message("policy");
  return {
    localities: node.messages("endpoints").map((locality) => planLocality(locality, named)),
    overprovisioningFactor: policy?.number("overprovisioning_factor", 140) ?? 140,
    weightedPriorityHealth: policy?.bool("weighted_priority_health") ?? false,
    dropOverload: policy === null ? null : planDropOverload(policy),
    staleAfterMs: policy?.durationMs("endpoint_stale_after", 0) ?? 0,
  };
}

function planDropOverload(policy: ConfigNode): DropOverloadPlan | null {
  const all = policy.messages("drop_overloads");
  if (all.length > 1) {
    policy.error("config/unsupported", `there are ${all.length} categories of drop_overloads, and one is supported`, {
      field: "drop_overloads",
      help: "name one",
    });
  }
  const drops = all.map((drop) => {
    const { numerator, denominator } = planFractionalPercent(drop.message("drop_percentage"));
    return { category: drop.string("category"), fraction: Math.min(1, numerator / denominator) };
  });
  return drops[0] ?? null;
}

function planLocality(node: ConfigNode, named: ReadonlyMap<string, ConfigNode>): LocalityEndpointsPlan {
  node.refuse(
    "leds_cluster_locality_config",
    "endpoints of a locality do not come one by one (LEDS)",
    "list them in lb_endpoints",
  );
  node.accept("load_balancer_endpoints", "lb_endpoints counts, as in Envoy");
  const locality = node.message("locality");
  const metadata = node.message("metadata")?.json("filter_metadata");
  return {
    priority: node.number("priority"),
    locality: locality === null ? NO_LOCALITY : {
      region: locality.string("region"),
      zone: locality.string("zone"),
      subZone: locality.string("sub_zone"),
    },
    weight: node.number("load_balancing_weight"),
    endpoints: node.messages("lb_endpoints").flatMap((item) => planEndpoint(item, named) ?? []),
    ...(metadata === undefined ? {} : { metadata: metadata as Record<string, unknown> }),
  };
}

function planEndpoint(item: ConfigNode, named: ReadonlyMap<string, ConfigNode>): EndpointPlan | null {
  const name = item.string("endpoint_name");
  const endpoint = item.message("endpoint") ?? named.get(name) ?? null;
  if (endpoint === null) {
    if (name === "") item.error("config/missing-field", "an entry of lb_endpoints needs an endpoint");
    else item.error("config/missing-field", `there is no named endpoint '${name}'`, { field: "endpoint_name" });
    return null;
  }
  const address = planAddress(endpoint);
  if (address === null) return null;
  const metadata = item.message("metadata")?.json("filter_metadata") ?? {};
  const check = endpoint.message("health_check_config");
  return {
    ...address,
    ...planAdditional(endpoint),
    hostname: endpoint.string("hostname"),
    weight: item.number("load_balancing_weight", 1),
    health: item.enum("health_status") as EndpointHealth,
    metadata: metadata as Record<string, unknown>,
    ...(check !== null && { healthCheck: planEndpointHealthCheck(check) }),
  };
}

function planEndpointHealthCheck(node: ConfigNode): EndpointHealthCheckPlan {
  const own = node.message("address");
  const socket = own?.message("socket_address") ?? null;
  const address = socket?.string("address") ?? own?.message("pipe")?.string("path") ?? "";
  if (socket !== null && parseIp(address) === null) {
    socket.error("config/bad-address", `'${address}' is no IP address`, { field: "address" });
  }
  const addressPort = socket?.number("port_value") ?? 0;
  return {
    address,
    port: node.number("port_value") || addressPort,
    hostname: toWireText(node.string("hostname")),
    disabled: node.bool("disable_active_health_check"),
  };
}

function planAdditional(endpoint: ConfigNode): Pick<EndpointPlan, "additionalAddresses"> {
  const addresses = endpoint.messages("additional_addresses").flatMap((item) => {
    const address = planAddress(item);
    if (address === null || parseIp(address.address) !== null) return address ?? [];
    item.error("config/bad-address", `'${address.address}' is no IP address`, { field: "address" });
    return [];
  });
  return addresses.length === 0 ? {} : { additionalAddresses: addresses };
}

/** An IP address or name with a port, or the path of a unix socket with port 0. */
function planAddress(endpoint: ConfigNode): { address: string; port: number } | null {
  const node = endpoint.message("address");
  if (node === null) {
    endpoint.error("config/missing-field", "an endpoint needs an address");
    return null;
  }
  const pipe = node.message("pipe");
  if (pipe !== null) return { address: pipe.string("path"), port: 0 };
  const socket = node.message("socket_address");
  if (socket === null) {
    // What else is set stays unread, and is reported as such.
    if (node.oneof("address") === null) {
      node.error("config/missing-field", "an address needs a socket_address or a pipe");
    }
    return null;
  }
  if (socket.enum("protocol") !== "TCP") {
    socket.error("config/unsupported", "upstreams are reached by TCP only", { field: "protocol" });
  }
  if (socket.string("resolver_name") !== "") {
    socket.error("config/unsupported", "there are no resolvers by name", {
      field: "resolver_name",
      help: "use typed_dns_resolver_config of the cluster",
    });
  }
  socket.accept("ipv4_compat", "it concerns addresses to listen on");
  const port = socket.number("port_value");
  if (port === 0) {
    socket.warn("config/bad-address", "nobody listens on port 0", {
      ...(socket.has("port_value") && { field: "port_value" }),
    });
  }
  return { address: socket.string("address"), port };
}
