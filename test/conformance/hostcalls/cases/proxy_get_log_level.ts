// test/conformance/hostcalls/cases/proxy_get_log_level.ts: the level from which messages are logged.
import type { Case } from "../play.ts";
import { BAD, call, into } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "the level is that of the proxy's log",
    callbacks: {
      proxy_on_configure: [call("proxy_get_log_level")],
      proxy_on_request_headers: [call("proxy_get_log_level")],
    },
  },
  {
    name: "a place outside of memory",
    callbacks: {
      proxy_on_request_headers: [into(call("proxy_get_log_level"), BAD), into(call("proxy_get_log_level"), 0x1fffe)],
    },
  },
];
