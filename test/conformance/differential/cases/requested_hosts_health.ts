// test/conformance/differential/cases/requested_hosts_health.ts: checks of hosts that come with requests, and of clusters of clusters.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { CheckAnswer, Exchange, Group, HealthStep } from "../exchange.ts";

const CLUSTERS = "type.googleapis.com/envoy.extensions.clusters";
const FILTER = "type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig";
const CACHE = "dns_cache_config: { name: c, dns_lookup_family: V4_ONLY }";
const CHECKS =
  "  health_checks: [ { timeout: 5s, interval: 0.02s, no_traffic_interval: 0.02s, unhealthy_threshold: 2, " +
  "healthy_threshold: 1, http_health_check: { path: /healthz } } ]\n" +
  "  common_lb_config: { update_merge_window: 0s, healthy_panic_threshold: { value: 0 } }";

/** A cluster that has its hosts from elsewhere. */
function providing(name: string, type: string): string {
  return `- name: ${name}\n  connect_timeout: 2s\n  lb_policy: CLUSTER_PROVIDED\n  ${type}\n${CHECKS}\n`;
}

function extension(name: string, config: string): string {
  return `cluster_type: { name: envoy.clusters.${name}, typed_config: ` +
    `{ "@type": ${CLUSTERS}.${name}.v3.ClusterConfig, ${config} } }`;
}

const GET_ASKED = "GET /asked HTTP/1.1\r\nHost: a.example\r\nx-envoy-original-dst-host: 127.0.0.1:@c_asked@\r\n\r\n";
const GET_FORWARD = "GET /forward HTTP/1.1\r\nHost: 127.0.0.1:@c_forward@\r\n\r\n";

const status = (code: number): string => `HTTP/1.1 ${code} Status\r\ncontent-length: 0\r\n\r\n`;
const OK = status(200), BAD = status(500);

function health(name: string, cluster: string, steps: readonly HealthStep[]): Exchange {
  return { name, client: { cluster, health: steps } };
}

const answer = (at: string, given: CheckAnswer): HealthStep => ({ at, answer: given });
const plain = { kind: "http", usual: OK } as const;

export const requestedHostsHealth: Group = {
  name: "requested_hosts_health",
  listeners: ["main"],
  upstreams: ["u", "v"],
  checked: { c_asked: plain, c_forward: plain, c_member: plain },
  yaml: bootstrap([
    httpListener("main", {
      filters: `- { name: forward, typed_config: { "@type": ${FILTER}, ${CACHE} } }\n`,
      routes: ["asked", "forward", "both"].map((name) =>
        `- { match: { prefix: /${name} }, route: { cluster: ${name}, timeout: 5s } }`
      ).join("\n"),
    }),
  ], [
    providing(
      "asked",
      "type: ORIGINAL_DST\n  cleanup_interval: 600s\n  original_dst_lb_config: { use_http_header: true }",
    ),
    providing("forward", extension("dynamic_forward_proxy", CACHE)),
    providing("both", extension("aggregate", "clusters: [ member, v ]")),
    cluster("member", CHECKS, "u").replace(
      "port_value: @u@ } }",
      "port_value: @u@ } }, health_check_config: { port_value: @c_member@ }",
    ),
    cluster("v"),
  ]),
  exchanges: [
    health("the first check of a member has been there", "member", ["flags"]),
    health("checks of a member count", "member", [
      answer("c_member", BAD),
      { get: "/both" },
      answer("c_member", OK),
      { get: "/both" },
    ]),
    health("an aggregate has no hosts to check", "both", ["flags", { get: "/both" }]),
    { name: "a request brings a host that is checked from then on", client: GET_ASKED },
    health("the host that it brought", "asked", [
      { see: "c_asked" },
      answer("c_asked", OK),
      answer("c_asked", "close"),
      answer("c_asked", BAD),
    ]),
    { name: "the host that a request asks for is asked, be it unhealthy", client: GET_ASKED },
    health("it can be healthy again", "asked", [answer("c_asked", OK)]),
    { name: "a name is found, and checked from then on", client: GET_FORWARD },
    health("the host of that name", "forward", [
      { see: "c_forward" },
      answer("c_forward", OK),
      answer("c_forward", BAD),
    ]),
    { name: "a host of a name is not asked while it is unhealthy", client: GET_FORWARD },
    health("it is asked once it is healthy again", "forward", [answer("c_forward", OK)]),
    { name: "as now", client: GET_FORWARD },
  ],
};
