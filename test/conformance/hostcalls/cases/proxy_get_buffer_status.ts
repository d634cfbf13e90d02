// test/conformance/hostcalls/cases/proxy_get_buffer_status.ts: sizes of buffers.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into } from "../steps.ts";

const POST = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 11\r\n\r\nhello world";
const status = (buffer: number) => call("proxy_get_buffer_status", buffer);

export const CASES: readonly Case[] = [
  {
    name: "a request body and a response body",
    versions: versionsOf("proxy_get_buffer_status"),
    client: POST,
    callbacks: {
      proxy_on_request_body: [status(0), status(1)],
      proxy_on_response_body: [status(0), status(1)],
    },
  },
  {
    name: "every buffer where it is not",
    configuration: "for the plugin",
    vmConfiguration: "for the VM",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(status),
      proxy_on_request_headers: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1].map(status),
      proxy_on_log: [0, 1, 4, 7].map(status),
    },
  },
  {
    name: "places outside of memory",
    client: POST,
    callbacks: { proxy_on_request_body: [into(status(0), BAD), into(status(0), null, BAD)] },
  },
];
