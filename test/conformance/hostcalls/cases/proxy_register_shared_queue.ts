// test/conformance/hostcalls/cases/proxy_register_shared_queue.ts: making queues.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into, keep, kept, masked, show } from "../steps.ts";

const register = (name: string) => call("proxy_register_shared_queue", name);

export const CASES: readonly Case[] = [
  {
    name: "a queue, twice the same, and another",
    versions: versionsOf("proxy_register_shared_queue"),
    callbacks: {
      proxy_on_configure: [
        masked(register("queue")),
        keep(0),
        masked(register("queue")),
        keep(1),
        masked(register("other")),
        keep(2),
        show("one queue, one number", { wat: `(i32.eq ${kept(0).wat} ${kept(1).wat})` }),
        show("another queue, another number", { wat: `(i32.ne ${kept(0).wat} ${kept(2).wat})` }),
        show("no number is 0", { wat: `(i32.ne ${kept(0).wat} (i32.const 0))` }),
      ],
    },
  },
  {
    name: "in a stream, and without a name",
    callbacks: { proxy_on_request_headers: [masked(register("queue")), masked(register(""))] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_configure: [call("proxy_register_shared_queue", at(BAD, 1)), into(register("queue"), BAD)],
    },
  },
];
