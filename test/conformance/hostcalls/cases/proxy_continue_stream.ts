// test/conformance/hostcalls/cases/proxy_continue_stream.ts: going on after a pause.
import { type Case, versionsOf } from "../play.ts";
import { call, keep, kept, param, returns } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a request that a tick lets go on",
    versions: versionsOf("proxy_continue_stream"),
    callbacks: {
      proxy_on_request_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 20), returns(1)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_continue_stream", 0),
      ],
      proxy_on_response_headers: [],
    },
  },
  {
    name: "a response that a tick lets go on",
    callbacks: {
      proxy_on_response_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 20), returns(1)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_continue_stream", 1),
      ],
    },
  },
  {
    name: "in the callback that pauses",
    callbacks: { proxy_on_request_headers: [call("proxy_continue_stream", 0), returns(1)] },
  },
  {
    name: "nothing is paused, and there is no stream",
    callbacks: {
      proxy_on_configure: [0, 1, 2].map((stream) => call("proxy_continue_stream", stream)),
      proxy_on_request_headers: [0, 1, 2].map((stream) => call("proxy_continue_stream", stream)),
      proxy_on_log: [0, 1, 2].map((stream) => call("proxy_continue_stream", stream)),
    },
  },
  {
    name: "the upstream's bytes of a connection",
    callbacks: { proxy_on_request_headers: [call("proxy_continue_stream", 3)] },
  },
  {
    name: "streams that there are not",
    callbacks: { proxy_on_request_headers: [4, 5, -1].map((stream) => call("proxy_continue_stream", stream)) },
  },
];
