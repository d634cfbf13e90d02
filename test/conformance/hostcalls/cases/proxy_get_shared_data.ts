// test/conformance/hostcalls/cases/proxy_get_shared_data.ts: reading values that VMs share.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into, masked } from "../steps.ts";

const get = (key: string) => call("proxy_get_shared_data", key);

export const CASES: readonly Case[] = [
  {
    name: "what was set, and what was not",
    versions: versionsOf("proxy_get_shared_data"),
    callbacks: {
      proxy_on_request_headers: [
        get("key"),
        call("proxy_set_shared_data", "key", "a value", 0),
        masked(get("key")),
        call("proxy_get_shared_data", "ke"),
        call("proxy_set_shared_data", "empty", "", 0),
        masked(get("empty")),
        get(""),
      ],
    },
  },
  {
    name: "from one callback to another",
    callbacks: {
      proxy_on_configure: [call("proxy_set_shared_data", "key", "configured", 0)],
      proxy_on_request_headers: [masked(get("key"))],
      proxy_on_log: [masked(get("key"))],
    },
  },
  {
    name: "a VM of another id",
    callbacks: { proxy_on_request_headers: [get("key")] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_shared_data", "key", "a value", 0),
        call("proxy_get_shared_data", at(BAD, 1)),
        into(get("key"), BAD),
        into(get("key"), null, BAD),
        into(get("key"), null, null, BAD),
      ],
    },
  },
];
