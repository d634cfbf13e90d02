// test/conformance/hostcalls/cases/proxy_define_metric.ts: making metrics.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into, keep, kept, masked } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "one of each kind",
    versions: versionsOf("proxy_define_metric"),
    callbacks: {
      proxy_on_configure: [
        masked(call("proxy_define_metric", 0, "a_counter")),
        masked(call("proxy_define_metric", 1, "a_gauge")),
        masked(call("proxy_define_metric", 2, "a_histogram")),
      ],
    },
  },
  {
    name: "kinds that there are not",
    callbacks: { proxy_on_configure: [3, 4, -1].map((type) => call("proxy_define_metric", type, "a_metric")) },
  },
  {
    name: "one name twice is one metric",
    callbacks: {
      proxy_on_request_headers: [
        masked(call("proxy_define_metric", 0, "the_same")),
        keep(0),
        masked(call("proxy_define_metric", 0, "the_same")),
        keep(1),
        call("proxy_increment_metric", kept(0), 3n),
        call("proxy_increment_metric", kept(1), 4n),
        call("proxy_get_metric", kept(0)),
        call("proxy_get_metric", kept(1)),
      ],
    },
  },
  {
    name: "in a stream, and without a name",
    callbacks: { proxy_on_request_headers: [masked(call("proxy_define_metric", 0, "in_a_stream"))] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_configure: [
        call("proxy_define_metric", 0, at(BAD, 1)),
        into(call("proxy_define_metric", 0, "a_place"), BAD),
        call("proxy_define_metric", 7, at(BAD, 1)),
      ],
    },
  },
];
