// test/conformance/hostcalls/cases/proxy_done.ts: the end of a plugin that takes its time.
import { type Case, versionsOf } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
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
];
