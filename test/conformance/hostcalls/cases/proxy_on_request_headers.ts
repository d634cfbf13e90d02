// test/conformance/hostcalls/cases/proxy_on_request_headers.ts: request headers.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, keep, kept, param, returns, wat } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a request without a body, and one with",
    versions: ABI_VERSIONS,
    client: [
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "response",
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi",
      "response",
    ],
    callbacks: { proxy_on_request_headers: [] },
  },
  ...[1, 2, 3, 4, 5, 255].map((answer) => ({
    name: `the answer ${answer} stops it`,
    client: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    callbacks: {
      proxy_on_request_headers: [keep(0, param(0)), call("proxy_set_tick_period_milliseconds", 20), returns(answer)],
      proxy_on_tick: [
        call("proxy_set_tick_period_milliseconds", 0),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_continue_stream", 0),
      ],
      proxy_on_response_headers: [],
    },
    // 2 goes on: the tick may come when all is over.
    ...(answer === 2 ? { ignore: /tick|effective|continue/ } : {}),
  })),
  {
    name: "a trap is answered once, and nothing is called any more",
    client: [
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "response",
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "response",
    ],
    watch: ["client"],
    callbacks: { proxy_on_request_headers: [wat("(unreachable)")], proxy_on_log: [], proxy_on_delete: [] },
  },
];
