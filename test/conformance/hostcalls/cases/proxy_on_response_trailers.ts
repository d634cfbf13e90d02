// test/conformance/hostcalls/cases/proxy_on_response_trailers.ts: response trailers.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "after the body",
    versions: ABI_VERSIONS,
    upstream: { http: ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n"] },
    callbacks: {
      proxy_on_response_headers: [],
      proxy_on_response_trailers: [call("proxy_get_header_map_value", 3, "x-t")],
    },
  },
];
