// test/conformance/hostcalls/cases/proxy_increment_metric.ts: adding to metrics.
import { type Case, versionsOf } from "../play.ts";
import { call, keep, kept, masked } from "../steps.ts";

/** One of each kind, in the slots 0 to 2. */
const define = (name: string) =>
  [0, 1, 2].flatMap((type) => [masked(call("proxy_define_metric", type, `${name}_${type}`)), keep(type)]);

export const CASES: readonly Case[] = [
  {
    name: "a counter, a gauge, a histogram",
    versions: versionsOf("proxy_increment_metric"),
    configuration: "one",
    callbacks: {
      proxy_on_configure: [
        ...define("increment"),
        call("proxy_increment_metric", kept(0), 5n),
        call("proxy_increment_metric", kept(1), 5n),
        call("proxy_increment_metric", kept(1), -3n),
        call("proxy_increment_metric", kept(2), 5n),
        call("proxy_get_metric", kept(1)),
      ],
    },
    ignore: /^proxy_get_metric/,
  },
  {
    name: "by nothing, and downwards",
    callbacks: {
      proxy_on_configure: [
        ...define("increment_by"),
        call("proxy_increment_metric", kept(0), 0n),
        call("proxy_increment_metric", kept(0), -1n),
        call("proxy_increment_metric", kept(1), 0n),
      ],
    },
  },
  {
    name: "metrics that there are not",
    callbacks: {
      proxy_on_request_headers: [0, 1, 2, 3, 4096, 4097, 4098, 4099, -1].map((id) =>
        call("proxy_increment_metric", id, 1n)
      ),
    },
  },
];
