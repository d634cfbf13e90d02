// test/conformance/hostcalls/proxy_clear_route_cache.test.ts: looking for the route again in ABI 0.1.0.
import { conform } from "./conformance.ts";
import { versionsOf } from "./play.ts";
import { call } from "./steps.ts";

conform("proxy_clear_route_cache", [
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
]);
