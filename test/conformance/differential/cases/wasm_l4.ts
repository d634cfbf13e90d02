// test/conformance/differential/cases/wasm_l4.ts: wasm filters of connections without HTTP.
/** @module */
import { journalGuest, type TextConstant } from "../../../support/journal_guest.ts";
import { wasmPlugin } from "../../../support/wasm_yaml.ts";
import { bootstrap, cluster, fileLog, httpListener, indent, tcpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group, UpstreamStep } from "../exchange.ts";

const PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const LOG = "tcp flags=%RESPONSE_FLAGS% details=%RESPONSE_CODE_DETAILS% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% " +
  "host=%UPSTREAM_HOST%";

const READER = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: { silent: true, result: "(call $journal)" } },
}));

/** All callbacks of a connection; those that are given do more. */
function connectionGuest(
  more: (s: TextConstant) => Readonly<Record<string, { do?: string; say?: string; result?: string }>> = () => ({}),
  fields: (s: TextConstant) => string = () => "",
): Uint8Array {
  return journalGuest((s) => {
    const given = more(s);
    const names = [
      "proxy_on_new_connection",
      "proxy_on_downstream_data",
      "proxy_on_upstream_data",
      "proxy_on_downstream_connection_close",
      "proxy_on_done",
      "proxy_on_log",
      "proxy_on_delete",
    ];
    const callbacks = Object.fromEntries(names.map((name) => [name, {}]));
    return { callbacks: { ...callbacks, ...given }, fields: fields(s) };
  });
}

/** Sees bytes and no more. */
const PASSING = journalGuest(() => ({
  callbacks: { proxy_on_new_connection: {}, proxy_on_downstream_data: {}, proxy_on_upstream_data: {} },
}));

/** A buffer of which all is replaced when it is whole: `(call $edit type start length text)`. */
const EDIT = () => `
  (func $edit (param $type i32) (param $start i32) (param $length i32) (param $ptr i32) (param $size i32)
    (drop (call $proxy_set_buffer_bytes (local.get $type) (local.get $start) (local.get $length)
      (local.get $ptr) (local.get $size))))
  (func $status (param $value i32) (call $begin (i32.const 0) (i32.const 0)) (call $number (local.get $value)) (call $line))`;

const SHORT = "(i32.lt_u (local.get $a) (i32.const 6))";
const WAITS = `(i32.and ${SHORT} (i32.eqz (local.get $b)))`;

const GUESTS: Readonly<Record<string, Uint8Array>> = {
  watching: connectionGuest(),
  // Learns of the upstream's end.
  ending: connectionGuest(() => ({ proxy_on_upstream_connection_close: {} })),
  // Holds until six bytes are there, then changes them.
  gathering: connectionGuest((s) => ({
    proxy_on_downstream_data: {
      say: "(call $buffer (i32.const 2))",
      do: `(if (i32.eqz ${SHORT}) (then (call $edit (i32.const 2) (i32.const 0) (i32.const 3) ${s("begin:")})))`,
      result: WAITS,
    },
    proxy_on_upstream_data: {
      say: "(call $buffer (i32.const 3))",
      do: `(if (i32.eqz ${SHORT}) (then (call $edit (i32.const 3) (i32.const 1000) (i32.const 0) ${s(":end")})))`,
      result: WAITS,
    },
  }), EDIT),
  // Goes on in both directions by itself, a little later.
  resuming: connectionGuest(() => ({
    proxy_on_new_connection: {
      do: "(global.set $connection (local.get $id)) (global.set $paused (i32.const 1))",
      result: "(i32.const 1)",
    },
    proxy_on_downstream_data: { result: "(global.get $paused)" },
  }), () =>
    `(global $connection (mut i32) (i32.const 0)) (global $paused (mut i32) (i32.const 0))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (drop (call $proxy_set_tick_period_milliseconds (i32.const 20))) (i32.const 1))
    (func (export "proxy_on_tick") (param i32)
      (if (global.get $paused) (then
        (global.set $paused (i32.const 0))
        (drop (call $proxy_set_effective_context (global.get $connection)))
        (drop (call $proxy_continue_stream (i32.const 2))))))`),
  // Closes when it sees bytes of one direction.
  closing_down: connectionGuest(() => ({
    proxy_on_downstream_data: { do: "(drop (call $proxy_close_stream (i32.const 2)))", result: "(i32.const 1)" },
  })),
  closing_up: connectionGuest(() => ({
    proxy_on_upstream_data: { do: "(drop (call $proxy_close_stream (i32.const 3)))" },
  })),
  trapping: connectionGuest(() => ({
    proxy_on_downstream_data: { do: "(unreachable)" },
  })),
};

