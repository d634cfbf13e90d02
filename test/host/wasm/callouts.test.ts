// test/host/wasm/callouts.test.ts: HTTP and gRPC calls that guests make.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePairs } from "../../../abi/mod.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import type { GrpcCallCallbacks, GrpcStreamCallbacks } from "../../../host/wasm/mod.ts";
import { BAD, FakeEnvironment, guest, Host, i32, note, OUT, out, run, s } from "./guest.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const wire = (pairs: [string, string][]): string => String.fromCharCode(...encodePairs(pairs));
const REQUEST = wire([[":method", "GET"], [":path", "/c"], [":authority", "auth"], ["X-Up", "1"]]);
const TOKEN = 0x300;

function httpCall(
  options: { cluster?: string; headers?: string; timeout?: number; token?: number; body?: string } = {},
): string {
  return note(
    "proxy_http_call",
    s(options.cluster ?? "auth"),
    s(options.headers ?? REQUEST),
    s(options.body ?? "hi"),
    s(wire([["t", "1"]])),
    i32(options.timeout ?? 500, options.token ?? TOKEN),
  );
}

const ON_RESPONSE =
  `(call $note (local.get $id)) (call $note (local.get $a)) (call $note (local.get $b)) (call $note (local.get $c)) (call $note (local.get $d))
  ${note("proxy_get_header_map_value", i32(6), s(":status"), out)}
  ${note("proxy_get_header_map_value", i32(7), s("rt"), i32(0x200, 0x204))}
  ${note("proxy_get_buffer_bytes", i32(4, 0, 99), i32(0x208, 0x20c))}
  ${note("proxy_get_status", i32(0x210, 0x214, 0x218))}`;

test("a call and its answer", async () => {
  const host = new Host(
    await guest({
      callbacks: { proxy_on_request_headers: `${httpCall()} (i32.const 1)`, proxy_on_http_call_response: ON_RESPONSE },
    }),
  );
  host.request();
  assert.equal(host.notes(), [0]);
  assert.is(host.env.calls.length, 1);
  const { request, callbacks } = host.env.calls[0]!;
  assert.is(request.cluster, "auth");
  assert.equal(request.headers, [[":method", "GET"], [":path", "/c"], [":authority", "auth"], ["x-up", "1"]]);
  assert.equal(request.body, bytes("hi"));
  assert.equal(request.trailers, [["t", "1"]]);
  assert.is(request.timeoutMs, 500);
  const token = host.u32(TOKEN);
  assert.is(token & 3, 0);
  assert.is.not(token, 0);
  callbacks.onResponse(HeaderMap.of({ ":status": "200", a: "b" }), bytes("body"), HeaderMap.of({ rt: "T" }));
  assert.equal(host.notes(), [host.plugin.root.id, token, 2, 4, 1, 0, 0, 0, 0]);
  assert.is(host.result(), "200");
  assert.is(host.result(0x200), "T");
  assert.is(host.result(0x208), "body");
  assert.is(host.u32(0x210), 0);
  callbacks.onResponse(HeaderMap.of({ ":status": "500" }), bytes(""), null);
  assert.equal(host.notes(), []);
  assert.is(host.plugin.root.calloutCount, 0);
});

test("a failed call: no headers, status 11 with the reason; Envoy says reset", async () => {
  const module = await guest({
    callbacks: { proxy_on_request_headers: `${httpCall()} (i32.const 1)`, proxy_on_http_call_response: ON_RESPONSE },
  });
  for (const [compat, reason] of [["nuncio", "timeout"], ["envoy", "reset"]] as const) {
    const host = new Host(module, { compat });
    host.request();
    host.notes();
    host.env.calls[0]!.callbacks.onFailure("timeout");
    const [root, token, ...rest] = host.notes();
    assert.is(root, host.plugin.root.id);
    assert.is(token, host.u32(TOKEN));
    assert.equal(rest, compat === "envoy" ? [0, 0, 0, 2, 2, 1, 0] : [0, 0, 0, 1, 1, 1, 0]);
    assert.is(host.u32(0x210), 11);
    assert.is(host.result(0x214), reason);
  }
});

