// test/conformance/hostcalls/cases/proxy_set_property.ts: values that filters keep with a stream.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a value is kept, changed and emptied",
    versions: versionsOf("proxy_set_property"),
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_property", "mine", "one"),
        call("proxy_get_property", "mine"),
        call("proxy_set_property", "mine", "two"),
        call("proxy_get_property", "mine"),
        call("proxy_set_property", "mine", ""),
        call("proxy_get_property", "mine"),
      ],
      proxy_on_response_headers: [call("proxy_get_property", "mine"), call("proxy_set_property", "mine", "three")],
      proxy_on_log: [call("proxy_get_property", "mine"), call("proxy_set_property", "mine", "four")],
    },
  },
  {
    name: "names that are taken, and none",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_property", "plugin_root_id", "other"),
        call("proxy_get_property", "plugin_root_id"),
        call("proxy_set_property", "request\0path", "/other"),
        call("proxy_get_property", "request\0path"),
        call("proxy_set_property", "", "nameless"),
      ],
    },
  },
  {
    name: "a path of several segments",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_property", "mine\0deep", "a value"),
        call("proxy_get_property", "mine\0deep"),
      ],
    },
  },
  {
    name: "in the plugin's own context",
    callbacks: { proxy_on_configure: [call("proxy_set_property", "mine", "one"), call("proxy_get_property", "mine")] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_property", at(BAD, 1), "a"),
        call("proxy_set_property", "a", at(BAD, 1)),
      ],
    },
  },
];
