// test/conformance/differential/cases/http1_details.ts: messages of HTTP/1 that are not quite ordinary.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group, UpstreamStep } from "../exchange.ts";

const HOST = "Host: a.example\r\n";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";

function post(expect: string): string {
  return `POST / HTTP/1.1\r\n${HOST}Expect: ${expect}\r\nContent-Length: 4\r\n\r\n`;
}

/** A response to a GET, or to another method. */
function response(name: string, answer: string, method = "GET", after: readonly UpstreamStep[] = []): Exchange {
  return {
    name,
    client: [`${method} / HTTP/1.1\r\n${HOST}\r\n`, method === "HEAD" ? "response to HEAD" : "response"],
    upstreams: { u: { http: [{ steps: [answer, ...after] }] } },
  };
}

/** What an upstream does while it is asked for something that takes its time. */
function whileAsking(
  name: string,
  client: readonly ClientStep[],
  steps: readonly UpstreamStep[],
  when: "head" | "request" = "request",
  listener = "plain",
): Exchange {
  return { name, listener, client, upstreams: { u: { http: [{ when, steps }] } } };
}

export const http1Details: Group = {
  name: "http1_details",
  listeners: ["plain", "passing"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("plain"),
    httpListener("passing", { manager: "proxy_100_continue: true" }),
  ], [cluster("u")]),
  exchanges: [
    whileAsking("Expect: in capitals", [post("100-CONTINUE"), { until: "\r\n\r\n" }, "body", "response"], [OK]),
    whileAsking(
      "Expect: the upstream says 100, too",
      [post("100-continue"), { until: "\r\n\r\n" }, "body", "response"],
      [
        CONTINUE,
        { bytes: 4 },
        OK,
        "end",
      ],
      "head",
    ),
    whileAsking("Expect: with a body at once", [`${post("100-continue")}body`, "response"], [OK]),
    whileAsking("Expect: without a body", [`GET / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n\r\n`, "response"], [OK]),
    whileAsking("Expect: refused", [post("100-continue"), "response"], [
      "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n",
    ], "head"),
    whileAsking(
      "Expect: passed on, the upstream goes on",
      [post("100-continue"), { until: "\r\n\r\n" }, "body", "response"],
      [
        CONTINUE,
        { bytes: 4 },
        OK,
        "end",
      ],
      "head",
      "passing",
    ),
    whileAsking(
      "Expect: passed on, the upstream refuses",
      [post("100-continue"), "response"],
      [
        "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n",
      ],
      "head",
      "passing",
    ),
    whileAsking(
      "Expect: passed on, the upstream says nothing",
      [post("100-continue"), { pause: 30 }, "body", "response"],
      [
        OK,
      ],
      "request",
      "passing",
    ),
    whileAsking("hints, passed on or not", [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response"], [HINTS, OK]),
    whileAsking(
      "hints where 100 is passed on",
      [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response"],
      [HINTS, OK],
      "request",
      "passing",
    ),
    whileAsking(
      "102 where 100 is passed on",
      [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response"],
      [
        "HTTP/1.1 102 Processing\r\n\r\n",
        OK,
      ],
      "request",
      "passing",
    ),
    response("HEAD: a length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HEAD"),
    response("HEAD: a body that must not be", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "HEAD"),
    response("HEAD: 204", "HTTP/1.1 204 No Content\r\n\r\n", "HEAD"),
    response("HEAD: an encoding and no length", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HEAD"),
    response("204 with a length of zero", "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"),
    response("204 with a length", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n"),
    response("204 with chunks", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n"),
    response("304 with a length", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\netag: x\r\n\r\n"),
    response("304 with chunks", "HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\netag: x\r\n\r\n"),
    response("205 with a length of zero", "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n"),
    response("205 with a body", "HTTP/1.1 205 Reset Content\r\ncontent-length: 2\r\n\r\nok"),
    response("a response to DELETE", OK, "DELETE"),
    response("a response to OPTIONS", "HTTP/1.1 200 OK\r\nallow: GET\r\ncontent-length: 0\r\n\r\n", "OPTIONS"),
    response("a response to TRACE", OK, "TRACE"),
    {
      name: "bodies of methods that seldom have one",
      client: ["GET", "DELETE", "OPTIONS"].flatMap((method) =>
        [`${method} / HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`, "response"] as const
      ),
    },
    {
      name: "bodies of no bytes",
      client: ["Content-Length: 0\r\n\r\n", "\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"].flatMap((rest) =>
        [`POST / HTTP/1.1\r\n${HOST}${rest}`, "response"] as const
      ),
    },
    whileAsking("events are passed on one by one", [
      `GET / HTTP/1.1\r\n${HOST}Accept: text/event-stream\r\n\r\n`,
      { until: "data: 1\n\n" },
      { until: "data: 2\n\n" },
      { until: "data: 3\n\n" },
      { until: "0\r\n\r\n" },
    ], [
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
      "9\r\ndata: 1\n\n\r\n",
      { pause: 60 },
      "9\r\ndata: 2\n\n\r\n",
      { pause: 60 },
      "9\r\ndata: 3\n\n\r\n",
      { pause: 60 },
      "0\r\n\r\n",
    ]),
    whileAsking("a request body that is passed on as it comes", [
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`,
      { until: "\r\n\r\n" },
      { bytes: 1 },
      "1\r\nb\r\n",
      { bytes: 1 },
      "0\r\n\r\n",
      "closed",
    ], [
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
      { bytes: 6 },
      "A",
      { bytes: 6 },
      "B",
      "end",
    ], "head"),
    whileAsking("the upstream ends its side before its response is whole", [
      `GET / HTTP/1.1\r\n${HOST}\r\n`,
      "response",
      "closed",
    ], [
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
      "end",
    ]),
    whileAsking("the upstream ends its side behind its response", [
      `GET / HTTP/1.1\r\n${HOST}\r\n`,
      "response",
      { pause: 50 },
      `GET / HTTP/1.1\r\n${HOST}\r\n`,
      "response",
    ], [OK, "end"]),
    whileAsking(
      "the client ends its side before its request is whole",
      [
        `POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhalf`,
        { pause: 50 },
        "end",
        "closed",
      ],
      ["hang"],
      "head",
    ),
    whileAsking("the client ends its side while the response comes", [
      `GET / HTTP/1.1\r\n${HOST}\r\n`,
      { until: "\r\n\r\n" },
      "end",
      "closed",
    ], ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "o", { pause: 100 }, "k"]),
  ],
};
