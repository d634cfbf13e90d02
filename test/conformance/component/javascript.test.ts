// test/conformance/component/javascript.test.ts: a filter in JavaScript, made a component by jco's QuickJS backend.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { queueOf, textOf } from "../../host/wasm/guest.ts";
import { ask, finish, host, respond } from "./component.ts";

test("headers, and the end of the stream", async () => {
  const on = await host("js_http", "hello");
  const stream = ask(on, "", { "x-a": "1" });
  assert.is(stream.stream.requestHeaders!.get("x-greeting"), "hello");
  assert.is(stream.stream.requestHeaders!.get("x-count"), "4");
  respond(stream, { ":status": "200", "content-length": "3" });
  assert.is(stream.stream.responseHeaders!.get("x-response"), "seen");
  assert.is(stream.stream.responseHeaders!.get("content-length"), null);
  finish(stream.filter);
  assert.ok(on.env.texts(2).includes("stream over: "));
});

test("bodies", async () => {
  const { filter } = ask(await host("js_http"), "upper", {}, false);
  const body = queueOf("some Text");
  assert.is(filter.onRequestBody!(body, true), 0);
  assert.is(textOf(body), "SOME TEXT");
});

test("an answer", async () => {
  const { stream } = ask(await host("js_http"), "reply");
  assert.is(stream.replies[0]!.status, 418);
  assert.equal(stream.replies[0]!.headers, [["x-why", "\u00e9"]]);
  assert.is(new TextDecoder().decode(stream.replies[0]!.body), "no tea");
});

test("a callout", async () => {
  const on = await host("js_http");
  const { stream, status } = ask(on, "callout");
  assert.is(status, 4);
  on.env.calls[0]!.callbacks.onResponse(HeaderMap.of({ ":status": "204" }), new Uint8Array(0), null);
  assert.is(stream.requestHeaders!.get("x-callout"), "204");
  assert.ok(stream.events.includes("continueRequest"));
});

test("an exception ends the guest", async () => {
  const on = await host("js_http");
  assert.is(ask(on, "trap").stream.replies[0]!.status, 503);
  assert.ok(on.plugin.status().failure !== null);
});

test("a thousand streams keep no memory", async () => {
  const on = await host("js_http");
  for (let i = 0; i < 200; i++) finish(ask(on, "").filter);
  const before = on.plugin.status().memoryBytes;
  for (let i = 0; i < 1000; i++) finish(ask(on, "").filter);
  assert.ok(on.plugin.status().memoryBytes <= before + (1 << 20), `${before} → ${on.plugin.status().memoryBytes}`);
  assert.is(on.plugin.status().streams, 0);
});

test.run();
