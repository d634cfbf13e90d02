// test/conformance/differential/cases/limits.ts: how many connections there may be, and how much or how long they wait.
/** @module */
import { headers, request } from "../../../support/http2_frames.ts";
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, FrameScript, Group } from "../exchange.ts";
import { FAST } from "./retry_routes.ts";

const HOST = "Host: a.example\r\n";
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Several clients at once, of which some are refused. */
function atOnce(name: string, listener: string, count: number): Exchange {
  const client: ClientStep[] = [GET, "response"];
  return {
    name,
    listener,
    client,
    others: Array.from({ length: count - 1 }, () => client),
    unordered: true,
    upstreams: { u: { http: [{ steps: [{ pause: 200 }, OK] }] } },
  };
}

/** A client that makes no room for the body of the response. */
function noRoom(name: string, listener: string, path: string): Exchange {
  const client: FrameScript = {
    settings: [[4, 0]],
    frames: [
      headers(1, request(path)),
      { stream: 1, reset: true },
      "end",
      "closed",
    ],
  };
  return { name, listener, client };
}

export const limits: Group = {
  name: "limits",
  listeners: ["limited", "open", "exempt", "buffer", "flush", "flush_as_idle", "drain"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("limited"),
    httpListener("open"),
    httpListener("exempt", { listener: "ignore_global_conn_limit: true" }),
    httpListener("buffer", {
      listener: "per_connection_buffer_limit_bytes: 1000",
      virtualHost: "include_request_attempt_count: true",
      routes: `- { match: { prefix: / }, route: { cluster: u, retry_policy: { retry_on: 5xx, ${FAST} } } }`,
    }),
    httpListener("flush", {
      manager: "stream_flush_timeout: 0.3s\nstream_idle_timeout: 0s",
      routes: `- { match: { path: /own }, route: { cluster: u, flush_timeout: 0.1s } }
- { match: { path: /idle }, route: { cluster: u, idle_timeout: 0.1s } }
- { match: { prefix: / }, route: { cluster: u } }`,
    }),
    httpListener("flush_as_idle", {
      manager: "stream_idle_timeout: 0.3s",
      routes: `- { match: { path: /idle }, route: { cluster: u, idle_timeout: 30s } }`,
    }),
    httpListener("drain", {
      manager: `common_http_protocol_options: { max_connection_duration: 0.2s }
drain_timeout: 0.1s
drain_timeout_jitter: { value: 100 }`,
    }),
  ], [cluster("u")]) + `layered_runtime:
  layers:
  - name: static
    static_layer:
      overload.global_downstream_max_connections: 3
      envoy.resource_limits.listener.limited.connection_limit: 1
`,
  exchanges: [
    atOnce("a listener's limit", "limited", 2),
    { name: "a listener's limit, later", listener: "limited", client: GET },
    atOnce("the limit of all listeners", "open", 5),
    atOnce("a listener that it does not concern", "exempt", 5),
    {
      name: "a body that is larger than the buffer is not sent again",
      listener: "buffer",
      client: `POST / HTTP/1.1\r\n${HOST}Content-Length: 2000\r\n\r\n${"x".repeat(2000)}`,
      upstreams: { u: { http: [OK.replace("200 OK", "503 X")] } },
    },
    {
      name: "a body that is not",
      listener: "buffer",
      client: `POST / HTTP/1.1\r\n${HOST}Content-Length: 900\r\n\r\n${"x".repeat(900)}`,
      upstreams: { u: { http: [OK.replace("200 OK", "503 X"), OK] } },
    },
    noRoom("an end that the client makes no room for", "flush", "/"),
    noRoom("the route's own patience", "flush", "/own"),
    noRoom("a route's idle time beside a patience of its own", "flush", "/idle"),
    noRoom("the listener's idle time as patience, whatever the route's is", "flush_as_idle", "/idle"),
    {
      name: "a connection that drains some time later",
      listener: "drain",
      client: [GET, "response", "closed"],
    },
  ],
};
