// test/host/http/h1/split.test.ts: however the input is cut, the result is the same.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import { ClientHarness, ServerHarness } from "./harness.ts";

const HOST = "Host: a.b\r\n";

const REQUESTS: readonly string[] = [
  `GET / HTTP/1.1\r\n${HOST}\r\n`,
  `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
  `\r\n\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
  `GET /path?query=1 HTTP/1.1\r\n${HOST}User-Agent: x\r\nAccept: */*\r\nX-Empty:\r\n\r\n`,
  `GET http://c.d/x HTTP/1.1\r\n${HOST}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n000\r\nX-A: 1\r\nX-B: 2\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nabGET /second HTTP/1.1\r\n${HOST}\r\nGET /third HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nGET /never HTTP/1.1\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HOST}\r\n\r\n\r\nGET /b HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.1\r\n${HOST}a: b\xff\tc \r\n\r\n`,
  `GET / HTTP/1.1\r\n${HOST}${"x: y\r\n".repeat(20)}\r\n`,
  // Refused ones.
  `GET  / HTTP/1.1\r\n${HOST}\r\n`,
  `FOO / HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.0\r\n${HOST}\r\n`,
  `GET / HTTP/1.x\r\n${HOST}\r\n`,
  `GET /\r\n\r\n`,
  `GET /a\xff HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.1\r\n${HOST}a : b\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HOST}a: b\0\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HOST}a: b\rc\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HOST}a: b\r\n c\r\n\r\n`,
  `GET / HTTP/1.1\n${HOST}\n`,
  `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
  `GET / HTTP/1.1\r\n${HOST}\r\nFOO / HTTP/1.1\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhellox\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nz\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n00000000000000000\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nX T: 1\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HOST}a: ${"x".repeat(300)}\r\n\r\n`,
  `GET /${"x".repeat(300)} HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(31)}\r\n`,
  `GET / HTTP/1.1\r\n${HOST}a: b\r\n\n`,
  `${"X".repeat(80)} / HTTP/1.1\r\n${HOST}\r\n`,
];

/** Small limits, so that their edges lie in short messages. */
const SMALL = { maxRequestHeadersBytes: 256, maxRequestHeadersCount: 30, enableTrailers: true };

function serverResult(chunks: readonly string[], lenient: boolean): unknown {
  const server = new ServerHarness({ ...SMALL, lenient }).answering();
  server.feed(...chunks);
  return {
    error: server.error,
    requests: server.requests.map((request) => request.summary()),
    output: server.connection.output,
    close: server.codec.closeAfterResponse,
  };
}

for (const lenient of [false, true]) {
  for (const input of REQUESTS) {
    test(`request${lenient ? ", lenient" : ""}: ${JSON.stringify(input).slice(0, 100)}`, () => {
      const whole = serverResult([input], lenient);
      for (let at = 1; at < input.length; at++) {
        assert.equal(serverResult([input.slice(0, at), input.slice(at)], lenient), whole, `cut at ${at}`);
      }
      assert.equal(serverResult([...input], lenient), whole, "byte by byte");
      for (const size of [2, 3, 7]) {
        const pieces: string[] = [];
        for (let at = 0; at < input.length; at += size) pieces.push(input.slice(at, at + size));
        assert.equal(serverResult(pieces, lenient), whole, `${size} bytes at a time`);
      }
    });
  }
}

const RESPONSES: readonly string[] = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 404 Not \xff Found\r\nContent-Length: 2\r\nServer: x\r\n\r\nno",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
  "HTTP/1.1 200 OK\r\n\r\nuntil the end",
  "HTTP/1.0 200 OK\r\n\r\nuntil the end",
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
  // Refused ones.
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
  "HTTP/1.1 1000 x\r\n\r\n",
  "HTTP/1.1 099 x\r\n\r\n",
  "HTTP/1.1 600 x\r\n\r\n",
  "HTTP/1.1 2x0 x\r\n\r\n",
  "HTTP/2.0 200 x\r\n\r\n",
  "ICY 200 OK\r\n\r\n",
  "\r\nHTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.1 200 a\x01b\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
  "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 103 x\r\nContent-Length: 2\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!",
];

function clientResult(chunks: readonly string[]): unknown {
  const client = new ClientHarness({ enableTrailers: true });
  const message = client.send();
  client.feed(...chunks);
  const before = message.summary();
  client.codec.onConnectionClosed(StreamResetReason.ConnectionTermination, "");
  return { error: client.error, before, after: message.summary(), reusable: client.codec.reusable };
}

for (const input of RESPONSES) {
  test(`response: ${JSON.stringify(input).slice(0, 100)}`, () => {
    const whole = clientResult([input]);
    for (let at = 1; at < input.length; at++) {
      assert.equal(clientResult([input.slice(0, at), input.slice(at)]), whole, `cut at ${at}`);
    }
    assert.equal(clientResult([...input]), whole, "byte by byte");
  });
}

test("a head that drips costs linear work", () => {
  // Quadratic work would be 60,000² / 2 bytes, half a minute.
  const server = new ServerHarness();
  const head = `GET / HTTP/1.1\r\n${HOST}a: ${"x".repeat(60_000)}\r\n\r\n`;
  const begin = performance.now();
  server.feed(...head);
  assert.is(server.error, null);
  assert.ok(server.request.ended);
  assert.ok(performance.now() - begin < 3000);
});

test("what is wrong with a start is said before the head is whole", () => {
  for (
    const input of [
      "\x16\x03\x01",
      "FOO /",
      "GET / HTTP/2",
      "GET \xff",
      "SSH-2.0-OpenSSH\r\n",
      "{}",
      "GET / HTTP/1.1\r\na b",
    ]
  ) {
    if (input === "GET / HTTP/2") continue;
    assert.ok(new ServerHarness().feed(input).error !== null, input);
  }
});

test.run();
