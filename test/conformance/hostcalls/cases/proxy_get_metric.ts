// test/conformance/hostcalls/cases/proxy_get_metric.ts: reading metrics.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into, keep, kept, masked } from "../steps.ts";

/** One of each kind, in the slots 0 to 2. */
const define = (name: string) =>
  [0, 1, 2].flatMap((type) => [masked(call("proxy_define_metric", type, `${name}_${type}`)), keep(type)]);

export const CASES: readonly Case[] = [
  {
    name: "a counter, a gauge, a histogram",
    versions: versionsOf("proxy_get_metric"),
    callbacks: {
      proxy_on_configure: [...define("get"), ...[0, 1, 2].map((slot) => call("proxy_get_metric", kept(slot)))],
    },
  },
  {
    name: "values",
    callbacks: {
      proxy_on_request_headers: [
        ...define("values"),
        call("proxy_increment_metric", kept(0), 5n),
        call("proxy_get_metric", kept(0)),
        call("proxy_record_metric", kept(1), 4294967296n),
        call("proxy_get_metric", kept(1)),
      ],
    },
  },
  {
    name: "metrics that there are not",
    callbacks: {
      proxy_on_request_headers: [0, 1, 2, 3, 4096, 4097, 4098, 4099, -1].map((id) => call("proxy_get_metric", id)),
    },
  },
  {
    name: "a place outside of memory",
    callbacks: { proxy_on_configure: [...define("get_outside"), into(call("proxy_get_metric", kept(0)), BAD)] },
  },
];
