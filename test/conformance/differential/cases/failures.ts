// test/conformance/differential/cases/failures.ts: what becomes of upstreams that misbehave.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener } from "../bootstrap.ts";
import type { Answer, Exchange, Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";
const NEXT = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext";

/** One bad answer, then a good one on the same client connection if that is still there. */
function answer(name: string, bad: string | Answer, goesOn = true): Exchange {
  return {
    name,
    client: goesOn
      ? [`GET /bad HTTP/1.1\r\n${HOST}\r\n`, "response", `GET /good HTTP/1.1\r\n${HOST}\r\n`, "response"]
      : [`GET /bad HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
    upstreams: { u: { http: [bad, NEXT] } },
  };
}

/** A head after which nothing can be relied on: the client takes what comes first, and leaves. */
function odd(name: string, head: string): Exchange {
  return {
    name,
    client: [`GET /bad HTTP/1.1\r\n${HOST}\r\n`, { until: "\r\n\r\n" }, { pause: 50 }, "reset"],
    upstreams: { u: { http: [{ steps: [head, { pause: 50 }, "close"] }] } },
  };
}

export const failures: Group = {
  name: "failures",
  listeners: ["main"],
  upstreams: ["u", "single"],
  yaml: bootstrap([
    httpListener("main", {
      routes: `- { name: refused, match: { prefix: /refused }, route: { cluster: refused } }
- { name: empty, match: { prefix: /empty }, route: { cluster: empty } }
- { name: unknown, match: { prefix: /unknown }, route: { cluster_header: x-cluster } }
- { name: teapot, match: { prefix: /teapot }, route: { cluster_header: x-cluster, cluster_not_found_response_code: NOT_FOUND } }
- { name: timeout, match: { prefix: /timeout }, route: { cluster: u, timeout: 0.2s } }
- { name: single, match: { prefix: /single }, route: { cluster: single } }
- { name: closed, match: { prefix: /closed }, route: { cluster: closed } }
- { name: nothing, match: { prefix: /noroute, headers: [ { name: x-never, present_match: true } ] }, route: { cluster: u } }
- { name: all, match: { prefix: "/bad" }, route: { cluster: u } }
- { name: all, match: { prefix: "/good" }, route: { cluster: u } }`,
    }),
  ], [
    cluster("u"),
    cluster("refused"),
    emptyCluster("empty"),
    cluster("single", "  circuit_breakers: { thresholds: [ { max_connections: 1, max_pending_requests: 1 } ] }"),
    cluster("closed", "  circuit_breakers: { thresholds: [ { max_requests: 0 } ] }", "u"),
  ]),
  exchanges: [
    { name: "no route", client: `GET /other HTTP/1.1\r\n${HOST}\r\n` },
    { name: "a refused connection", client: `GET /refused HTTP/1.1\r\n${HOST}\r\n` },
    {
      name: "a refused connection, with a body",
      client: `POST /refused HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
    },
    { name: "a cluster without hosts", client: `GET /empty HTTP/1.1\r\n${HOST}\r\n` },
    { name: "a HEAD to a cluster without hosts", client: [`HEAD /empty HTTP/1.1\r\n${HOST}\r\n`, "response to HEAD"] },
    { name: "no header that names the cluster", client: `GET /unknown HTTP/1.1\r\n${HOST}\r\n` },
    { name: "a header that names no cluster", client: `GET /unknown HTTP/1.1\r\n${HOST}X-Cluster: nobody\r\n\r\n` },
    {
      name: "another status for an unknown cluster",
      client: `GET /teapot HTTP/1.1\r\n${HOST}X-Cluster: nobody\r\n\r\n`,
    },
    { name: "a header that names a cluster", client: `GET /unknown HTTP/1.1\r\n${HOST}X-Cluster: u\r\n\r\n` },
    { name: "no requests allowed", client: `GET /closed HTTP/1.1\r\n${HOST}\r\n` },
    {
      name: "an upstream that does not answer in time",
      client: [`GET /timeout HTTP/1.1\r\n${HOST}\r\n`, "response", `GET /good HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: { u: { http: [{ steps: ["hang"] }, NEXT] } },
    },
    {
      name: "an upstream that stops in its body",
      client: [`GET /timeout HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
      upstreams: { u: { http: [{ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "hang"] }] } },
    },
    answer("closed before the response", { steps: ["close"] }),
    answer("reset before the response", { steps: ["reset"] }),
    {
      name: "closed as soon as it was there",
      client: `GET /single HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: { single: { http: [{ when: "connected", steps: ["close"] }] } },
    },
    answer("half a status line", { steps: ["HTTP/1.1 20", "close"] }),
    answer("half a head", { steps: ["HTTP/1.1 200 OK\r\nX-A:", "close"] }),
    answer("garbage", { steps: ["220 mail.example ESMTP\r\n", "hang"] }),
    answer("a NUL in a head", { steps: ["HTTP/1.1 200 OK\r\nX-A: a\0\r\nContent-Length: 0\r\n\r\n", "hang"] }),
    odd("a status below 100", "HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n"),
    odd("a status of four digits", "HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n"),
    odd("a status above 599", "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n"),
    answer(
      "a body shorter than its length",
      { steps: ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "close"] },
      false,
    ),
    answer("a body shorter than its length, and a reset", {
      steps: ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", { pause: 50 }, "reset"],
    }, false),
    answer("chunks without an end", {
      steps: ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "close"],
    }, false),
    answer("a bad chunk size", {
      steps: ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", { pause: 50 }, "zz\r\n", "hang"],
    }, false),
    answer("no response behind an informational one", {
      steps: ["HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", { pause: 30 }, "close"],
    }),
    answer("garbage behind an informational response", {
      steps: ["HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nX-A: a\0\r\n\r\n", "hang"],
    }),
    {
      name: "nothing behind an informational response, for too long",
      client: [`GET /timeout HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: { u: { http: [{ steps: ["HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", "hang"] }] } },
    },
    answer("length and chunked", {
      steps: ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "hang"],
    }),
    answer("two different lengths", {
      steps: ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "hang"],
    }),
    answer("204 with a length", { steps: ["HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", "hang"] }),
    answer("a head of 100 KB", { steps: [`HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(100_000)}\r\n\r\n`, "hang"] }),
    answer("300 fields", { steps: [`HTTP/1.1 200 OK\r\n${"X-A: 1\r\n".repeat(300)}\r\n`, "hang"] }),
    answer("bytes behind the response", { steps: ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore", "hang"] }),
    answer("a second response that nobody asked for", {
      steps: [
        `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`,
        "hang",
      ],
    }),
    odd(
      "a 101 that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes",
    ),
    answer("no length, closed", { steps: ["HTTP/1.1 200 OK\r\n\r\nall of it", "close"] }),
    {
      name: "an early refusal, and closed, while the body comes",
      client: [`POST /bad HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`, "response", "closed"],
      upstreams: { u: { http: [{ when: "head", steps: ["HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno", "end"] }] } },
    },
    {
      name: "closed while the request body comes",
      client: [`POST /bad HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`, "response", "closed"],
      upstreams: { u: { http: [{ when: "head", steps: ["close"] }] } },
    },
  ],
};
