// test/conformance/smuggling/responses.test.ts: an upstream cannot answer what was not asked, nor twice.
/**
 * What an upstream sends goes through the client codec and the server codec: the client gets one clean
 * response, or one that is seen to be cut, and a connection that is in doubt is not used again. Status and
 * details that a client sees are in the exchanges of `differential/cases/failures.ts`.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { StreamResetReason } from "../../../host/http/codec.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { ClientHarness, RecordedMessage, ServerHarness } from "../../host/http/h1/harness.ts";
import { readMessages } from "../../host/http/h1/oracle.ts";

/** A response that nobody asked for. */
const SPLIT = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

interface Answer {
  readonly name: string;
  readonly bytes: string;
  readonly method?: string;
  /** What the client codec says; null when the response is fine. */
  readonly details: string | null;
  /** The body that the client gets of a response that is fine. */
  readonly body?: string;
  /** The connection may serve another request. */
  readonly reusable?: true;
}

const CODEC = "http1.codec_error";
const INVALID = "http1.invalid_characters";
const BOTH = "http1.content_length_and_chunked_not_allowed";
const NO_LENGTH = "http1.content_length_not_allowed";
const NO_CODING = "http1.transfer_encoding_not_allowed";
const UNKNOWN_CODING = "http1.invalid_transfer_encoding";

const ok = (fields: string, body = ""): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const chunks = (body: string): string => ok("Transfer-Encoding: chunked\r\n", body);

function refused(details: string, rows: readonly (readonly [string, string])[], method = "GET"): Answer[] {
  return rows.map(([name, bytes]) => ({ name, bytes, method, details }));
}

