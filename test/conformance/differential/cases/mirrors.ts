// test/conformance/differential/cases/mirrors.ts: requests of which other clusters get copies.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group, UpstreamScript } from "../exchange.ts";

const HOST = "Host: a.example\r\n";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 3\r\n\r\nbad";

function mirror(path: string, policies: string, more = ""): string {
  return `- { match: { path: ${path} }, route: { cluster: u, request_mirror_policies: [ ${policies} ]${more} } }`;
}

/** A request, read by so many upstreams before its response is read. */
function send(
  name: string,
  request: string,
  seen: number,
  upstreams: Record<string, UpstreamScript> = {},
  more: Partial<Exchange> = {},
): Exchange {
  const client: ClientStep[] = [request, { seen }, "response"];
  return { name, client, upstreams, unordered: true, ...more };
}

function get(path: string, headers = "", host = HOST): string {
  return `GET ${path} HTTP/1.1\r\n${host}${headers}\r\n`;
}

/** A policy of a cluster. */
function http(policy: string): string {
  return httpProtocolOptions(`explicit_http_config: { http_protocol_options: {} }\n${policy}`);
}

const MUTATIONS =
  "request_headers_mutations: [ { append: { header: { key: x-mirror, value: m } } }, { remove: x-gone } ]";

export const mirrors: Group = {
  name: "mirrors",
  listeners: ["main", "inside", "table"],
  upstreams: ["u", "s", "t"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHost: "request_mirror_policies: [ { cluster: t } ]\ninclude_request_attempt_count: true\n",
      routes: `${mirror("/one", "{ cluster: s }")}
${mirror("/two", "{ cluster: s }, { cluster: t }")}
${mirror("/header", "{ cluster_header: x-to }")}
${mirror("/never", "{ cluster: s, runtime_fraction: { default_value: { numerator: 0 } } }")}
${mirror("/always", "{ cluster: s, runtime_fraction: { default_value: { numerator: 100 } } }")}
${mirror("/plain", "{ cluster: s, disable_shadow_host_suffix_append: true, trace_sampled: false }")}
${mirror("/literal", "{ cluster: s, host_rewrite_literal: other.example }")}
${
        mirror(
          "/literal-plain",
          "{ cluster: s, host_rewrite_literal: other.example, disable_shadow_host_suffix_append: true }",
        )
      }
${mirror("/mutated", `{ cluster: s, ${MUTATIONS} }`)}
${mirror("/refused", "{ cluster: refused }")}
${mirror("/empty", "{ cluster: empty }")}
${mirror("/again", "{ cluster: again }", ", timeout: 0s")}
${mirror("/onward", "{ cluster: onward }")}
${
        mirror(
          "/rewritten",
          "{ cluster: s }",
          ", prefix_rewrite: /changed, host_rewrite_literal: b.example, timeout: 5s",
        )
      }
${
        mirror(
          "/retried",
          "{ cluster: s }",
          ', retry_policy: { retry_on: "5xx", retry_back_off: { base_interval: 0.001s } }',
        )
      }
- match: { path: /half, runtime_fraction: { default_value: { numerator: 50 } } }
  route: { cluster: u, request_mirror_policies: [ { cluster: s, runtime_fraction: { default_value: { numerator: 0 } } } ] }
${mirror("/half", "{ cluster: s, runtime_fraction: { default_value: { numerator: 50 } } }")}
- { match: { path: /route-less }, route: { cluster: u } }
- { match: { path: /of-cluster }, route: { cluster: mirrored } }
- { match: { path: /of-both }, route: { cluster: mirrored, request_mirror_policies: [ { cluster: t } ] } }`,
    }),
    httpListener("inside", {
      manager: `use_remote_address: true
internal_address_config: { cidr_ranges: [ { address_prefix: 127.0.0.0, prefix_len: 8 } ] }
`,
      routes: mirror("/one", "{ cluster: s }"),
    }),
    httpListener("table", {
      routeConfig: "request_mirror_policies: [ { cluster: t } ]\n",
      virtualHosts: `- name: own
  domains: [ own.example ]
  request_mirror_policies: [ { cluster: s } ]
  routes: [ { match: { prefix: / }, route: { cluster: u } } ]
- name: v
  domains: [ "*" ]
  routes:
  ${mirror("/one", "{ cluster: s }")}
  - { match: { prefix: / }, route: { cluster: u } }`,
    }),
  ], [
    cluster("u"),
    cluster("s"),
    cluster("t"),
    cluster("refused"),
    cluster(
      "again",
      http("retry_policy: { retry_on: 5xx, num_retries: 2, retry_back_off: { base_interval: 0.001s } }"),
      "s",
    ),
    cluster("onward", http("request_mirror_policies: [ { cluster: t } ]"), "s"),
    emptyCluster("empty"),
    cluster("mirrored", http("request_mirror_policies: [ { cluster: s } ]"), "u"),
  ]),
  exchanges: [
    send("a request without a body", get("/one", "X-Forwarded-For: 10.1.1.1\r\nX-A: 1\r\n"), 2),
    send("a host with a port", get("/one", "", "Host: a.example:8080\r\n"), 2),
    send("a host that is an address", get("/one", "", "Host: [::1]:8080\r\n"), 2),
    send("a request with a body", `POST /one HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`, 2),
    send(
      "a body in chunks",
      `POST /one HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n`,
      2,
    ),
    {
      name: "a body that is sent as it comes",
      client: [
        `POST /one HTTP/1.1\r\n${HOST}Content-Length: 8\r\n\r\nhalf`,
        { seen: 2 },
        { pause: 50 },
        "half",
        "response",
      ],
      unordered: true,
    },
    send("two copies", get("/two"), 3),
    send("the cluster that a header names", get("/header", "X-To: t\r\nX-To: s\r\n"), 2),
    send("a header that is not there", get("/header"), 1),
    send("a header that names no cluster", get("/header", "X-To: nobody\r\n"), 1),
    send("no part of the requests", get("/never"), 1),
    send("all of them", get("/always"), 2),
    {
      name: "the half that the half of another route leaves over: the number is the same, and none is copied",
      client: Array.from({ length: 12 }, () => [get("/half"), "response"] as const).flat(),
    },
    send("the host as it is", get("/plain"), 2),
    send("another host", get("/literal"), 2),
    send("another host as it is", get("/literal-plain"), 2),
    send("other headers", get("/mutated", "X-Gone: 1\r\n"), 2),
    send("a request that is rewritten", get("/rewritten"), 2),
    send("a request that is tried again", get("/retried"), 3, { u: { http: [BAD, OK] } }),
    send("the virtual host's policy", get("/route-less"), 2),
    send("the cluster's policy", get("/of-cluster"), 2),
    send("the cluster's policy and the route's", get("/of-both"), 3, {}, {
      client: [get("/of-both"), "response", { pause: 50 }],
    }),
    send("the policy of all routes", get("/two"), 2, {}, { listener: "table" }),
    send("the route's policy and that of all", get("/one"), 2, {}, { listener: "table" }),
    send("the virtual host's and that of all", get("/", "", "Host: own.example\r\n"), 2, {}, { listener: "table" }),
    send("an internal request", get("/one"), 2, {}, { listener: "inside" }),
    send("a mirror that fails", get("/one"), 2, { s: { http: [BAD] } }),
    send("a mirror that closes", get("/one"), 2, { s: { http: [{ steps: ["close"] }] } }),
    send("a mirror that is slow", get("/rewritten"), 2, {
      s: { http: [{ steps: [{ pause: 100 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] },
    }),
    send("a mirror that is not there", get("/refused"), 1),
    send(
      "a mirror that tries again",
      `POST /again HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`,
      3,
      { s: { http: [BAD, OK] } },
    ),
    send("a mirror of a mirror", get("/onward"), 3),
    send("a mirror without hosts", get("/empty"), 1),
    {
      name: "a response before the request is complete",
      client: [`POST /one HTTP/1.1\r\n${HOST}Content-Length: 8\r\n\r\nhalf`, { seen: 2 }, "response", "closed"],
      upstreams: { u: { http: [{ when: "head", steps: [OK] }] }, s: { http: [{ when: "head", steps: ["hang"] }] } },
      unordered: true,
    },
    {
      name: "a client that leaves",
      client: [`POST /one HTTP/1.1\r\n${HOST}Content-Length: 8\r\n\r\nhalf`, { seen: 2 }, "reset"],
      upstreams: {
        u: { http: [{ when: "head", steps: ["hang"] }] },
        s: { http: [{ when: "head", steps: ["hang"] }] },
      },
      unordered: true,
    },
  ],
};