test("what is wrong with a call is BadArgument and explained", async () => {
  const { host, notes } = await run([
    httpCall({ timeout: -1 }),
    httpCall({ headers: wire([[":path", "/"]]) }),
    httpCall({ headers: "bad" }),
    httpCall({ token: BAD }),
    note("proxy_http_call", i32(BAD, 1), s(REQUEST), s(""), s(""), i32(0, TOKEN)),
    note("proxy_http_call", s("a"), i32(BAD, 1), s(""), s(""), i32(0, TOKEN)),
    note("proxy_http_call", s("a"), s(REQUEST), i32(BAD, 1), s(""), i32(0, TOKEN)),
    note("proxy_http_call", s("a"), s(REQUEST), s(""), i32(BAD, 1), i32(0, TOKEN)),
    note("proxy_get_status", i32(BAD, OUT, OUT)),
    note("proxy_get_status", i32(OUT, BAD, OUT)),
  ].join("\n"));
  assert.equal(notes, [2, 2, 2, 6, 6, 6, 6, 6, 6, 6]);
  assert.is(host.env.calls.length, 0);
  assert.match(host.env.texts(3).join("\n"), /timeout is -1.*\n.*no :method, :authority.*\n.*malformed/);
});

test("unknown clusters, failed sends, no client at all", async () => {
  for (const [failure, status] of [["unknown_cluster", 2], ["send_failed", 10]] as const) {
    const env = new FakeEnvironment();
    env.callFailure = failure;
    // A port that calls back and fails all the same is not believed the first.
    env.inlineAnswer = (callbacks) => callbacks.onFailure("x");
    const host = new Host(
      await guest({
        callbacks: {
          proxy_on_request_headers: `${httpCall()} (i32.const 0)`,
          proxy_on_http_call_response: "(call $note (i32.const 99))",
        },
      }),
      {},
      env,
    );
    host.request();
    assert.equal(host.notes(), [status]);
    assert.is(host.u32(TOKEN), 0);
    assert.is(host.plugin.root.calloutCount, 0);
  }
  const env = Object.assign(new FakeEnvironment(), { httpCalls: null });
  assert.equal((await run(httpCall(), {}, env)).notes, [2]);
});

test("an answer that is there at once comes after the guest has returned", async () => {
  const env = new FakeEnvironment();
  env.inlineAnswer = (callbacks) => callbacks.onResponse(HeaderMap.of({ ":status": "503" }), bytes(""), null);
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${httpCall()} (call $note (i32.const 1)) (i32.const 1)`,
        proxy_on_http_call_response:
          "(call $note (i32.eq (local.get $a) (i32.load (i32.const 0x300)))) (call $note (local.get $b))",
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), [0, 1]);
  env.clock.advance(0);
  assert.equal(host.notes(), [1, 1]);
});

test("only so many calls at once", async () => {
  const { notes, host } = await run(httpCall() + httpCall(), { maxHttpCalls: 1 });
  assert.equal(notes, [0, 10]);
  assert.match(host.env.texts(3)[0]!, /1 calls are under way/);
});

test("calls end with their plugin, which hears nothing any more", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${httpCall()} (i32.const 0)`,
        proxy_on_http_call_response: "(call $note (i32.const 99))",
      },
    }),
  );
  host.request().filter.onDestroy!();
  host.notes();
  host.plugin.dispose();
  assert.is(host.env.calls[0]!.cancelled, true);
  host.env.calls[0]!.callbacks.onFailure("late");
  assert.equal(host.notes(), []);
});

// --- gRPC ---

