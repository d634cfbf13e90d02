// test/conformance/hostcalls/cases/proxy_dequeue_shared_queue.ts: taking messages out of queues.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into, keep, kept, masked } from "../steps.ts";

const take = call("proxy_dequeue_shared_queue", kept(0));

export const CASES: readonly Case[] = [
  {
    name: "messages, and none any more",
    versions: versionsOf("proxy_dequeue_shared_queue"),
    callbacks: {
      proxy_on_configure: [masked(call("proxy_register_shared_queue", "queue")), keep(0), take],
      proxy_on_request_headers: [
        call("proxy_enqueue_shared_queue", kept(0), "one"),
        call("proxy_enqueue_shared_queue", kept(0), "two"),
        take,
        take,
        take,
      ],
    },
  },
  {
    name: "a queue that there is not",
    callbacks: { proxy_on_request_headers: [0, 99999, -1].map((id) => call("proxy_dequeue_shared_queue", id)) },
  },
  {
    name: "places outside of memory",
    callbacks: {
      proxy_on_configure: [
        masked(call("proxy_register_shared_queue", "queue")),
        keep(0),
        call("proxy_enqueue_shared_queue", kept(0), "one"),
        into(take, BAD),
        call("proxy_enqueue_shared_queue", kept(0), "two"),
        into(take, null, BAD),
      ],
    },
  },
];
