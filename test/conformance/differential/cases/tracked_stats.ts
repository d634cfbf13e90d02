// test/conformance/differential/cases/tracked_stats.ts: statistics that clusters keep only when they are told to.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";
const GOOD = "HTTP/1.1 200 OK\r\nx-a: 12\r\ncontent-length: 4\r\n\r\ngood";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 3\r\n\r\nbad";
const CHUNKED =
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

/** Of histograms those that do not depend on how fast a machine is: a hundredth of a minute is long. */
function statistics(name: string, which: string, form = "?histogram_buckets=detailed&filter="): Exchange {
  const path = `/stats${form}^cluster.${name}.(${which})`;
  return {
    name: `${which} of ${name}`,
    listener: "admin",
    wholeBodies: true,
    withoutHeaders: true,
    client: [{ pause: 200 }, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, "response"],
  };
}

export const trackedStats: Group = {
  name: "tracked_stats",
  listeners: ["main", "admin"],
  upstreams: ["u"],
  yaml: "stats_flush_interval: 0.05s\n" + bootstrap([
    httpListener("main", {
      routes: `- match: { prefix: /sizes }
  route: { cluster: sizes, timeout: 0s, retry_policy: { retry_on: 5xx, retry_back_off: { base_interval: 0.001s } } }
- { match: { prefix: /budgets }, route: { cluster: budgets, timeout: 120s, retry_policy: { per_try_timeout: 60s } } }
- { match: { prefix: /old }, route: { cluster: old, timeout: 120s } }
- { match: { prefix: /endpoints }, route: { cluster: "a:b" } }
- { match: { prefix: /dead }, route: { cluster: dead } }
- { match: { prefix: /kept }, route: { cluster: kept } }
- { match: { prefix: /none }, route: { cluster: none } }`,
    }),
  ], [
    cluster("sizes", "  track_cluster_stats: { request_response_sizes: true }", "u"),
    cluster("budgets", "  track_cluster_stats: { timeout_budgets: true }", "u"),
    cluster("old", "  track_timeout_budgets: true", "u"),
    cluster('"a:b"', "  track_cluster_stats: { per_endpoint_stats: true }", "u"),
    cluster(
      "kept",
      "  stats_matcher: { inclusion_list: { patterns: [ { contains: _rq_2 }, { prefix: cluster.kept.m } ] } }",
      "u",
    ),
    cluster("none", "  stats_matcher: { reject_all: true }", "u"),
    cluster("dead", "  track_cluster_stats: { request_response_sizes: true, timeout_budgets: true }"),
  ]),
  exchanges: [
    {
      name: "a request without a body",
      client: `GET /sizes/get HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: { u: { http: [GOOD] } },
    },
    {
      name: "bodies with length and without",
      client: `POST /sizes/post HTTP/1.1\r\n${HOST}content-length: 10\r\n\r\n0123456789`,
      upstreams: { u: { http: [CHUNKED] } },
    },
    {
      name: "two attempts",
      client: `POST /sizes/retry HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      upstreams: { u: { http: [BAD, GOOD] } },
    },
    statistics("sizes", "upstream_r[qs]_.*(size|count)"),
    {
      name: "fast ones",
      client: `GET /budgets HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: { u: { http: [GOOD] } },
    },
    { name: "by the old field", client: `GET /old HTTP/1.1\r\n${HOST}\r\n`, upstreams: { u: { http: [GOOD] } } },
    statistics("(budgets|old)", "upstream_rq_timeout_budget"),
    { name: "some are kept", client: `GET /kept HTTP/1.1\r\n${HOST}\r\n`, upstreams: { u: { http: [GOOD] } } },
    { name: "none is kept", client: `GET /none HTTP/1.1\r\n${HOST}\r\n`, upstreams: { u: { http: [GOOD] } } },
    { name: "no connection", client: `GET /dead HTTP/1.1\r\n${HOST}\r\n` },
    { name: "hosts", client: `GET /endpoints HTTP/1.1\r\n${HOST}\r\n`, upstreams: { u: { http: [GOOD] } } },
    statistics("dead", "upstream_r[qs]_.*(budget|size|count)"),
    statistics("a_b", "endpoint", "/prometheus?filter="),
  ],
};
