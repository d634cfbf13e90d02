// test/conformance/hostcalls/cases/proxy_send_local_response.ts: answering instead of the upstream.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, equals, keep, kept, pairs, param, returns, when } from "../steps.ts";

const reply = (status: number, details: string, body: string, headers: readonly (readonly [string, string])[]) =>
  call("proxy_send_local_response", status, details, body, headers.length === 0 ? "" : pairs(headers), -1);

export const CASES: readonly Case[] = [
  {
    name: "a status, headers and a body",
    versions: versionsOf("proxy_send_local_response"),
    watch: ["client", "upstream"],
    callbacks: {
      proxy_on_request_headers: [
        reply(403, "not allowed", "no\n", [["x-why", "because"], ["X-Case", "1"]]),
        returns(1),
      ],
      proxy_on_response_headers: [],
      proxy_on_log: [
        call("proxy_get_property", "response\0code"),
        call("proxy_get_property", "response\0code_details"),
      ],
    },
  },
  {
    name: "the callback goes on although it has answered",
    watch: ["client", "upstream"],
    callbacks: { proxy_on_request_headers: [reply(403, "", "no\n", [])] },
  },
  {
    name: "nothing but a status",
    watch: ["client"],
    callbacks: { proxy_on_request_headers: [call("proxy_send_local_response", 204, "", "", "", -1), returns(1)] },
  },
  {
    name: "a content type of its own",
    watch: ["client"],
    callbacks: { proxy_on_request_headers: [reply(200, "", "{}", [["content-type", "application/json"]]), returns(1)] },
  },
  {
    name: "two answers",
    watch: ["client"],
    callbacks: { proxy_on_request_headers: [reply(403, "", "one", []), reply(404, "", "two", []), returns(1)] },
  },
  {
    name: "instead of a response",
    watch: ["client"],
    callbacks: {
      proxy_on_response_headers: [
        when(equals(kept(0), 0), reply(503, "", "instead", []), keep(0, { wat: "(i32.const 1)" }), returns(1)),
      ],
    },
  },
  {
    name: "a gRPC request and a gRPC status",
    client: "POST /s/m HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
    watch: ["client"],
    callbacks: { proxy_on_request_headers: [call("proxy_send_local_response", 403, "", "not you", "", 7), returns(1)] },
  },
  {
    name: "a gRPC request without a gRPC status",
    client: "POST /s/m HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
    watch: ["client"],
    callbacks: {
      proxy_on_request_headers: [call("proxy_send_local_response", 403, "", "not you", "", -1), returns(1)],
    },
  },
  {
    name: "there is no stream, or it is over",
    callbacks: { proxy_on_configure: [reply(403, "", "", [])], proxy_on_log: [reply(403, "", "", [])] },
  },
  {
    name: "from a tick",
    watch: ["client"],
    callbacks: {
      proxy_on_request_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 20), returns(1)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        reply(403, "", "late", []),
      ],
    },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_send_local_response", 403, at(BAD, 1), "", "", -1),
        call("proxy_send_local_response", 403, "", at(BAD, 1), "", -1),
        call("proxy_send_local_response", 403, "", "", at(BAD, 1), -1),
      ],
    },
  },
];
