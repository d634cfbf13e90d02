// test/conformance/hostcalls/proxy_get_status.test.ts: how the last call ended.
import { conform } from "./conformance.ts";
import { versionsOf } from "./play.ts";
import { BAD, call, into } from "./steps.ts";

conform("proxy_get_status", [
  {
    name: "before there was a call",
    versions: versionsOf("proxy_get_status"),
    callbacks: { proxy_on_configure: [call("proxy_get_status")], proxy_on_request_headers: [call("proxy_get_status")] },
  },
  {
    name: "places outside of memory",
    callbacks: {
      proxy_on_request_headers: [into(call("proxy_get_status"), BAD), into(call("proxy_get_status"), null, BAD)],
    },
  },
]);
