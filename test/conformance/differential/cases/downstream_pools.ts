// test/conformance/differential/cases/downstream_pools.ts: clusters where each client's connection has upstream ones, or each request.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
const OWN = "  connection_pool_per_downstream_connection: true\n";
const ONE_POOL = "  circuit_breakers: { thresholds: [ { max_connection_pools: 1 } ] }\n";

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

/** What a cluster's requests are sent by. */
function pools(name: string, type: string): string {
  const url = `type.googleapis.com/envoy.extensions.upstreams.${name}.v3.${type}ConnectionPoolProto`;
  return `  upstream_config: { name: envoy.filters.connection_pools.${name}, typed_config: { "@type": ${url} } }`;
}

/** Two connections that take turns. */
function turns(name: string, path: string): Exchange {
  return {
    name,
    client: [get(`${path}/1`), "response", { seen: 2 }, { pause: 100 }, get(`${path}/3`), "response"],
    others: [[{ seen: 1 }, { pause: 50 }, get(`${path}/2`), "response"]],
    upstreams: { u: { http: [GOOD] } },
  };
}

export const downstreamPools: Group = {
  name: "downstream_pools",
  listeners: ["main"],
  upstreams: ["u", "raw"],
  yaml: bootstrap([
    httpListener("main", {
      routes: ["shared", "own", "one", "bytes", "http", "usual"].map((name) =>
        `- { match: { prefix: /${name} }, route: { cluster: ${name} } }`
      )
        .join("\n"),
    }),
  ], [
    cluster("shared", "", "u"),
    cluster("own", OWN, "u"),
    cluster("one", OWN + ONE_POOL, "u"),
    cluster("bytes", pools("http.tcp", "Tcp"), "raw"),
    cluster("http", pools("http.http", "Http"), "u"),
    cluster("usual", pools("http.generic", "Generic"), "u"),
  ]),
  exchanges: [
    turns("connections that clients share", "/shared"),
    turns("connections of their own", "/own"),
    {
      name: "a request as bytes",
      client: "POST /bytes HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello",
      upstreams: { raw: { tcp: [{ bytes: 5 }, "world", "end"] } },
    },
    { name: "a request as HTTP", client: get("/http"), upstreams: { u: { http: [GOOD] } } },
    { name: "a request as ever", client: get("/usual"), upstreams: { u: { http: [GOOD] } } },
    {
      name: "a pool that is in use is not",
      client: [get("/one/slow"), "response"],
      others: [[{ seen: 1 }, get("/one/refused"), "response"]],
      upstreams: { u: { http: [{ steps: [{ pause: 200 }, GOOD] }] } },
    },
  ],
};
