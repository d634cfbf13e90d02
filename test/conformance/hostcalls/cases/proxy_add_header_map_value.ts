// test/conformance/hostcalls/cases/proxy_add_header_map_value.ts: adding a header.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call } from "../steps.ts";

const set = (map: number, key: string, value: string) => call("proxy_add_header_map_value", map, key, value);

export const CASES: readonly Case[] = [
  {
    name: "request and response headers",
    versions: versionsOf("proxy_add_header_map_value"),
    watch: ["client", "upstream"],
    callbacks: {
      proxy_on_request_headers: [
        set(0, "x-new", "1"),
        set(0, "X-Case", "2"),
        set(0, "x-a", "other"),
        set(0, "x-b", "3"),
        set(0, "x-empty", ""),
      ],
      proxy_on_response_headers: [set(2, "x-new", "1"), set(2, "x-new", "2")],
    },
  },
  {
    name: "pseudo-headers",
    watch: ["upstream"],
    callbacks: { proxy_on_request_headers: [set(0, ":path", "/other"), set(0, ":authority", "b.example")] },
  },
  {
    name: "the status of a response",
    watch: ["client"],
    callbacks: {
      proxy_on_response_headers: [set(2, ":status", "201"), call("proxy_get_header_map_value", 2, ":status")],
    },
  },
  {
    name: "every map where it is not",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => set(map, "x-new", "1")),
      proxy_on_request_headers: [1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => set(map, "x-new", "1")),
    },
  },
  {
    name: "headers that went on",
    callbacks: {
      proxy_on_response_headers: [set(0, "x-new", "1")],
      proxy_on_response_body: [set(0, "x-new", "1"), set(2, "x-new", "1")],
      proxy_on_log: [set(0, "x-new", "1"), set(2, "x-new", "1")],
    },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_add_header_map_value", 0, at(BAD, 1), "1"),
        call("proxy_add_header_map_value", 0, "x-new", at(BAD, 1)),
      ],
    },
  },
];
