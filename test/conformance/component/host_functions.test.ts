// test/conformance/component/host_functions.test.ts: what a component asks of the host.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMPONENT_IMPORTS } from "../../../abi/mod.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { FakeEnvironment } from "../../host/wasm/guest.ts";
import { ask, host, respond } from "./component.ts";

test("properties: attributes, what is not there, and what was set", async () => {
  const env = new FakeEnvironment();
  env.attributes.set("request.path", { kind: "latin1", value: "/p" });
  const { stream } = ask(await host("rust_http", "", {}, env), "property");
  assert.is(stream.requestHeaders!.get("x-path"), "/p");
  assert.is(stream.requestHeaders!.get("x-missing"), "true");
  assert.is(stream.requestHeaders!.get("x-set"), "true");
  assert.is(stream.requestHeaders!.get("x-kept"), "kept");
  assert.equal([...env.states.get(stream)!.keys()], ["wasm.mine"]);
});

test("shared data with compare and swap", async () => {
  const { stream } = ask(await host("rust_http"), "shared");
  const value = (name: string): string | null => stream.requestHeaders!.get(name);
  assert.is(value("x-before"), "true");
  assert.is(value("x-first"), "true");
  assert.is(value("x-entry"), "one");
  assert.is(value("x-second"), "true");
  assert.match(value("x-third")!, "cas-mismatch");
});

test("queues: resolved, pushed to, and popped when told", async () => {
  const env = new FakeEnvironment();
  const consumer = await host("rust_http", "queue jobs", {}, env);
  assert.is(ask(consumer, "queue").stream.requestHeaders!.get("x-queue"), "true");
  assert.is(
    ask(await host("rust_http", "", { vmId: "other" }, env), "queue").stream.requestHeaders!.get("x-queue"),
    "none",
  );
  await new Promise((resolve) => setImmediate(resolve));
  env.clock.advance(1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(env.texts(2).includes("from the queue: a job"), env.texts(2).join("\n"));
});

test("metrics of all kinds", async () => {
  const env = new FakeEnvironment();
  const { stream } = ask(await host("rust_http", "", {}, env), "metrics");
  assert.is(stream.requestHeaders!.get("x-counter"), "5");
  assert.is(stream.requestHeaders!.get("x-gauge"), "5");
  assert.equal(env.stats.get("histogram sizes")!.samples, [9]);
});

test("the time in nanoseconds", async () => {
  const on = await host("rust_http");
  on.env.clock.advance(1234);
  assert.is(ask(on, "time").stream.requestHeaders!.get("x-now"), String(on.env.clock.wallNs()));
});

test("logging by level, and whether a level is written", async () => {
  const on = await host("rust_http");
  assert.is(ask(on, "log").stream.requestHeaders!.get("x-trace"), "true");
  assert.ok(on.env.texts(3).includes("a warning \u2603"));
  on.env.log.level = 4;
  const before = on.env.logs.length;
  assert.is(ask(on, "log").stream.requestHeaders!.get("x-trace"), "false");
  assert.is(on.env.logs.length, before);
});

test("a callout: sent, answered, and the stream goes on", async () => {
  const on = await host("rust_http");
  const { stream, status } = ask(on, "callout", { "x-cluster": "auth" });
  assert.is(status, 4);
  const [call] = on.env.calls;
  assert.is(call!.request.cluster, "auth");
  assert.equal(call!.request.headers, [[":method", "POST"], [":path", "/check"], [":authority", "auth"]]);
  assert.is(new TextDecoder().decode(call!.request.body), "ask");
  assert.is(call!.request.timeoutMs, 500);
  call!.callbacks.onResponse(
    HeaderMap.of({ ":status": "200" }),
    new TextEncoder().encode("fine"),
    HeaderMap.of({ "x-t": "last" }),
  );
  assert.equal(stream.events, ["clearRouteCache", "continueRequest"]);
  assert.is(stream.requestHeaders!.get("x-callout"), "200");
  assert.is(stream.requestHeaders!.get("x-callout-body"), "fine");
  assert.is(stream.requestHeaders!.get("x-callout-trailer"), "last");
});

test("a callout that fails, one that times out, one that cannot be sent", async () => {
  const on = await host("rust_http");
  const timedOut = ask(on, "callout", { "x-cluster": "auth" });
  on.env.calls[0]!.callbacks.onFailure("timeout");
  assert.is(timedOut.stream.requestHeaders!.get("x-error"), "timeout");
  const reset = ask(on, "callout", { "x-cluster": "auth" });
  on.env.calls[1]!.callbacks.onFailure("overflow");
  assert.is(reset.stream.requestHeaders!.get("x-error"), "reset");
  on.env.callFailure = "unknown_cluster";
  const unknown = ask(on, "callout", { "x-cluster": "nobody" });
  assert.is(unknown.status, 0);
  assert.is(unknown.stream.requestHeaders!.get("x-error"), "unknown-cluster");
  const bad = ask(on, "callout bad").stream.requestHeaders!.get("x-error");
  assert.is(bad, "bad-request the request has no :method, :path, :authority");
});

test("the answer of a callout can be an answer to the client, and comes to responses too", async () => {
  const on = await host("rust_http");
  const { stream } = ask(on, "callout then reply", { "x-cluster": "auth" });
  on.env.calls[0]!.callbacks.onResponse(HeaderMap.of({ ":status": "403" }), new Uint8Array(0), null);
  assert.is(stream.replies[0]!.status, 401);
  const response = ask(on, "response callout");
  assert.is(respond(response), 4);
  on.env.calls[1]!.callbacks.onResponse(HeaderMap.of({ ":status": "204" }), new Uint8Array(0), null);
  assert.equal(response.stream.events, ["continueResponse"]);
  assert.is(response.stream.responseHeaders!.get("x-callout"), "204");
});

test("an answer whose stream is gone reaches nobody", async () => {
  const on = await host("rust_http");
  const { stream, filter } = ask(on, "callout", { "x-cluster": "auth" });
  filter.onDestroy!();
  on.env.calls[0]!.callbacks.onResponse(HeaderMap.of({ ":status": "200" }), new Uint8Array(0), null);
  assert.equal(stream.events, []);
  assert.is(on.plugin.status().failure, null);
});

test("capabilities that are not allowed answer that there is nothing", async () => {
  const allowed = ["proxy_on_configure", "proxy_on_request_headers", "proxy_log"];
  const on = await host("rust_http", "", { allowedCapabilities: allowed });
  assert.is(ask(on, "property").stream.requestHeaders!.get("x-set"), "false");
  assert.is(
    ask(on, "callout", { "x-cluster": "auth" }).stream.requestHeaders!.get("x-error"),
    "bad-request proxy_http_call is not allowed",
  );
  assert.is(ask(on, "time").stream.requestHeaders!.get("x-now"), "0");
  assert.match(ask(on, "shared").stream.requestHeaders!.get("x-third")!, "too-large");
  assert.is(ask(on, "respond").stream.replies.length, 0);
  assert.is(ask(on, "").filter.onResponseHeaders, undefined, "nor are callbacks");
  assert.is(on.env.calls.length, 0);
  assert.ok(on.env.texts(4).includes("Attempted call to restricted proxy-wasm capability: proxy_http_call"));
  assert.is(on.plugin.status().failure, null);
});

test("every function of the world has a capability", () => {
  assert.equal(COMPONENT_IMPORTS.filter((row) => row.capability === null), []);
});

test.run();
