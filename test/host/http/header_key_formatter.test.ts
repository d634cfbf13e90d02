// test/host/http/header_key_formatter.test.ts: header names keep or get capitals on HTTP/1, and only where asked.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Http1ClientCodec } from "../../../host/http/h1/client.ts";
import { HTTP1_CLIENT_DEFAULTS, HTTP1_SERVER_DEFAULTS } from "../../../host/http/h1/options.ts";
import { Http1ServerCodec } from "../../../host/http/h1/server.ts";
import { type HeaderKeyFormat, PROPER_CASE, spellHead, spellingOf } from "../../../host/http/header_key_formatter.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { Downstream, HTTP1 } from "./conn_manager/downstream.ts";
import { bytes, RecordedMessage, RecordingConnection } from "./h1/harness.ts";

const KEPT: HeaderKeyFormat = { kind: "preserveCase", forwardReasonPhrase: false, properCaseOfOthers: false };
const OWN: HeaderKeyFormat = { kind: "preserveCase", forwardReasonPhrase: true, properCaseOfOthers: true };

/** The head that a client sees, given the head that the upstream sent. */
function forwarded(response: string, server: HeaderKeyFormat | null, client: HeaderKeyFormat | null): string {
  const upstream = new RecordingConnection();
  const got = new RecordedMessage();
  const clientCodec = new Http1ClientCodec(upstream, { onGoAway() {}, onStreamClosed() {}, onMaxStreamsChanged() {} }, {
    ...HTTP1_CLIENT_DEFAULTS,
    headerKeyFormat: client,
  });
  clientCodec.newStream(got).encodeHeaders(HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a" }), true);
  assert.is(clientCodec.dispatch(bytes(response)), null);
  const downstream = new RecordingConnection();
  const asked = new RecordedMessage();
  const serverCodec = new Http1ServerCodec(downstream, {
    onNewStream: (encoder) => {
      asked.encoder = encoder;
      return asked;
    },
    onGoAway() {},
  }, { ...HTTP1_SERVER_DEFAULTS, headerKeyFormat: server });
  assert.is(serverCodec.dispatch(bytes("GET / HTTP/1.1\r\nHOST: a\r\n\r\n")), null);
  got.headers!.add("x-added", "1");
  asked.encoder!.encodeHeaders(got.headers!, false);
  return downstream.take();
}

/** The head that an upstream sees, given the head that a client sent. */
function asked(request: string, server: HeaderKeyFormat | null, client: HeaderKeyFormat | null): string {
  const got = new RecordedMessage();
  const serverCodec = new Http1ServerCodec(new RecordingConnection(), { onNewStream: () => got, onGoAway() {} }, {
    ...HTTP1_SERVER_DEFAULTS,
    headerKeyFormat: server,
  });
  assert.is(serverCodec.dispatch(bytes(request)), null);
  const upstream = new RecordingConnection();
  const clientCodec = new Http1ClientCodec(upstream, { onGoAway() {}, onStreamClosed() {}, onMaxStreamsChanged() {} }, {
    ...HTTP1_CLIENT_DEFAULTS,
    headerKeyFormat: client,
  });
  clientCodec.newStream(new RecordedMessage()).encodeHeaders(got.headers!, got.ended);
  return upstream.take();
}

const REQUEST = "GET / HTTP/1.1\r\nHOST: a\r\nx-FooBar_baz: 1\r\nConnection: X-Gone\r\nX-GONE: 1\r\n\r\n";
const RESPONSE = "HTTP/1.1 200 Fine\r\nETag: e\r\nTRANSFER-encoding: chunked\r\nX-ADDED: 0\r\n\r\n";

test("capitals by rule", () => {
  const words = { "x-foo_bar": "X-Foo_Bar", "etag": "Etag", "x-3d-a1b": "X-3d-A1b", "a": "A", "-": "-" };
  for (const [name, spelled] of Object.entries(words)) assert.is(PROPER_CASE.format(name), spelled);
});

test("without a format names are in lower case", () => {
  assert.is(asked(REQUEST, null, null), "GET / HTTP/1.1\r\nhost: a\r\nx-foobar_baz: 1\r\n\r\n");
  assert.is(
    forwarded(RESPONSE, null, null),
    "HTTP/1.1 200 OK\r\netag: e\r\nx-added: 0\r\nx-added: 1\r\ntransfer-encoding: chunked\r\n\r\n",
  );
});

test("a format of words concerns what its side writes", () => {
  const words: HeaderKeyFormat = { kind: "properCase" };
  assert.is(asked(REQUEST, words, null), "GET / HTTP/1.1\r\nhost: a\r\nx-foobar_baz: 1\r\n\r\n");
  assert.is(asked(REQUEST, null, words), "GET / HTTP/1.1\r\nHost: a\r\nX-Foobar_Baz: 1\r\n\r\n");
  assert.match(forwarded(RESPONSE, null, words), "\r\netag: e\r\n");
  assert.match(
    forwarded(RESPONSE, words, null),
    "HTTP/1.1 200 OK\r\nEtag: e\r\nX-Added: 0\r\nX-Added: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
});

test("a format that keeps spellings concerns what its side reads, and goes before words", () => {
  assert.is(asked(REQUEST, KEPT, null), "GET / HTTP/1.1\r\nHOST: a\r\nx-FooBar_baz: 1\r\n\r\n");
  assert.is(asked(REQUEST, KEPT, { kind: "properCase" }), "GET / HTTP/1.1\r\nHOST: a\r\nx-FooBar_baz: 1\r\n\r\n");
  assert.match(asked(REQUEST, null, KEPT), "\r\nhost: a\r\n");
  assert.is(
    forwarded(RESPONSE, null, KEPT),
    "HTTP/1.1 200 OK\r\nETag: e\r\nX-ADDED: 0\r\nX-ADDED: 1\r\nTRANSFER-encoding: chunked\r\n\r\n",
  );
});

test("the reason phrase, and words for names that the message did not come with", () => {
  const head = "HTTP/1.1 404 Not here\r\nETag: e\r\n\r\n";
  assert.match(forwarded(head, null, OWN), "HTTP/1.1 404 Not here\r\nETag: e\r\nX-Added: 1\r\nTransfer-Encoding: ");
  assert.match(forwarded(head.replace(" Not here", ""), null, OWN), "HTTP/1.1 404 Not Found\r\n");
  assert.match(forwarded(head, null, KEPT), "HTTP/1.1 404 Not Found\r\nETag: e\r\nx-added: 1\r\n");
  assert.is(
    asked(REQUEST.replace("GET / HTTP", "GET /HTTP/1.1-200-x HTTP"), OWN, null).split(" ")[1],
    "/HTTP/1.1-200-x",
  );
});

test("an upgrade keeps its spelling", () => {
  const upgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n";
  assert.is(asked(upgrade, KEPT, null), upgrade);
});

test("a clone keeps the spelling, another map has none", () => {
  const map = HeaderMap.of({ "x-a": "1" });
  map.formatter = spellingOf("GET / HTTP/1.1\r\nX-A: 1\r\n\r\n", KEPT);
  assert.is(map.clone().formatter, map.formatter);
  assert.is(
    spellHead("GET / HTTP/1.1\r\nx-a: x-a: 1\r\n\r\n", map.formatter!),
    "GET / HTTP/1.1\r\nX-A: x-a: 1\r\n\r\n",
  );
  assert.is(new HeaderMap().formatter, null);
});

test("what never became a request is answered in the connection's spelling", () => {
  const down = new Downstream({ plan: { http1: { ...HTTP1, headerKeyFormat: { kind: "properCase" } } } });
  down.feed("nonsense\r\n\r\n");
  assert.is(
    down.take(),
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n" +
      "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: envoy\r\n" +
      "Connection: close\r\n\r\nBad Request",
  );
});

test.run();
