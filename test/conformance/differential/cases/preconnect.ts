// test/conformance/differential/cases/preconnect.ts: connections made ahead of streams, as statistics count them.
/** @module */
import { bootstrap, httpListener, httpProtocolOptions, tcpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group } from "../exchange.ts";

const HOSTS = ["u", "v", "w"];
/** Connections that nobody uses go before the next exchange: in Envoy they count for other clusters, too. */
const BRIEF = httpProtocolOptions(`common_http_protocol_options: { idle_timeout: 0.2s }
explicit_http_config: { http_protocol_options: {} }`);

function ahead(name: string, policy: string, more = BRIEF, hosts = HOSTS): string {
  const host = (port: string) =>
    `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } } }, ` +
    "metadata: { filter_metadata: { warm: { kind: old } } } }";
  return `- name: ${name}
  connect_timeout: 2s
  preconnect_policy: { ${policy} }
  load_assignment:
    cluster_name: ${name}
    endpoints: [ { lb_endpoints: [ ${hosts.map(host).join(", ")} ] } ]
${more}`;
}

function enabledFor(kind: string): string {
  return `preconnect_enabled_metadata: { filter: warm, path: [ { key: kind } ], value: { string_match: { exact: ${kind} } } }`;
}

const CLUSTERS: readonly (readonly [name: string, cluster: string])[] = [
  ["predictive, 2", ahead("two", "predictive_preconnect_ratio: 2")],
  ["predictive, 3", ahead("three", "predictive_preconnect_ratio: 3")],
  ["predictive, 1.1", ahead("little", "predictive_preconnect_ratio: 1.1")],
  ["predictive, one host", ahead("single", "predictive_preconnect_ratio: 2", BRIEF, ["u"])],
  ["predictive, and for each host", ahead("both", "predictive_preconnect_ratio: 2, per_upstream_preconnect_ratio: 2")],
  ["predictive, for some hosts", ahead("old", `predictive_preconnect_ratio: 2, ${enabledFor("old")}`)],
  ["predictive, for hosts that there are not", ahead("new", `predictive_preconnect_ratio: 2, ${enabledFor("new")}`)],
  ["for each host", ahead("each", "per_upstream_preconnect_ratio: 3", BRIEF, ["u"])],
  ["for some hosts", ahead("each_old", `per_upstream_preconnect_ratio: 3, ${enabledFor("old")}`, BRIEF, ["u"])],
  [
    "for hosts that there are not",
    ahead("each_new", `per_upstream_preconnect_ratio: 3, ${enabledFor("new")}`, BRIEF, ["u"]),
  ],
  ["predictive, connections that stay", ahead("stays", "predictive_preconnect_ratio: 2", "")],
];

function nameOf(yaml: string): string {
  return /name: (\w+)/.exec(yaml)![1]!;
}

/** As many requests as there are hosts: which one comes first is left to chance. */
function askAll(name: string): ClientStep[] {
  const ask = HOSTS.flatMap(() => [`GET /${name} HTTP/1.1\r\nHost: a.example\r\n\r\n`, "response"] as const);
  return [...ask, { pause: 300 }];
}

/** Bytes to a cluster of which every connection ends soon. */
function bytes(name: string, listener: string): Exchange {
  const tcp = [{ pause: 200 }, "close"] as const;
  return {
    name,
    listener,
    client: ["hi", "closed"],
    unordered: true,
    upstreams: { u: { tcp }, v: { tcp }, w: { tcp } },
  };
}

function tcpProxy(name: string): string {
  return tcpListener(
    name,
    `- name: tcp
  typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: ${name}, cluster: ${name} }`,
  );
}

export const preconnect: Group = {
  name: "preconnect",
  listeners: ["main", "raw", "raw_each", "raw_beside"],
  upstreams: HOSTS,
  yaml: bootstrap([
    httpListener("main", {
      routes: CLUSTERS.map(([, cluster]) => nameOf(cluster)).map((name) =>
        `- { match: { path: /${name} }, route: { cluster: ${name} } }`
      ).join("\n"),
    }),
    tcpProxy("raw"),
    tcpProxy("raw_each"),
    tcpProxy("raw_beside"),
  ], [
    ...CLUSTERS.map(([, cluster]) => cluster),
    ahead("raw", "predictive_preconnect_ratio: 2", ""),
    ahead("raw_beside", "predictive_preconnect_ratio: 2", ""),
    ahead("raw_each", "per_upstream_preconnect_ratio: 2", "", ["u"]),
  ]),
  exchanges: [
    bytes("bytes: predictive", "raw"),
    bytes("bytes: for each host", "raw_each"),
    ...CLUSTERS.map(([name, cluster]) => ({
      name,
      client: askAll(nameOf(cluster)),
      unordered: true as const,
      anyConnection: true as const,
    })),
    bytes("bytes: predictive, beside another cluster's idle connections", "raw_beside"),
  ],
};
