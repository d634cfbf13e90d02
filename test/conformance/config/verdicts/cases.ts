// test/conformance/config/verdicts/cases.ts: configurations that are taken or refused, as Envoy takes or refuses them.
/** @module */
import {
  bootstrap,
  cluster,
  emptyCluster,
  httpListener,
  tcpListener,
  tcpProxyListener,
} from "../../differential/bootstrap.ts";

export interface VerdictCase {
  readonly name: string;
  readonly yaml: string;
}

function listener(name: string, text: string): VerdictCase {
  return { name, yaml: bootstrap([text], [cluster("u")]) };
}

function oneCluster(name: string, fields: string): VerdictCase {
  return { name, yaml: bootstrap([], [`${emptyCluster("a").replace(" }", `, ${fields} }`)}`]) };
}

/** An endpoint with further fields of its address. */
function endpoint(name: string, fields: string): VerdictCase {
  const host = `{ endpoint: { address: { socket_address: { address: 127.0.0.1, ${fields} } } } }`;
  return oneCluster(name, `load_assignment: { cluster_name: a, endpoints: [ { lb_endpoints: [ ${host} ] } ] }`);
}

function routes(name: string, text: string): VerdictCase {
  return listener(name, httpListener("main", { routes: text }));
}

export const VERDICT_CASES: readonly VerdictCase[] = [
  listener("a chain without filters", tcpListener("main", "").replace("- filters:", "- name: nobody")),
  listener(
    "a router that is disabled",
    httpListener("main").replace(
      "- name: envoy.filters.http.router",
      "- disabled: true\n          name: envoy.filters.http.router",
    ),
  ),
  listener(
    "ipv4_compat of an IPv4 address",
    httpListener("main").replace("port_value", "ipv4_compat: true, port_value"),
  ),
  listener("ipv4_compat of ::", httpListener("main").replace("address: 127.0.0.1", "address: '::', ipv4_compat: true")),
  listener(
    "ipv4_compat of a mapped address",
    httpListener("main").replace("address: 127.0.0.1", "address: '::ffff:127.0.0.1', ipv4_compat: true"),
  ),
  listener(
    "ipv4_compat of ::1",
    httpListener("main").replace("address: 127.0.0.1", "address: '::1', ipv4_compat: true"),
  ),
  listener("a name to listen on", httpListener("main").replace("address: 127.0.0.1", "address: localhost")),
  {
    name: "a name for the admin interface",
    yaml: bootstrap([], []).replace("127.0.0.1", "localhost").replace("static_resources:", ""),
  },
  listener("a negative idle timeout", tcpProxyListener("main", "cluster: u\nidle_timeout: -1s")),
  routes("a negative timeout", '- { match: { prefix: "/" }, route: { cluster: u, timeout: -1s } }'),
  routes(
    "a negative limit of grpc-timeout",
    '- { match: { prefix: "/" }, route: { cluster: u, max_stream_duration: { grpc_timeout_header_max: -1s } } }',
  ),
  routes(
    "a weighted cluster without a weight",
    '- { match: { prefix: "/" }, route: { weighted_clusters: { clusters: [ { name: u, weight: 1 }, { name: u } ] } } }',
  ),
  routes(
    "a weighted cluster of weight 0",
    '- { match: { prefix: "/" }, route: { weighted_clusters: { clusters: [ { name: u, weight: 1 }, { name: u, weight: 0 } ] } } }',
  ),
  oneCluster("a negative merge window", "common_lb_config: { update_merge_window: -1s }"),
  endpoint("an endpoint of port 0", "port_value: 0"),
  endpoint("an endpoint with a resolver", "port_value: 1, resolver_name: mine"),
];
