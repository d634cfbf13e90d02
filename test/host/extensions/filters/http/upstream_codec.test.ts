// test/host/extensions/filters/http/upstream_codec.test.ts: filters of clusters and of routers, in a whole proxy.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePairs } from "../../../../../abi/mod.ts";
import type { Embedded } from "../../../../support/embedded.ts";
import { journalGuest } from "../../../../support/journal_guest.ts";
import { assemble, guestText, i32, OUT, out, s } from "../../../wasm/guest.ts";
import {
  bodyOf,
  cluster,
  httpListener,
  journal,
  request,
  startUpstream,
  startWasmProxy,
  upstreamFilters,
  wasmPlugin,
} from "../../../../support/wasm_proxy.ts";

/** `$path x` is true when the seventh character of the path is x: `/case-x`. */
const PATH = (s: (text: string) => string) => `
  (func $is (param $letter i32) (result i32)
    (if (call $proxy_get_header_map_value (i32.const 0) ${s(":path")} (i32.const 16) (i32.const 20))
      (then (return (i32.const 0))))
    (i32.eq (i32.load8_u (i32.add (i32.load (i32.const 16)) (i32.const 6))) (local.get $letter)))`;

const letter = (text: string) => `(i32.const ${text.charCodeAt(0)})`;

/** Writes everything down; what it does besides is in the path: `/case-x`. */
const upstream = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {
      say: `(call $header (i32.const 0) ${s("x-route")})`,
      do: `(call $add (i32.const 0) ${s("x-by")} ${s("upstream filter")})
        (if (call $is ${letter("l")}) (then (call $reply (i32.const 418) ${s("teapot")})))
        (if (call $is ${letter("z")}) (then (drop (call $proxy_close_stream (i32.const 0)))))`,
      result: `(i32.or (call $is ${letter("l")}) (call $is ${letter("p")}))`,
    },
    proxy_on_request_body: { result: `(i32.and (call $is ${letter("b")}) (i32.eqz (local.get $b)))` },
    proxy_on_response_headers: {
      say: `(call $header (i32.const 2) ${s(":status")})`,
      do: `(call $add (i32.const 2) ${s("x-by")} ${s("upstream filter")})
        (if (call $is ${letter("r")}) (then (call $reply (i32.const 502) ${s("refused")})))`,
    },
    proxy_on_response_body: { result: `(i32.and (call $is ${letter("b")}) (i32.eqz (local.get $b)))` },
    proxy_on_done: {},
    proxy_on_log: {},
    proxy_on_delete: {},
  },
  fields: PATH(s),
}));

/** A filter of the listener: writes down the response, and answers for the journal. */
const downstream = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: { silent: true, result: "(call $journal)" },
    proxy_on_response_headers: {
      say: `(call $header (i32.const 2) ${s(":status")}) (call $header (i32.const 2) ${s("x-by")})`,
    },
  },
}));

const reader = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: { silent: true, result: "(call $journal)" } },
}));

/** Sends a request to the cluster `own` with the path that its own request has, and answers when that is over. */
const calling = journalGuest((s) => {
  const numbers = [3, 7, 3, 5, 7, 10, 1].flatMap((size) => [size, 0, 0, 0]);
  const head = String.fromCharCode(...numbers) + ":method\0GET\0:path\0";
  return {
    callbacks: {
      proxy_on_request_headers: {
        silent: true,
        do: `(global.set $caller (local.get $id))
          (drop (call $proxy_get_header_map_value (i32.const 0) ${s(":path")} (i32.const 16) (i32.const 20)))
          (memory.copy (i32.const 0x300) ${s(head)})
          (memory.copy (i32.const ${0x300 + head.length}) (i32.load (i32.const 16)) (i32.const 7))
          (memory.copy (i32.const ${0x300 + head.length + 7}) ${s("\0:authority\0a\0")})
          (drop (call $proxy_http_call ${s("own")} (i32.const 0x300) (i32.const ${head.length + 7 + 14})
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2000) (i32.const 24)))`,
        result: "(i32.const 1)",
      },
      proxy_on_http_call_response: {
        bare: true,
        say: `(call $header (i32.const 6) ${s(":status")}) (call $header (i32.const 6) ${s("x-by")})
          (call $number (local.get $c))`,
        do: `(drop (call $proxy_set_effective_context (global.get $caller))) (call $reply (i32.const 200) ${
          s("called")
        })`,
      },
    },
    fields: "(global $caller (mut i32) (i32.const 0))",
  };
});

const route = (name: string, more = "", entry = "") =>
  `- { match: { prefix: "/" }, route: { cluster: ${name} }, request_headers_to_add: [ { header: { key: x-route, value: ${name} } } ]${more} }${entry}`;

let proxy: Embedded;
let server: Awaited<ReturnType<typeof startUpstream>>;

