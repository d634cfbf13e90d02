// test/conformance/hostcalls/cases/proxy_resolve_shared_queue.ts: finding queues.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into, masked } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a queue of one's own, by id and without",
    versions: versionsOf("proxy_resolve_shared_queue"),
    callbacks: {
      proxy_on_configure: [
        call("proxy_get_property", "plugin_vm_id"),
        masked(call("proxy_register_shared_queue", "queue")),
        masked(call("proxy_resolve_shared_queue", "", "queue")),
        call("proxy_resolve_shared_queue", "", "absent"),
        call("proxy_resolve_shared_queue", "absent", "queue"),
      ],
    },
    ignore: /^proxy_get_property/,
  },
  {
    name: "a queue of another VM",
    vmId: "the_other",
    callbacks: { proxy_on_configure: [masked(call("proxy_register_shared_queue", "queue"))] },
    ignore: /^/,
  },
  {
    name: "who finds it",
    callbacks: { proxy_on_request_headers: [masked(call("proxy_resolve_shared_queue", "the_other", "queue"))] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_configure: [
        masked(call("proxy_register_shared_queue", "queue")),
        call("proxy_resolve_shared_queue", at(BAD, 1), "queue"),
        call("proxy_resolve_shared_queue", "", at(BAD, 1)),
        into(call("proxy_resolve_shared_queue", "", "queue"), BAD),
      ],
    },
  },
];
