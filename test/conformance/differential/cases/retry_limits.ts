// test/conformance/differential/cases/retry_limits.ts: how many retries there may be, and where they go.
/** @module */
import { bootstrap, cluster, httpListener, indent, textLog } from "../bootstrap.ts";
import type { Answer, Exchange, Group } from "../exchange.ts";
import { FAST } from "./retry_routes.ts";

const HOST = "Host: a.example\r\n";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 3\r\n\r\nbad";
const BY_PRIORITY = (frequency: number): string =>
  `retry_priority: { name: p, typed_config: { "@type": type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig, update_frequency: ${frequency} } }`;
const PREVIOUS_HOSTS =
  'host_selection_retry_max_attempts: 50, retry_host_predicate: [ { name: p, typed_config: { "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate } } ]';

function get(
  name: string,
  path: string,
  answers: readonly (string | Answer)[],
  more: Partial<Exchange> = {},
): Exchange {
  const http = [...answers];
  return {
    name,
    client: `GET ${path} HTTP/1.1\r\n${HOST}\r\n`,
    upstreams: { u: { http }, v: { http }, w: { http } },
    ...more,
  };
}

function route(name: string, policy: string): string {
  return `- { match: { prefix: /${name} }, route: { cluster: ${name}, retry_policy: { retry_on: "5xx", ${FAST}, ${policy} } } }`;
}

function endpoint(port: string): string {
  return `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } } } }`;
}

/** A cluster with these hosts, each of a priority of its own if `apart`. */
function hosts(name: string, endpoints: readonly string[], apart: boolean): string {
  const localities = apart
    ? endpoints.map((each, priority) => `- { priority: ${priority}, lb_endpoints: [ ${each} ] }`)
    : [`- { lb_endpoints: [ ${endpoints.join(", ")} ] }`];
  return `- name: ${name}
  connect_timeout: 2s
  load_assignment:
    cluster_name: ${name}
    endpoints:
${indent(localities.join("\n"), 4)}`;
}

function limited(name: string, thresholds: string): string {
  return cluster(name, `  circuit_breakers: { thresholds: [ { ${thresholds} } ] }`, "u");
}

const UVW = ["u", "v", "w"].map(endpoint);

export const retryLimits: Group = {
  name: "retry_limits",
  listeners: ["main", "quiet"],
  upstreams: ["u", "v", "w"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHost: "include_request_attempt_count: true\n",
      routes: `${route("none", "num_retries: 1")}
${route("some", "num_retries: 2")}
${route("share", "num_retries: 2")}
${route("default", "num_retries: 4")}
${route("recent", "num_retries: 1")}
${route("each", `num_retries: 3, ${BY_PRIORITY(1)}`)}
${route("second", `num_retries: 3, ${BY_PRIORITY(2)}`)}
${route("same", "num_retries: 2")}
- match: { path: /named }
  route:
    cluster_header: x-to
    retry_policy: { retry_on: "5xx", num_retries: 2, refresh_cluster_on_retry: true, ${FAST} }
- match: { path: /tree }
  route:
    retry_policy: { retry_on: "5xx", num_retries: 3, refresh_cluster_on_retry: true, ${FAST} }
    inline_cluster_specifier_plugin:
      extension:
        name: tree
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier
          cluster_matcher:
            matcher_tree:
              input:
                name: attempt
                typed_config:
                  "@type": type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput
                  header_name: x-envoy-attempt-count
              exact_match_map:
                map:
                  "2": { action: { name: b, typed_config: { "@type": type.googleapis.com/envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction, cluster: b } } }
                  "3": { action: { name: c, typed_config: { "@type": type.googleapis.com/envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction, cluster: nobody } } }
            on_no_match: { action: { name: a, typed_config: { "@type": type.googleapis.com/envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction, cluster: a } } }`,
    }),
    // Which of the hosts is the first is left to chance.
    httpListener("quiet", {
      routes: `${route("previous", `num_retries: 2, ${PREVIOUS_HOSTS}`)}
- match: { path: /weighted }
  route:
    weighted_clusters:
      header_name: x-weight
      clusters: [ { name: a, weight: 1 }, { name: b, weight: 1 }, { name: none, weight: 0 } ]
    retry_policy: { retry_on: "5xx", num_retries: 1, refresh_cluster_on_retry: true, ${FAST} }
- match: { path: /kept }
  route:
    weighted_clusters: { clusters: [ { name: a, weight: 1 } ] }
    retry_policy: { retry_on: "5xx", num_retries: 1, refresh_cluster_on_retry: true, ${FAST} }`,
      router: "suppress_envoy_headers: true",
      log: textLog("%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
    }),
  ], [
    limited("none", "retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 0 }"),
    limited("some", "max_retries: 0, retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 1 }"),
    limited("share", "retry_budget: { budget_percent: { value: 100 }, min_retry_concurrency: 0 }"),
    limited("default", "max_retries: 0, retry_budget: {}"),
    limited(
      "recent",
      "retry_budget: { budget_percent: { value: 40 }, min_retry_concurrency: 0, budget_interval: 30s }",
    ),
    hosts("each", UVW, true),
    hosts("second", UVW, true),
    hosts("same", UVW, true),
    hosts("previous", UVW, false),
    cluster("a", "", "u"),
    cluster("b", "", "v"),
  ]),
  exchanges: [
    get("a budget of nothing", "/none", [BAD]),
    get("a budget that always has one", "/some", [BAD, BAD, GOOD]),
    get("a share of the requests that there are", "/share", [BAD, GOOD]),
    get("an attempt that had no response is no request any more", "/share", [{ steps: ["close"] }, GOOD]),
    get("Envoy's budget", "/default", [BAD, BAD, BAD, BAD, GOOD]),
    get("too few requests of late", "/recent", [BAD, GOOD]),
    get("still too few", "/recent", [GOOD]),
    get("enough requests of late", "/recent", [BAD, GOOD]),
    get("each retry has another priority", "/each", [BAD]),
    get("every second retry has another priority", "/second", [BAD]),
    get("retries have the first priority", "/same", [BAD]),
    get("a response of a canary", "/same", [
      "HTTP/1.1 200 OK\r\nx-envoy-upstream-canary: true\r\ncontent-length: 2\r\n\r\nok",
    ]),
    get("a retry at the cluster that a header names", "/named", [BAD], {
      client: `GET /named HTTP/1.1\r\n${HOST}X-To: a\r\n\r\n`,
    }),
    get("a retry at another cluster of a tree, and one at none", "/tree", [BAD]),
    get("a retry at another of weighted clusters", "/weighted", [BAD], {
      listener: "quiet",
      client: `GET /weighted HTTP/1.1\r\n${HOST}X-Weight: 0\r\n\r\n`,
    }),
    get("a retry at the only one of weighted clusters", "/kept", [BAD], { listener: "quiet", unordered: true }),
    get("retries go to other hosts", "/previous", [BAD], { listener: "quiet", unordered: true }),
  ],
};
