// test/conformance/hostcalls/cases/proxy_http_call.ts: calls to clusters.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into, keep, kept, pairs, param, returns } from "../steps.ts";

const HEADERS = pairs([[":method", "GET"], [":path", "/check"], [":authority", "service"], ["x-asks", "1"]]);
const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-answer: 1\r\n\r\nyes";
const request = (cluster: string) => call("proxy_http_call", cluster, HEADERS, "", "", 1000);

export const CASES: readonly Case[] = [
  {
    name: "a call and its answer",
    versions: versionsOf("proxy_http_call"),
    watch: ["upstream"],
    upstream: { http: [ANSWER] },
    callbacks: {
      proxy_on_request_headers: [request("u"), returns(1), keep(1, param(0))],
      proxy_on_http_call_response: [
        call("proxy_get_header_map_value", 6, ":status"),
        call("proxy_get_header_map_value", 6, "x-answer"),
        call("proxy_get_buffer_bytes", 4, 0, 100),
        call("proxy_get_status"),
        call("proxy_set_effective_context", kept(1)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "a body and trailers",
    watch: ["upstream"],
    upstream: { http: [ANSWER] },
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_http_call", "u", HEADERS, "the body", "", 1000),
        keep(1, param(0)),
        returns(1),
      ],
      proxy_on_http_call_response: [
        call("proxy_get_buffer_bytes", 4, 1, 1),
        call("proxy_set_effective_context", kept(1)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "a cluster that nobody answers in",
    callbacks: {
      proxy_on_request_headers: [request("dead")],
      proxy_on_http_call_response: [call("proxy_get_header_map_value", 6, ":status")],
    },
  },
  {
    name: "clusters that nobody is in, or that there are not",
    callbacks: {
      proxy_on_request_headers: [request("empty"), request("absent"), request("")],
      proxy_on_http_call_response: [call("proxy_get_header_map_value", 6, ":status")],
    },
  },
  {
    name: "headers that are missing",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_http_call", "u", "", "", "", 1000),
        call("proxy_http_call", "u", pairs([[":method", "GET"], [":path", "/"]]), "", "", 1000),
        call("proxy_http_call", "u", pairs([[":method", "GET"], [":authority", "a"]]), "", "", 1000),
        call("proxy_http_call", "u", pairs([[":path", "/"], [":authority", "a"]]), "", "", 1000),
        call("proxy_http_call", "u", Uint8Array.from([9, 0, 0, 0]), "", "", 1000),
        call("proxy_http_call", "u", HEADERS, "", "", -1),
      ],
    },
  },
  {
    name: "an answer that takes too long",
    upstream: { http: [{ steps: [{ pause: 400 }, ANSWER] }] },
    callbacks: {
      proxy_on_request_headers: [call("proxy_http_call", "u", HEADERS, "", "", 50), returns(1), keep(1, param(0))],
      proxy_on_http_call_response: [
        call("proxy_get_header_map_value", 6, ":status"),
        call("proxy_get_buffer_bytes", 4, 0, 100),
        call("proxy_get_status"),
        call("proxy_set_effective_context", kept(1)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_http_call", at(BAD, 1), HEADERS, "", "", 1000),
        call("proxy_http_call", "u", at(BAD, 1), "", "", 1000),
        call("proxy_http_call", "u", HEADERS, at(BAD, 1), "", 1000),
        call("proxy_http_call", "u", HEADERS, "", at(BAD, 1), 1000),
        into(request("u"), BAD),
      ],
    },
  },
];
