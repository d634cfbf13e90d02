// test/conformance/hostcalls/cases/proxy_on_request_trailers.ts: request trailers.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call } from "../steps.ts";

const CHUNKS = "POST /path HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n";

export const CASES: readonly Case[] = [
  {
    name: "after the body",
    versions: ABI_VERSIONS,
    client: [`${CHUNKS}2\r\nhi\r\n0\r\nx-t: 1\r\nx-u: 2\r\n\r\n`, "response"],
    callbacks: {
      proxy_on_request_headers: [],
      proxy_on_request_trailers: [call("proxy_get_header_map_value", 1, "x-t")],
    },
  },
];
