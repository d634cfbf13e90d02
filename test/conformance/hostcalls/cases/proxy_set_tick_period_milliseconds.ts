// test/conformance/hostcalls/cases/proxy_set_tick_period_milliseconds.ts: periods of ticks.
import { type Case, versionsOf } from "../play.ts";
import { call, equals, keep, kept, when } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a period that is set when the plugin starts, and ended in a tick",
    versions: versionsOf("proxy_set_tick_period_milliseconds"),
    client: null,
    waitMs: 150,
    callbacks: {
      proxy_on_configure: [call("proxy_set_tick_period_milliseconds", 20)],
      proxy_on_tick: [
        keep(0, { wat: `(i32.add ${kept(0).wat} (i32.const 1))` }),
        when(equals(kept(0), 3), call("proxy_set_tick_period_milliseconds", 0)),
      ],
    },
  },
  {
    name: "a stream sets the period of its plugin",
    callbacks: {
      proxy_on_request_headers: [call("proxy_set_tick_period_milliseconds", 20)],
      proxy_on_tick: [call("proxy_set_tick_period_milliseconds", 0)],
    },
  },
  {
    name: "a period that is never over, and none",
    callbacks: {
      proxy_on_configure: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_tick_period_milliseconds", 0x7fffffff),
      ],
      proxy_on_tick: [],
    },
  },
];
