// test/e2e/grpc_callouts.test.ts: gRPC calls and streams of filters, to a real gRPC peer over HTTP/2.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePairs } from "../../abi/mod.ts";
import { assemble, guestText, i32, OUT, out, s } from "../host/wasm/guest.ts";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { get, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-grpc-"));
const NODE = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));
const UPSTREAM = fileURLToPath(new URL("../support/grpc_upstream.ts", import.meta.url));
/** In the guest's memory: the stream that asked, the token of its call. */
const STREAM = 0x200;
const TOKEN = 0x204;

let upstream: ChildProcess;
let upstreamPort = 0;

test.before(async () => {
  upstream = spawn(NODE, [UPSTREAM], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(upstream.stdout!, "data") as [Uint8Array];
  upstreamPort = Number(new TextDecoder().decode(line));
});

test.after(async () => {
  const ended = once(upstream, "exit");
  upstream.stdin!.end();
  await ended;
  rmSync(folder, { recursive: true });
});

const METADATA = s(String.fromCharCode(...encodePairs([["x-asked", "guest"]])));
const REMEMBER = `(i32.store (i32.const ${STREAM}) (local.get $id))`;
/** Answers the remembered stream with what is in the place of results; `status` is an expression. */
const answer = (status: string): string =>
  `(drop (call $proxy_set_effective_context (i32.load (i32.const ${STREAM}))))
   (drop (call $proxy_send_local_response ${status} (i32.const 0) (i32.const 0)
     (i32.load (i32.const ${OUT})) (i32.load (i32.const ${OUT + 4})) (i32.const 0) (i32.const 0) (i32.const -1)))`;
const RECEIVE = `(drop (call $proxy_get_buffer_bytes ${i32(5, 0, 1000)} ${out}))`;
const WHY = `(drop (call $proxy_get_status ${i32(OUT + 8, OUT, OUT + 4)}))`;

function call(method: string, timeoutMs: number): string {
  return `${REMEMBER} (call $note (call $proxy_grpc_call ${s("grpc")} ${s("echo.Echo")} ${s(method)} ${METADATA}
    ${s("hello")} (i32.const ${timeoutMs}) (i32.const ${TOKEN}))) (i32.const 1)`;
}

const UNARY = (method: string, timeoutMs = 10_000): Record<string, string> => ({
  proxy_on_request_headers: call(method, timeoutMs),
  proxy_on_grpc_receive: RECEIVE + answer("(i32.const 200)"),
  proxy_on_grpc_close: WHY + answer("(i32.add (i32.const 500) (local.get $b))"),
});

/** Sends two messages and half-closes; the answer has the last message, its status tells the end's. */
const STREAMING: Record<string, string> = {
  proxy_on_request_headers: `${REMEMBER}
    (call $note (call $proxy_grpc_stream ${s("grpc")} ${s("echo.Echo")} ${s("Chat")} ${METADATA} (i32.const ${TOKEN})))
    (call $note (call $proxy_grpc_send (i32.load (i32.const ${TOKEN})) ${s("one")} (i32.const 0)))
    (call $note (call $proxy_grpc_send (i32.load (i32.const ${TOKEN})) ${s("two")} (i32.const 1)))
    (i32.const 1)`,
  proxy_on_grpc_receive_initial_metadata: `(drop (call $proxy_get_header_map_value ${i32(4)} ${s("x-asked")} ${out}))
    (drop (call $proxy_log ${i32(3)} (i32.load (i32.const ${OUT})) (i32.load (i32.const ${OUT + 4}))))`,
  proxy_on_grpc_receive: `${RECEIVE}
    (drop (call $proxy_log ${i32(3)} (i32.load (i32.const ${OUT})) (i32.load (i32.const ${OUT + 4}))))`,
  proxy_on_grpc_receive_trailing_metadata: `(drop (call $proxy_get_header_map_value ${i32(5)} ${s("x-end")} ${
    i32(OUT + 16, OUT + 20)
  })) (drop (call $proxy_log ${i32(3)} (i32.load (i32.const ${OUT + 16})) (i32.load (i32.const ${OUT + 20}))))`,
  proxy_on_grpc_close: answer("(i32.add (i32.const 200) (local.get $b))"),
};

async function withFilter(
  name: string,
  callbacks: Record<string, string>,
  port: number,
  use: (proxy: Embedded) => Promise<void>,
): Promise<void> {
  const file = join(folder, `${name}.wasm`);
  writeFileSync(file, assemble(guestText({ callbacks })));
  const config = JSON.parse(webConfig({
    port: 0,
    upstreamPort: port,
    filters: [wasmFilter(name, file)],
    cluster: {
      name: "grpc",
      typed_extension_protocol_options: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          explicit_http_config: { http2_protocol_options: {} },
        },
      },
    },
    routes: [{ match: { prefix: "/" }, direct_response: { status: 204 } }],
  })) as unknown;
  const proxy = await startEmbedded(JSON.stringify(config));
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
  }
}

test("a call: the message is the answer, again and again over one connection", async () => {
  await withFilter("say", UNARY("Say"), upstreamPort, async (proxy) => {
    for (let i = 0; i < 3; i++) {
      const response = await get(proxy.port("web"), "/");
      assert.equal([response.status, response.body], [200, "HELLO"]);
    }
    assert.is(proxy.stat("cluster.grpc.upstream_cx_http2_total"), 1);
    assert.is(proxy.stat("cluster.grpc.internal.upstream_rq_200"), 3);
    assert.is(proxy.stat("cluster.grpc.upstream_rq_active"), 0);
  });
});

test("a call that the service refuses, one that takes too long, one that nobody takes", async () => {
  await withFilter("fail", UNARY("Fail"), upstreamPort, async (proxy) => {
    const response = await get(proxy.port("web"), "/");
    assert.equal([response.status, response.body], [505, "no such thing"]);
  });
  await withFilter("hang", UNARY("Hang", 50), upstreamPort, async (proxy) => {
    const response = await get(proxy.port("web"), "/");
    assert.equal([response.status, response.body], [514, "upstream request timeout"]);
    await proxy.statIs("cluster.grpc.upstream_rq_active", 0);
  });
  // Port 1 takes no connection.
  await withFilter("nobody", UNARY("Say"), 1, async (proxy) => {
    const response = await get(proxy.port("web"), "/");
    assert.is(response.status, 514);
    assert.match(response.body, "remote connection failure");
  });
});

test("a stream: metadata, every message, metadata, status", async () => {
  await withFilter("chat", STREAMING, upstreamPort, async (proxy) => {
    const response = await get(proxy.port("web"), "/");
    assert.equal([response.status, response.body], [200, "TWO"]);
    for (const line of ["guest", "ONE", "TWO", "1"]) await proxy.logged(`"msg":"${line}"`);
    await proxy.statIs("cluster.grpc.upstream_rq_active", 0);
  });
});

test.run();