const grpcCall = note(
  "proxy_grpc_call",
  s("cluster"),
  s("svc.S"),
  s("M"),
  s(wire([["K-Bin", "v"]])),
  s("msg"),
  i32(100, TOKEN),
);
const grpcStream = note("proxy_grpc_stream", s("cluster"), s("svc.S"), s("M"), s(""), i32(TOKEN));
const GRPC_CALLBACKS = {
  proxy_on_grpc_receive_initial_metadata: `(call $note (i32.const 1)) (call $note (local.get $b)) ${
    note("proxy_get_header_map_value", i32(4), s("im"), out)
  }`,
  proxy_on_grpc_receive: `(call $note (i32.const 2)) (call $note (local.get $b)) ${
    note("proxy_get_buffer_bytes", i32(5, 0, 99), out)
  }`,
  proxy_on_grpc_trailing_metadata: `(call $note (i32.const 3)) (call $note (local.get $b)) ${
    note("proxy_get_header_map_value", i32(5), s("tm"), out)
  }`,
  proxy_on_grpc_close: `(call $note (i32.const 4)) (call $note (local.get $b)) ${
    note("proxy_get_status", i32(0x210, 0x214, 0x218))
  }`,
};

interface Opened {
  events: string[];
  callbacks:
    | (GrpcCallCallbacks & Partial<GrpcStreamCallbacks>)
    | (GrpcStreamCallbacks & Partial<GrpcCallCallbacks>)
    | null;
}

function grpcEnvironment(): { env: FakeEnvironment; opened: Opened } {
  const env = new FakeEnvironment();
  const opened: Opened = { events: [], callbacks: null };
  env.grpc = {
    call(request, message, timeoutMs, callbacks) {
      opened.events.push(
        `call ${request.upstream} ${request.service}/${request.method} ${request.metadata} ${message} ${timeoutMs}`,
      );
      opened.callbacks = callbacks;
      return { cancel: () => void opened.events.push("cancel") };
    },
    openStream(request, callbacks) {
      opened.events.push(`stream ${request.service}/${request.method}`);
      opened.callbacks = callbacks;
      return {
        send: (message, end) => void opened.events.push(`send ${message} ${end}`),
        close: () => void opened.events.push("close"),
        reset: () => void opened.events.push("reset"),
      };
    },
  };
  return { env, opened };
}

test("without a gRPC client no upstream is known", async () => {
  assert.equal((await run(grpcCall + grpcStream)).notes, [4, 4]);
});

test("a gRPC call: one message, or one failure", async () => {
  const { env, opened } = grpcEnvironment();
  const host = new Host(
    await guest({ callbacks: { proxy_on_request_headers: `${grpcCall} (i32.const 0)`, ...GRPC_CALLBACKS } }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), [0]);
  assert.equal(opened.events, ["call cluster svc.S/M k-bin,v 109,115,103 100"]);
  assert.is(host.u32(TOKEN) & 3, 1);
  opened.callbacks!.onMessage!(bytes("reply"));
  assert.equal(host.notes(), [2, 5, 0]);
  assert.is(host.result(), "reply");
  opened.callbacks!.onFailure!(14, "late");
  assert.equal(host.notes(), []);
  host.request();
  host.notes();
  opened.callbacks!.onFailure!(14, "gone");
  assert.equal(host.notes(), [4, 14, 0]);
  assert.is(host.u32(0x210), 14);
  assert.is(host.result(0x214), "gone");
  assert.is(host.plugin.root.calloutCount, 0);
});

