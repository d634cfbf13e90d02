// test/conformance/hostcalls/cases/proxy_set_buffer_bytes.ts: changing bodies.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, param, when } from "../steps.ts";

const POST = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 11\r\n\r\nhello world";
const set = (start: number, size: number, value: string) => call("proxy_set_buffer_bytes", 0, start, size, value);
const get = call("proxy_get_buffer_bytes", 0, 0, 100);
const unsized = call("proxy_remove_header_map_value", 0, "content-length");

export const CASES: readonly Case[] = [
  {
    name: "the beginning is replaced",
    versions: versionsOf("proxy_set_buffer_bytes"),
    client: POST,
    watch: ["upstream"],
    callbacks: {
      proxy_on_request_headers: [unsized],
      proxy_on_request_body: [when(param(1), set(0, 5, "HELLO"), get)],
    },
  },
  {
    name: "all is replaced",
    client: POST,
    watch: ["upstream"],
    callbacks: { proxy_on_request_headers: [unsized], proxy_on_request_body: [when(param(1), set(0, -1, "new"), get)] },
  },
  {
    name: "something is put before and behind",
    client: POST,
    watch: ["upstream"],
    callbacks: {
      proxy_on_request_headers: [unsized],
      proxy_on_request_body: [when(param(1), set(0, 0, "<"), get, set(12, 0, ">"), get, set(100, 5, "!"), get)],
    },
  },
  {
    name: "all is taken away",
    client: POST,
    watch: ["upstream"],
    callbacks: { proxy_on_request_headers: [unsized], proxy_on_request_body: [when(param(1), set(0, 11, ""), get)] },
  },
  {
    name: "something in the middle is replaced",
    client: POST,
    watch: ["upstream"],
    callbacks: {
      proxy_on_request_headers: [unsized],
      proxy_on_request_body: [when(param(1), set(5, 1, ", my "), get)],
    },
  },
  {
    name: "a response body",
    watch: ["client"],
    callbacks: {
      proxy_on_response_headers: [call("proxy_remove_header_map_value", 2, "content-length")],
      proxy_on_response_body: [when(param(1), call("proxy_set_buffer_bytes", 1, 0, 2, "replaced"))],
    },
  },
  {
    name: "buffers that cannot be changed, or not now",
    configuration: "for the plugin",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((buffer) =>
        call("proxy_set_buffer_bytes", buffer, 0, 0, "x")
      ),
      proxy_on_request_headers: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1].map((buffer) =>
        call("proxy_set_buffer_bytes", buffer, 0, 0, "x")
      ),
    },
  },
  {
    name: "bytes outside of memory",
    client: POST,
    callbacks: { proxy_on_request_body: [call("proxy_set_buffer_bytes", 0, 0, 0, at(BAD, 1)), get] },
  },
];
