// test/host/extensions/filters/http/wasm.test.ts: guests as HTTP filters: bodies, answers, callouts, ends of streams.
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Embedded } from "../../../../support/embedded.ts";
import { type JournalCallback, journalGuest, type TextConstant } from "../../../../support/journal_guest.ts";
import {
  bodyOf,
  cluster,
  exchange,
  httpListener,
  journal,
  request,
  startUpstream,
  startWasmProxy,
  TO_U,
  wasmPlugin,
} from "../../../../support/wasm_proxy.ts";

const reader = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: { silent: true, result: "(call $journal)" } },
}));

const END = { when: "(local.get $b)", bare: true } as const;

function guest(
  callbacks: (s: TextConstant) => Readonly<Record<string, JournalCallback>>,
  fields: (s: TextConstant) => string = () => "",
): Uint8Array {
  return journalGuest((s) => ({ callbacks: callbacks(s), fields: fields(s) }));
}

const LAST: Readonly<Record<string, JournalCallback>> = { proxy_on_done: {}, proxy_on_log: {}, proxy_on_delete: {} };

/** Pairs of a callout's request, with its size. */
function pairs(path: string): string {
  const texts = [":method", "GET", ":path", path, ":authority", "a"];
  const sizes = [texts.length / 2, ...texts.map((text) => text.length)].flatMap((size) => [size, 0, 0, 0]);
  return String.fromCharCode(...sizes) + texts.map((text) => `${text}\0`).join("");
}

const call = (s: TextConstant, name: string, path: string, timeoutMs: number) =>
  `(call $proxy_http_call ${s(name)} ${s(pairs(path))} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const ${timeoutMs}) (i32.const 24))`;

const ANSWERED: (s: TextConstant) => JournalCallback = (s) => ({
  bare: true,
  say: `(call $header (i32.const 6) ${s(":status")}) (call $number (local.get $c)) (call $buffer (i32.const 4))`,
  do:
    "(drop (call $proxy_set_effective_context (global.get $caller))) (drop (call $proxy_continue_stream (i32.const 0)))",
});
const CALLER = () => "(global $caller (mut i32) (i32.const 0))";
const calling = (name: string, path: string, timeoutMs: number) =>
  guest((s) => ({
    proxy_on_request_headers: {
      bare: true,
      say: `(global.set $caller (local.get $id)) (call $number ${call(s, name, path, timeoutMs)})`,
      result: "(i32.const 1)",
    },
    proxy_on_http_call_response: ANSWERED(s),
  }), CALLER);

const GUESTS: Readonly<Record<string, Uint8Array>> = {
  // Keeps whole bodies, whatever their size.
  holding: guest(() => ({
    proxy_on_request_body: { ...END, result: "(i32.eqz (local.get $b))" },
    proxy_on_response_body: { ...END, result: "(i32.eqz (local.get $b))" },
    ...LAST,
  })),
  // Keeps responses from their headers on.
  stopping: guest(() => ({
    proxy_on_response_headers: { result: "(i32.const 3)" },
    proxy_on_response_body: {},
    ...LAST,
  })),
  // Makes trailers where there are none.
  trailing: guest((s) => ({
    proxy_on_request_body: {
      silent: true,
      do: `(if (local.get $b) (then (call $add (i32.const 1) ${s("x-up")} ${s("made")})))`,
    },
    proxy_on_response_body: {
      silent: true,
      do: `(if (local.get $b) (then (call $add (i32.const 3) ${s("x-down")} ${s("made")})))`,
    },
  })),
  // Answers once the response has begun.
  late: guest((s) => ({
    proxy_on_response_body: { ...END, do: `(call $reply (i32.const 500) ${s("late")})` },
    ...LAST,
  })),
  // Answers twice, and sees its own answer.
  answering: guest((s) => ({
    proxy_on_request_headers: {
      silent: true,
      do: `(call $reply (i32.const 401) ${s("no")}) (call $reply (i32.const 402) ${s("nor this")})`,
    },
    proxy_on_response_headers: { say: `(call $header (i32.const 2) ${s(":status")})` },
    proxy_on_response_body: { say: "(call $buffer (i32.const 1))" },
    proxy_on_done: { result: "(i32.const 0)" },
    proxy_on_log: {},
    proxy_on_delete: {},
  })),
  // Only looks.
  looking: guest(() => ({
    proxy_on_request_headers: {},
    proxy_on_request_body: { say: "(call $buffer (i32.const 0))" },
    proxy_on_response_headers: {},
    proxy_on_response_body: { say: "(call $buffer (i32.const 1))" },
    ...LAST,
  })),
  slow: calling("u", "/slow", 30),
  half: calling("u", "/half", 30),
  dead_call: calling("dead", "/", 1000),
  nobody: calling("nobody", "/", 1000),
  // One callout after the other.
  chained: guest((s) => ({
    proxy_on_request_headers: {
      bare: true,
      say: `(global.set $caller (local.get $id)) (call $number ${call(s, "u", "/first", 1000)})`,
      result: "(i32.const 1)",
    },
    proxy_on_http_call_response: {
      ...ANSWERED(s),
      do: `(if (global.get $again) (then
          (drop (call $proxy_set_effective_context (global.get $caller)))
          (drop (call $proxy_continue_stream (i32.const 0))))
        (else
          (global.set $again (i32.const 1))
          (drop ${call(s, "u", "/second", 1000)})))`,
    },
  }), () => `${CALLER()} (global $again (mut i32) (i32.const 0))`),
};

