// test/conformance/hostcalls/cases/proxy_on_http_call_response.ts: answers of calls.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, equals, keep, kept, pairs, param, returns, when } from "../steps.ts";

const HEADERS = pairs([[":method", "GET"], [":path", "/check"], [":authority", "service"]]);
const check = call("proxy_http_call", "u", HEADERS, "", "", 1000);

export const CASES: readonly Case[] = [
  {
    name: "two calls, in the order of their answers, in the plugin's context",
    versions: ABI_VERSIONS,
    upstream: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-answer: 1\r\n\r\nyes"] },
    callbacks: {
      proxy_on_request_headers: [check, keep(0, param(0)), returns(1)],
      proxy_on_http_call_response: [
        keep(1, { wat: `(i32.add ${kept(1).wat} (i32.const 1))` }),
        call("proxy_add_header_map_value", 0, "x-new", "1"),
        call("proxy_get_header_map_value", 6, "x-answer"),
        when(equals(kept(1), 1), check),
        when(
          equals(kept(1), 2),
          call("proxy_set_effective_context", kept(0)),
          call("proxy_send_local_response", 200, "", "", "", -1),
        ),
      ],
    },
  },
  {
    name: "a connection that breaks",
    upstream: { http: [{ steps: ["reset"] }] },
    callbacks: {
      proxy_on_request_headers: [check, keep(0, param(0)), returns(1)],
      proxy_on_http_call_response: [
        call("proxy_get_header_map_value", 6, ":status"),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "a response that breaks off",
    upstream: { http: [{ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nyes", { pause: 30 }, "reset"] }] },
    callbacks: {
      proxy_on_request_headers: [check, keep(0, param(0)), returns(1)],
      proxy_on_http_call_response: [
        call("proxy_get_header_map_value", 6, ":status"),
        call("proxy_get_buffer_bytes", 4, 0, 100),
        call("proxy_get_status"),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
];
