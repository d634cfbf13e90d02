// test/conformance/hostcalls/cases/proxy_on_request_body.ts: request bodies.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, keep, kept, not, param, returns, when } from "../steps.ts";

const CHUNKS = "POST /path HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n";

export const CASES: readonly Case[] = [
  {
    name: "pieces as they come",
    versions: ABI_VERSIONS,
    client: [CHUNKS, { seen: 1 }, "3\r\nabc\r\n", { pause: 80 }, "2\r\nde\r\n", { pause: 40 }, "0\r\n\r\n", "response"],
    watch: ["upstream"],
    callbacks: { proxy_on_request_headers: [], proxy_on_request_body: [call("proxy_get_buffer_bytes", 0, 0, 100)] },
  },
  {
    name: "a body that comes with its end",
    client: ["POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nabcde", "response"],
    watch: ["upstream"],
    callbacks: { proxy_on_request_body: [call("proxy_get_buffer_bytes", 0, 0, 100)] },
  },
  {
    name: "pieces that are collected",
    client: [CHUNKS, { seen: 1 }, "3\r\nabc\r\n", { pause: 80 }, "2\r\nde\r\n", { pause: 40 }, "0\r\n\r\n", "response"],
    watch: ["upstream"],
    callbacks: {
      proxy_on_request_body: [call("proxy_get_buffer_bytes", 0, 0, 100), when(not(param(2)), returns(1))],
    },
  },
  {
    name: "a body above the limit that comes at once, collected",
    listener: "per_connection_buffer_limit_bytes: 1000",
    client: [`POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3000\r\n\r\n${"a".repeat(3000)}`, "response"],
    callbacks: {
      proxy_on_request_body: [when(not(param(2)), returns(1))],
      proxy_on_response_headers: [call("proxy_get_header_map_value", 2, ":status")],
    },
  },
  {
    name: "a body above the limit that comes at once, passed on",
    listener: "per_connection_buffer_limit_bytes: 1000",
    client: [`POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3000\r\n\r\n${"a".repeat(3000)}`, "response"],
    callbacks: { proxy_on_request_body: [] },
  },
  {
    name: "pieces that are taken",
    client: [CHUNKS, { seen: 1 }, "3\r\nabc\r\n", { pause: 80 }, "2\r\nde\r\n", { pause: 40 }, "0\r\n\r\n", "response"],
    watch: ["upstream"],
    callbacks: {
      proxy_on_request_body: [call("proxy_get_buffer_bytes", 0, 0, 100), when(not(param(2)), returns(3))],
    },
  },
  {
    name: "what comes while the headers are held",
    client: [
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n",
      { pause: 20 },
      "abc",
      { pause: 20 },
      "de",
      "response",
    ],
    watch: ["upstream"],
    callbacks: {
      proxy_on_request_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 150), returns(1)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_continue_stream", 0),
      ],
      proxy_on_request_body: [call("proxy_get_buffer_bytes", 0, 0, 100)],
    },
  },
  {
    name: "what comes while the headers are held, as the plugin may ask for",
    plugin: "allow_on_headers_stop_iteration: true",
    client: [
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n",
      { pause: 20 },
      "abc",
      { pause: 40 },
      "de",
      "response",
    ],
    watch: ["upstream"],
    callbacks: {
      proxy_on_request_headers: [returns(1)],
      proxy_on_request_body: [call("proxy_get_buffer_bytes", 0, 0, 100), when(not(param(2)), returns(1))],
    },
  },
];
