// test/conformance/hostcalls/cases/proxy_set_header_map_pairs.ts: replacing all headers.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, pairs } from "../steps.ts";

const set = (map: number, list: readonly (readonly [string, string])[]) =>
  call("proxy_set_header_map_pairs", map, pairs(list));
const OTHER: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":path", "/other"],
  [":authority", "b.example"],
  [":scheme", "http"],
];
const malformed = (bytes: readonly number[]) => call("proxy_set_header_map_pairs", 2, Uint8Array.from(bytes));

export const CASES: readonly Case[] = [
  {
    name: "all request and response headers are others",
    versions: versionsOf("proxy_set_header_map_pairs"),
    watch: ["client", "upstream"],
    callbacks: {
      proxy_on_request_headers: [
        set(0, [...OTHER, ["x-forwarded-proto", "http"], ["X-New", "1"], ["x-new", "2"]]),
      ],
      proxy_on_response_headers: [set(2, [[":status", "202"], ["content-length", "2"], ["x-new", "1"]])],
    },
  },
  {
    name: "request headers without x-forwarded-proto",
    callbacks: { proxy_on_request_headers: [set(0, OTHER)] },
  },
  {
    name: "pairs that are none",
    callbacks: {
      proxy_on_response_headers: [
        // The count is more than there is; a size is more than there is; a zero byte is missing; bytes are left over.
        malformed([2, 0, 0, 0]),
        malformed([1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 97, 0, 98, 0]),
        malformed([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 97, 1, 98, 0]),
        malformed([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 97, 0, 98, 0, 99]),
        malformed([1, 0]),
        call("proxy_get_header_map_value", 2, ":status"),
      ],
    },
  },
  {
    name: "every map where it is not",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => set(map, [["x-a", "1"]])),
      proxy_on_request_headers: [1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => set(map, [["x-a", "1"]])),
    },
  },
  {
    name: "pairs outside of memory",
    callbacks: { proxy_on_request_headers: [call("proxy_set_header_map_pairs", 0, at(BAD, 8))] },
  },
];
