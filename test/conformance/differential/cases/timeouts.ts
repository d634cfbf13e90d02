// test/conformance/differential/cases/timeouts.ts: who is waited for, and what comes of it.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";
const HANGS = { u: { http: [{ steps: ["hang"] as const }] } };
const STOPS = { u: { http: [{ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "hang"] as const }] } };

function get(name: string, listener: string, target = "/"): Exchange {
  return {
    name,
    listener,
    client: [`GET ${target} HTTP/1.1\r\n${HOST}\r\n`, "response"],
    upstreams: HANGS,
  };
}

export const timeouts: Group = {
  name: "timeouts",
  listeners: ["idle"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("idle", {
      manager: "stream_idle_timeout: 0.3s",
      routes: `- { name: patient, match: { prefix: /patient }, route: { cluster: u, idle_timeout: 0s, timeout: 0.6s } }
- { name: hasty, match: { prefix: /hasty }, route: { cluster: u, idle_timeout: 0.1s } }
- { name: all, match: { prefix: "/" }, route: { cluster: u } }`,
    }),
    httpListener("request", { manager: "request_timeout: 0.3s" }),
    httpListener("headers", { manager: "request_headers_timeout: 0.3s" }),
    httpListener("duration", {
      manager: "common_http_protocol_options: { max_stream_duration: 0.3s }",
      routes:
        `- { name: longer, match: { prefix: /longer }, route: { cluster: u, max_stream_duration: { max_stream_duration: 0.6s } } }
- { name: all, match: { prefix: "/" }, route: { cluster: u } }`,
    }),
    httpListener("connection", {
      manager: "common_http_protocol_options: { idle_timeout: 0.3s }\ndrain_timeout: 0.3s",
    }),
    httpListener("connection_age", {
      manager: "common_http_protocol_options: { max_connection_duration: 0.3s }\ndrain_timeout: 0.3s",
    }),
    httpListener("no_timeout", {
      routes: '- { name: all, match: { prefix: "/" }, route: { cluster: u, timeout: 0s } }',
    }),
  ], [cluster("u")]),
  exchanges: [
    get("an upstream that is silent", "idle"),
    get("a route without idle time-out has its own limit", "idle", "/patient"),
    get("a route that is less patient", "idle", "/hasty"),
    {
      name: "silence in the response body",
      listener: "idle",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
      upstreams: STOPS,
    },
    {
      name: "silence in the request body",
      listener: "idle",
      client: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhalf`, "response", "closed"],
      upstreams: HANGS,
    },
    {
      name: "silence in a head",
      listener: "idle",
      client: ["GET / HTTP/1.1\r\nHost:", "response", "closed"],
    },
    {
      name: "a head that drips",
      listener: "idle",
      client: [
        "GET / HT",
        { pause: 130 },
        "TP/1.1\r\nHost",
        { pause: 130 },
        ": a\r\n",
        { pause: 130 },
        "\r\n",
        "response",
        "closed",
      ],
    },
    {
      name: "a body that drips",
      listener: "idle",
      client: [
        `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\n`,
        ...["a", "b", "c"].flatMap((byte) => [{ pause: 130 }, byte]),
        "response",
      ],
    },
    {
      name: "a response that drips",
      listener: "idle",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: {
        u: {
          http: [{
            steps: [
              "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
              ...["a", "b", "c"].flatMap((byte) => [{ pause: 130 }, byte]),
            ],
          }],
        },
      },
    },
    {
      name: "a request that takes too long",
      listener: "request",
      client: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhalf`, "response", "closed"],
      upstreams: HANGS,
    },
    {
      name: "a request that was in time",
      listener: "request",
      client: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`, "response"],
      upstreams: { u: { http: [{ steps: [{ pause: 500 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "a head that takes longer than a request may",
      listener: "request",
      client: ["GET / HTTP/1.1\r\nHost:", "response", "closed"],
    },
    {
      name: "a head that takes too long",
      listener: "headers",
      client: ["GET / HTTP/1.1\r\nHost:", { pause: 150 }, " a.example\r\n", "response", "closed"],
    },
    {
      name: "a head in time, a body later",
      listener: "headers",
      client: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\n`, { pause: 400 }, "body", "response"],
    },
    get("a stream that lasts too long", "duration"),
    get("a route that allows more", "duration", "/longer"),
    {
      name: "a response that lasts too long",
      listener: "duration",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
      upstreams: STOPS,
    },
    {
      name: "a connection that nobody uses",
      listener: "connection",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
    },
    {
      name: "a request on an idle connection that is about to close",
      listener: "connection",
      client: [
        `GET /1 HTTP/1.1\r\n${HOST}\r\n`,
        "response",
        { pause: 450 },
        `GET /2 HTTP/1.1\r\n${HOST}\r\n`,
        "response",
        "closed",
      ],
    },
    { name: "a connection that nobody ever used", listener: "connection", client: ["closed"] },
    {
      name: "a connection that is old",
      listener: "connection_age",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
    },
    {
      name: "a connection that gets old in a request",
      listener: "connection_age",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
      upstreams: { u: { http: [{ steps: [{ pause: 500 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "a route without time-out says nothing of one",
      listener: "no_timeout",
      client: `GET / HTTP/1.1\r\n${HOST}\r\n`,
    },
  ],
};
