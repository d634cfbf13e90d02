// test/conformance/component/http.test.ts: headers, bodies, trailers and answers of a component (Rust).
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { FakeEnvironment, queueOf, textOf } from "../../host/wasm/guest.ts";
import { ask, entries, finish, host, respond } from "./component.ts";

const CONTINUE = 0;
const STOP_ALL = 4;

test("request and response headers: additions go behind, removals take effect", async () => {
  const stream = ask(await host("rust_http"), "");
  assert.is(stream.status, CONTINUE);
  assert.equal(entries(stream.stream.requestHeaders!), [
    ":authority: a.test",
    ":path: /p",
    ":method: GET",
    "x-request: seen",
  ]);
  assert.is(respond(stream, { ":status": "201", "content-length": "5", "x-b": "1" }), CONTINUE);
  assert.equal(entries(stream.stream.responseHeaders!), [":status: 201", "x-b: 1", "x-response: 201"]);
});

test("edits: one value in place of several, one more, none, and pseudo-headers", async () => {
  const { stream, filter } = (await host("rust_http")).stream();
  stream.requestHeaders = HeaderMap.of([
    [":path", "/p"],
    ["x-test", "edit"],
    ["x-a", "1"],
    ["x-a", "2"],
    ["x-b", "3"],
    ["x-b", "4"],
  ]);
  filter.onRequestHeaders!(stream.requestHeaders, true);
  assert.equal(entries(stream.requestHeaders), [":path: /changed", "x-test: edit", "x-a: new", "x-a: second"]);
  assert.equal(stream.events, ["clearRouteCache"], "the route is looked up anew");
});

test("a guest sees every header in order, with bytes above 0x7f as characters", async () => {
  const { stream } = ask(await host("rust_http"), "echo", { "x-v": "caf\u00e9", "x-empty": "" });
  const body = new TextDecoder().decode(stream.replies[0]!.body);
  assert.is(body, ":authority=a.test\n:path=/p\n:method=GET\nx-v=caf\u00e9\nx-empty=\nx-test=echo\n");
});

test("values go out as bytes where characters fit, otherwise as UTF-8", async () => {
  const { stream } = ask(await host("rust_http"), "unicode");
  assert.is(stream.requestHeaders!.get("x-latin"), "caf\u00e9");
  assert.is(stream.requestHeaders!.get("x-snow"), "\u00e2\u0098\u0083");
});

test("names that are none are left out and said so; line breaks in values become spaces", async () => {
  const on = await host("rust_http");
  const { stream } = ask(on, "bad name");
  assert.is(stream.requestHeaders!.get("x y"), null);
  assert.is(stream.requestHeaders!.get("x-good"), "a  b");
  assert.ok(on.env.texts(3).some((text) => text.includes('"x y" is no header name')), on.env.texts(3).join());
});

test("the end of the message is told", async () => {
  const on = await host("rust_http");
  assert.is(ask(on, "end").stream.requestHeaders!.get("x-end"), "yes");
  assert.is(ask(on, "end", {}, false).stream.requestHeaders!.get("x-end"), "no");
});

test("an answer: status, headers, body, details, gRPC status", async () => {
  const on = await host("rust_http");
  const { stream, status } = ask(on, "reply");
  assert.is(status, STOP_ALL);
  assert.is(stream.replies.length, 1);
  const [reply] = stream.replies;
  assert.is(reply!.status, 418);
  assert.equal(reply!.headers, [["x-why", "\u00e9"]]);
  assert.is(new TextDecoder().decode(reply!.body), "no tea");
  assert.is(reply!.details, "a_teapot");
  assert.is(reply!.grpcStatus, undefined);
  assert.is(ask(on, "grpc").stream.replies[0]!.grpcStatus, 7);
  const response = ask(on, "response reply");
  assert.is(respond(response), STOP_ALL);
  assert.is(response.stream.replies[0]!.status, 502);
});

test("a pause holds the stream until somebody lets it go on, with edits", async () => {
  const on = await host("rust_http", "tick");
  const { stream, status } = ask(on, "tick");
  assert.is(status, STOP_ALL);
  assert.equal(stream.events, []);
  on.env.clock.advance(100);
  assert.equal(stream.events, ["clearRouteCache", "continueRequest"]);
  assert.is(stream.requestHeaders!.get("x-resumed"), "by tick");
  assert.is(ask(on, "pause").status, STOP_ALL);
});

test("going on from within the callback makes a pause none", async () => {
  const { status, stream } = ask(await host("rust_http"), "resume now");
  assert.is(status, CONTINUE);
  assert.equal(stream.events, []);
});

