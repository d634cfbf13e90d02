// test/conformance/differential/cases/wasm_replies.ts: who is called after a filter among others has answered.
/** @module */
import { journalGuest, type TextConstant } from "../../../support/journal_guest.ts";
import { wasmPlugin } from "../../../support/wasm_yaml.ts";
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const READER = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: { silent: true, result: "(call $journal)" } },
}));

/** Keeps the path's second character, of the one stream that there is. */
const PATH = (s: TextConstant) => `
  (global $mode (mut i32) (i32.const 0))
  (func $read_mode
    (drop (call $proxy_get_header_map_value (i32.const 0) ${s(":path")} (i32.const 16) (i32.const 20)))
    (global.set $mode (i32.load8_u (i32.add (i32.load (i32.const 16)) (i32.const 1)))))`;
const is = (...letters: string[]) =>
  letters.map((letter) => `(i32.eq (global.get $mode) (i32.const ${letter.charCodeAt(0)}))`)
    .reduce((any, each) => `(i32.or ${any} ${each})`);

/** Answers where the path says it, twice where it says `d`; then goes on, or stops. */
const REPLYING = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {
      do: `(call $read_mode) (if ${is("h", "p", "d")} (then (call $reply (i32.const 403) ${s("in the headers")})))
        (if ${is("d")} (then (call $reply (i32.const 404) ${s("once more")})))`,
      result: is("p"),
    },
    proxy_on_request_body: {
      do: `(if (i32.and ${is("b")} (i32.eqz (local.get $b))) (then (call $reply (i32.const 413) ${s("in the body")})))
        (if (i32.and ${is("e", "k")} (local.get $b)) (then (call $reply (i32.const 422) ${s("at its end")})))`,
      result: is("k"),
    },
    proxy_on_request_trailers: {
      do: `(if ${is("t")} (then (call $reply (i32.const 400) ${s("in the trailers")})))`,
    },
    proxy_on_response_headers: {
      do: `(if ${is("r", "d")} (then (call $reply (i32.const 502) ${s("instead of the response")})))`,
    },
  },
  fields: PATH(s),
}));

/** Goes on whatever comes. */
const WITNESS = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {},
    proxy_on_request_body: {},
    proxy_on_request_trailers: {},
    proxy_on_response_headers: { say: `(call $header (i32.const 2) ${s(":status")})` },
    proxy_on_response_body: {},
  },
}));

const HEAD = "HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/** A request in pieces, and what was written down of it. */
function pieces(name: string, letter: string, last = "0\r\n\r\n"): Exchange[] {
  return [
    {
      name,
      client: [
        `POST /${letter} ${HEAD}`,
        { pause: 40 },
        "2\r\nab\r\n",
        { pause: 40 },
        "3\r\ncde\r\n",
        { pause: 40 },
        last,
        "response",
      ],
    },
    {
      name: `journal: ${name}`,
      listener: "reader",
      client: [{ pause: 30 }, "GET /journal HTTP/1.1\r\nHost: a.example\r\n\r\n", "response"],
      wholeBodies: true,
    },
  ];
}

export const wasmReplies: Group = {
  name: "wasm_replies",
  listeners: ["main", "reader"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHost: "response_headers_to_add: [ { header: { key: x-host, value: v } } ]\n",
      manager: "delayed_close_timeout: 0.05s\nhttp_protocol_options: { enable_trailers: true }\n",
      filters: wasmPlugin("http", "first", WITNESS) + wasmPlugin("http", "middle", REPLYING) +
        wasmPlugin("http", "last", WITNESS),
    }),
    httpListener("reader", { filters: wasmPlugin("http", "reader", READER) }),
  ], [cluster("u")]),
  exchanges: [
    ...pieces("in the request's headers", "h"),
    ...pieces("in the request's headers, and stops", "p"),
    ...pieces("twice, and once more in the reply's headers", "d"),
    ...pieces("in the request's body", "b"),
    ...pieces("at the end of the request's body", "e"),
    ...pieces("at the end of the request's body, and stops", "k"),
    ...pieces("in the request's trailers", "t", "0\r\nx-a: 1\r\n\r\n"),
    ...pieces("in the response's headers", "r"),
  ],
};