function listener(name: string, plugins: string): string {
  return tcpListener(
    name,
    `${plugins}- name: envoy.filters.network.tcp_proxy
  typed_config:
    "@type": ${PROXY}
    stat_prefix: ${name}
    cluster: u
    access_log:
${indent(fileLog(LOG), 4)}`,
  );
}

function exchange(
  name: string,
  listenerName: string,
  client: readonly ClientStep[],
  tcp: readonly UpstreamStep[],
): Exchange[] {
  return [
    { name, listener: listenerName, client, upstreams: { u: { tcp } } },
    {
      name: `journal: ${name}`,
      listener: "reader",
      client: [{ pause: 50 }, "GET /journal HTTP/1.1\r\nHost: a.example\r\n\r\n", "response"],
      wholeBodies: true,
    },
  ];
}

/** An upstream that answers and then ends. */
const HELLO: readonly UpstreamStep[] = [{ bytes: 5 }, "hi", { pause: 50 }, "end"];

export const wasmL4: Group = {
  name: "wasm_l4",
  listeners: ["reader"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("reader", { filters: wasmPlugin("http", "reader", READER) }),
    ...Object.entries(GUESTS).map(([name, guest]) => listener(name, wasmPlugin("network", name, guest))),
    listener(
      "opened",
      wasmPlugin("network", "opened", GUESTS["trapping"]!, { vmConfiguration: "open", more: "fail_open: true" }),
    ),
    listener(
      "two",
      wasmPlugin("network", "first", PASSING) + wasmPlugin("network", "second", PASSING),
    ),
  ], [cluster("u")]),
  exchanges: [
    ...exchange(
      "the client ends first",
      "watching",
      ["hello", { bytes: 2 }, { pause: 30 }, "end", { bytes: 2 }, "closed"],
      [{ bytes: 5 }, "hi", { pause: 100 }, "ok", { pause: 50 }, "end"],
    ),
    ...exchange("the upstream ends first", "watching", ["hello", { bytes: 2 }, { pause: 150 }, "end", "closed"], HELLO),
    ...exchange("the upstream resets", "watching", ["hello", { bytes: 2 }, "closed"], [
      { bytes: 5 },
      "hi",
      { pause: 50 },
      "reset",
    ]),
    ...exchange("the client resets", "watching", ["hello", { seen: 1 }, { pause: 50 }, "reset"], [{ bytes: 5 }]),
    ...exchange("the end of the upstream", "ending", ["hello", { bytes: 2 }, { pause: 150 }, "end", "closed"], HELLO),
    ...exchange("bytes are gathered and changed", "gathering", [
      "abc",
      { pause: 30 },
      "def",
      { bytes: 10 },
      { pause: 100 },
      "end",
      "closed",
    ], [{ bytes: 9 }, "uvw", { pause: 30 }, "xyz", { pause: 50 }, "end"]),
    ...exchange(
      "a connection that waits for a tick",
      "resuming",
      ["hello", { bytes: 2 }, { pause: 150 }, "end", "closed"],
      HELLO,
    ),
    ...exchange("a guest closes for the client's bytes", "closing_down", ["hello", "closed"], []),
    ...exchange("a guest closes for the upstream's bytes", "closing_up", ["hello", { bytes: 2 }, "closed"], [
      { bytes: 5 },
      "hi",
    ]),
    ...exchange("a guest that fails", "trapping", ["hello", "closed"], []),
    ...exchange("after it has failed", "trapping", ["hello", "closed"], []),
    ...exchange(
      "a guest that fails open",
      "opened",
      ["hello", { bytes: 2 }, { pause: 150 }, "end", "closed"],
      HELLO,
    ),
    ...exchange("after it has failed open", "opened", ["hello", { bytes: 2 }, { pause: 150 }, "end", "closed"], HELLO),
    ...exchange("two filters", "two", ["hello", { bytes: 2 }, { pause: 150 }, "end", "closed"], HELLO),
  ],
};
