// test/conformance/hostcalls/cases/proxy_on_response_body.ts: response bodies.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, not, param, returns, when } from "../steps.ts";

const PIECES = {
  http: [{
    steps: [
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
      { pause: 80 },
      "3\r\nabc\r\n",
      { pause: 80 },
      "2\r\nde\r\n",
      { pause: 80 },
      "0\r\n\r\n",
    ],
  }],
};

export const CASES: readonly Case[] = [
  {
    name: "pieces as they come",
    versions: ABI_VERSIONS,
    upstream: PIECES,
    callbacks: { proxy_on_response_body: [call("proxy_get_buffer_bytes", 1, 0, 100)] },
  },
  {
    name: "a body that comes with its end",
    watch: ["client"],
    callbacks: { proxy_on_response_body: [call("proxy_get_buffer_bytes", 1, 0, 100)] },
  },
  {
    name: "a body above the limit that comes at once, collected",
    listener: "per_connection_buffer_limit_bytes: 1000",
    upstream: { http: [`HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n${"a".repeat(3000)}`] },
    callbacks: {
      proxy_on_response_headers: [returns(1)],
      proxy_on_response_body: [when(not(param(2)), returns(1))],
    },
    plugin: "allow_on_headers_stop_iteration: true",
  },
  {
    name: "pieces that are collected",
    upstream: PIECES,
    watch: ["client"],
    callbacks: {
      proxy_on_response_body: [call("proxy_get_buffer_bytes", 1, 0, 100), when(not(param(2)), returns(1))],
    },
  },
  {
    name: "pieces that are taken",
    upstream: PIECES,
    watch: ["client"],
    callbacks: {
      proxy_on_response_body: [call("proxy_get_buffer_bytes", 1, 0, 100), when(not(param(2)), returns(3))],
    },
  },
];
