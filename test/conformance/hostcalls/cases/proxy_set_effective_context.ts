// test/conformance/hostcalls/cases/proxy_set_effective_context.ts: acting for another context.
import { type Case, versionsOf } from "../play.ts";
import { call, keep, kept, param, returns } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a stream's, from a tick",
    versions: versionsOf("proxy_set_effective_context"),
    callbacks: {
      proxy_on_request_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 20), returns(1)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_add_header_map_value", 0, "x-new", "1"),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_add_header_map_value", 0, "x-new", "1"),
        call("proxy_get_header_map_value", 0, "x-a"),
        call("proxy_send_local_response", 200, "", "done", "", -1),
      ],
    },
  },
  {
    name: "the plugin's, from a stream, and back",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_effective_context", 1),
        call("proxy_add_header_map_value", 0, "x-new", "1"),
        call("proxy_set_effective_context", 2),
        call("proxy_add_header_map_value", 0, "x-new", "1"),
      ],
    },
  },
  {
    name: "it ends with the callback",
    callbacks: {
      proxy_on_request_headers: [call("proxy_set_effective_context", 1)],
      proxy_on_response_headers: [call("proxy_add_header_map_value", 2, "x-new", "1")],
    },
  },
  {
    name: "contexts that there are not",
    callbacks: { proxy_on_request_headers: [0, 3, 1000, -1].map((id) => call("proxy_set_effective_context", id)) },
  },
  {
    name: "of a stream that is over",
    callbacks: {
      proxy_on_request_headers: [keep(0, param(0))],
      proxy_on_delete: [call("proxy_set_tick_period_milliseconds", 20)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
      ],
    },
  },
];
