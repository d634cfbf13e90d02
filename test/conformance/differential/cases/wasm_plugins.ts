// test/conformance/differential/cases/wasm_plugins.ts: where plugins are, what they share, and what becomes of them.
/** @module */
import { journalGuest, type TextConstant } from "../../../support/journal_guest.ts";
import { type PluginOptions, upstreamFilters, wasmPlugin } from "../../../support/wasm_yaml.ts";
import { bootstrap, cluster, httpListener, httpProtocolOptions, indent, TO_U } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const READER = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: { silent: true, result: "(call $journal)" } },
}));

/** Answers with the line that was begun. */
const answer = (s: TextConstant) =>
  `(drop (call $proxy_send_local_response (i32.const 200) ${s("guest")}
  (i32.const 0x6000) (global.get $length) (i32.const 0) (i32.const 0) (i32.const -1)))`;

/** Keeps the path's second character, of the one stream that there is, for the callbacks that follow. */
const PATH = (s: TextConstant) => `
  (global $mode (mut i32) (i32.const 0))
  (func $read_mode
    (global.set $mode (i32.const 0))
    (if (call $proxy_get_header_map_value (i32.const 0) ${s(":path")} (i32.const 16) (i32.const 20)) (then (return)))
    (if (i32.lt_u (i32.load (i32.const 20)) (i32.const 2)) (then (return)))
    (global.set $mode (i32.load8_u (i32.add (i32.load (i32.const 16)) (i32.const 1)))))`;
const is = (letter: string) => `(i32.eq (global.get $mode) (i32.const ${letter.charCodeAt(0)}))`;
/** A line at a body's end. */
const END = { when: "(local.get $b)", bare: true } as const;

const increase = (global: string) => `(global.set $${global} (i32.add (global.get $${global}) (i32.const 1)))`;

/** Answers with what its VM has seen: roots made, starts, configurations, requests; and the root's own id. */
const CENSUS = journalGuest((s) => ({
  callbacks: {
    proxy_on_context_create: { silent: true, do: `(if (i32.eqz (local.get $a)) (then ${increase("roots")}))` },
    proxy_on_vm_start: { silent: true, do: increase("starts") },
    proxy_on_configure: { silent: true, do: increase("configurations") },
    proxy_on_request_headers: {
      silent: true,
      do: `${increase("requests")} (call $begin ${s("seen")})
        (call $number (global.get $roots)) (call $number (global.get $starts))
        (call $number (global.get $configurations)) (call $number (global.get $requests))
        (call $property ${s("plugin_name")}) (call $property ${s("plugin_vm_id")}) ${answer(s)}`,
      result: "(i32.const 1)",
    },
  },
  fields: ["roots", "starts", "configurations", "requests"]
    .map((name) => `(global $${name} (mut i32) (i32.const 0))`).join("\n"),
}));

/** Which plugins count together. */
const CENSUS_PLUGINS: Readonly<Record<string, PluginOptions>> = {
  one: { root: "r1", vmId: "a", configuration: "x" },
  same: { root: "r1", vmId: "a", configuration: "x" },
  other_root: { root: "r2", vmId: "a", configuration: "x" },
  other_configuration: { root: "r1", vmId: "a", configuration: "y" },
  other_vm_configuration: { root: "r1", vmId: "a", configuration: "x", vmConfiguration: "v" },
  other_vm_id: { root: "r1", vmId: "b", configuration: "x" },
  other_environment: {
    root: "r1",
    vmId: "a",
    configuration: "x",
    moreVm: "environment_variables: { key_values: { A: b } }",
  },
};

/** Traps, replies or goes on, as the path says; counts its requests since its VM began. */
const TRAPPING = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {
      silent: true,
      do: `${increase("requests")} (call $read_mode)
        (if ${is("t")} (then (unreachable)))
        (call $begin ${s("request")}) (call $number (global.get $requests)) (call $line)`,
    },
    proxy_on_request_body: { silent: true, do: `(if ${is("b")} (then (unreachable)))` },
    proxy_on_response_headers: {
      silent: true,
      do: `(if ${is("r")} (then (unreachable))) (call $add (i32.const 2) ${s("x-guest")} ${s("yes")})`,
    },
  },
  fields: `(global $requests (mut i32) (i32.const 0)) ${PATH(s)}`,
}));

/** Pauses in the headers and says what comes next. */
const PAUSING = journalGuest(() => ({
  callbacks: {
    proxy_on_request_headers: { result: "(i32.const 1)" },
    proxy_on_request_body: {
      ...END,
      do: "(if (local.get $b) (then (drop (call $proxy_continue_stream (i32.const 0)))))",
      result: "(i32.const 1)",
    },
    proxy_on_response_headers: { result: "(i32.const 1)" },
    proxy_on_response_body: {
      ...END,
      do: "(if (local.get $b) (then (drop (call $proxy_continue_stream (i32.const 1)))))",
      result: "(i32.const 1)",
    },
  },
}));

