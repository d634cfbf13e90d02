// test/conformance/hostcalls/cases/proxy_get_header_map_value.ts: reading one header.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into } from "../steps.ts";

const get = (map: number, key: string) => call("proxy_get_header_map_value", map, key);

export const CASES: readonly Case[] = [
  {
    name: "a header that is there, and one that is not",
    versions: versionsOf("proxy_get_header_map_value"),
    callbacks: {
      proxy_on_request_headers: [
        get(0, "x-a"),
        get(0, "X-A"),
        get(0, "x-b"),
        get(0, "x-absent"),
        get(0, ""),
        get(0, ":path"),
        get(0, ":authority"),
        get(0, "host"),
      ],
      proxy_on_response_headers: [get(2, ":status"), get(2, "content-length"), get(2, "x-absent")],
    },
  },
  {
    name: "a header without a value",
    client: "GET / HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\n\r\n",
    callbacks: { proxy_on_request_headers: [get(0, "x-empty")] },
  },
  {
    name: "bytes above 127",
    client: "GET / HTTP/1.1\r\nHost: a.example\r\nX-High: \xe9\xff\r\n\r\n",
    callbacks: { proxy_on_request_headers: [get(0, "x-high")] },
  },
  {
    name: "every map where it is not",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => get(map, "x-a")),
      proxy_on_request_headers: [1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => get(map, "x-a")),
    },
  },
  {
    name: "request headers after they went on",
    callbacks: {
      proxy_on_response_headers: [get(0, "x-a"), get(1, "x-a"), get(3, "x-a")],
      proxy_on_response_body: [get(0, "x-a"), get(2, ":status")],
    },
  },
  {
    name: "when all is over",
    callbacks: {
      proxy_on_log: [
        get(0, "x-a"),
        get(0, "x-absent"),
        get(1, "x-a"),
        get(2, ":status"),
        get(3, "x-a"),
        get(4, "x-a"),
        get(6, "x-a"),
        get(9, "x-a"),
      ],
    },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_get_header_map_value", 0, at(BAD, 3)),
        into(get(0, "x-a"), BAD),
        into(get(0, "x-a"), null, BAD),
        into(get(0, "x-absent"), BAD),
      ],
    },
  },
];
