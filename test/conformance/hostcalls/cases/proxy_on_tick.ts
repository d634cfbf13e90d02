// test/conformance/hostcalls/cases/proxy_on_tick.ts: ticks.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, equals, keep, kept, when } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "with the plugin's context, as long as the period is not 0",
    versions: ABI_VERSIONS,
    client: null,
    waitMs: 120,
    callbacks: {
      proxy_on_configure: [call("proxy_set_tick_period_milliseconds", 10)],
      proxy_on_tick: [
        keep(0, { wat: `(i32.add ${kept(0).wat} (i32.const 1))` }),
        when(equals(kept(0), 4), call("proxy_set_tick_period_milliseconds", 0)),
      ],
    },
  },
];
