// test/conformance/hostcalls/cases/proxy_get_buffer_bytes.ts: reading bodies, configuration and other buffers.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into, not, param, returns, when } from "../steps.ts";

const POST = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 11\r\n\r\nhello world";
const get = (buffer: number, start = 0, max = -1) => call("proxy_get_buffer_bytes", buffer, start, max);

export const CASES: readonly Case[] = [
  {
    name: "parts of a request body",
    versions: versionsOf("proxy_get_buffer_bytes"),
    client: POST,
    callbacks: {
      proxy_on_request_body: [
        get(0),
        get(0, 0, 5),
        get(0, 6, 5),
        get(0, 6, 100),
        get(0, 11, 1),
        get(0, 12, 1),
        get(0, 3, 0),
        get(0, -1, 2),
      ],
    },
  },
  {
    name: "a response body",
    callbacks: { proxy_on_response_body: [get(1), get(0)] },
  },
  {
    name: "every buffer where it is not",
    callbacks: { proxy_on_request_headers: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1].map((buffer) => get(buffer)) },
  },
  {
    name: "every buffer in the plugin's own context",
    configuration: "for the plugin",
    vmConfiguration: "for the VM",
    callbacks: {
      proxy_on_vm_start: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((buffer) => get(buffer)),
      proxy_on_configure: [get(6), get(7), get(7, 4, 3), get(7, 100, 3)],
      proxy_on_request_headers: [get(6), get(7)],
    },
  },
  {
    name: "when all is over",
    client: POST,
    callbacks: { proxy_on_log: [0, 1, 4, 5, 6, 7, 8].map((buffer) => get(buffer)) },
  },
  {
    name: "a body that was collected",
    client: [
      "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      { pause: 50 },
      "6\r\n world\r\n0\r\n\r\n",
      "response",
    ],
    callbacks: { proxy_on_request_body: [get(0), when(not(param(2)), returns(1))] },
  },
  {
    name: "places outside of memory",
    client: POST,
    callbacks: { proxy_on_request_body: [into(get(0), BAD), into(get(0), null, BAD), into(get(0, 11), BAD)] },
  },
];
