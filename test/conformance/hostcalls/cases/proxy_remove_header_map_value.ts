// test/conformance/hostcalls/cases/proxy_remove_header_map_value.ts: removing headers.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call } from "../steps.ts";

const remove = (map: number, key: string) => call("proxy_remove_header_map_value", map, key);

export const CASES: readonly Case[] = [
  {
    name: "request and response headers",
    versions: versionsOf("proxy_remove_header_map_value"),
    watch: ["client", "upstream"],
    upstream: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-c: 1\r\nx-c: 2\r\n\r\nok"] },
    callbacks: {
      proxy_on_request_headers: [remove(0, "x-a"), remove(0, "X-B"), remove(0, "x-absent"), remove(0, "")],
      proxy_on_response_headers: [remove(2, "x-c"), remove(2, "x-absent")],
    },
  },
  {
    name: "the status of a response",
    watch: ["client"],
    callbacks: {
      proxy_on_response_headers: [remove(2, ":status"), call("proxy_get_header_map_value", 2, ":status")],
      proxy_on_response_body: [],
      proxy_on_log: [
        call("proxy_get_property", "response\0code"),
        call("proxy_get_property", "response\0code_details"),
      ],
    },
  },
  {
    name: "every map where it is not",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => remove(map, "x-a")),
      proxy_on_request_headers: [1, 2, 3, 4, 5, 6, 7, 8, -1].map((map) => remove(map, "x-a")),
    },
  },
  {
    name: "headers that went on",
    callbacks: { proxy_on_response_headers: [remove(0, "x-a")], proxy_on_log: [remove(0, "x-a"), remove(2, "x-a")] },
  },
  {
    name: "a name outside of memory",
    callbacks: { proxy_on_request_headers: [call("proxy_remove_header_map_value", 0, at(BAD, 1))] },
  },
];
