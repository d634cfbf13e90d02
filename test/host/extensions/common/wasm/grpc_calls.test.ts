// test/host/extensions/common/wasm/grpc_calls.test.ts: where guests' gRPC calls go, and what becomes of them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WireType } from "../../../../../host/api/wire_reader.ts";
import { WireWriter } from "../../../../../host/api/wire_writer.ts";
import { fromUtf8, latin1Slice } from "../../../../../host/base/bytes.ts";
import { ClusterGrpcCalls, UnansweredGrpcCalls } from "../../../../../host/extensions/common/wasm/grpc_calls.ts";
import { parseGrpcService } from "../../../../../host/extensions/common/wasm/grpc_service.ts";
import { encodeGrpcFrame } from "../../../../../host/http/grpc_frames.ts";
import { HTTP1_CLIENT_DEFAULTS } from "../../../../../host/http/h1/options.ts";
import { createClientCodec } from "../../../../../host/upstream/conn_pool/client_codec.ts";
import { AsyncClient } from "../../../../../host/router/async_client/async_client.ts";
import { ClusterManager } from "../../../../../host/upstream/cluster_manager.ts";
import { DEFAULT_HTTP_PLAN } from "../../../../../host/upstream/plan.ts";
import type { GrpcRequest } from "../../../../../host/wasm/mod.ts";
import { createFakeEnvironment, planWith } from "../../../upstream/fakes.ts";

/** A field that holds a message. */
function nested(number: number, content: Uint8Array): Uint8Array {
  const writer = new WireWriter();
  writer.tag(number, WireType.Length);
  writer.bytes(content);
  return writer.finish();
}

const text = (number: number, value: string): Uint8Array => nested(number, fromUtf8(value));
const varint = (number: number, value: number): Uint8Array => Uint8Array.of(number << 3, value);
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const latin1 = (bytes: Uint8Array): string => latin1Slice(bytes, 0, bytes.length);

const SERVICE = join(
  nested(1, join(text(1, "a"), text(2, "auth.example"))),
  nested(3, varint(1, 2)),
  nested(5, join(text(1, "X-From"), text(2, "service"))),
);

function setup(): { calls: ClusterGrpcCalls; env: ReturnType<typeof createFakeEnvironment> } {
  const env = { ...createFakeEnvironment(), createClientCodec };
  const manager = new ClusterManager(env);
  manager.update([
    planWith(["10.0.0.1:80"], {
      http: { ...DEFAULT_HTTP_PLAN, http1: { ...HTTP1_CLIENT_DEFAULTS, enableTrailers: true } },
    }),
  ]);
  return { calls: new ClusterGrpcCalls(manager, new AsyncClient(manager, env.clock, "10.7.7.7")), env };
}

function request(upstream: string): GrpcRequest {
  return { upstream, service: "p.S", method: "M", metadata: [["x-own", "1"]] };
}

const IGNORE = { onInitialMetadata() {}, onMessage() {}, onTrailingMetadata() {}, onClose() {} };

test("the message GrpcService", () => {
  assert.equal(parseGrpcService(SERVICE), {
    clusterName: "a",
    authority: "auth.example",
    timeoutMs: 2000,
    initialMetadata: [["x-from", "service"]],
  });
  assert.is(parseGrpcService(fromUtf8("upstream")), null);
  assert.is(parseGrpcService(nested(2, text(1, "dns:///x")))!.clusterName, null);
});

test("a cluster's name or a message, whose metadata comes first; others are refused", () => {
  const { calls, env } = setup();
  assert.ok(typeof calls.openStream(request("a"), IGNORE) === "object");
  assert.match(env.dialer.last.connect().written, /^POST \/p\.S\/M HTTP\/1\.1\r\nhost: a\r\n/);
  assert.ok(typeof calls.openStream(request(latin1(SERVICE)), IGNORE) === "object");
  assert.match(
    env.dialer.last.connect().written,
    /host: auth\.example\r\ngrpc-timeout: 2000m\r\n.*x-from: service\r\nx-own: 1\r\n/s,
  );
  assert.is(calls.openStream(request("upstream"), IGNORE), "unknown_upstream");
  assert.is(calls.openStream(request(latin1(nested(1, text(1, "nope")))), IGNORE), "invalid_upstream");
  assert.is(calls.openStream(request(latin1(nested(2, text(1, "dns:///x")))), IGNORE), "invalid_upstream");
  assert.is(calls.openStream(request(""), IGNORE), "invalid_upstream");
});

test("a call is a message or a failure, and neither after it was cancelled", () => {
  const call = (response: string): string[] => {
    const { calls, env } = setup();
    const log: string[] = [];
    const handle = calls.call(request("a"), fromUtf8("q"), 0, {
      onMessage: (message) => void log.push(`message ${latin1(message)}`),
      onFailure: (status, message) => void log.push(`failure ${status} ${message}`),
    });
    const connection = env.dialer.last.connect();
    assert.ok(connection.written.endsWith("6\r\n\0\0\0\0\x01q\r\n0\r\n\r\n"), connection.written);
    if (response === "cancel") (handle as { cancel(): void }).cancel();
    else connection.receive(response);
    return log;
  };
  const frame = latin1(encodeGrpcFrame(fromUtf8("answer")));
  const chunked = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${
    frame.length.toString(16)
  }\r\n${frame}\r\n0\r\n`;
  assert.equal(call(`${chunked}grpc-status: 0\r\n\r\n`), ["message answer"]);
  assert.equal(call(`${chunked}grpc-status: 9\r\ngrpc-message: no\r\n\r\n`), ["failure 9 no"]);
  assert.equal(call("HTTP/1.1 200 OK\r\ngrpc-status: 0\r\ncontent-length: 0\r\n\r\n"), ["failure 13 "]);
  assert.equal(call("cancel"), []);
});

test("plugins that are tried are told the same of upstreams, and get no answer", () => {
  const calls = new UnansweredGrpcCalls(new Set(["a"]));
  assert.ok(typeof calls.openStream(request("a")) === "object");
  assert.ok(typeof calls.call(request(latin1(SERVICE))) === "object");
  assert.is(calls.call(request("upstream")), "unknown_upstream");
  assert.is(calls.openStream(request(latin1(nested(1, text(1, "nope"))))), "invalid_upstream");
});

test.run();