/** Says what the host functions answered. */
const RESTRICTED = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {
      silent: true,
      do: `(call $begin ${s("restricted")})
        (call $property ${s("plugin_name")})
        (call $header (i32.const 0) ${s(":path")})
        (call $number (call $proxy_log (i32.const 0) ${s("x")}))
        (call $number (call $proxy_set_tick_period_milliseconds (i32.const 0)))
        (call $number (call $proxy_set_property ${s("x")} ${s("y")}))
        (call $number (call $random_get (i32.const 64) (i32.const 8)))
        (call $number (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 64)))
        ${answer(s)}`,
      result: "(i32.const 1)",
    },
    proxy_on_response_headers: { silent: true, do: `(call $add (i32.const 2) ${s("x-guest")} ${s("yes")})` },
  },
  imports: `(import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))`,
}));

const ALWAYS = ["proxy_on_request_headers", "proxy_send_local_response", "proxy_get_property"];
const restriction = (names: readonly string[]) =>
  `capability_restriction_config: { allowed_capabilities: { ${names.map((name) => `${name}: {}`).join(", ")} } }`;

/** Which capabilities are there, by the listener's name. */
const RESTRICTIONS: Readonly<Record<string, string>> = {
  everything: restriction([]),
  little: restriction(ALWAYS),
  more: restriction([...ALWAYS, "proxy_on_response_headers", "proxy_add_header_map_value", "random_get", "proxy_log"]),
};

/** Says what is in its environment. */
const ENVIRONMENT = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {
      silent: true,
      do: `(call $begin ${s("environment")})
        (drop (call $environ_sizes_get (i32.const 64) (i32.const 68)))
        (call $number (i32.load (i32.const 64))) (call $number (i32.load (i32.const 68)))
        (drop (call $environ_get (i32.const 0x200) (i32.const 0x300)))
        (call $text ${s(" ")})
        (call $text (i32.const 0x300) (i32.load (i32.const 68)))
        ${answer(s)}`,
      result: "(i32.const 1)",
    },
  },
  imports: `(import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))`,
}));

const LOGGER = journalGuest((s) => ({
  callbacks: {
    proxy_on_log: {
      say: `(call $header (i32.const 0) ${s(":path")}) (call $header (i32.const 0) ${s("none")})
        (call $header (i32.const 1) ${s("x-up")})
        (call $header (i32.const 2) ${s(":status")}) (call $header (i32.const 3) ${s("x-down")})
        (call $property ${s("response\0code_details")}) (call $property ${s("xds\0route_name")})
        (call $number (call $proxy_add_header_map_value (i32.const 2) ${s("a")} ${s("b")}))`,
    },
  },
}));

/** Writes down what an attempt's filter is asked; what it does besides is in the path. */
const ATTEMPT = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {
      say: `(call $header (i32.const 0) ${s("x-route")})`,
      do: `(call $read_mode)
        (call $add (i32.const 0) ${s("x-by")} ${s("attempt")})
        (if ${is("l")} (then (call $reply (i32.const 418) ${s("teapot")})))
        (if ${is("z")} (then (drop (call $proxy_close_stream (i32.const 0)))))`,
      result: `(i32.or ${is("l")} ${is("z")})`,
    },
    proxy_on_request_body: { ...END, result: `(i32.and ${is("b")} (i32.eqz (local.get $b)))` },
    proxy_on_request_trailers: {},
    proxy_on_response_headers: {
      say: `(call $header (i32.const 2) ${s(":status")})`,
      do: `(call $add (i32.const 2) ${s("x-by")} ${s("attempt")})
        (if ${is("r")} (then (call $reply (i32.const 502) ${s("refused")})))`,
      result: is("r"),
    },
    proxy_on_response_body: { ...END, result: `(i32.and ${is("b")} (i32.eqz (local.get $b)))` },
    proxy_on_response_trailers: {},
  },
  fields: PATH(s),
}));

/** The end of an attempt. */
const ATTEMPT_END = journalGuest(() => ({
  callbacks: { proxy_on_log: {}, proxy_on_done: {}, proxy_on_delete: {} },
}));

/** A filter of the listener, which sees what attempts make of responses. */
const OUTER = journalGuest((s) => ({
  callbacks: {
    proxy_on_response_headers: {
      say: `(call $header (i32.const 2) ${s(":status")}) (call $header (i32.const 2) ${s("x-by")})`,
    },
  },
}));

/** The callbacks of a stream but the last ones. */
const ORDER = journalGuest(() => ({
  callbacks: {
    proxy_on_request_headers: {},
    proxy_on_request_body: END,
    proxy_on_request_trailers: {},
    proxy_on_response_headers: {},
    proxy_on_response_body: END,
    proxy_on_response_trailers: {},
  },
}));

