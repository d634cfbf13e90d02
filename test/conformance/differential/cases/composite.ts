// test/conformance/differential/cases/composite.ts: clusters of clusters, the next of them for each attempt.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener, tcpProxyListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";
import { FAST } from "./retry_routes.ts";

const CLUSTERS = "type.googleapis.com/envoy.extensions.clusters";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 3\r\n\r\nbad";

function composite(name: string, members: readonly string[], more = ""): string {
  return `- name: ${name}
  connect_timeout: 2s
  lb_policy: CLUSTER_PROVIDED
  cluster_type:
    name: envoy.clusters.composite
    typed_config:
      "@type": ${CLUSTERS}.composite.v3.ClusterConfig
      clusters: [ ${members.map((member) => `{ name: ${member} }`).join(", ")} ]
${more}`.trimEnd() + "\n";
}

/** A GET of a path, and what `u` and `v` answer. */
function get(name: string, path: string, u: string, v: string): Exchange {
  return {
    name,
    client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`,
    upstreams: { u: { http: [u] }, v: { http: [v] } },
  };
}

const NAMES = ["both", "gone_first", "gone_second", "refused", "empty", "nested", "full"];

export const compositeClusters: Group = {
  name: "composite_clusters",
  listeners: ["main", "raw"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHost: `include_request_attempt_count: true\nretry_policy: { ${FAST}, retry_on: 5xx, num_retries: 3 }\n`,
      routes: NAMES.map((name) => `- { match: { prefix: /${name} }, route: { cluster: ${name}, timeout: 0s } }`).join(
        "\n",
      ) + `
- match: { prefix: /mirrored }
  route: { cluster: u, timeout: 0s, request_mirror_policies: [ { cluster: mirror } ] }`,
    }),
    tcpProxyListener("raw", "cluster: refused\nmax_connect_attempts: 2"),
  ], [
    cluster("u"),
    cluster("v"),
    cluster("dead"),
    emptyCluster("nobody"),
    cluster("busy", "  circuit_breakers: { thresholds: [ { max_requests: 0 } ] }", "u"),
    composite("both", ["u", "v"]),
    composite("gone_first", ["gone", "v"]),
    composite("gone_second", ["u", "gone"]),
    composite("refused", ["dead", "v"]),
    composite("empty", ["nobody", "v"]),
    composite("nested", ["u", "gone_first"]),
    composite("full", ["busy", "v"], "  circuit_breakers: { thresholds: [ { max_retries: 0 } ] }"),
    composite("mirror", ["v", "u"]),
  ]),
  exchanges: [
    get("the first attempt", "/both", GOOD, GOOD),
    get("the second one", "/both", BAD, GOOD),
    get("there is no third one", "/both", BAD, BAD),
    get("the first cluster is not there", "/gone_first", GOOD, GOOD),
    get("the second one is not", "/gone_second", BAD, GOOD),
    get("no connection to the first one", "/refused", GOOD, GOOD),
    get("no host in the first one", "/empty", GOOD, GOOD),
    get("a composite of a composite", "/nested", BAD, GOOD),
    get("no retries", "/full", GOOD, GOOD),
    get("a mirror", "/mirrored", GOOD, GOOD),
    {
      name: "bytes: no attempt is counted before there is a host",
      listener: "raw",
      client: ["hello", "end", "closed"],
      upstreams: { v: { tcp: [{ bytes: 5 }, "world", "close"] } },
    },
  ],
};