test("a gRPC stream: everything in order, over when both sides are done", async () => {
  const { env, opened } = grpcEnvironment();
  const token = `(i32.load (i32.const ${TOKEN}))`;
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${grpcStream} ${note("proxy_grpc_send", token, s("one"), i32(0))}
          ${note("proxy_grpc_send", token, s("two"), i32(1))} ${note("proxy_grpc_send", token, s("late"), i32(0))}
          ${note("proxy_grpc_send", token, i32(BAD, 1), i32(0))} ${note("proxy_grpc_send", i32(4), s(""), i32(0))}
          ${note("proxy_grpc_send", i32(402), s(""), i32(0))} (i32.const 0)`,
        ...GRPC_CALLBACKS,
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), [0, 0, 0, 0, 6, 2, 1]);
  assert.equal(opened.events, ["stream svc.S/M", "send 111,110,101 false", "send 116,119,111 true"]);
  const callbacks = opened.callbacks as GrpcStreamCallbacks;
  callbacks.onInitialMetadata(HeaderMap.of({ im: "1" }));
  callbacks.onMessage(bytes("a"));
  callbacks.onTrailingMetadata(HeaderMap.of({ tm: "1", "grpc-status": "0" }));
  callbacks.onClose(0, "");
  assert.equal(host.notes(), [1, 1, 0, 2, 1, 0, 3, 2, 0, 4, 0, 0]);
  assert.is(host.plugin.root.calloutCount, 0);
});

test("cancel and close", async () => {
  const token = `(i32.load (i32.const ${TOKEN}))`;
  const { env, opened } = grpcEnvironment();
  const { notes, host } = await run(
    [
      grpcCall + note("proxy_grpc_cancel", token) + note("proxy_grpc_cancel", token),
      grpcCall + note("proxy_grpc_close", token),
      grpcStream + note("proxy_grpc_close", token) + note("proxy_grpc_close", token),
      grpcStream + note("proxy_grpc_cancel", token),
      note("proxy_grpc_cancel", i32(4)) + note("proxy_grpc_close", i32(4)) + note("proxy_grpc_close", i32(402)),
    ].join("\n"),
    {},
    env,
  );
  assert.equal(notes, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 2, 1]);
  assert.equal(opened.events.filter((event) => !event.includes(" ")), ["cancel", "cancel", "close", "reset"]);
  opened.callbacks!.onMessage!(bytes("late"));
  assert.equal(host.notes(), []);
});

test("an AssemblyScript SDK's call without metadata", async () => {
  const { env, opened } = grpcEnvironment();
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `(call $note (call $short ${s("cluster")} ${s("svc.S")} ${s("M")} ${s("msg")} ${
          i32(7, TOKEN)
        }))
          (call $note (call $shortStream ${s("cluster")} ${s("svc.S")} ${s("M")} ${i32(TOKEN)})) (i32.const 0)`,
      },
      memory:
        `(import "env" "proxy_grpc_call" (func $short (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_stream" (func $shortStream (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)`,
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), [0, 0]);
  assert.equal(opened.events, ["call cluster svc.S/M  109,115,103 7", "stream svc.S/M"]);
});

// --- Names ---

test("a name is looked up; without a resolver it is unknown", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: `${note("envoy_resolve_dns", s("a.test"), i32(TOKEN))} (i32.const 0)`,
      envoy_on_resolve_dns:
        `(call $note (i32.eq (local.get $a) (i32.load (i32.const ${TOKEN})))) (call $note (local.get $b))
        ${note("proxy_get_buffer_bytes", i32(8, 0, 99), out)}`,
    },
  });
  const plain = new Host(module);
  plain.request();
  plain.env.clock.advance(0);
  assert.equal(plain.notes(), [0, 1, 0, 0]);
  let answer: ((addresses: { address: string; ttlSeconds: number }[]) => void) | null = null;
  const env = Object.assign(new FakeEnvironment(), {
    dns: {
      resolve: (
        name: string,
        onAnswer: NonNullable<typeof answer>,
      ): unknown => (assert.is(name, "a.test"), answer = onAnswer),
    },
  });
  const host = new Host(module, {}, env);
  host.request();
  assert.equal(host.notes(), [0]);
  answer!([{ address: "1.2.3.4", ttlSeconds: 60 }, { address: "::1", ttlSeconds: 5 }]);
  assert.equal(host.notes(), [1, 24, 0]);
  assert.is(host.result(), "\x02\0\0\0\x3c\0\0\0\x05\0\0\x001.2.3.4\0::1\0");
  answer!([]);
  assert.equal(host.notes(), []);
  const bad = await run(
    note("envoy_resolve_dns", i32(BAD, 1), i32(TOKEN)) + note("envoy_resolve_dns", s("a"), i32(BAD)),
  );
  assert.equal(bad.notes, [6, 6]);
});

test.run();
