// test/conformance/differential/cases/grpc.ts: answers of the proxy to gRPC, which wants them in a form of its own.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function call(name: string, target: string, fields = "", type = "application/grpc"): Exchange {
  return {
    name,
    client:
      `POST ${target} HTTP/1.1\r\nHost: a.example\r\nContent-Type: ${type}\r\nTE: trailers\r\n${fields}Content-Length: 0\r\n\r\n`,
  };
}

export const grpc: Group = {
  name: "grpc",
  listeners: ["main"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      manager: "normalize_path: true",
      routes: `- { name: empty, match: { prefix: /empty }, route: { cluster: empty } }
- { name: forbidden, match: { prefix: /forbidden }, direct_response: { status: 403, body: { inline_string: "no 100% ümlaut" } } }
- { name: limited, match: { prefix: /limited }, direct_response: { status: 429 } }
- { name: teapot, match: { prefix: /teapot }, direct_response: { status: 418 } }
- { name: ok, match: { prefix: /ok }, direct_response: { status: 200, body: { inline_string: fine } } }
- name: capped
  match: { prefix: /capped }
  route: { cluster: u, max_stream_duration: { grpc_timeout_header_max: 0.3s } }
- name: offset
  match: { prefix: /offset }
  route: { cluster: u, timeout: 5s, max_stream_duration: { grpc_timeout_header_max: 0s, grpc_timeout_header_offset: 0.1s } }
- name: lasting
  match: { prefix: /lasting }
  route: { cluster: u, max_stream_duration: { grpc_timeout_header_max: 0.3s, max_stream_duration: 4s } }
- { name: slow, match: { prefix: /slow }, route: { cluster: u, timeout: 0.2s } }
- { name: plain, match: { prefix: /plain }, route: { cluster: u } }`,
    }),
  ], [cluster("u"), emptyCluster("empty")]),
  exchanges: [
    call("no route", "/none"),
    call("no healthy upstream", "/empty"),
    call("no healthy upstream, another message format", "/empty", "", "application/grpc+json"),
    call("what is no gRPC gets HTTP", "/empty", "", "application/grpc;charset=utf-8"),
    call("gRPC-Web gets HTTP", "/empty", "", "application/grpc-web"),
    call("a message with characters that must be encoded", "/forbidden"),
    call("too many requests", "/limited"),
    call("a status that means nothing to gRPC", "/teapot"),
    call("a direct response 200", "/ok"),
    call("a path that is refused", "/a%00b"),
    {
      name: "a time-out of the route",
      client: [
        "POST /slow HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
        "response",
      ],
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    {
      name: "grpc-timeout above the maximum",
      client: [
        "POST /capped HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/grpc\r\ngrpc-timeout: 9S\r\nContent-Length: 0\r\n\r\n",
        "response",
      ],
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    call("grpc-timeout with an offset", "/offset", "grpc-timeout: 700m\r\n"),
    call("grpc-timeout where the route does not look", "/plain", "grpc-timeout: 700m\r\n"),
    call("no grpc-timeout: the route's limit is told", "/lasting"),
    call("a grpc-timeout that cannot be read", "/lasting", "grpc-timeout: soon\r\n"),
    call("a grpc-timeout of something else than gRPC", "/lasting", "grpc-timeout: 9S\r\n", "text/plain"),
    {
      name: "a grpc-timeout of nothing",
      client: [
        "POST /lasting HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/grpc\r\ngrpc-timeout: 0S\r\nContent-Length: 0\r\n\r\n",
        "response",
      ],
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
  ],
};
