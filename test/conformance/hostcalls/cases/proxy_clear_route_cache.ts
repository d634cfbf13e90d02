// test/conformance/hostcalls/cases/proxy_clear_route_cache.ts: looking for the route again in ABI 0.1.0.
import { type Case, versionsOf } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "in a stream, and without one",
    versions: versionsOf("proxy_clear_route_cache"),
    callbacks: {
      proxy_on_configure: [call("proxy_clear_route_cache")],
      proxy_on_request_headers: [call("proxy_clear_route_cache")],
      proxy_on_response_headers: [call("proxy_clear_route_cache")],
      proxy_on_log: [call("proxy_clear_route_cache")],
    },
  },
];
