// test/host/router/async_client/grpc_client.test.ts: gRPC streams over the real HTTP/1 codec, and all their ends.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeGrpcFrame } from "../../../../host/http/grpc_frames.ts";
import { HTTP1_CLIENT_DEFAULTS } from "../../../../host/http/h1/options.ts";
import { createClientCodec } from "../../../../host/upstream/conn_pool/client_codec.ts";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import { AsyncClient } from "../../../../host/router/async_client/async_client.ts";
import { GrpcClient, type GrpcOpen, type GrpcStream } from "../../../../host/router/async_client/grpc_client.ts";
import { DEFAULT_HTTP_PLAN } from "../../../../host/upstream/plan.ts";
import {
  createFakeEnvironment,
  type FakeConnection,
  type FakeEnvironment,
  PeerType,
  planWith,
} from "../../upstream/fakes.ts";

interface Setup {
  readonly env: FakeEnvironment;
  readonly log: string[];
  open(changes?: Partial<GrpcOpen>, cluster?: string): GrpcStream | null;
  stat(name: string): number;
}

function setup(endpoints: string[] = ["10.0.0.1:80"]): Setup {
  const env = { ...createFakeEnvironment(), createClientCodec };
  const manager = new ClusterManager(env);
  manager.update([
    planWith(endpoints, { http: { ...DEFAULT_HTTP_PLAN, http1: { ...HTTP1_CLIENT_DEFAULTS, enableTrailers: true } } }),
  ]);
  const client = new GrpcClient(manager, new AsyncClient(manager, env.clock, "10.7.7.7"));
  const log: string[] = [];
  return {
    env,
    log,
    open: (changes, cluster = "a") =>
      client.open(cluster, { service: "p.S", method: "M", metadata: [["x-k", "v"]], timeoutMs: 0, ...changes }, {
        onInitialMetadata: (metadata) => void log.push(`initial ${metadata.get("x-up") ?? "-"}`),
        onMessage: (message) => void log.push(`message ${new TextDecoder().decode(message)}`),
        onTrailingMetadata: (metadata) => void log.push(`trailing ${metadata.get("grpc-status") ?? "-"}`),
        onClose: (status, message) => void log.push(`close ${status} ${message}`),
      }),
    stat: (name) => env.store.valueOf(`cluster.a.${name}`) ?? 0,
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A frame as text, in a chunk of HTTP/1. */
function chunk(...messages: string[]): string {
  const frames = messages.map((text) => String.fromCharCode(...encodeGrpcFrame(bytes(text)))).join("");
  return `${frames.length.toString(16)}\r\n${frames}\r\n`;
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\nx-up: 1\r\ntransfer-encoding: chunked\r\n\r\n";

function begun(changes: Partial<GrpcOpen> = {}): Setup & { stream: GrpcStream; connection: FakeConnection } {
  const s = setup();
  const stream = s.open(changes)!;
  return { ...s, stream, connection: s.env.dialer.last.connect() };
}

test("what a stream sends: its head, messages, and its end", () => {
  const s = setup();
  const stream = s.open({ timeoutMs: 1500 })!;
  stream.send(bytes("early"), false);
  const connection = s.env.dialer.last.connect();
  assert.is(
    connection.written,
    "POST /p.S/M HTTP/1.1\r\nhost: a\r\ngrpc-timeout: 1500m\r\nte: trailers\r\ncontent-type: application/grpc\r\n" +
      "x-k: v\r\nx-envoy-internal: true\r\nx-envoy-expected-rq-timeout-ms: 1500\r\ntransfer-encoding: chunked\r\n\r\n" +
      chunk("early"),
  );
  connection.written = "";
  stream.send(bytes("more"), false);
  assert.is(connection.written, chunk("more"));
  connection.written = "";
  stream.closeLocal();
  assert.is(connection.written, "0\r\n\r\n");
});

test("what a stream gets: metadata, messages, metadata, status", () => {
  const { stream, connection, log, stat, env } = begun();
  stream.send(bytes("q"), true);
  connection.receive(HEAD + chunk("one", "two"));
  assert.equal(log, ["initial 1", "message one", "message two"]);
  connection.receive("0\r\ngrpc-status: 0\r\n\r\n");
  assert.equal(log.slice(3), ["trailing 0", "close 0 "]);
  assert.is(stat("internal.upstream_rq_200"), 1);
  assert.is(stat("upstream_rq_active"), 0);
  assert.is(env.clock.armedTimers, 1, "only the idle timer of the connection");
});

test("a status alone, with a message that is encoded", () => {
  const { connection, log } = begun();
  connection.receive(
    "HTTP/1.1 200 OK\r\ngrpc-status: 7\r\ngrpc-message: caf%C3%A9 100%\r\ncontent-length: 0\r\n\r\n",
  );
  assert.equal(log, ["initial -", "trailing 7", "close 7 café 100%"]);
});

test("statuses of HTTP become gRPC's, unless there is one", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["HTTP/1.1 403 Forbidden\r\ncontent-length: 1\r\n\r\n", "close 7 "],
    ["HTTP/1.1 503 Nope\r\ncontent-length: 0\r\n\r\n", "close 14 "],
    ["HTTP/1.1 404 Not Found\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n", "close 5 "],
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "close 2 "],
    ["HTTP/1.1 200 OK\r\ngrpc-status: seven\r\ncontent-length: 0\r\n\r\n", "close 2 "],
  ];
  for (const [response, expected] of rows) {
    const { connection, log } = begun();
    connection.receive(response);
    assert.is(log.at(-1), expected, response);
    assert.is(log.filter((line) => line.startsWith("close")).length, 1);
  }
});

