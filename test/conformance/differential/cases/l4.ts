// test/conformance/differential/cases/l4.ts: connections without HTTP, and which filter chain gets them.
/** @module */
import { bootstrap, cluster, emptyCluster, onPipe, pipeCluster, tcpListener, tcpProxyListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

const ECHO = "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo";
const DIRECT = "type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config";
const LOG = "tcp flags=%RESPONSE_FLAGS% details=%RESPONSE_CODE_DETAILS% code=%RESPONSE_CODE% rx=%BYTES_RECEIVED% " +
  "tx=%BYTES_SENT% cluster=%UPSTREAM_CLUSTER% host=%UPSTREAM_HOST% method=%REQ(:METHOD)% protocol=%PROTOCOL% " +
  "attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT% closed=%CONNECTION_TERMINATION_DETAILS% chain=%FILTER_CHAIN_NAME%";

function tcpProxy(name: string, more: string, log = LOG): string {
  return tcpProxyListener(name, more, log);
}

export const l4: Group = {
  name: "l4",
  listeners: ["proxy"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    tcpProxy("proxy", "cluster: u"),
    tcpProxy("idle", "cluster: u\nidle_timeout: 0.3s"),
    tcpProxy("lasting", "cluster: u\nmax_downstream_connection_duration: 0.3s"),
    tcpProxy("to_dead", "cluster: dead"),
    tcpProxy("to_dead_twice", "cluster: dead\nmax_connect_attempts: 2"),
    tcpProxy("to_empty", "cluster: empty"),
    tcpProxy(
      "weighted",
      "weighted_clusters: { clusters: [ { name: u, weight: 1 }, { name: v, weight: 1000000000 } ] }",
    ),
    tcpProxy("full", "cluster: full"),
    tcpProxy(
      "logging",
      `cluster: u
access_log_options:
  flush_access_log_on_start: true
  flush_access_log_on_connected: true
  access_log_flush_interval: 0.5s`,
      "%ACCESS_LOG_TYPE% %BYTES_RECEIVED%/%BYTES_SENT% cluster=%UPSTREAM_CLUSTER% host=%UPSTREAM_HOST%",
    ),
    tcpProxy("named", "cluster: named", "cluster=%UPSTREAM_CLUSTER%/%UPSTREAM_CLUSTER_RAW%"),
    tcpProxy("named_empty", "cluster: named_empty", "cluster=%UPSTREAM_CLUSTER%/%UPSTREAM_CLUSTER_RAW%"),
    tcpListener("nobody_there", "").replace("- filters:", "- name: nobody"),
    tcpListener("echo", `- { name: envoy.filters.network.echo, typed_config: { "@type": ${ECHO} } }`),
    tcpListener(
      "direct",
      `- { name: envoy.filters.network.direct_response, typed_config: { "@type": ${DIRECT}, response: { inline_string: "go away" } } }`,
    ),
    tcpListener(
      "nobody",
      `- { name: envoy.filters.network.echo, typed_config: { "@type": ${ECHO} } }`,
    ).replace(
      "  - filters:",
      "  - filter_chain_match: { source_prefix_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ] }\n    filters:",
    ),
    `- name: fallback
  address: { socket_address: { address: 127.0.0.1, port_value: @fallback@ } }
  filter_chains:
  - name: narrow
    filter_chain_match: { source_prefix_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ] }
    filters: [ { name: envoy.filters.network.echo, typed_config: { "@type": ${ECHO} } } ]
  - name: near
    filter_chain_match: { source_prefix_ranges: [ { address_prefix: 127.0.0.0, prefix_len: 8 } ] }
    filters: [ { name: envoy.filters.network.direct_response, typed_config: { "@type": ${DIRECT}, response: { inline_string: near } } } ]
  - name: nearer
    filter_chain_match: { source_prefix_ranges: [ { address_prefix: 127.0.0.1, prefix_len: 32 } ] }
    filters: [ { name: envoy.filters.network.direct_response, typed_config: { "@type": ${DIRECT}, response: { inline_string: nearer } } } ]
  default_filter_chain:
    filters: [ { name: envoy.filters.network.direct_response, typed_config: { "@type": ${DIRECT}, response: { inline_string: default } } } ]
`,
    `- name: defaulted
  address: { socket_address: { address: 127.0.0.1, port_value: @defaulted@ } }
  filter_chains:
  - filter_chain_match: { source_type: EXTERNAL }
    filters: [ { name: envoy.filters.network.echo, typed_config: { "@type": ${ECHO} } } ]
  default_filter_chain:
    filters: [ { name: envoy.filters.network.direct_response, typed_config: { "@type": ${DIRECT}, response: { inline_string: default } } } ]
`,
    tcpProxy("to_pipe", "cluster: pipe"),
    onPipe(
      "pipe",
      tcpListener("pipe_echo", `- { name: envoy.filters.network.echo, typed_config: { "@type": ${ECHO} } }`),
    ),
  ], [
    pipeCluster("pipe"),
    cluster("u"),
    cluster("v"),
    cluster("dead"),
    emptyCluster("empty"),
    cluster("named", "  alt_stat_name: shown", "u"),
    "- { name: named_empty, connect_timeout: 2s, alt_stat_name: shown_empty }\n",
    cluster("full", "  circuit_breakers: { thresholds: [ { max_connections: 0 } ] }", "u"),
  ]),
  exchanges: [
    {
      name: "bytes go both ways, the client ends first",
      client: ["hello", { bytes: 5 }, "more", "end", { bytes: 4 }, "closed"],
      upstreams: { u: { tcp: [{ bytes: 5 }, "HELLO", { bytes: 4 }, { pause: 30 }, "last", "end"] } },
    },
    {
      name: "the upstream ends first, the client goes on",
      client: [{ bytes: 3 }, { pause: 50 }, "still", "end", "closed"],
      upstreams: { u: { tcp: ["bye", "end", { bytes: 5 }] } },
    },
    { name: "a chain without filters", listener: "nobody_there", client: ["hello", "closed"] },
    {
      name: "an upstream that speaks first",
      client: [{ until: "\n" }, "end", "closed"],
      upstreams: { u: { tcp: ["220 hello\n"] } },
    },
    {
      name: "the upstream closes",
      client: ["hello", "closed"],
      upstreams: { u: { tcp: [{ bytes: 5 }, "close"] } },
    },
    {
      name: "the upstream resets",
      client: [{ bytes: 2 }, "closed"],
      upstreams: { u: { tcp: ["hi", { pause: 30 }, "reset"] } },
    },
    {
      name: "the client resets",
      client: ["hello", { seen: 1 }, { pause: 50 }, "reset"],
      upstreams: { u: { tcp: [{ bytes: 5 }] } },
    },
    {
      name: "records at each moment",
      listener: "logging",
      client: ["hello", { bytes: 2 }, { pause: 750 }, "end", "closed"],
      upstreams: { u: { tcp: [{ bytes: 5 }, "hi"] } },
    },
    {
      name: "a cluster that logs call otherwise",
      listener: "named",
      client: ["hello", "closed"],
      upstreams: { u: { tcp: [{ bytes: 5 }, "close"] } },
    },
    { name: "a cluster without hosts that logs call otherwise", listener: "named_empty", client: ["hello", "closed"] },
    { name: "a refused connection", listener: "to_dead", client: ["hello", "closed"] },
    { name: "two refused connections", listener: "to_dead_twice", client: ["hello", "closed"] },
    { name: "a cluster without hosts", listener: "to_empty", client: ["hello", "closed"] },
    { name: "a cluster that may have no connections", listener: "full", client: ["hello", "closed"] },
    {
      name: "a weighted cluster",
      listener: "weighted",
      client: [{ bytes: 1 }, "end", "closed"],
      upstreams: { v: { tcp: ["v"] }, u: { tcp: ["u"] } },
    },
    {
      name: "nobody says anything",
      listener: "idle",
      client: ["a", { bytes: 1 }, "closed"],
      upstreams: { u: { tcp: [{ bytes: 1 }, "A"] } },
    },
    {
      name: "a connection that lasts too long",
      listener: "lasting",
      client: ["a", { bytes: 1 }, "closed"],
      upstreams: { u: { tcp: [{ bytes: 1 }, "A"] } },
    },
    {
      name: "a large stream both ways",
      client: ["x".repeat(2_000_000), "end", { bytes: 2_000_000 }, "closed"],
      upstreams: { u: { tcp: [{ bytes: 2_000_000 }, "y".repeat(2_000_000), "end"] } },
    },
    { name: "echo", listener: "echo", client: ["one", { bytes: 3 }, "two", { bytes: 3 }, "end", "closed"] },
    { name: "through a unix socket", listener: "to_pipe", client: ["one", { bytes: 3 }, "end", "closed"] },
    { name: "a direct response", listener: "direct", client: [{ bytes: 7 }, "closed"] },
    {
      name: "a direct response to a client that speaks",
      listener: "direct",
      client: ["hello", { bytes: 7 }, "closed"],
    },
    { name: "no filter chain matches", listener: "nobody", client: ["hello", "closed"] },
    { name: "the most specific filter chain", listener: "fallback", client: [{ until: "r" }, "closed"] },
    { name: "the default filter chain", listener: "defaulted", client: ["hello", { bytes: 7 }, "closed"] },
  ],
};