test("a stream that ended meanwhile is not let go on", async () => {
  const on = await host("rust_http", "tick");
  const { stream, filter } = ask(on, "tick");
  finish(filter);
  on.env.clock.advance(100);
  assert.equal(stream.events, []);
});

test("reset and respond by control", async () => {
  const on = await host("rust_http");
  assert.equal(ask(on, "reset").stream.events, ["reset wasm_close_stream"]);
  const { stream } = ask(on, "respond");
  assert.is(stream.replies[0]!.status, 429);
  assert.ok(on.env.texts(2).includes("responded true false"), "there is no stream of the other id");
});

test("a body chunk: as it is, replaced, emptied", async () => {
  const on = await host("rust_http");
  const body = queueOf("some Text");
  assert.is(ask(on, "", {}, false).filter.onRequestBody!(body, false), CONTINUE);
  assert.is(textOf(body), "some Text");
  assert.is(ask(on, "upper", {}, false).filter.onRequestBody!(body, false), CONTINUE);
  assert.is(textOf(body), "SOME TEXT");
  assert.is(ask(on, "empty", {}, false).filter.onRequestBody!(body, true), CONTINUE);
  assert.is(body.length, 0);
});

test("a body of many pieces and 300 KiB", async () => {
  const body = queueOf("");
  for (let i = 0; i < 300; i++) body.push(new Uint8Array(1024).fill(0x61 + i % 26));
  const { filter } = ask(await host("rust_http"), "upper", {}, false);
  assert.is(filter.onRequestBody!(body, true), CONTINUE);
  const text = textOf(body);
  assert.is(text.length, 300 * 1024);
  assert.is(text.slice(1023, 1025), "AB");
});

test("a buffered body is seen whole", async () => {
  const { filter } = ask(await host("rust_http"), "buffer", {}, false);
  const body = queueOf("first ");
  assert.is(filter.onRequestBody!(body, false), 1);
  body.push(new TextEncoder().encode("second"));
  assert.is(filter.onRequestBody!(body, true), CONTINUE);
  assert.is(textOf(body), "12 bytes");
});

test("a held body is that with back pressure", async () => {
  const { filter } = ask(await host("rust_http"), "hold", {}, false);
  assert.is(filter.onRequestBody!(queueOf("x"), false), 2);
});

test("a response body is replaced", async () => {
  const stream = ask(await host("rust_http"), "upper");
  respond(stream, { ":status": "200" }, false);
  const body = queueOf("abc");
  assert.is(stream.filter.onResponseBody!(body, true), CONTINUE);
  assert.is(textOf(body), "ABC");
});

test("an answer from a body callback", async () => {
  const { stream, filter } = ask(await host("rust_http"), "body reply", {}, false);
  assert.is(filter.onRequestBody!(queueOf("x"), false), 3);
  assert.is(stream.replies[0]!.status, 413);
});

test("trailers", async () => {
  const on = await host("rust_http");
  const { stream, filter } = ask(on, "trailers", {}, false);
  stream.requestTrailers = HeaderMap.of({ "x-t": "1", "x-u": "2" });
  assert.is(filter.onRequestTrailers!(stream.requestTrailers), CONTINUE);
  assert.is(stream.requestTrailers.get("x-trailers"), "2");
  const refused = ask(on, "trailers reply", {}, false);
  assert.is(refused.filter.onRequestTrailers!(HeaderMap.of({ "x-t": "1" })), 1);
  assert.is(refused.stream.replies[0]!.status, 400);
});

test("callbacks that a filter has no interest in cost nothing", async () => {
  const { filter } = ask(await host("rust_http", "headers only"), "");
  assert.is(filter.onRequestBody, undefined);
  assert.is(filter.onResponseHeaders, undefined);
  assert.is(filter.onLog, undefined);
});

test("the end of a stream: on-log, then the guest's object is dropped", async () => {
  const on = await host("rust_http");
  const first = ask(on, "live");
  assert.is(first.stream.requestHeaders!.get("x-live"), "1");
  finish(first.filter);
  assert.ok(on.env.texts(2).includes("stream over: live"));
  for (let i = 0; i < 1000; i++) finish(ask(on, "").filter);
  assert.is(ask(on, "live").stream.requestHeaders!.get("x-live"), "1");
  assert.is(on.plugin.root.vm.contexts.size, 2, "the plugin's own and one stream's");
});

test("a configuration that is refused, with the reason", async () => {
  const env = new FakeEnvironment();
  let message = "";
  try {
    await host("rust_http", "refuse", {}, env);
  } catch (error) {
    message = (error as Error).message;
  }
  assert.match(message, /Unable to create Wasm plugin test/);
  assert.equal(env.happened, ["created", "destroyed"]);
});

test.run();