test("a body that ends without a status, or cannot be read", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n\0\0\0\0\x02ab", "close 2 "],
    ["HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n\x01\0\0\0\x02ab", "close 13 a message is compressed"],
    ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\0\0\x7f\0\x02", "close 8 the message is too large"],
  ];
  for (const [response, expected] of rows) {
    const { connection, log, stat } = begun({ messageLimitBytes: 100 });
    connection.receive(response);
    assert.is(log.at(-1), expected, response);
    assert.is(stat("upstream_rq_active"), 0);
  }
});

test("no host, no connection, a connection that ends, time that is up", () => {
  const none = setup([]);
  none.open();
  assert.equal(none.log, ["initial -", "trailing 14", "close 14 no healthy upstream"]);

  const refused = setup();
  refused.open();
  refused.env.dialer.last.fail("remote");
  assert.match(refused.log.at(-1)!, /^close 14 upstream connect error .* remote connection failure$/);

  const early = begun();
  early.connection.finish(PeerType.Remote);
  assert.match(early.log.at(-1)!, /^close 14 upstream connect error .* connection termination$/);

  const late = begun();
  late.connection.receive(HEAD + chunk("one"));
  late.connection.finish(PeerType.Remote);
  assert.equal(late.log.slice(1), ["message one", "trailing -", "close 13 "]);

  const slow = begun({ timeoutMs: 1000 });
  slow.env.clock.advance(1000);
  assert.equal(slow.log, [], "the time begins with the end of the request");
  slow.stream.closeLocal();
  slow.env.clock.advance(1000);
  assert.equal(slow.log, ["initial -", "trailing 14", "close 14 upstream request timeout"]);
  assert.is(slow.stat("upstream_rq_timeout"), 1);
});

test("a reset stream is silent, also from within a callback", () => {
  const { stream, connection, log } = begun();
  connection.receive(HEAD);
  stream.reset();
  connection.receive(chunk("late"));
  assert.equal(log, ["initial 1"]);
  stream.send(bytes("nobody"), true);

  const env = { ...createFakeEnvironment(), createClientCodec };
  const manager = new ClusterManager(env);
  manager.update([planWith(["10.0.0.1:80"])]);
  const seen: string[] = [];
  const client = new GrpcClient(manager, new AsyncClient(manager, env.clock, "10.7.7.7"));
  const inside: GrpcStream = client.open("a", {
    service: "s",
    method: "m",
    metadata: [],
    timeoutMs: 0,
  }, {
    onInitialMetadata: () => void seen.push("initial"),
    onMessage: () => {
      seen.push("message");
      inside.reset();
    },
    onTrailingMetadata: () => void seen.push("trailing"),
    onClose: () => void seen.push("close"),
  })!;
  env.dialer.last.connect().receive(HEAD + chunk("one", "two"));
  assert.equal(seen, ["initial", "message"]);
});

test("an unknown cluster is none", () => {
  const s = setup();
  assert.is(s.open({}, "nope"), null);
  assert.equal(s.log, []);
});

test.run();
