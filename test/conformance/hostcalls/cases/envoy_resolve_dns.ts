// test/conformance/hostcalls/cases/envoy_resolve_dns.ts: looking names up.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into, masked } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "an address",
    versions: versionsOf("envoy_resolve_dns"),
    callbacks: {
      proxy_on_request_headers: [masked(call("envoy_resolve_dns", "127.0.0.1"))],
      envoy_on_resolve_dns: [],
    },
    ignore: /^> envoy_on_resolve_dns/,
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("envoy_resolve_dns", at(BAD, 1)),
        into(call("envoy_resolve_dns", "127.0.0.1"), BAD),
      ],
    },
  },
];
