// test/conformance/hostcalls/cases/proxy_on_response_headers.ts: response headers.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, keep, kept, param, returns, wat } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a response with a body, and one without",
    versions: ABI_VERSIONS,
    client: [
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "response",
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "response",
    ],
    upstream: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "HTTP/1.1 304 Not Modified\r\n\r\n"] },
    callbacks: { proxy_on_response_headers: [call("proxy_get_header_map_value", 2, ":status")] },
  },
  {
    name: "informational responses are none",
    upstream: { http: ["HTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] },
    client: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    callbacks: { proxy_on_response_headers: [call("proxy_get_header_map_value", 2, ":status")] },
  },
  {
    name: "the proxy's own answers",
    upstream: { http: [{ steps: ["reset"] }] },
    client: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    callbacks: { proxy_on_response_headers: [call("proxy_get_header_map_value", 2, ":status")] },
  },
  ...[1, 3, 4, 255].map((answer) => ({
    name: `the answer ${answer} stops it`,
    client: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    callbacks: {
      proxy_on_response_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 20), returns(answer)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_continue_stream", 1),
      ],
    },
  })),
  {
    name: "a trap",
    watch: ["client" as const],
    callbacks: { proxy_on_response_headers: [wat("(unreachable)")], proxy_on_log: [] },
  },
];