const ANSWERS: readonly Answer[] = [
  ...refused(BOTH, [
    ["length and chunks", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${SPLIT}`)],
    ["chunks and length", ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${SPLIT}`)],
    ["length and an unknown coding", ok("Content-Length: 5\r\nTransfer-Encoding: x\r\n", "abcde")],
  ]),
  ...refused(CODEC, [
    ["two lengths", ok("Content-Length: 0\r\nContent-Length: 40\r\n", SPLIT)],
    ["two equal lengths", ok("Content-Length: 5\r\nContent-Length: 5\r\n", "abcde")],
    ["a list of lengths", ok("Content-Length: 5, 5\r\n", "abcde")],
    ["a signed length", ok("Content-Length: +5\r\n", "abcde")],
    ["a negative length", ok("Content-Length: -5\r\n", "abcde")],
    ["a length in hex", ok("Content-Length: 0x5\r\n", "abcde")],
    ["an empty length", ok("Content-Length:\r\n", "abcde")],
    ["a length that overflows", ok("Content-Length: 18446744073709551621\r\n", "abcde")],
    ["a length with a space before its colon", ok("Content-Length : 5\r\n", "abcde")],
    ["a folded line", ok("X-A: b\r\n c\r\n")],
    ["a bare LF", ok("X-A: b\nX-B: c\r\n")],
    ["a bare CR", ok("X-A: b\rX-B: c\r\n")],
    ["a bare LF ends the head", "HTTP/1.1 200 OK\r\n\n"],
    ["no name", ok(": b\r\n")],
    ["a space before the status line", ` ${SPLIT}`],
    ["an empty line before the status line", `\r\n${SPLIT}`],
    ["a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["another protocol", "ICY 200 OK\r\n\r\n"],
    ["HTTP/2", "HTTP/2.0 200 OK\r\n\r\n"],
    ["HTTP/0.9", "hello"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a status below 100", "HTTP/1.1 099 OK\r\n\r\n"],
    ["a status above 599", "HTTP/1.1 600 OK\r\n\r\n"],
    ["a signed status", "HTTP/1.1 +20 OK\r\n\r\n"],
    ["a control character in the reason", "HTTP/1.1 200 O\0K\r\n\r\n"],
    ["a line end in the reason", "HTTP/1.1 200 O\nK\r\n\r\n"],
    ["a 101 that nobody asked for", "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" + SPLIT],
    ["a chunk size in hex notation", chunks("0x1\r\na\r\n0\r\n\r\n")],
    ["a chunk size that overflows", chunks("ffffffffffffffff1\r\na\r\n0\r\n\r\n")],
    ["a negative chunk size", chunks("-1\r\na\r\n0\r\n\r\n")],
    ["a chunk longer than its size", chunks(`1\r\nab\r\n0\r\n\r\n${SPLIT}`)],
    ["a chunk that ends in LF", chunks("1\r\na\n0\r\n\r\n")],
    ["a chunk extension with a line end", chunks("1;a\nb\r\na\r\n0\r\n\r\n")],
    ["a response for a trailer", chunks(`0\r\n${SPLIT}`)],
  ]),
  ...refused(INVALID, [
    ["a NUL in a value", ok("X-A: a\0b\r\n")],
    ["a vertical tab in a value", ok("X-A: a\x0bb\r\n")],
    ["a NUL in a name", ok("X\0A: b\r\n")],
  ]),
  ...refused(UNKNOWN_CODING, [
    ["an unknown coding", ok("Transfer-Encoding: x\r\n", "abcde")],
    ["chunked and another coding", ok("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")],
    ["chunked twice", ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  ]),
  ...refused(NO_LENGTH, [
    ["204 with a length", `HTTP/1.1 204 x\r\nContent-Length: ${SPLIT.length}\r\n\r\n${SPLIT}`],
    ["103 with a length", `HTTP/1.1 103 x\r\nContent-Length: ${SPLIT.length}\r\n\r\n${SPLIT}`],
    ["100 with a length of 0", "HTTP/1.1 100 x\r\nContent-Length: 0\r\n\r\n" + SPLIT],
  ]),
  ...refused(NO_CODING, [
    ["204 with chunks", `HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["103 with chunks", `HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ]),
  { name: "a length", bytes: ok("Content-Length: 5\r\n", "abcde"), details: null, body: "abcde", reusable: true },
  { name: "a length and more", bytes: ok("Content-Length: 5\r\n", `abcde${SPLIT}`), details: null, body: "abcde" },
  { name: "chunks and more", bytes: chunks(`1\r\na\r\n0\r\n\r\n${SPLIT}`), details: null, body: "a" },
  { name: "204 and more", bytes: `HTTP/1.1 204 x\r\n\r\n${SPLIT}`, details: null, body: "" },
  {
    name: "304 with a length, and more",
    bytes: `HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n${SPLIT}`,
    details: null,
    body: "",
  },
  { name: "HEAD and a body", method: "HEAD", bytes: ok("Content-Length: 5\r\n", "abcde"), details: null, body: "" },
  { name: "HEAD and chunks", method: "HEAD", bytes: chunks("1\r\na\r\n0\r\n\r\n"), details: null, body: "" },
  {
    name: "HEAD without a body",
    method: "HEAD",
    bytes: ok("Content-Length: 5\r\n"),
    details: null,
    body: "",
    reusable: true,
  },
  {
    name: "103 before the response",
    bytes: `HTTP/1.1 103 x\r\nLink: a\r\n\r\n${ok("Content-Length: 1\r\n", "a")}`,
    details: null,
    body: "a",
    reusable: true,
  },
  {
    name: "HTTP/1.0 with chunks",
    bytes: chunks("1\r\na\r\n0\r\n\r\n").replace("1.1", "1.0"),
    details: null,
    body: "a",
  },
  { name: "no length", bytes: ok("", SPLIT), details: null, body: SPLIT },
];

/** The upstream's bytes, in these pieces, through both codecs. */
function relay(pieces: readonly string[], method: string): { client: ClientHarness; server: ServerHarness } {
  const server = new ServerHarness().feed(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
  const encoder = server.request.encoder!;
  const client = new ClientHarness();
  const message = new RecordedMessage();
  message.onHeaders = (headers, end) => {
    headers.remove("connection");
    encoder.encodeHeaders(headers, end);
  };
  message.on1xxHeaders = (headers) => encoder.encode1xxHeaders(headers);
  message.onData = (data, end) => {
    const copy = new ByteQueue();
    copy.push(data.toBytes().slice());
    encoder.encodeData(copy, end);
  };
  message.onTrailers = (trailers) => encoder.encodeTrailers(trailers);
  message.onResetStream = () => encoder.resetStream(StreamResetReason.RemoteReset);
  client.codec.newStream(message).encodeHeaders(
    HeaderMap.of({ ":method": method, ":path": "/", ":authority": "a" }),
    true,
  );
  client.feed(...pieces);
  return { client, server };
}

for (const each of ANSWERS) {
  test(each.name, () => {
    const method = each.method ?? "GET";
    for (const pieces of [[each.bytes], [...each.bytes]]) {
      const { client, server } = relay(pieces, method);
      const { reusable } = client.codec;
      // What comes behind a whole response is an error of the connection, not of the response.
      if (each.details !== null) assert.is(client.error?.details, each.details, client.error?.message ?? "");
      client.codec.onConnectionClosed(StreamResetReason.ConnectionTermination, "");
      const { output, closed } = server.connection;
      if (each.details === null) {
        assert.is(reusable, each.reusable === true);
        const text = method === "HEAD"
          ? output.replace(/content-length: \d+|transfer-encoding: chunked/, "x: y")
          : output;
        const messages = readMessages(text, "response");
        if (typeof messages === "string") throw new Error(`${messages}: ${JSON.stringify(output)}`);
        assert.equal(messages.filter(({ start }) => !/ 1\d\d /.test(start)).map(({ body }) => body), [each.body]);
        assert.is(closed, null);
      } else {
        assert.not(reusable);
        // The client got nothing, or something that has no end, and its connection is gone.
        assert.is.not(closed, null);
        const messages = readMessages(output, "response");
        assert.ok(
          output === "" || typeof messages === "string" || messages.every(({ start }) => / 1\d\d /.test(start)),
          output,
        );
      }
    }
  });
}

test("a filter cannot split a response, nor a request", () => {
  for (const text of ["a\r\nb: c", `a\r\n\r\n${SPLIT}`, "a\nb", "a\rb", "a\0b", "\u010a", "\u010d"]) {
    for (const [name, value] of [["x-a", text], [text, "x"]] as const) {
      const server = new ServerHarness().feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      const headers = HeaderMap.of({ ":status": "200", "content-length": "0" });
      headers.add(name, value);
      server.request.encoder!.encodeHeaders(headers, true);
      const responses = readMessages(server.connection.output, "response");
      assert.equal(typeof responses === "string" ? responses : responses.map((each) => each.headers), [[[
        "content-length",
        "0",
      ]]]);

      const client = new ClientHarness();
      const request = HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a" });
      request.add(name, value);
      client.codec.newStream(new RecordedMessage()).encodeHeaders(request, true);
      const requests = readMessages(client.connection.output, "request");
      assert.equal(typeof requests === "string" ? requests : requests.map((each) => each.headers), [[["host", "a"]]]);
    }
    for (const pseudo of [":path", ":method", ":authority"]) {
      const client = new ClientHarness();
      const request = HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a", [pseudo]: text });
      const problem = client.codec.newStream(new RecordedMessage()).encodeHeaders(request, true);
      assert.type(problem, "string", pseudo);
      assert.is(client.connection.output, "");
    }
  }
});

test.run();
