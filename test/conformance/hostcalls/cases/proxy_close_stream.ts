// test/conformance/hostcalls/cases/proxy_close_stream.ts: ending streams.
import { type Case, versionsOf } from "../play.ts";
import { call, returns } from "../steps.ts";

const GET = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

export const CASES: readonly Case[] = [
  {
    name: "a request",
    versions: versionsOf("proxy_close_stream"),
    client: [GET, "closed"],
    callbacks: { proxy_on_request_headers: [call("proxy_close_stream", 0), returns(1)], proxy_on_log: [] },
  },
  {
    name: "a response",
    client: [GET, "closed"],
    callbacks: { proxy_on_response_headers: [call("proxy_close_stream", 1), returns(1)], proxy_on_log: [] },
  },
  {
    name: "a request, although the callback goes on",
    client: [GET, "closed"],
    callbacks: { proxy_on_request_headers: [call("proxy_close_stream", 0)], proxy_on_log: [] },
  },
  {
    name: "a connection of which there is no filter",
    callbacks: { proxy_on_request_headers: [call("proxy_close_stream", 2), call("proxy_close_stream", 3)] },
  },
  {
    name: "there is no stream",
    callbacks: { proxy_on_configure: [0, 1, 2, 3].map((stream) => call("proxy_close_stream", stream)) },
  },
  {
    name: "streams that there are not",
    callbacks: { proxy_on_request_headers: [4, -1].map((stream) => call("proxy_close_stream", stream)) },
  },
  {
    name: "a client's connection",
    network: true,
    client: ["hello", "closed"],
    upstream: { tcp: ["hang"] },
    callbacks: {
      proxy_on_downstream_data: [call("proxy_close_stream", 2), returns(1)],
      proxy_on_downstream_connection_close: [],
    },
  },
];