let proxy: Embedded;
let server: Awaited<ReturnType<typeof startUpstream>>;

const TRAILERS = `  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: { http_protocol_options: { enable_trailers: true } }
`;

test.before(async () => {
  server = await startUpstream((text) => {
    if (text.includes("upgrade: websocket")) {
      return "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nfrom above";
    }
    if (text.startsWith("GET /slow ")) return null;
    if (text.startsWith("GET /half ")) return "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    if (text.startsWith("GET /long ")) return `HTTP/1.1 200 OK\r\ncontent-length: 6000\r\n\r\n${"x".repeat(3000)}`;
    return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
  });
  const websocket = `http_protocol_options: { enable_trailers: true }
upgrade_configs: [ { upgrade_type: websocket } ]
`;
  proxy = await startWasmProxy(
    [
      httpListener("reader", { filters: wasmPlugin("http", "reader", reader) }),
      ...Object.entries(GUESTS).map(([name, module]) =>
        httpListener(name, {
          filters: wasmPlugin("http", name, module),
          manager: websocket,
          routes: TO_U,
          listener: name === "holding" || name === "stopping" ? "per_connection_buffer_limit_bytes: 1000\n" : "",
        })
      ),
    ],
    [cluster("u", TRAILERS), cluster("dead")],
    {
      ports: { u: server.port, dead: 1 },
    },
  ).catch((error) => {
    console.error(error);
    throw error;
  });
});

test.after(async () => {
  await proxy?.stop();
  server.close();
});

test.before.each(async () => {
  server.requests.splice(0);
  if (proxy !== undefined) await lines();
});

const lines = () => journal(proxy.port("reader"));
const send = (name: string, path = "/", more: string[] = [], body = "") => request(proxy.port(name), path, more, body);

test("a body that is too large to be held is answered 413 or 500, and the guest hears no more of it", async () => {
  const head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 3000\r\n\r\n";
  const large = await exchange(proxy.port("holding"), head + "y".repeat(1500));
  assert.match(large, /^HTTP\/1.1 413 Payload Too Large\r\n/);
  assert.equal(server.requests, []);
  assert.equal(await lines(), ["holding response_body", "holding done", "holding log", "holding delete"]);
  assert.match(await send("stopping", "/long"), /^HTTP\/1.1 500 Internal Server Error\r\n/);
  assert.equal((await lines()).slice(-3), ["stopping done", "stopping log", "stopping delete"]);
  // Its headers have gone: it can only be cut.
  const cut = await send("holding", "/long");
  assert.match(cut, /^HTTP\/1.1 200 OK\r\n[^]*content-length: 6000\r\n/);
  assert.is(bodyOf(cut), "");
  assert.is(bodyOf(await send("holding", "/", [], "y".repeat(900))).includes("ok"), true);
});

