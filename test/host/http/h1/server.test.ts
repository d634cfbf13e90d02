// test/host/http/h1/server.test.ts: the server codec's behaviour on a connection.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import { completeErrorHeaders, encodeErrorResponse } from "../../../../host/http/h1/error_response.ts";
import type { LocalReply } from "../../../../host/http/filter.ts";
import { prepareLocalReply } from "../../../../host/http/local_reply.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { CloseType } from "../../../../host/net/filter.ts";
import { bytes, ServerHarness } from "./harness.ts";
import type { RecordedMessage } from "./harness.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

function queue(...chunks: string[]): ByteQueue {
  const data = new ByteQueue();
  for (const chunk of chunks) data.push(bytes(chunk));
  return data;
}

function respond(request: RecordedMessage, entries: Record<string, string>, ...body: string[]): void {
  const encoder = request.encoder!;
  encoder.encodeHeaders(HeaderMap.of(entries), body.length === 0);
  body.forEach((chunk, index) => encoder.encodeData(queue(chunk), index === body.length - 1));
}

test("an upgrade that is ignored is a request without one", () => {
  const asked = (upgrade: string): string | null =>
    new ServerHarness({ ignoresUpgrade: (protocol) => protocol === "a" }).feed(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, x-b\r\nUpgrade: ${upgrade}\r\nX-B: 1\r\n\r\n`,
    ).request.headers!.protocol;
  assert.equal([asked("a"), asked("A"), asked("a, b")], [null, "A", "a, b"]);
});

test("names are lower case, order is kept, pseudo-headers are fields", () => {
  const server = new ServerHarness().feed(
    "GET /x HTTP/1.1\r\nX-B: 1\r\nHOST: a.b\r\nX-A: 2\r\nx-B: 3\r\nAccept: */*\r\n\r\n",
  );
  assert.equal(server.request.headers!.entries(), [
    [":authority", "a.b"],
    [":path", "/x"],
    [":method", "GET"],
    ["x-b", "1"],
    ["x-a", "2"],
    ["x-b", "3"],
    ["accept", "*/*"],
  ]);
  assert.ok(server.request.headers!.isWireSafe);
  assert.is(server.request.headers!.get("host"), "a.b");
});

test("the scheme comes from an absolute target only", () => {
  assert.is(new ServerHarness().feed(GET).request.headers!.scheme, null);
  assert.is(new ServerHarness().feed("GET https://a/ HTTP/1.1\r\n\r\n").request.headers!.scheme, "https");
});

test("an https target is refused where the connection's scheme is the client's", () => {
  const server = new ServerHarness({ rejectHttpsUrl: true });
  assert.is(server.feed("GET HTTPS://a/ HTTP/1.1\r\n\r\n").error?.details, "http1.https_url_on_plaintext_connection");
  assert.is(server.error?.status, 403);
  assert.is(new ServerHarness({ rejectHttpsUrl: true }).feed("GET http://a/ HTTP/1.1\r\n\r\n").error, null);
});

test("an absolute target stays as it is when it is not allowed", () => {
  const server = new ServerHarness({ allowAbsoluteUrl: false }).feed("GET http://c/ HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.is(server.request.headers!.path, "http://c/");
  assert.is(server.request.headers!.authority, "a");
});

test("a body is lent, chunk by chunk, without a copy", () => {
  const server = new ServerHarness();
  server.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab");
  assert.not(server.request.ended);
  assert.is(server.request.body, "ab");
  server.feed("cd", "ef");
  assert.is(server.request.body, "abcdef");
  assert.is(server.request.dataCalls, 3);
  assert.ok(server.request.ended);
});

test("chunks that came together are given together", () => {
  const server = new ServerHarness().feed(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
  );
  assert.is(server.request.body, "abc");
  assert.is(server.request.dataCalls, 1);
  assert.is(server.request.headers!.get("transfer-encoding"), null);
});

test("responses: framing by what is known of the body", () => {
  const cases: [string, Record<string, string>, string[], string][] = [
    [GET, {}, [], "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
    [GET, { "a": "b" }, ["hi"], "HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"],
    [
      GET,
      { "content-length": "2", "a": "b" },
      ["h", "i"],
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\na: b\r\n\r\nhi",
    ],
    [GET, { ":status": "204", "content-length": "2" }, ["hi"], "HTTP/1.1 204 No Content\r\n\r\n"],
    [GET, { ":status": "304", "content-length": "2" }, [], "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n"],
    [GET, { ":status": "304" }, ["hi"], "HTTP/1.1 304 Not Modified\r\n\r\n"],
    [GET, { "content-length": "7" }, [], "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
    [
      "HEAD / HTTP/1.1\r\n\r\n",
      { "content-length": "7" },
      ["ignored"],
      "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n",
    ],
    ["HEAD / HTTP/1.1\r\n\r\n", {}, [], "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"],
    [GET, { ":status": "599" }, [], "HTTP/1.1 599 Last Unassigned Server Error Code\r\ncontent-length: 0\r\n\r\n"],
    [GET, { ":status": "299" }, [], "HTTP/1.1 299 Unknown\r\ncontent-length: 0\r\n\r\n"],
  ];
  for (const [request, entries, body, expected] of cases) {
    const server = new ServerHarness().feed(request);
    respond(server.request, { ":status": "200", ...entries }, ...body);
    assert.is(server.connection.output, expected);
    assert.not(server.codec.closeAfterResponse, expected);
    assert.is(server.connection.corks, 0);
  }
});

test("what filters put beside the framing never gets on the wire", () => {
  const cases: [Record<string, string>, [string, string][], string[], string][] = [
    [{}, [["transfer-encoding", "gzip"]], [], "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
    [
      { "content-length": "2" },
      [["transfer-encoding", "chunked"]],
      ["hi"],
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    ],
    [
      { "content-length": "2" },
      [["content-length", "3"]],
      ["hi"],
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ],
    [
      { "content-length": "two" },
      [],
      ["hi"],
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ],
    [
      {},
      [["keep-alive", "x"], ["proxy-connection", "x"], ["upgrade", "x"], ["connection", "x-a, keep-alive"]],
      [],
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ],
  ];
  for (const [entries, added, body, expected] of cases) {
    const server = new ServerHarness().feed(GET);
    const headers = HeaderMap.of({ ":status": "200", ...entries });
    for (const [name, value] of added) headers.add(name, value);
    server.request.encoder!.encodeHeaders(headers, body.length === 0);
    for (const chunk of body) server.request.encoder!.encodeData(queue(chunk), true);
    assert.is(server.connection.output, expected);
  }
});

test("a header that HTTP/1 cannot carry is dropped and counted", () => {
  const bad: [string, string][] = [
    ["x", "a\r\nset-cookie: b"],
    ["x", "a\nb"],
    ["x", "a\rb"],
    ["x", "a\0b"],
    ["x", "caf\u0113"],
    ["x\r\ny", "a"],
    ["x y", "a"],
    ["x:", "a"],
    ["", "a"],
    ["X-Upper", "a"],
    ["Content-Length", "99"],
    ["\u0113", "a"],
  ];
  for (const [name, value] of bad) {
    for (const method of ["add", "set"] as const) {
      const server = new ServerHarness().feed(GET);
      const headers = HeaderMap.of({ ":status": "200", "good": "1" });
      if (name === "") headers.append(name, value, 0);
      else headers[method](name, value);
      if (name === "") continue;
      assert.not(headers.isWireSafe);
      assert.not(headers.clone().isWireSafe);
      server.request.encoder!.encodeHeaders(headers, true);
      assert.is(server.connection.output, "HTTP/1.1 200 OK\r\ngood: 1\r\ncontent-length: 0\r\n\r\n");
      assert.is(server.codec.droppedHeaders, 1);
    }
  }
});

test("a body that does not fit its content-length ends the connection", () => {
  const long = new ServerHarness().feed(GET);
  respond(long.request, { ":status": "200", "content-length": "2" }, "hi!");
  assert.is(long.connection.output, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
  assert.ok(long.codec.closeAfterResponse);

  const short = new ServerHarness().feed(GET);
  respond(short.request, { ":status": "200", "content-length": "5" }, "h", "i");
  assert.ok(short.codec.closeAfterResponse);
  short.feed(GET);
  assert.is(short.requests.length, 1);
});

test("trailers: sent when enabled, without those that may not be trailers", () => {
  for (const enableTrailers of [true, false]) {
    const server = new ServerHarness({ enableTrailers }).feed(GET);
    const encoder = server.request.encoder!;
    encoder.encodeHeaders(HeaderMap.of({ ":status": "200" }), false);
    encoder.encodeData(queue("a"), false);
    const trailers = HeaderMap.of({ "x-t": "1", "content-length": "5", "connection": "close", "bad": "a\r\nb" });
    encoder.encodeTrailers(trailers);
    const end = enableTrailers ? "0\r\nx-t: 1\r\n\r\n" : "0\r\n\r\n";
    assert.is(server.connection.output, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n" + end);
  }
});

test("informational responses", () => {
  const server = new ServerHarness().feed(
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
  );
  const { encoder, headers } = server.request;
  assert.is(headers!.get("expect"), "100-continue");
  encoder!.encode1xxHeaders(HeaderMap.of({ ":status": "100" }));
  encoder!.encode1xxHeaders(HeaderMap.of({ ":status": "103", "link": "x", "content-length": "3" }));
  encoder!.encode1xxHeaders(HeaderMap.of({ ":status": "101" }));
  encoder!.encode1xxHeaders(HeaderMap.of({ ":status": "200" }));
  assert.is(server.connection.take(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Unknown\r\nlink: x\r\n\r\n");
  server.feed("hi");
  respond(server.request, { ":status": "200" });
  encoder!.encode1xxHeaders(HeaderMap.of({ ":status": "100" }));
  assert.is(server.connection.output, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
});

test("a 101 that nobody asked for becomes a 502", () => {
  const server = new ServerHarness().feed(GET);
  respond(server.request, { ":status": "101", "upgrade": "x", "connection": "upgrade" });
  assert.is(server.connection.output, "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
});

test("pipelining: one request at a time, reading stops while input is held", () => {
  const server = new ServerHarness().feed(GET + "GET /2 HTTP/1.1\r\n\r\n" + "GET /3 HTTP/1.1\r\n\r\n");
  assert.is(server.requests.length, 1);
  assert.ok(server.codec.hasBufferedInput);
  assert.is(server.connection.readDisables, 1);
  server.feed("GET /4 HTTP/1.1\r\n\r\n");
  assert.is(server.requests.length, 1);
  for (let i = 1; i <= 4; i++) {
    assert.is(server.requests.length, i);
    respond(server.request, { ":status": "200" });
    assert.is(server.codec.resumeInput(), null);
  }
  assert.equal(server.requests.map((request) => request.headers!.path), ["/", "/2", "/3", "/4"]);
  assert.not(server.codec.hasBufferedInput);
  assert.is(server.connection.readDisables, 0);
});

test("pipelining: requests that are answered at once are served in one go, however many", () => {
  const server = new ServerHarness().answering().feed(GET.repeat(5000));
  assert.is(server.requests.length, 5000);
  assert.is(server.connection.output, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".repeat(5000));
});

test("pipelining: an error behind a request is told after its response", () => {
  const server = new ServerHarness().feed(GET + "FOO / HTTP/1.1\r\n\r\n");
  assert.is(server.error, null);
  respond(server.request, { ":status": "200" });
  assert.is(server.codec.resumeInput()?.details, "http1.codec_error");
  assert.is(server.requests.length, 1);
  assert.not(server.codec.hasBufferedInput);
});

test("resuming from within the end of a response does not recurse", () => {
  const server = new ServerHarness();
  let depth = 0;
  let deepest = 0;
  server.onRequest = (request) => {
    deepest = Math.max(deepest, ++depth);
    respond(request, { ":status": "200" });
    server.codec.resumeInput();
    depth--;
  };
  server.feed(GET.repeat(100));
  assert.is(server.requests.length, 100);
  assert.is(deepest, 1);
});

test("keep-alive is decided by both sides", () => {
  const cases: [string, Record<string, string>, boolean, string | null][] = [
    [GET, {}, false, null],
    ["GET / HTTP/1.1\r\nConnection: close\r\n\r\n", {}, true, "close"],
    ["GET / HTTP/1.1\r\nConnection: Keep-Alive, Close\r\n\r\n", {}, true, "close"],
    ["GET / HTTP/1.1\r\nProxy-Connection: close\r\n\r\n", {}, true, "close"],
    [GET, { "connection": "close" }, true, "close"],
    [GET, { "connection": "x, CLOSE" }, true, "close"],
    ["GET / HTTP/1.0\r\n\r\n", {}, true, "close"],
    ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {}, false, "keep-alive"],
  ];
  for (const [request, entries, close, connection] of cases) {
    const server = new ServerHarness({ acceptHttp10: true }).feed(request);
    respond(server.request, { ":status": "200", ...entries });
    assert.is(server.codec.closeAfterResponse, close, request);
    assert.is(/\r\nconnection: (.*)\r\n/.exec(server.connection.output)?.[1] ?? null, connection, request);
    server.feed(GET);
    assert.is(server.requests.length, close ? 1 : 2);
  }
});

test("HTTP/1.0: its own status line, a body up to the end, the default host", () => {
  const server = new ServerHarness({ acceptHttp10: true, defaultHostForHttp10: "dflt" }).feed(
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
  );
  assert.is(server.codec.protocol, "HTTP/1.0");
  assert.is(server.request.headers!.authority, "dflt");
  server.request.encoder!.encode1xxHeaders(HeaderMap.of({ ":status": "103" }));
  respond(server.request, { ":status": "200" }, "a", "b");
  assert.is(server.connection.output, "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nab");
  assert.ok(server.codec.closeAfterResponse);
});

test("shutdownNotice closes after the next response", () => {
  const server = new ServerHarness().feed(GET);
  server.codec.shutdownNotice();
  respond(server.request, { ":status": "200" });
  assert.is(server.connection.output, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  server.feed(GET);
  assert.is(server.requests.length, 1);
});

test("a response before the request ended closes", () => {
  const server = new ServerHarness().feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  respond(server.request, { ":status": "413" });
  assert.is(
    server.connection.output,
    "HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
  );
  assert.ok(server.codec.closeAfterResponse);
  server.feed("defghijGET / HTTP/1.1\r\n\r\n");
  assert.is(server.requests.length, 1);
  assert.is(server.request.body, "abc");
});

test("an upgrade: early bytes wait for the 101, then bytes pass both ways", async () => {
  const server = new ServerHarness().feed(
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\nearly",
  );
  const request = server.request;
  assert.is(request.headers!.protocol, "WebSocket");
  assert.is(request.headers!.get("upgrade"), "WebSocket");
  assert.is(request.headers!.get("connection"), "keep-alive, Upgrade");
  assert.not(request.ended);
  assert.is(request.body, "");
  assert.is(server.connection.readDisables, 1);
  const headers = HeaderMap.of({ ":status": "101", "upgrade": "websocket", "connection": "upgrade", "x": "y" });
  request.encoder!.encodeHeaders(headers, false);
  assert.is(
    server.connection.take(),
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nx: y\r\n\r\n",
  );
  assert.is(request.body, "");
  await Promise.resolve();
  assert.is(request.body, "early");
  assert.is(server.connection.readDisables, 0);
  server.feed("GET / HTTP/1.1\r\n\r\n");
  assert.is(request.body, "earlyGET / HTTP/1.1\r\n\r\n");
  request.encoder!.encodeData(queue("raw ", "bytes"), false);
  assert.is(server.connection.take(), "raw bytes");
  assert.is(server.codec.onEndOfInput(), null);
  assert.ok(request.ended);
  request.encoder!.encodeData(queue("last"), true);
  assert.is(server.connection.take(), "last");
  assert.ok(server.codec.closeAfterResponse);
});

test("an upgrade that is declined closes: what follows may not be a request", () => {
  const server = new ServerHarness().feed(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
  );
  respond(server.request, { ":status": "200" });
  assert.ok(server.codec.closeAfterResponse);
  assert.match(server.connection.output, /connection: close/);
  assert.is(server.codec.resumeInput(), null);
  assert.is(server.requests.length, 1);
  assert.is(server.request.body, "");
});

test("CONNECT: bytes wait for the 2xx", async () => {
  const server = new ServerHarness().feed("CONNECT a.b:443 HTTP/1.1\r\nHost: other\r\nContent-Length: 0\r\n\r\nhello");
  const request = server.request;
  assert.equal(request.headers!.entries(), [[":authority", "a.b:443"], [":method", "CONNECT"]]);
  request.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200", "content-length": "3" }), false);
  assert.is(server.connection.take(), "HTTP/1.1 200 OK\r\n\r\n");
  await Promise.resolve();
  assert.is(request.body, "hello");
  server.feed(" world");
  assert.is(request.body, "hello world");
});

test("CONNECT that is refused closes", () => {
  const server = new ServerHarness().feed("CONNECT a.b:443 HTTP/1.1\r\n\r\nhello");
  respond(server.request, { ":status": "403" });
  assert.is(server.connection.output, "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  assert.is(server.request.body, "");
});

test("a reset closes the connection, hard where a cut would look whole", () => {
  const framed = new ServerHarness().feed(GET);
  framed.request.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200" }), false);
  framed.request.encoder!.resetStream(StreamResetReason.LocalReset);
  assert.is(framed.connection.closed, CloseType.FlushWrite);
  assert.is(framed.request.reset, null);
  framed.request.encoder!.encodeData(queue("late"), true);
  assert.not.match(framed.connection.output, /late/);

  const untilClose = new ServerHarness({ acceptHttp10: true }).feed("GET / HTTP/1.0\r\n\r\n");
  untilClose.request.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200" }), false);
  untilClose.request.encoder!.resetStream(StreamResetReason.LocalReset);
  assert.is(untilClose.connection.closed, CloseType.AbortReset);
});

test("a reset from within a callback stops the parser", () => {
  const server = new ServerHarness();
  server.onRequestHead = (request) => request.encoder!.resetStream(StreamResetReason.LocalReset);
  server.feed("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + GET);
  assert.is(server.requests.length, 1);
  assert.is(server.request.body, "");
  assert.is(server.error, null);
});

test("readDisable pauses the connection; what is left over is undone at the end", () => {
  const server = new ServerHarness().feed("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
  const encoder = server.request.encoder!;
  encoder.readDisable(true);
  encoder.readDisable(true);
  assert.is(server.connection.readDisables, 2);
  encoder.readDisable(false);
  encoder.readDisable(false);
  encoder.readDisable(false);
  assert.is(server.connection.readDisables, 0);
  encoder.readDisable(true);
  server.feed("abc");
  respond(server.request, { ":status": "200" });
  assert.is(server.connection.readDisables, 0);
  encoder.readDisable(true);
  assert.is(server.connection.readDisables, 0);
});

test("watermarks reach the stream, one low for each high", () => {
  const server = new ServerHarness();
  server.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  server.feed(GET);
  const first = server.request;
  assert.is(first.highs, 1);
  server.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  assert.is(first.highs, 1);
  server.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  server.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  assert.is(first.lows, 1);
  respond(first, { ":status": "200" });
  server.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  server.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  assert.is(first.highs, 1);
});

test("the end of the input", () => {
  assert.is(new ServerHarness().codec.onEndOfInput(), null);
  assert.is(new ServerHarness().feed(GET).codec.onEndOfInput(), null);
  const head = new ServerHarness().feed("GET / HT").codec.onEndOfInput();
  assert.is(head?.status, 0);
  const body = new ServerHarness().feed("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na");
  assert.is(body.codec.onEndOfInput()?.status, 0);
  assert.not(body.request.ended);
  // Requests that are held are still served.
  const held = new ServerHarness().feed(GET + GET);
  assert.is(held.codec.onEndOfInput(), null);
  respond(held.request, { ":status": "200" });
  held.codec.resumeInput();
  assert.is(held.requests.length, 2);
});

function encodeError(error: LocalReply): string {
  const reply = prepareLocalReply(error, false, false);
  completeErrorHeaders(reply.headers);
  return encodeErrorResponse(reply, null);
}

test("an error takes no more input, and is answered as Envoy does", () => {
  const server = new ServerHarness().feed("FOO / HTTP/1.1\r\n\r\n");
  assert.is(
    encodeError(server.error!),
    "HTTP/1.1 400 Bad Request\r\ncontent-length: 11\r\ncontent-type: text/plain\r\n" +
      "connection: close\r\n\r\nBad Request",
  );
  assert.is(server.codec.dispatch(bytes(GET)), null);
  assert.is(server.requests.length, 0);
  const empty = { status: 400, body: "", details: "x", message: "" };
  assert.is(
    encodeError(empty),
    "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
  );
});

test("an error in a body comes after the bytes before it, and never with an end", () => {
  const server = new ServerHarness().feed(
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nz\r\n",
  );
  assert.is(server.request.body, "abc");
  assert.not(server.request.ended);
  assert.is(server.error!.details, "http1.codec_error");
});

test("encoder calls out of order are without effect", () => {
  const server = new ServerHarness().feed(GET);
  const encoder = server.request.encoder!;
  const data = queue("a");
  encoder.encodeData(data, true);
  assert.is(data.length, 0);
  encoder.encodeTrailers(new HeaderMap());
  assert.is(server.connection.output, "");
  respond(server.request, { ":status": "200" });
  encoder.encodeHeaders(HeaderMap.of({ ":status": "500" }), true);
  encoder.encodeData(queue("b"), true);
  encoder.encodeTrailers(new HeaderMap());
  encoder.resetStream(StreamResetReason.LocalReset);
  assert.is(server.connection.output, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  assert.is(server.connection.closed, null);
});

test("between messages: before a request, and when the body of one is whole", () => {
  const server = new ServerHarness();
  assert.ok(server.codec.betweenMessages);
  server.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  assert.not(server.codec.betweenMessages);
  server.feed("cd");
  assert.ok(server.codec.betweenMessages);
});

test.run();
