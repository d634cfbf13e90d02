// test/conformance/hostcalls/cases/proxy_record_metric.ts: recording values.
import { type Case, versionsOf } from "../play.ts";
import { call, keep, kept, masked } from "../steps.ts";

/** One of each kind, in the slots 0 to 2. */
const define = (name: string) =>
  [0, 1, 2].flatMap((type) => [masked(call("proxy_define_metric", type, `${name}_${type}`)), keep(type)]);

export const CASES: readonly Case[] = [
  {
    name: "a counter, a gauge, a histogram",
    versions: versionsOf("proxy_record_metric"),
    callbacks: {
      proxy_on_configure: [
        ...define("record"),
        call("proxy_record_metric", kept(0), 5n),
        call("proxy_record_metric", kept(1), 5n),
        call("proxy_record_metric", kept(1), 2n),
        call("proxy_record_metric", kept(2), 5n),
        call("proxy_get_metric", kept(1)),
      ],
    },
  },
  {
    name: "a counter adds what is recorded",
    callbacks: {
      proxy_on_request_headers: [
        ...define("record_adds"),
        call("proxy_record_metric", kept(0), 5n),
        call("proxy_record_metric", kept(0), 2n),
        call("proxy_get_metric", kept(0)),
      ],
    },
  },
  {
    name: "metrics that there are not",
    callbacks: {
      proxy_on_request_headers: [0, 1, 2, 3, 4096, 4097, 4098, 4099, -1].map((id) =>
        call("proxy_record_metric", id, 1n)
      ),
    },
  },
];
