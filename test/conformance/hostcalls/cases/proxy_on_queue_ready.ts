// test/conformance/hostcalls/cases/proxy_on_queue_ready.ts: messages in queues.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, keep, kept, masked, show } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "once for each message, after the callback that put it there",
    versions: ABI_VERSIONS,
    callbacks: {
      proxy_on_configure: [masked(call("proxy_register_shared_queue", "queue")), keep(0)],
      proxy_on_request_headers: [
        call("proxy_enqueue_shared_queue", kept(0), "one"),
        call("proxy_enqueue_shared_queue", kept(0), "two"),
        show("the callback ends", kept(1)),
      ],
      proxy_on_queue_ready: [
        show("its own queue", { wat: `(i32.eq (local.get 1) ${kept(0).wat})` }),
        call("proxy_dequeue_shared_queue", kept(0)),
      ],
    },
    // The number of a queue is another one every time.
    ignore: /^> proxy_on_queue_ready/,
  },
];
