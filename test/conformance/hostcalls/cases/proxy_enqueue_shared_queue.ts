// test/conformance/hostcalls/cases/proxy_enqueue_shared_queue.ts: putting messages into queues.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, keep, kept, masked } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "messages come in order, with an event each",
    versions: versionsOf("proxy_enqueue_shared_queue"),
    callbacks: {
      proxy_on_configure: [masked(call("proxy_register_shared_queue", "queue")), keep(0)],
      proxy_on_request_headers: [
        call("proxy_enqueue_shared_queue", kept(0), "one"),
        call("proxy_enqueue_shared_queue", kept(0), ""),
        call("proxy_enqueue_shared_queue", kept(0), "three"),
      ],
      proxy_on_queue_ready: [call("proxy_dequeue_shared_queue", kept(0))],
    },
    ignore: /^> proxy_on_queue_ready/,
  },
  {
    name: "a queue that there is not",
    callbacks: {
      proxy_on_request_headers: [0, 99999, -1].map((id) => call("proxy_enqueue_shared_queue", id, "one")),
    },
  },
  {
    name: "a message outside of memory",
    callbacks: {
      proxy_on_configure: [
        masked(call("proxy_register_shared_queue", "queue")),
        keep(0),
        call("proxy_enqueue_shared_queue", kept(0), at(BAD, 1)),
      ],
    },
  },
];
