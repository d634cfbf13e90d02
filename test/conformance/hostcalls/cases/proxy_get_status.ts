// test/conformance/hostcalls/cases/proxy_get_status.ts: how the last call ended.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into } from "../steps.ts";

export const CASES: readonly Case[] = [
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
];
