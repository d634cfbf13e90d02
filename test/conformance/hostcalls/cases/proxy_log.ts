// test/conformance/hostcalls/cases/proxy_log.ts: messages and their levels.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "every level, and those that are none",
    versions: versionsOf("proxy_log"),
    callbacks: {
      proxy_on_request_headers: [0, 1, 2, 3, 4, 5, 6, -1].map((level) => call("proxy_log", level, "a message")),
    },
  },
  {
    name: "no text, bytes that are no text, a text outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_log", 1, ""),
        call("proxy_log", 1, "\xff\x00\xc3"),
        call("proxy_log", 1, at(BAD, 1)),
        call("proxy_log", 1, at(0, BAD)),
        call("proxy_log", 1, at(0x1ffff, 2)),
        call("proxy_log", 9, at(BAD, 1)),
      ],
    },
  },
  {
    name: "while the VM starts, when a stream is over",
    callbacks: {
      _initialize: [call("proxy_log", 1, "started")],
      proxy_on_log: [call("proxy_log", 1, "over")],
      proxy_on_delete: [call("proxy_log", 1, "gone")],
    },
  },
];
