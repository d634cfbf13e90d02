// test/conformance/hostcalls/cases/proxy_get_current_time_nanoseconds.ts: wall-clock time.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into, masked, show, wat } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "there is a time",
    versions: versionsOf("proxy_get_current_time_nanoseconds"),
    callbacks: {
      proxy_on_configure: [masked(call("proxy_get_current_time_nanoseconds"))],
      proxy_on_request_headers: [masked(call("proxy_get_current_time_nanoseconds"))],
      proxy_on_log: [masked(call("proxy_get_current_time_nanoseconds"))],
    },
  },
  {
    name: "it is this century's, and does not go back",
    callbacks: {
      proxy_on_request_headers: [
        masked(call("proxy_get_current_time_nanoseconds")),
        // 1.7e18 ns are in 2023, 4e18 in 2096.
        show("after 2023", { wat: "(i64.gt_u (i64.load (i32.const 0x100)) (i64.const 1700000000000000000))" }),
        show("before 2096", { wat: "(i64.lt_u (i64.load (i32.const 0x100)) (i64.const 4000000000000000000))" }),
        wat("(i64.store (i32.const 0x300) (i64.load (i32.const 0x100)))"),
        masked(call("proxy_get_current_time_nanoseconds")),
        show("not before the last", { wat: "(i64.ge_u (i64.load (i32.const 0x100)) (i64.load (i32.const 0x300)))" }),
      ],
    },
  },
  {
    name: "a place outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        into(call("proxy_get_current_time_nanoseconds"), BAD),
        into(call("proxy_get_current_time_nanoseconds"), 0x1fffc),
      ],
    },
  },
];
