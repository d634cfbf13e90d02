// test/host/extensions/access_loggers/wasm.test.ts: wasm plugins that log requests and connections, in a whole proxy.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Embedded } from "../../../support/embedded.ts";
import { journalGuest } from "../../../support/journal_guest.ts";
import {
  cluster,
  exchange,
  httpListener,
  indent,
  journal,
  request,
  startUpstream,
  startWasmProxy,
  tcpListener,
  wasmPlugin,
} from "../../../support/wasm_proxy.ts";

const SAYS = (s: (text: string) => string) => `
  (call $header (i32.const 0) ${s(":path")})
  (call $header (i32.const 1) ${s("x-up")})
  (call $header (i32.const 2) ${s(":status")})
  (call $header (i32.const 2) ${s("x-none")})
  (call $header (i32.const 3) ${s("x-down")})
  (call $property ${s("response\0code_details")})
  (call $property ${s("plugin_name")})
  (call $property ${s("xds\0route_name")})
  ;; What is over cannot be changed.
  (call $number (call $proxy_add_header_map_value (i32.const 2) ${s("a")} ${s("b")}))`;

const logger = journalGuest((s) => ({ callbacks: { proxy_on_log: { say: SAYS(s) } } }));
const reader = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: { silent: true, result: "(i32.and (call $journal) (i32.const 1))" } },
}));
/** Says how many root contexts its VM has made, and traps in the log of `/trap`. */
const counting = journalGuest((s) => ({
  callbacks: {
    proxy_on_context_create: {
      silent: true,
      do: "(if (i32.eqz (local.get $a)) (then (global.set $roots (i32.add (global.get $roots) (i32.const 1)))))",
    },
    proxy_on_request_headers: { silent: true },
    proxy_on_log: {
      say: `(call $number (global.get $roots)) (call $header (i32.const 0) ${s(":path")})`,
      do: "(if (i32.eq (i32.load (i32.const 20)) (i32.const 5)) (then (unreachable)))",
    },
  },
  fields: "(global $roots (mut i32) (i32.const 0))",
}));

function logging(name: string, plugin: string, filters = ""): string {
  return httpListener(name, { filters }).replace("access_log:\n", `access_log:\n${indent(plugin, 8)}`);
}

let proxy: Embedded;
let port: (name: string) => number;

test.before(async () => {
  const upstream = await startUpstream((text) =>
    text.includes("/trailers")
      ? "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-down: yes\r\n\r\n"
      : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
  );
  const tcp = `- name: envoy.filters.network.tcp_proxy
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
    stat_prefix: tcp
    cluster: u
    access_log_options: { flush_access_log_on_connected: true }
    access_log:
${indent(wasmPlugin("log", "tcplog", logger), 4)}`;
  const same = {
    root: "same",
    more: "failure_policy: FAIL_RELOAD\nreload_config: { backoff: { base_interval: 0.001s } }",
  };
  proxy = await startWasmProxy([
    httpListener("reader", { filters: wasmPlugin("http", "reader", reader) }),
    logging("logged", wasmPlugin("log", "log", logger)).replace(
      "stat_prefix: logged",
      "stat_prefix: logged\n        http_protocol_options: { enable_trailers: true }",
    ),
    logging(
      "filtered",
      wasmPlugin(
        "log",
        "errors",
        logger,
        {},
        "filter: { status_code_filter: { comparison: { op: GE, value: { default_value: 400, runtime_key: r } } } }",
      ),
    ),
    logging("counted", wasmPlugin("log", "counted", counting, same), wasmPlugin("http", "counted", counting, same)),
    tcpListener("tcp", tcp),
  ], [
    cluster(
      "u",
      `  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: { http_protocol_options: { enable_trailers: true } }
`,
    ),
  ], { ports: { u: upstream.port } });
  port = (name) => proxy.port(name);
  upstreamClose = () => upstream.close();
});

let upstreamClose: () => void;

test.after(async () => {
  await proxy.stop();
  upstreamClose();
});

test("the guest sees headers, trailers and attributes of a finished request, and cannot change them", async () => {
  await request(port("logged"), "/trailers", ["te: trailers"]);
  await request(port("logged"), "/plain");
  assert.equal(await journal(port("reader")), [
    "log log /trailers !1 200 !1 yes via_upstream log all 2",
    "log log /plain !1 200 !1 !1 via_upstream log all 2",
  ]);
});

test("a request that was refused is logged, too", async () => {
  await exchange(port("logged"), "GET / HTTP/1.1\r\n\r\n");
  const [line] = await journal(port("reader"));
  assert.is(line, "log log / !1 400 !1 !1 missing_host_header log !1 2");
});

test("the log's filter decides", async () => {
  await request(port("filtered"), "/plain");
  await exchange(port("filtered"), "GET / HTTP/1.1\r\n\r\n");
  assert.equal(await journal(port("reader")), ["errors log / !1 400 !1 !1 missing_host_header errors !1 2"]);
});

test("a connection without HTTP has attributes and no headers; only its end is logged", async () => {
  await exchange(port("tcp"), "GET /plain HTTP/1.1\r\nhost: a\r\n\r\n", { end: true });
  const lines = await journal(port("reader"));
  assert.equal(lines, ["tcplog log !1 !1 !1 !1 !1 !1 tcplog !1 2"]);
});

test("a filter and a logger of one configuration share the root context, and survive a trap in the log", async () => {
  await request(port("counted"), "/12345");
  // Once for the filter's own stream context, once for the logger on the root context; one root for both.
  assert.equal(await journal(port("reader")), ["same log 1 /12345", "same log 1 /12345"]);
  assert.match(await request(port("counted"), "/trap"), /^HTTP\/1.1 200/);
  // The filter's log ends the VM, and the logger's the one that was loaded in its place.
  assert.equal(await journal(port("reader")), ["same log 1 /trap", "same log 1 /trap"]);
  await new Promise((resolve) => setTimeout(resolve, 10));
  await request(port("counted"), "/12345");
  assert.equal(await journal(port("reader")), ["same log 1 /12345", "same log 1 /12345"]);
});

test.run();
