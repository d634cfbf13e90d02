// test/conformance/hostcalls/proxy_done.test.ts: the end of a plugin that takes its time.
import { conform } from "./conformance.ts";
import { versionsOf } from "./play.ts";
import { call } from "./steps.ts";

conform("proxy_done", [
  {
    name: "nobody waits for it",
    versions: versionsOf("proxy_done"),
    callbacks: {
      proxy_on_configure: [call("proxy_done")],
      proxy_on_request_headers: [call("proxy_done")],
      proxy_on_done: [call("proxy_done")],
      proxy_on_log: [call("proxy_done")],
    },
  },
]);
