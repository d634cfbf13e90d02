// test/conformance/hostcalls/proxy_on_log.test.ts: streams of which all is known.
import { ABI_VERSIONS } from "../../../abi/mod.ts";
import { conform } from "./conformance.ts";
import { call, returns } from "./steps.ts";

conform("proxy_on_log", [
  {
    name: "once for each stream",
    versions: ABI_VERSIONS,
    callbacks: { proxy_on_log: [call("proxy_get_property", "response\0code")] },
  },
  {
    name: "requests that were answered",
    client: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    callbacks: {
      proxy_on_request_headers: [call("proxy_send_local_response", 403, "", "", "", -1), returns(1)],
      proxy_on_log: [call("proxy_get_property", "response\0code")],
    },
  },
  {
    name: "requests that never reach the filter",
    client: "GET / HTTP/1.1\r\nHost: a.example\r\nBad Header: 1\r\n\r\n",
    callbacks: { proxy_on_request_headers: [], proxy_on_log: [call("proxy_get_property", "response\0code")] },
  },
]);
