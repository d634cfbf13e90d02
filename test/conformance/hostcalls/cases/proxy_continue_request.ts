// test/conformance/hostcalls/cases/proxy_continue_request.ts: going on with a request in ABI 0.1.0.
import { type Case, versionsOf } from "../play.ts";
import { call, keep, kept, param, returns } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a request that a tick lets go on",
    versions: versionsOf("proxy_continue_request"),
    callbacks: {
      proxy_on_request_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 20), returns(1)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_continue_request"),
      ],
      proxy_on_response_headers: [],
    },
  },
  {
    name: "nothing is paused, and there is no stream",
    version: "0.1.0",
    callbacks: {
      proxy_on_configure: [call("proxy_continue_request")],
      proxy_on_request_headers: [call("proxy_continue_request")],
    },
  },
];
