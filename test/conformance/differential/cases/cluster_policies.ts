// test/conformance/differential/cases/cluster_policies.ts: policies of routes that clusters have.
/** @module */
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Answer, Exchange, Group } from "../exchange.ts";
import { FAST } from "./retry_routes.ts";

const HOST = "Host: a.example\r\n";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
const LISTED = (code: number): string =>
  `retry_policy: { ${FAST}, retry_on: retriable-status-codes, retriable_status_codes: [ ${code} ] }`;

/** The fields of a cluster with these policies. */
function policies(fields: string): string {
  return httpProtocolOptions(`explicit_http_config: { http_protocol_options: {} }\n${fields}`);
}

/** A cluster of `u` and `v` that hashes, by names that do not depend on ports. */
function hashing(name: string, fields: string): string {
  const host = (port: string) =>
    `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } } }, ` +
    `metadata: { filter_metadata: { envoy.lb: { hash_key: host-${port} } } } }`;
  return `- name: ${name}
  connect_timeout: 2s
  lb_policy: MAGLEV
  load_assignment:
    cluster_name: ${name}
    endpoints: [ { lb_endpoints: [ ${host("u")}, ${host("v")} ] } ]
${policies(fields)}`;
}

function bad(status: number): string {
  return `HTTP/1.1 ${status} X\r\ncontent-length: 3\r\n\r\nbad`;
}

/** A GET of a path, and what its attempts get. */
function get(name: string, path: string, answers: readonly (string | Answer)[], more = ""): Exchange {
  return {
    name,
    client: `GET ${path} HTTP/1.1\r\n${HOST}${more}\r\n`,
    upstreams: { u: { http: [...answers] }, v: { http: [...answers] } },
  };
}

const BY_CLUSTER = "hash_policy: [ { header: { header_name: x-c } } ]";
const BY_ROUTE = "hash_policy: [ { header: { header_name: x-r } } ]";

export const clusterPolicies: Group = {
  name: "cluster_policies",
  listeners: ["main", "host"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHost: "include_request_attempt_count: true\n",
      routes: `- { match: { path: /retry/plain }, route: { cluster: retrying } }
- { match: { path: /retry/route }, route: { cluster: retrying, ${LISTED(417)} } }
- { match: { path: /retry/nothing }, route: { cluster: retrying, retry_policy: { num_retries: 3 } } }
- { match: { path: /retry/timed }, route: { cluster: retrying_timed } }
- { match: { path: /retry/short }, route: { cluster: retrying_timed, timeout: 0.05s } }
- { match: { path: /hash/plain }, route: { cluster: hashing } }
- { match: { path: /hash/route }, route: { cluster: hashing, ${BY_ROUTE} } }
- { match: { path: /hash/cookie }, route: { cluster: hashing_cookie } }
- { match: { path: /hash/weighted }, route: { weighted_clusters: { clusters: [ { name: hashing, weight: 1 } ] } } }`,
    }),
    httpListener("host", {
      virtualHost: `include_request_attempt_count: true\n${LISTED(416)}\n`,
      routes: '- { match: { prefix: "/" }, route: { cluster: retrying } }',
    }),
  ], [
    cluster("u"),
    cluster("retrying", policies(LISTED(418)), "u"),
    cluster(
      "retrying_timed",
      policies(`retry_policy: { ${FAST}, retry_on: 5xx, num_retries: 2, per_try_timeout: 0.15s }`),
      "u",
    ),
    hashing("hashing", BY_CLUSTER),
    hashing("hashing_cookie", "hash_policy: [ { cookie: { name: c, ttl: 9s } } ]"),
  ]),
  exchanges: [
    get("a status that the cluster retries", "/retry/plain", [bad(418), GOOD]),
    get("a status that it does not", "/retry/plain", [bad(503), GOOD]),
    get("a status of the cluster where the route has a policy", "/retry/route", [bad(418), GOOD]),
    get("a status of the route", "/retry/route", [bad(417), GOOD]),
    get("a status of the cluster where the route retries nothing", "/retry/nothing", [bad(418), GOOD]),
    { ...get("a status of the cluster where the virtual host has a policy", "/", [bad(418), GOOD]), listener: "host" },
    { ...get("a status of the virtual host", "/", [bad(416), GOOD]), listener: "host" },
    get("all retries of the cluster are used", "/retry/timed", [bad(500), bad(501), bad(502), bad(503)]),
    get("an attempt that takes longer than the cluster allows", "/retry/timed", [
      { steps: [{ pause: 300 }, "close"] },
      GOOD,
    ]),
    get("all attempts together are shorter than one may be", "/retry/short", [{ steps: ["hang"] }]),
    ...["a", "b", "c", "d"].map((value) =>
      get(`hashed by the cluster: ${value}`, "/hash/plain", [GOOD], `x-c: ${value}\r\n`)
    ),
    ...["a", "b", "c", "d"].map((value) =>
      get(`two policies: ${value}`, "/hash/route", [GOOD], `x-c: ${value}\r\nx-r: b\r\n`)
    ),
    ...["a", "c"].map((value) => get(`a weighted cluster: ${value}`, "/hash/weighted", [GOOD], `x-c: ${value}\r\n`)),
    get("a cookie of the cluster's policy", "/hash/cookie", [GOOD], "cookie: c=1\r\n"),
  ],
};
