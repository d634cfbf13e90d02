// test/conformance/hostcalls/proxy_on_response_trailers.test.ts: response trailers.
import { ABI_VERSIONS } from "../../../abi/mod.ts";
import { conform } from "./conformance.ts";
import { call } from "./steps.ts";

conform("proxy_on_response_trailers", [
  {
    name: "after the body",
    versions: ABI_VERSIONS,
    upstream: { http: ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n"] },
    callbacks: {
      proxy_on_response_headers: [],
      proxy_on_response_trailers: [call("proxy_get_header_map_value", 3, "x-t")],
    },
  },
]);