/** The last callbacks of a stream. */
const ENDS = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: {}, proxy_on_log: {}, proxy_on_done: {}, proxy_on_delete: {} },
}));

function wasmListener(name: string, module: Uint8Array, options: PluginOptions = {}, more = {}): string {
  return httpListener(name, { filters: wasmPlugin("http", name, module, options), ...more });
}

function get(name: string, listener: string, path = "/"): Exchange {
  return { name, listener, client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n` };
}

/** What was written down since the last time. */
function journalOf(name: string): Exchange {
  return {
    name: `journal: ${name}`,
    listener: "reader",
    client: [{ pause: 30 }, "GET /journal HTTP/1.1\r\nHost: a.example\r\n\r\n", "response"],
    wholeBodies: true,
  };
}

const reload = (more: string) => `${more}\nreload_config: { backoff: { base_interval: 0.2s } }`;
const trailers = "http_protocol_options: { enable_trailers: true }\n";
const toOwn = '- { name: all, match: { prefix: "/" }, route: { cluster: own }, ' +
  "request_headers_to_add: [ { header: { key: x-route, value: added } } ] }";
const CODEC_OPTIONS = httpProtocolOptions("explicit_http_config: { http_protocol_options: { enable_trailers: true } }");

const TRAILING = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-down: yes\r\n\r\n";

export const wasmPlugins: Group = {
  name: "wasm_plugins",
  listeners: ["reader"],
  upstreams: ["u"],
  yaml: bootstrap([
    wasmListener("reader", READER),
    ...Object.entries(CENSUS_PLUGINS).map(([name, options]) =>
      // One name for all, which is part of what makes plugins the same.
      httpListener(name, { filters: wasmPlugin("http", "census", CENSUS, options) })
    ),
    httpListener("other_name", { filters: wasmPlugin("http", "other", CENSUS, CENSUS_PLUGINS["one"]) }),
    httpListener("inbound", {
      filters: wasmPlugin("http", "census", CENSUS, CENSUS_PLUGINS["one"]),
      listener: "traffic_direction: INBOUND\n",
    }),
    wasmListener("closed", TRAPPING, { vmConfiguration: "closed" }),
    wasmListener("opened", TRAPPING, { vmConfiguration: "open", more: "failure_policy: FAIL_OPEN" }),
    wasmListener("opened_as_before", TRAPPING, { vmConfiguration: "legacy", more: "fail_open: true" }),
    wasmListener("reloaded", TRAPPING, { vmConfiguration: "reload", more: reload("failure_policy: FAIL_RELOAD") }),
    wasmListener("pausing", PAUSING),
    wasmListener("stopping", PAUSING, { more: "allow_on_headers_stop_iteration: true" }),
    ...Object.entries(RESTRICTIONS).map(([name, more]) =>
      wasmListener(name, RESTRICTED, { vmConfiguration: name, more })
    ),
    wasmListener("environment", ENVIRONMENT, {
      moreVm: "environment_variables: { host_env_keys: [ NOT_THERE ], key_values: { NAME: value } }",
    }),
    wasmListener("routed", CENSUS, { vmId: "routed" }, {
      routes: `- match: { prefix: "/off" }
  route: { cluster: u }
  typed_per_filter_config: { routed: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }
${TO_U}`,
    }),
    httpListener("logged", { manager: trailers, routes: TO_U.replace("cluster: u", "cluster: trailing") })
      .replace("access_log:\n", `access_log:\n${indent(wasmPlugin("log", "log", LOGGER), 8)}`),
    httpListener("attempts", {
      manager: trailers,
      filters: wasmPlugin("http", "outer", OUTER),
      routes: toOwn,
    }),
    httpListener("to_dead", {
      filters: wasmPlugin("http", "outer", OUTER),
      routes: '- { match: { prefix: "/" }, route: { cluster: dead } }',
    }),
    httpListener("router_attempts", {
      routes: TO_U,
      router: `upstream_http_filters:\n${upstreamFilters(wasmPlugin("http", "router", ATTEMPT))}`,
    }),
    wasmListener("order", ORDER, {}, { manager: trailers, routes: TO_U.replace("cluster: u", "cluster: trailing") }),
    httpListener("two", {
      filters: wasmPlugin("http", "first", ORDER) + wasmPlugin("http", "second", ORDER),
    }),
    httpListener("ends", {
      filters: wasmPlugin("http", "first", ENDS) + wasmPlugin("http", "second", ENDS),
    }),
    httpListener("attempt_ends", {
      router: `upstream_http_filters:\n${upstreamFilters(wasmPlugin("http", "attempt", ATTEMPT_END))}`,
    }),
  ], [
    cluster("u"),
    cluster("trailing", CODEC_OPTIONS, "u"),
    cluster(
      "own",
      upstreamFilters(wasmPlugin("http", "own", ATTEMPT), true).replace(
        "http_protocol_options: {}",
        "http_protocol_options: { enable_trailers: true }",
      ),
      "u",
    ),
    cluster("dead", upstreamFilters(wasmPlugin("http", "dead", ATTEMPT), true)),
  ]),
  exchanges: [
    ...Object.keys(CENSUS_PLUGINS).map((name) => get(`sharing: ${name}`, name)),
    get("sharing: other_name", "other_name"),
    get("sharing: inbound", "inbound"),
    get("sharing: one, again", "one"),
    journalOf("nothing yet"),

    get("fail closed: before", "closed"),
    get("fail closed: the trap", "closed", "/t"),
    get("fail closed: after", "closed"),
    journalOf("fail closed"),
    get("fail open: before", "opened"),
    get("fail open: the trap", "opened", "/t"),
    get("fail open: after", "opened"),
    journalOf("fail open"),
    get("fail_open: before", "opened_as_before"),
    get("fail_open: the trap", "opened_as_before", "/r"),
    get("fail_open: after", "opened_as_before"),
    journalOf("fail_open"),
    get("fail reload: before", "reloaded"),
    get("fail reload: the trap", "reloaded", "/t"),
    {
      name: "fail reload: after the back-off",
      listener: "reloaded",
      client: [{ pause: 350 }, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "response"],
    },
    {
      name: "fail reload: a trap in the response",
      listener: "reloaded",
      client: [{ pause: 350 }, "GET /r HTTP/1.1\r\nHost: a\r\n\r\n", "response"],
    },
    {
      name: "fail reload: after another back-off",
      listener: "reloaded",
      client: [{ pause: 350 }, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "response"],
    },
    journalOf("fail reload"),

    {
      name: "a pause in the headers holds the body back",
      listener: "pausing",
      client: ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab", { pause: 50 }, "cd", { pause: 50 }],
    },
    journalOf("a pause in the headers"),
    {
      name: "with allow_on_headers_stop_iteration the body comes",
      listener: "stopping",
      client: ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab", { pause: 50 }, "cd", "response"],
    },
    journalOf("allow_on_headers_stop_iteration"),

    get("capabilities: everything", "everything"),
    get("capabilities: little", "little"),
    get("capabilities: more", "more"),
    get("environment variables", "environment"),
    get("a route turns the filter off", "routed", "/off"),
    get("another route does not", "routed", "/on"),

    {
      name: "an access log with trailers",
      listener: "logged",
      client: "GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
      upstreams: { u: { http: [TRAILING] } },
    },
    { name: "an access log of a refused request", listener: "logged", client: "GET /none HTTP/1.1\r\n\r\n" },
    journalOf("access log"),

    get("attempt: headers", "attempts", "/0"),
    get("attempt: a local reply", "attempts", "/l"),
    get("attempt: a response that is replaced", "attempts", "/r"),
    {
      name: "attempt: bodies are held",
      listener: "attempts",
      client: "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
    },
    {
      name: "attempt: a stream is closed",
      listener: "attempts",
      client: ["GET /z HTTP/1.1\r\nHost: a\r\n\r\n", "closed"],
    },
    {
      name: "attempt: the upstream closes",
      listener: "attempts",
      client: "GET /0 HTTP/1.1\r\nHost: a\r\n\r\n",
      upstreams: { u: { http: [{ steps: ["close"] }] } },
    },
    get("attempt: filters of the router", "router_attempts"),
    {
      name: "attempt: trailers",
      listener: "attempts",
      client:
        "POST /0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n2\r\nab\r\n0\r\nx-up: 1\r\n\r\n",
      upstreams: { u: { http: [TRAILING] } },
    },
    { name: "attempt: no healthy upstream", listener: "to_dead", client: "GET /0 HTTP/1.1\r\nHost: a\r\n\r\n" },
    journalOf("attempts"),

    {
      name: "order: everything",
      listener: "order",
      client:
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n2\r\nab\r\n0\r\nx-up: 1\r\n\r\n",
      upstreams: { u: { http: [TRAILING] } },
    },
    get("order: headers alone", "order"),
    { name: "order: a refused request", listener: "order", client: "GET / HTTP/1.1\r\n\r\n" },
    {
      name: "order: informational responses are not shown",
      listener: "order",
      client: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      upstreams: { u: { http: ["HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"] } },
    },
    get("order: two filters", "two"),
    journalOf("order"),
    get("the last callbacks", "ends"),
    journalOf("the last callbacks"),
    { name: "the last callbacks of a refused request", listener: "ends", client: "GET / HTTP/1.1\r\n\r\n" },
    journalOf("the last callbacks of a refused request"),
    get("the last callbacks of an attempt", "attempt_ends"),
    journalOf("the last callbacks of an attempt"),
  ],
};