test.before(() =>
  start().catch((error) => {
    console.error(error);
    throw error;
  })
);

async function start(): Promise<void> {
  server = await startUpstream((text) =>
    text.includes("case-d") ? "" : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
  );
  const own = wasmPlugin("http", "up", upstream);
  const filter = wasmPlugin("http", "down", downstream);
  const off =
    ', typed_per_filter_config: { up: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }';
  proxy = await startWasmProxy([
    httpListener("reader", { filters: wasmPlugin("http", "reader", reader) }),
    httpListener("filtered", { filters: filter, routes: route("own") }),
    httpListener("plain", {
      filters: filter,
      routes: route("u"),
      router: `upstream_http_filters:\n${upstreamFilters(wasmPlugin("http", "router_up", upstream))}`,
    }),
    httpListener("both", {
      filters: filter,
      routes: route("own"),
      router: `upstream_http_filters:\n${upstreamFilters(wasmPlugin("http", "router_up", upstream))}`,
    }),
    httpListener("dead", { filters: filter, routes: route("dead_end") }),
    httpListener("calling", { filters: wasmPlugin("http", "calling", calling) }),
    httpListener("disabled", { filters: filter, routes: route("own", off) }),
  ], [
    cluster("own", upstreamFilters(own, true), "u"),
    cluster("u"),
    cluster("dead_end", upstreamFilters(own, true)),
  ], { ports: { u: server.port, dead_end: 1 } });
}

test.after(async () => {
  await proxy?.stop();
  server?.close();
});

test.before.each(() => void server.requests.splice(0));

const send = (listener: string, path: string, more: string[] = [], body = "") =>
  request(proxy.port(listener), path, more, body);
const lines = () => journal(proxy.port("reader"));

test("a cluster's filter sees the request as the router made it, before filters of the listener see the response", async () => {
  const response = await send("filtered", "/case-0");
  assert.match(response, /^HTTP\/1.1 200 OK\r\n[^]*x-by: upstream filter\r\n/);
  assert.match(server.requests[0]!, /\r\nx-by: upstream filter\r\n/);
  assert.equal(await lines(), [
    "up request_headers 8 1 own",
    "up response_headers 2 0 200",
    "down response_headers 4 0 200 upstream filter",
    "up response_body 2 0",
    "up response_body 0 1",
    "up done",
    "up log",
    "up delete",
  ]);
});

test("a router's filters are for clusters that have none", async () => {
  await send("plain", "/case-0");
  await send("both", "/case-0");
  const got = await lines();
  assert.is(got.filter((line) => line === "router_up request_headers 8 1 u").length, 1);
  assert.is(got.filter((line) => line.startsWith("router_up response_headers")).length, 1);
  assert.is(got.filter((line) => line === "up request_headers 8 1 own").length, 1);
});

test("a local reply of an upstream filter is for the listener's filters, and not for its own chain", async () => {
  const response = await send("filtered", "/case-l");
  assert.match(response, /^HTTP\/1.1 418 /);
  assert.is(bodyOf(response), "teapot");
  assert.equal(await lines(), [
    "up request_headers 8 1 own",
    "down response_headers 3 0 418 !1",
    "up done",
    "up log",
    "up delete",
  ]);
  assert.equal(server.requests, []);
});

test("a response can be replaced", async () => {
  const response = await send("filtered", "/case-r");
  assert.match(response, /^HTTP\/1.1 502 /);
  assert.is(bodyOf(response), "refused");
  assert.ok((await lines()).includes("down response_headers 3 0 502 !1"));
});

test("bodies are held in both directions until they are whole", async () => {
  const response = await send(
    "filtered",
    "/case-b",
    ["transfer-encoding: chunked"],
    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  );
  assert.is(bodyOf(response), "ok");
  assert.match(server.requests[0]!, /\r\n\r\n5\r\nabcde\r\n0\r\n\r\n$/);
  const got = await lines();
  assert.is(got.filter((line) => line.startsWith("up request_body 5 ")).at(-1), "up request_body 5 1");
});

test("a stream that an upstream filter closes is over", async () => {
  assert.is(await send("filtered", "/case-z"), "");
  assert.equal((await lines()).slice(-3), ["up done", "up log", "up delete"]);
});

test("an upstream that fails ends the filters, and the router answers", async () => {
  assert.match(await send("dead", "/case-0"), /^HTTP\/1.1 503 /);
  assert.equal(await lines(), [
    "up request_headers 8 1 dead_end",
    "up done",
    "up log",
    "up delete",
    "down response_headers 3 0 503 !1",
  ]);
  assert.match(await send("filtered", "/case-d"), /^HTTP\/1.1 503 /);
  assert.equal((await lines()).slice(0, 4), ["up request_headers 8 1 own", "up done", "up log", "up delete"]);
});

