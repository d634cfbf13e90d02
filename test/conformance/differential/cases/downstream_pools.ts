// test/conformance/differential/cases/downstream_pools.ts: clusters where each client's connection has upstream ones.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
const OWN = "  connection_pool_per_downstream_connection: true\n";
const ONE_POOL = "  circuit_breakers: { thresholds: [ { max_connection_pools: 1 } ] }\n";

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
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
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      routes: ["shared", "own", "one"].map((name) => `- { match: { prefix: /${name} }, route: { cluster: ${name} } }`)
        .join("\n"),
    }),
  ], [cluster("shared", "", "u"), cluster("own", OWN, "u"), cluster("one", OWN + ONE_POOL, "u")]),
  exchanges: [
    turns("connections that clients share", "/shared"),
    turns("connections of their own", "/own"),
    {
      name: "a pool that is in use is not",
      client: [get("/one/slow"), "response"],
      others: [[{ seen: 1 }, get("/one/refused"), "response"]],
      upstreams: { u: { http: [{ steps: [{ pause: 200 }, GOOD] }] } },
    },
  ],
};