test("trailers are made in the last body callback, in both directions", async () => {
  const response = await send("trailing", "/", ["te: trailers", "transfer-encoding: chunked"], "1\r\na\r\n0\r\n\r\n");
  assert.match(server.requests[0]!, /\r\n0\r\nx-up: made\r\n\r\n$/);
  assert.match(response, /\r\n0\r\nx-down: made\r\n\r\n$/);
});

test("an answer after the response has begun resets the stream", async () => {
  const response = await send("late");
  assert.match(response, /^HTTP\/1.1 200 OK/);
  assert.not.ok(response.includes("late"));
  assert.not.ok(response.endsWith("0\r\n\r\n"));
  assert.equal((await lines()).slice(-3), ["late done", "late log", "late delete"]);
});

test("the first answer counts; the guest sees it as a response; what it says at the end of a stream is ignored", async () => {
  const response = await send("answering");
  assert.match(response, /^HTTP\/1.1 401 /);
  assert.is(bodyOf(response), "no");
  assert.equal(await lines(), [
    "answering response_headers 3 0 401",
    "answering response_body 2 1 no",
    "answering done",
    "answering log",
    "answering delete",
  ]);
});

test("an answer to HEAD has no body, one to gRPC is in its trailers", async () => {
  const head = await exchange(proxy.port("answering"), "HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  assert.match(head, /^HTTP\/1.1 401 [^]*content-length: 2\r\n/);
  assert.is(bodyOf(head), "");
  const grpc = await send("answering", "/", ["content-type: application/grpc"]);
  assert.match(grpc, /^HTTP\/1.1 200 OK\r\n/);
  assert.match(grpc, /\r\ngrpc-status: 16\r\n/);
  assert.match(grpc, /\r\ngrpc-message: no\r\n/);
});

test("a refused request makes a context for its end alone", async () => {
  await exchange(proxy.port("looking"), "GET / HTTP/1.1\r\n\r\n");
  assert.equal((await lines()).filter((line) => !line.includes("response")), [
    "looking done",
    "looking log",
    "looking delete",
  ]);
});

test("the bytes of an upgraded connection are bodies", async () => {
  const socket = connect(proxy.port("looking"), "127.0.0.1");
  socket.on("error", () => {});
  let got = "";
  const switched = new Promise<void>((resolve) =>
    socket.on("data", (data: Uint8Array) => {
      got += new TextDecoder().decode(data);
      if (got.endsWith("from above")) resolve();
    })
  );
  socket.write("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  await switched;
  socket.write("from below");
  const all: string[] = [];
  for (let i = 0; i < 200 && !all.some((line) => line.includes("request_body")); i++) all.push(...await lines());
  socket.destroy();
  await once(socket, "close");
  assert.ok(all.includes("looking response_body 10 0 from above"), all.join("\n"));
  assert.ok(all.includes("looking request_body 10 0 from below"), all.join("\n"));
});

test("callouts: a time-out is a 504, a refused connection a 503, an unknown cluster is said at once", async () => {
  assert.match(await send("slow"), /^HTTP\/1.1 200 /);
  assert.equal(await lines(), [
    "slow request_headers 0",
    "slow http_call_response 504 24 upstream request timeout",
  ]);
  assert.match(await send("half"), /^HTTP\/1.1 200 /);
  assert.equal(await lines(), ["half request_headers 0", "half http_call_response !1 0 !1"], "it broke off");
  assert.match(await send("dead_call"), /^HTTP\/1.1 200 /);
  const [sent, answer] = await lines();
  assert.is(sent, "dead_call request_headers 0");
  assert.match(answer!, /^dead_call http_call_response 503 \d+ upstream connect error/);
  const waiting = request(proxy.port("nobody"), "/");
  let said: string[] = [];
  for (let i = 0; i < 200 && said.length === 0; i++) said = await lines();
  assert.equal(said, ["nobody request_headers 2"]);
  void waiting;
});

test("callouts from the answer of a callout", async () => {
  assert.match(await send("chained"), /^HTTP\/1.1 200 /);
  assert.equal(await lines(), [
    "chained request_headers 0",
    "chained http_call_response 200 2 ok",
    "chained http_call_response 200 2 ok",
  ]);
  assert.equal(server.requests.map((text) => text.split(" ")[1]), ["/first", "/second", "/"]);
});

test.run();
