// test/conformance/differential/cases/breakers.ts: circuit breakers of both priorities, with what they show.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

/** A cluster with thresholds of both priorities. */
function limited(name: string, usual: string, high: string): string {
  const thresholds = `[ { track_remaining: true, ${usual} }, { priority: HIGH, track_remaining: true, ${high} } ]`;
  return cluster(name, `  circuit_breakers: { thresholds: ${thresholds} }`, "u");
}

const SLOW = { u: { http: [{ steps: [{ pause: 250 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] as const }] } };

/** One request, and while it is under way another one. */
function atOnce(name: string, first: string, second: string): Exchange {
  return {
    name,
    client: [get(first), "response"],
    others: [[{ seen: 1 }, get(second), "response"]],
    upstreams: SLOW,
  };
}

/** The rest of what has no limit is left out: those are numbers of 64 bits. */
const STATISTICS = "_open|overflow|remaining_(cx|rq|pending|retries)$";

function statistics(name: string): Exchange {
  return {
    name: `what is shown of ${name}`,
    listener: "admin",
    wholeBodies: true,
    withoutHeaders: true,
    client: `GET /stats?filter=^cluster.${name}.*(${STATISTICS}) HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  };
}

export const breakers: Group = {
  name: "breakers",
  listeners: ["main", "admin"],
  upstreams: ["u"],
  yaml: `layered_runtime:
  layers:
  - name: static
    static_layer: { circuit_breakers.runtime.high.max_requests: 0, circuit_breakers.runtime.default.max_requests: 1 }
` + bootstrap([
    httpListener("main", {
      virtualHost: "include_request_attempt_count: true",
      routes: ["requests", "waiting", "connections", "pools", "retries", "runtime"].flatMap((name) => {
        const retry = name === "retries" ? ", retry_policy: { retry_on: 5xx }" : "";
        return [
          `- { match: { prefix: "/${name}/high" }, route: { cluster: ${name}, priority: HIGH${retry} } }`,
          `- { match: { prefix: "/${name}/" }, route: { cluster: ${name}${retry} } }`,
        ];
      }).join("\n"),
    }),
  ], [
    limited("requests", "max_requests: 1", "max_requests: 2"),
    limited("waiting", "max_pending_requests: 0", "max_pending_requests: 5"),
    limited(
      "connections",
      "max_connections: 1, max_pending_requests: 1",
      "max_connections: 2, max_pending_requests: 1",
    ),
    limited("pools", "max_connection_pools: 0", "max_connection_pools: 1"),
    limited("retries", "max_retries: 0", "max_retries: 1"),
    cluster(
      "runtime",
      "  circuit_breakers: { thresholds: [ { max_requests: 5 }, { priority: HIGH, max_requests: 5 } ] }",
      "u",
    ),
  ]),
  exchanges: [
    atOnce("a second request", "/requests/1", "/requests/2"),
    atOnce("a second request of high priority", "/requests/high/1", "/requests/high/2"),
    atOnce("each priority has requests of its own", "/requests/1", "/requests/high/2"),
    { name: "no request may wait", client: get("/waiting/1") },
    { name: "one of high priority may", client: get("/waiting/high/1") },
    atOnce("the only connection is waited for", "/connections/1", "/connections/2"),
    atOnce("with high priority there are two", "/connections/high/1", "/connections/high/2"),
    { name: "no pool may be made", client: get("/pools/1") },
    {
      name: "one of high priority may be made",
      client: [get("/pools/high/1"), "response", get("/pools/high/2"), "response"],
    },
    {
      name: "no retry may run",
      client: get("/retries/1"),
      upstreams: { u: { http: ["HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"] } },
    },
    {
      name: "one of high priority may run",
      client: get("/retries/high/1"),
      upstreams: {
        u: { http: ["HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] },
      },
    },
    { name: "the runtime allows less", client: get("/runtime/high/1") },
    atOnce("and less of the other priority", "/runtime/1", "/runtime/2"),
    ...["requests", "waiting", "connections", "pools", "retries", "runtime"].map(statistics),
  ],
};
