// test/conformance/hostcalls/cases/proxy_get_header_map_pairs.ts: reading all headers.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into } from "../steps.ts";

const get = (map: number) => call("proxy_get_header_map_pairs", map);
const TRAILERS =
  "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n";

export const CASES: readonly Case[] = [
  {
    name: "request and response headers",
    versions: versionsOf("proxy_get_header_map_pairs"),
    callbacks: {
      // An id of its own would be another one every time.
      proxy_on_request_headers: [call("proxy_remove_header_map_value", 0, "x-request-id"), get(0)],
      proxy_on_response_headers: [
        call("proxy_remove_header_map_value", 2, "date"),
        call("proxy_remove_header_map_value", 2, "x-envoy-upstream-service-time"),
        get(2),
      ],
    },
  },
  {
    name: "every map where it is not",
    callbacks: {
      proxy_on_configure: [0, 1, 2, 3, 4, 5, 6, 7, 8, -1].map(get),
      proxy_on_request_headers: [1, 2, 3, 4, 5, 6, 7, 8, -1].map(get),
    },
  },
  {
    name: "trailers",
    client: [TRAILERS, "response"],
    plugin: "",
    callbacks: { proxy_on_request_trailers: [get(1)], proxy_on_request_body: [get(1)], proxy_on_log: [get(1), get(3)] },
  },
  {
    name: "places outside of memory",
    callbacks: { proxy_on_request_headers: [into(get(0), BAD), into(get(0), null, BAD), into(get(3), BAD)] },
  },
];