test("a client that goes away while a filter waits ends the filter", async () => {
  const { connect } = await import("node:net");
  const socket = connect(proxy.port("filtered"), "127.0.0.1");
  socket.write("GET /case-p HTTP/1.1\r\nhost: a\r\n\r\n");
  await new Promise((resolve) => setTimeout(resolve, 30));
  socket.destroy();
  await proxy.statIs("http.filtered.downstream_cx_active", 0);
  assert.equal(await lines(), ["up request_headers 8 1 own", "up done", "up log", "up delete"]);
});

test("a route can turn an upstream filter off", async () => {
  assert.match(await send("disabled", "/case-l"), /^HTTP\/1.1 200 OK/);
  assert.equal(await lines(), ["down response_headers 3 0 200 !1"]);
});

test("callouts pass the filters of the cluster, too", async () => {
  await lines();
  assert.is(bodyOf(await send("calling", "/case-0")), "called");
  assert.match(server.requests[0]!, /\r\nx-by: upstream filter\r\n/);
  const got = await lines();
  assert.equal(got.slice(-4), [
    "calling http_call_response 200 upstream filter 2",
    "up done",
    "up log",
    "up delete",
  ]);

  await send("calling", "/case-l");
  assert.is((await lines()).at(-1), "calling http_call_response 418 !1 6");
  await send("calling", "/case-r");
  assert.is((await lines()).at(-1), "calling http_call_response 502 !1 7");
  await send("calling", "/case-z");
  assert.is((await lines()).at(-1), "calling http_call_response !1 !1 0");
});

/** Filter of the listener and of the cluster that it asks, on one VM. */
function selfCaller(): Uint8Array {
  const inner = s(
    String.fromCharCode(...encodePairs([[":method", "GET"], [":path", "/inner"], [":authority", "inner"]])),
  );
  const body = s("called");
  return assemble(guestText({
    callbacks: {
      proxy_on_request_headers: `(drop (call $proxy_get_header_map_value ${i32(0)} ${s(":authority")} ${out}))
        (if (i32.eq (i32.load (i32.const ${OUT + 4})) (i32.const 5)) (then (return (i32.const 0))))
        (i32.store (i32.const 0x200) (local.get $id))
        (drop (call $proxy_http_call ${s("own")} ${inner} ${s("body")} ${i32(0, 0)} ${i32(2000, 0x204)}))
        (i32.const 1)`,
      proxy_on_http_call_response: `(drop (call $proxy_set_effective_context (i32.load (i32.const 0x200))))
        (drop (call $proxy_send_local_response ${i32(200, 0, 0)} ${body} ${i32(0, 0, -1)}))`,
      proxy_on_done: "(i32.const 1)",
    },
  }));
}

test("a filter may call a cluster that it filters itself, on the same VM", async () => {
  const module = selfCaller();
  const self = wasmPlugin("http", "self", module);
  const started = await startWasmProxy(
    [httpListener("self", { filters: self, routes: route("own") })],
    [cluster("own", upstreamFilters(self, true), "u")],
    { ports: { u: server.port } },
  );
  assert.is(started.stat("wasm.envoy.wasm.runtime.v8.active"), 1);
  const response = await request(started.port("self"), "/case-0");
  assert.match(response, /^HTTP\/1.1 200 OK/);
  assert.is(bodyOf(response), "called");
  assert.match(server.requests[0]!, /^GET \/inner /);
  assert.is(started.stat("wasm.self.traps"), 0);
  await started.stop();
});

async function problems(clusterMore: string, router = "", filters = ""): Promise<string> {
  try {
    const started = await startWasmProxy(
      [httpListener("a", { routes: route("c"), router, filters })],
      [cluster("c", clusterMore)],
    );
    await started.stop();
    return "";
  } catch (error) {
    return String(error);
  }
}

const CODEC =
  `- { name: codec, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec } }\n`;
const ROUTER =
  `- { name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }\n`;

test("chains that cannot be are refused at their place", async () => {
  const own = wasmPlugin("http", "up", upstream);
  assert.match(
    await problems(upstreamFilters(own, true, "")),
    /non-terminal filter 'up' is the last one of the upstream chain/,
  );
  assert.match(
    await problems(upstreamFilters(CODEC + own, true)),
    /terminal filter 'codec' is not the last one of the upstream chain/,
  );
  assert.match(
    await problems(upstreamFilters("", true, ROUTER)),
    /envoy.filters.http.router can only be in the chain of a connection manager/,
  );
  assert.match(
    await problems("", "", CODEC),
    /envoy.filters.http.upstream_codec can only be in the chain of a cluster/,
  );
  assert.match(
    await problems("", `upstream_http_filters:\n${own}`),
    /non-terminal filter 'up' is the last one of the upstream chain/,
  );
});

test.run();
