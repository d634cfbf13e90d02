// test/conformance/hostcalls/cases/proxy_on_new_connection.ts: connections.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, keep, kept, param, returns } from "../steps.ts";

const HELLO = ["hello", { bytes: 5 }, "end", "closed"] as const;
const ECHO = { tcp: [{ bytes: 5 }, "world", { pause: 60 }, "end"] } as const;

export const CASES: readonly Case[] = [
  {
    name: "before anything else",
    versions: ABI_VERSIONS,
    network: true,
    client: HELLO,
    upstream: ECHO,
    callbacks: { proxy_on_new_connection: [], proxy_on_downstream_data: [] },
    ignore: /^> proxy_on_downstream_data 2 0/,
  },
  {
    name: "a tick lets it go on",
    network: true,
    client: HELLO,
    upstream: ECHO,
    callbacks: {
      proxy_on_new_connection: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 40), returns(1)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_continue_stream", 2),
      ],
    },
  },
];
