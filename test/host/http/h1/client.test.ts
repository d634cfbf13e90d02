// test/host/http/h1/client.test.ts: the client codec's behaviour on a connection.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { CloseType } from "../../../../host/net/filter.ts";
import { bytes, ClientHarness, RecordedMessage } from "./harness.ts";

function queue(...chunks: string[]): ByteQueue {
  const data = new ByteQueue();
  for (const chunk of chunks) data.push(bytes(chunk));
  return data;
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

test("requests: framing by method and what is known of the body", () => {
  const cases: [Record<string, string>, string[], string][] = [
    [{}, [], "GET / HTTP/1.1\r\nhost: a.b\r\n\r\n"],
    [{ "x": "y" }, [], "GET / HTTP/1.1\r\nhost: a.b\r\nx: y\r\n\r\n"],
    [{ ":method": "POST" }, [], "POST / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 0\r\n\r\n"],
    [{ ":method": "PROPFIND" }, [], "PROPFIND / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 0\r\n\r\n"],
    [{ ":method": "DELETE" }, [], "DELETE / HTTP/1.1\r\nhost: a.b\r\n\r\n"],
    [{ "content-length": "0" }, [], "GET / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 0\r\n\r\n"],
    // A length without a body would make the upstream wait for the next request's bytes.
    [{ ":method": "POST", "content-length": "5" }, [], "POST / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 0\r\n\r\n"],
    [
      { ":method": "POST", "content-length": "5" },
      ["he", "llo"],
      "POST / HTTP/1.1\r\nhost: a.b\r\ncontent-length: 5\r\n\r\nhello",
    ],
    [
      { ":method": "POST" },
      ["he", "llo"],
      "POST / HTTP/1.1\r\nhost: a.b\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ],
    [{}, ["x"], "GET / HTTP/1.1\r\nhost: a.b\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"],
    [
      {
        "host": "evil",
        "te": "trailers",
        "keep-alive": "x",
        "transfer-encoding": "x",
        "upgrade": "x",
        "connection": "y",
      },
      [],
      "GET / HTTP/1.1\r\nhost: a.b\r\nte: trailers\r\n\r\n",
    ],
  ];
  for (const [entries, body, expected] of cases) {
    const client = new ClientHarness();
    // `host` must come before the method, or it would be the authority.
    const headers = new HeaderMap();
    if (entries["host"] !== undefined) headers.add("host", entries["host"]);
    headers.add(":authority", "a.b");
    headers.add(":path", "/");
    headers.add(":method", "GET");
    for (const [name, value] of Object.entries(entries)) if (name !== "host") headers.add(name, value);
    const encoder = client.codec.newStream(new RecordedMessage());
    assert.is(encoder.encodeHeaders(headers, body.length === 0), null);
    body.forEach((chunk, index) => encoder.encodeData(queue(chunk), index === body.length - 1));
    assert.is(client.connection.output, expected);
    assert.is(client.connection.corks, 0);
  }
});

test("an empty last data call ends a chunked request", () => {
  const client = new ClientHarness();
  client.send({ ":method": "POST" }, false);
  client.encoder!.encodeData(queue("ab", "c"), false);
  client.encoder!.encodeData(queue(), false);
  client.encoder!.encodeData(queue(), true);
  assert.match(client.connection.output, /\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
});

test("what cannot be sent is refused with a reason, and nothing is sent", () => {
  const cases: [Record<string, string>, string][] = [
    [{ ":path": "/", ":authority": "a" }, "missing required header: :method"],
    [{ ":method": "GET", ":authority": "a" }, "missing required header: :path"],
    [{ ":method": "CONNECT" }, "missing required header: :authority"],
    [{ ":method": "G T", ":path": "/" }, ":method is no token"],
    [{ ":method": "GET\r\nX: y", ":path": "/" }, ":method is no token"],
    [{ ":method": "GET", ":path": "/ HTTP/1.1\r\nx: y" }, ":path has a character that is not allowed in it"],
    [{ ":method": "GET", ":path": "/\u0113" }, ":path has a character that is not allowed in it"],
    [{ ":method": "GET", ":path": "/\xff" }, ":path has a character that is not allowed in it"],
    [
      { ":method": "GET", ":path": "/", ":authority": "a\r\nb: c" },
      ":authority has a character that is not allowed in it",
    ],
    [
      { ":method": "GET", ":path": "/", ":protocol": "x\r\ny" },
      ":protocol has a character that is not allowed in it",
    ],
  ];
  for (const [entries, reason] of cases) {
    const client = new ClientHarness();
    const encoder = client.codec.newStream(new RecordedMessage());
    assert.is(encoder.encodeHeaders(HeaderMap.of(entries), true), reason);
    assert.is(client.connection.output, "");
  }
});

test("fully qualified URLs for forward proxies", () => {
  const client = new ClientHarness({ sendFullyQualifiedUrl: true });
  client.send({ ":scheme": "https", ":path": "/x" });
  assert.is(client.connection.output, "GET https://a.b/x HTTP/1.1\r\nhost: a.b\r\n\r\n");
});

test("a header that HTTP/1 cannot carry is dropped and counted", () => {
  const client = new ClientHarness();
  client.send({ "bad": "a\r\nGET /smuggled HTTP/1.1\r\n\r\n", "good": "1" });
  assert.is(client.connection.output, "GET / HTTP/1.1\r\nhost: a.b\r\ngood: 1\r\n\r\n");
  assert.is(client.codec.droppedHeaders, 1);
});

test("a body that does not fit its content-length resets: the upstream never sees a whole one", () => {
  for (const body of [["hello!"], ["he"], ["he", "llo!"]]) {
    const client = new ClientHarness();
    const message = client.send({ ":method": "POST", "content-length": "5" }, false);
    body.forEach((chunk, index) => client.encoder!.encodeData(queue(chunk), index === body.length - 1));
    assert.is(message.reset, StreamResetReason.ProtocolError);
    assert.match(message.resetDetails, /content_length/);
    assert.is(client.connection.closed, CloseType.NoFlush);
    assert.not(client.codec.reusable);
    assert.not.match(client.connection.output, /!/);
  }
});

test("a response, and the connection is free again", () => {
  const client = new ClientHarness();
  for (let i = 0; i < 3; i++) {
    const message = client.send();
    assert.is(client.codec.activeStreams, 1);
    client.feed("HTTP/1.1 200 Fine\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok");
    assert.equal(message.headers!.entries(), [[":status", "200"], ["x-a", "1"], ["content-length", "2"]]);
    assert.is(message.body, "ok");
    assert.is(client.streamsClosed, i + 1);
    assert.is(client.codec.activeStreams, 0);
    assert.ok(client.codec.reusable);
  }
});

test("filters see connection and transfer-encoding of the upstream", () => {
  const client = new ClientHarness();
  const message = client.send();
  client.feed(
    "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nUpgrade: x\r\nKeep-Alive: y\r\nHost: z\r\n\r\n0\r\n\r\n",
  );
  assert.equal(message.headers!.entries(), [
    [":status", "200"],
    ["connection", "close"],
    ["transfer-encoding", "chunked"],
    ["upgrade", "x"],
    ["host", "z"],
  ]);
});

test("reuse is decided by both messages", () => {
  const cases: [Record<string, string>, string, boolean][] = [
    [{}, OK, true],
    [{}, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false],
    [{}, "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n", false],
    [{}, "HTTP/1.1 200 OK\r\nProxy-Connection: close\r\nContent-Length: 0\r\n\r\n", false],
    [{}, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false],
    [{}, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", true],
    [{}, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false],
    [{ "connection": "close" }, OK, false],
    [{ ":method": "HEAD" }, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true],
    [{ ":method": "HEAD" }, "HTTP/1.1 200 OK\r\n\r\n", true],
    [{ ":method": "HEAD" }, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true],
    [{}, "HTTP/1.1 204 No Content\r\n\r\n", true],
    [{}, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", true],
    [{}, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", true],
  ];
  for (const [entries, response, reusable] of cases) {
    const client = new ClientHarness();
    const message = client.send(entries);
    client.feed(response);
    assert.is(client.error, null, response);
    assert.ok(message.ended, response);
    assert.is(client.codec.reusable, reusable, response);
    assert.is(client.streamsClosed, 1);
  }
});

test("bytes behind a response are an error after it", () => {
  const responses = [
    OK + "x",
    OK + OK,
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
    "HTTP/1.1 204 No Content\r\n\r\nbody",
  ];
  for (const response of responses) {
    const client = new ClientHarness();
    const message = client.send();
    client.feed(response);
    assert.is(client.error?.details, "http1.codec_error", response);
    assert.ok(message.ended, response);
    assert.is(message.reset, null, response);
    assert.not(client.codec.reusable, response);
    assert.is(client.streamsClosed, 1);
  }
});

test("bytes that no request asked for are an error, and nobody's response", () => {
  const client = new ClientHarness();
  client.send();
  client.feed(OK);
  client.feed(OK);
  assert.is(client.error!.details, "http1.codec_error");
  assert.is(client.error!.status, 0);
  assert.not(client.codec.reusable);

  const early = new ClientHarness();
  const message = new RecordedMessage();
  early.codec.newStream(message);
  early.feed(OK);
  assert.is(message.reset, StreamResetReason.ProtocolError);
  assert.is(message.headers, null);
});

test("a response before the request ended is given, but the connection is not used again", () => {
  const client = new ClientHarness();
  const message = client.send({ ":method": "POST" }, false);
  client.encoder!.encodeData(queue("a"), false);
  client.feed("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
  assert.ok(message.ended);
  assert.not(client.codec.reusable);
  client.connection.take();
  client.encoder!.encodeData(queue("b"), true);
  assert.is(client.connection.output, "");
});

test("informational responses: passed on up to a number, read up to another", () => {
  const client = new ClientHarness({ maxInformationalResponses: 3 });
  const message = client.send();
  client.feed("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(500) + OK);
  assert.is(message.informational.length, 3);
  assert.is(message.informational[0]!.get("link"), "x");
  assert.is(message.headers!.status, 200);

  const endless = new ClientHarness();
  const victim = endless.send();
  endless.feed("HTTP/1.1 102 Processing\r\n\r\n".repeat(10_001));
  assert.is(victim.reset, StreamResetReason.ProtocolError);
  assert.is(victim.informational.length, 100);
});

test("an unasked 101, and one without upgrade, are errors", () => {
  const unasked = new ClientHarness();
  const message = unasked.send();
  unasked.feed("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw");
  assert.is(message.headers, null);
  assert.is(message.reset, StreamResetReason.ProtocolError);

  const without = new ClientHarness();
  const asked = without.send({ ":protocol": "x" }, false);
  without.feed("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  assert.is(asked.reset, StreamResetReason.ProtocolError);
});

test("an upgrade: bytes wait for the 101 and pass afterwards", () => {
  const client = new ClientHarness();
  const message = client.send({ ":protocol": "websocket", "content-length": "7" }, false);
  assert.is(
    client.connection.take(),
    "GET / HTTP/1.1\r\nhost: a.b\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  );
  client.encoder!.encodeData(queue("early"), false);
  assert.is(client.connection.output, "");
  assert.is(message.highs, 1);
  client.feed("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nfirst");
  assert.is(message.headers!.status, 101);
  assert.is(message.lows, 1);
  assert.is(message.body, "first");
  assert.is(client.connection.take(), "early");
  client.feed("HTTP/1.1 200 OK\r\n\r\n");
  assert.is(message.body, "firstHTTP/1.1 200 OK\r\n\r\n");
  client.encoder!.encodeData(queue("last"), true);
  assert.is(client.connection.take(), "last");
  assert.ok(client.connection.ended);
  assert.not(client.codec.reusable);
  client.codec.onConnectionClosed(StreamResetReason.ConnectionTermination, "");
  assert.ok(message.ended);
});

test("an upgrade keeps the headers of the request as they are", () => {
  const client = new ClientHarness();
  client.send({ ":protocol": "WebSocket", "connection": "keep-alive, Upgrade", "upgrade": "WebSocket" }, false);
  assert.is(
    client.connection.output,
    "GET / HTTP/1.1\r\nhost: a.b\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\r\n",
  );
});

test("an extended CONNECT becomes an upgrade", () => {
  const client = new ClientHarness();
  client.send({ ":method": "CONNECT", ":protocol": "websocket" }, false);
  assert.is(
    client.connection.output,
    "GET / HTTP/1.1\r\nhost: a.b\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  );
});

test("an upgrade that is declined: an ordinary response, early bytes forgotten, no reuse", () => {
  const client = new ClientHarness();
  const message = client.send({ ":protocol": "x" }, false);
  client.encoder!.encodeData(queue("GET /smuggled HTTP/1.1\r\n\r\n"), false);
  client.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
  assert.is(message.body, "no");
  assert.ok(message.ended);
  assert.not(client.codec.reusable);
  assert.not.match(client.connection.output, /smuggled/);
});

test("CONNECT", () => {
  const client = new ClientHarness();
  const message = client.send({ ":method": "CONNECT", ":authority": "a.b:443" }, false);
  assert.is(client.connection.take(), "CONNECT a.b:443 HTTP/1.1\r\nhost: a.b:443\r\n\r\n");
  client.encoder!.encodeData(queue("early"), false);
  client.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nraw");
  assert.is(client.connection.take(), "early");
  assert.is(message.body, "raw");
  assert.is(message.headers!.get("content-length"), null);
  assert.not(message.ended);
});

test("the end of the connection", () => {
  const reason = StreamResetReason.ConnectionTermination;
  const cases: [string, boolean, StreamResetReason | null][] = [
    ["", false, StreamResetReason.ConnectionTermination],
    ["HTTP/1.1 200 O", false, StreamResetReason.ProtocolError],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", false, StreamResetReason.ProtocolError],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", false, StreamResetReason.ProtocolError],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", false, StreamResetReason.ProtocolError],
    ["HTTP/1.1 200 OK\r\n\r\nab", true, null],
    ["HTTP/1.1 200 OK\r\n\r\n", true, null],
    ["HTTP/1.1 103 x\r\n\r\n", false, StreamResetReason.ConnectionTermination],
  ];
  for (const [input, ended, reset] of cases) {
    const client = new ClientHarness();
    const message = client.send();
    client.feed(input);
    client.codec.onConnectionClosed(reason, "");
    assert.is(message.ended, ended, input);
    assert.is(message.reset, reset, input);
    assert.not(client.codec.reusable);
    client.codec.onConnectionClosed(reason, "");
  }
});

test("a connection that is reset does not end a body", () => {
  const client = new ClientHarness();
  const message = client.send();
  client.feed("HTTP/1.1 200 OK\r\n\r\nab");
  client.codec.onConnectionClosed(StreamResetReason.RemoteReset, "reset");
  assert.not(message.ended);
  assert.is(message.reset, StreamResetReason.RemoteReset);
});

test("a local reset closes and calls nobody", () => {
  const client = new ClientHarness();
  const message = client.send();
  client.encoder!.readDisable(true);
  client.encoder!.resetStream(StreamResetReason.LocalReset);
  assert.is(client.connection.closed, CloseType.NoFlush);
  assert.is(client.connection.readDisables, 0);
  assert.is(message.reset, null);
  assert.is(client.streamsClosed, 0);
  assert.is(client.codec.activeStreams, 0);
  client.feed(OK);
  assert.is(client.error, null);
  client.codec.onConnectionClosed(StreamResetReason.ConnectionTermination, "");
  assert.is(message.reset, null);
});

test("a reset from within a callback stops the parser", () => {
  const client = new ClientHarness();
  const message = client.send();
  message.onHead = () => client.encoder!.resetStream(StreamResetReason.LocalReset);
  client.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  assert.is(message.body, "");
  assert.not(message.ended);
  assert.is(client.error, null);
});

test("watermarks reach the stream, one low for each high", () => {
  const client = new ClientHarness();
  client.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  const message = client.send();
  assert.is(message.highs, 1);
  client.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  client.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  assert.is(message.lows, 1);
});

test("readDisable is undone when the response ends", () => {
  const client = new ClientHarness();
  client.send();
  client.encoder!.readDisable(true);
  assert.is(client.connection.readDisables, 1);
  client.feed(OK);
  assert.is(client.connection.readDisables, 0);
});

test("limits of responses", () => {
  const tooMany = new ClientHarness();
  const many = tooMany.send();
  tooMany.feed(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(101)}\r\n`);
  assert.is(many.resetDetails, "http1.too_many_headers");
  const tooLarge = new ClientHarness();
  const large = tooLarge.send();
  tooLarge.feed(`HTTP/1.1 200 OK\r\na: ${"x".repeat(82_000)}\r\n\r\n`);
  assert.is(large.resetDetails, "http1.headers_too_large");
  const fits = new ClientHarness();
  const fitting = fits.send();
  fits.feed(`HTTP/1.1 200 OK\r\na: ${"x".repeat(81_000)}\r\nContent-Length: 0\r\n\r\n`);
  assert.ok(fitting.ended);
});

test("lenient: statuses up to 999, other versions, bare LF", () => {
  for (const input of ["HTTP/1.1 999 x\r\n", "HTTP/2.0 200 x\r\n", "HTTP/1.1 200 OK\n"]) {
    const client = new ClientHarness({ lenient: true });
    const message = client.send();
    client.feed(input + "Content-Length: 0\r\n\r\n");
    assert.ok(message.ended, input);
  }
});

test.run();
