// test/e2e/grpc.test.ts: gRPC by grpc-js through a running proxy: calls of every kind, and the proxy's own answers.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { freePorts } from "../support/proxy_process.ts";
import { socketAddress, webConfig } from "./support.ts";

const NODE = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));
const PEERS = fileURLToPath(new URL("../support/grpc_peers.ts", import.meta.url));
const HTTP2 = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

let peers: ChildProcess;
let proxy: Embedded;
let lines: AsyncIterator<string>;

function cluster(name: string, endpoints: readonly unknown[]): unknown {
  return { name, connect_timeout: "1s", load_assignment: { cluster_name: name, endpoints }, ...HTTP2 };
}

test.before(async () => {
  peers = spawn(NODE, ["--disable-warning=ExperimentalWarning", PEERS], { stdio: ["pipe", "pipe", "inherit"] });
  lines = createInterface({ input: peers.stdout! })[Symbol.asyncIterator]();
  const upstreamPort = Number((await lines.next()).value);
  const [dead] = await freePorts(1);
  const to = (method: string) => ({ path: `/test.T/${method}` });
  const config = JSON.parse(webConfig({
    port: 0,
    upstreamPort,
    cluster: HTTP2,
    routes: [
      { match: to("Forbidden"), direct_response: { status: 403, body: { inline_string: "not for you: 100%" } } },
      { match: to("Empty"), route: { cluster: "empty" } },
      { match: to("Refused"), route: { cluster: "refused" } },
      { match: to("Slow"), route: { cluster: "upstream", timeout: "0.1s" } },
      {
        match: to("Capped"),
        route: { cluster: "upstream", max_stream_duration: { grpc_timeout_header_max: "0.2s" } },
      },
      ...["Say", "Gather", "Spread", "Chat", "Fail", "Hang"].map((method) => ({
        match: { ...to(method), grpc: {} },
        route: { cluster: "upstream", timeout: "0s" },
      })),
    ],
  })) as { static_resources: { clusters: unknown[] } };
  config.static_resources.clusters.push(
    cluster("empty", []),
    cluster("refused", [{ lb_endpoints: [{ endpoint: { address: socketAddress(dead!) } }] }]),
  );
  proxy = await startEmbedded(JSON.stringify(config));
});

test.after(async () => {
  await proxy.stop();
  const ended = once(peers, "exit");
  peers.stdin!.end();
  await ended;
});

async function play(name: string): Promise<Record<string, unknown>> {
  peers.stdin!.write(`${name} ${proxy.port("web")}\n`);
  return JSON.parse((await lines.next()).value as string) as Record<string, unknown>;
}

const METADATA = { text: ["one"], data: [[0, 1, 254, 255]] };
const NO_METADATA = { text: [], data: [] };

test("a call: message, metadata and binary metadata go both ways", async () => {
  assert.equal(await play("unary"), { head: METADATA, length: 5, same: true, trailers: METADATA });
});

test("a message of nothing, and one that is larger than all windows", async () => {
  assert.equal(await play("empty"), { head: METADATA, length: 0, same: true, trailers: METADATA });
  assert.equal(await play("large"), { head: METADATA, length: 5_000_000, same: true, trailers: METADATA });
});

test("streams of the client, of the server, and of both in turn", async () => {
  assert.equal(await play("gather"), { total: "995000" });
  assert.equal(await play("spread"), { code: 0, details: "OK", count: 200, length: 219_900 });
  const words = ["WORD 1", "WORD 2", "WORD 3", "WORD 4", "WORD 5"];
  assert.equal(await play("chat"), { code: 0, details: "OK", count: 5, length: 30, words });
});

test("an error is a head and nothing else", async () => {
  const outcome = await play("fail");
  assert.is(outcome["code"], 5);
  assert.is(outcome["details"], "no such thing: ümlaut\n\t100%");
  assert.equal(outcome["why"], [0, 255, 128]);
});

test("a client's deadline and a client's cancellation reach the server", async () => {
  const deadline = await play("deadline");
  assert.equal([deadline["code"], deadline["count"]], [4, 1]);
  const cancel = await play("cancel");
  assert.equal([cancel["code"], cancel["count"]], [1, 1]);
});

test("a route shortens a deadline: the stream is reset on both sides", async () => {
  const outcome = await play("capped");
  assert.is(outcome["count"], 1);
  // The answer had begun: no status can be told any more. grpc-js calls it INTERNAL.
  assert.is(outcome["code"], 13);
  assert.is(proxy.stat("http.web.downstream_rq_max_duration_reached"), 1);
});

test("a hundred calls at once on one connection", async () => {
  assert.equal(await play("crowd"), { same: 100 });
});

test("the proxy's own answers are gRPC statuses with a message", async () => {
  for (
    const [name, code, details] of [
      ["nowhere", 12, ""],
      ["forbidden", 7, "not for you: 100%"],
      ["noHost", 14, "no healthy upstream"],
      ["slow", 14, "upstream request timeout"],
    ] as const
  ) {
    const { head: _head, ...outcome } = await play(name);
    assert.equal(outcome, { code, details, trailers: NO_METADATA }, name);
  }
  const refused = await play("refused");
  assert.is(refused["code"], 14);
  assert.match(String(refused["details"]), "reset reason: remote connection failure");
});

test("all that went up is down again", async () => {
  await proxy.statIs("http.web.downstream_cx_active", 0);
  await proxy.statIs("http.web.downstream_rq_active", 0);
  await proxy.statIs("cluster.upstream.upstream_rq_active", 0);
  assert.is(proxy.stat("cluster.upstream.upstream_cx_http2_total"), 1);
  assert.is(proxy.stat("server.nuncio_bug"), 0);
});

test.run();
