// test/conformance/hostcalls/cases/proxy_get_header_map_size.ts: the size of a header map.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into, pairs } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "response headers",
    versions: versionsOf("proxy_get_header_map_size"),
    callbacks: {
      proxy_on_response_headers: [
        call("proxy_set_header_map_pairs", 2, pairs([[":status", "200"], ["content-length", "2"], ["x-new", "1"]])),
        call("proxy_get_header_map_size", 2),
      ],
    },
  },
  {
    name: "every map where it is not",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7].map((map) => call("proxy_get_header_map_size", map)),
      proxy_on_request_headers: [1, 2, 3, 4, 5, 6, 7].map((map) => call("proxy_get_header_map_size", map)),
    },
  },
  {
    name: "maps that there are not",
    callbacks: { proxy_on_request_headers: [8, -1].map((map) => call("proxy_get_header_map_size", map)) },
  },
  {
    name: "a place outside of memory",
    callbacks: { proxy_on_request_headers: [into(call("proxy_get_header_map_size", 0), BAD)] },
  },
];
