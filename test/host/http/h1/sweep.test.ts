// test/host/http/h1/sweep.test.ts: every byte value in every position that means something.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkUpstream, proxy, readMessages } from "./oracle.ts";
import { ClientHarness } from "./harness.ts";

/** Where `@` is replaced by each byte in turn, and which bytes are accepted there. */
interface Position {
  readonly name: string;
  readonly template: string;
  readonly accepts: RegExp;
}

const TOKEN = /^[-!#$%&'*+.^_`|~0-9A-Za-z]$/;
const HOST = "Host: a.b\r\n";
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

const POSITIONS: readonly Position[] = [
  { name: "before the method", template: `@GET / HTTP/1.1\r\n${HOST}\r\n`, accepts: /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/ },
  { name: "in the method", template: `GE@T / HTTP/1.1\r\n${HOST}\r\n`, accepts: TOKEN },
  { name: "between method and target", template: `GET@/ HTTP/1.1\r\n${HOST}\r\n`, accepts: /^ $/ },
  { name: "in the target", template: `GET /a@b HTTP/1.1\r\n${HOST}\r\n`, accepts: /^[\x21-\x7e]$/ },
  { name: "at the end of the target", template: `GET /a@ HTTP/1.1\r\n${HOST}\r\n`, accepts: /^[\x21-\x7e]$/ },
  { name: "between target and version", template: `GET /@HTTP/1.1\r\n${HOST}\r\n`, accepts: /^ $/ },
  { name: "after the version", template: `GET / HTTP/1.1@\r\n${HOST}\r\n`, accepts: /^$/ },
  { name: "in place of CR", template: `GET / HTTP/1.1@\n${HOST}\r\n`, accepts: /^\r$/ },
  { name: "in place of LF", template: `GET / HTTP/1.1\r@${HOST}\r\n`, accepts: /^\n$/ },
  { name: "at the start of a name", template: `GET / HTTP/1.1\r\n${HOST}@x: y\r\n\r\n`, accepts: TOKEN },
  { name: "in a name", template: `GET / HTTP/1.1\r\n${HOST}a@x: y\r\n\r\n`, accepts: /^[-!#$%&'*+.^_`|~0-9A-Za-z:]$/ },
  {
    name: "at the end of a name",
    template: `GET / HTTP/1.1\r\n${HOST}ax@: y\r\n\r\n`,
    accepts: /^[-!#$%&'*+.^_`|~0-9A-Za-z:]$/,
  },
  { name: "after the colon", template: `GET / HTTP/1.1\r\n${HOST}ax:@y\r\n\r\n`, accepts: /^[\t\x20-\x7e\x80-\xff]$/ },
  { name: "in a value", template: `GET / HTTP/1.1\r\n${HOST}ax: y@z\r\n\r\n`, accepts: /^[\t\x20-\x7e\x80-\xff]$/ },
  {
    name: "at the end of a value",
    template: `GET / HTTP/1.1\r\n${HOST}ax: y@\r\n\r\n`,
    accepts: /^[\t\x20-\x7e\x80-\xff]$/,
  },
  { name: "in place of a value's CR", template: `GET / HTTP/1.1\r\n${HOST}ax: y@\n\r\n`, accepts: /^\r$/ },
  { name: "in place of a value's LF", template: `GET / HTTP/1.1\r\n${HOST}ax: y\r@\r\n`, accepts: /^\n$/ },
  { name: "in place of the last CR", template: `GET / HTTP/1.1\r\n${HOST}ax: y\r\n@\n`, accepts: /^\r$/ },
  { name: "in place of the last LF", template: `GET / HTTP/1.1\r\n${HOST}ax: y\r\n\r@`, accepts: /^\n$/ },
  { name: "in a Host", template: `GET / HTTP/1.1\r\nHost: a@b\r\n\r\n`, accepts: /^[-A-Za-z0-9._~%!$&'()*+,;=:[\]]$/ },
  {
    name: "in a content-length",
    template: `POST / HTTP/1.1\r\n${HOST}Content-Length: @\r\n\r\n123456789`,
    accepts: /^[0-9]$/,
  },
  {
    name: "in a chunked",
    template: `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chun@ed\r\n\r\n0\r\n\r\n`,
    accepts: /^[kK]$/,
  },
  {
    name: "before chunked",
    template: `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: @chunked\r\n\r\n0\r\n\r\n`,
    accepts: /^[ \t]$/,
  },
  { name: "in a chunk size", template: `${CHUNKED}@\r\n0123456789abcde\r\n0\r\n\r\n`, accepts: /^[fF]$/ },
  { name: "after a chunk size", template: `${CHUNKED}1@\r\na\r\n0\r\n\r\n`, accepts: /^[; \t]$/ },
  { name: "in a chunk extension", template: `${CHUNKED}1;a@b\r\na\r\n0\r\n\r\n`, accepts: /^[\t\x20-\x7e\x80-\xff]$/ },
  { name: "in place of a chunk size's CR", template: `${CHUNKED}1@\na\r\n0\r\n\r\n`, accepts: /^\r$/ },
  { name: "in place of a chunk size's LF", template: `${CHUNKED}1\r@a\r\n0\r\n\r\n`, accepts: /^\n$/ },
  { name: "in a chunk", template: `${CHUNKED}3\r\na@b\r\n0\r\n\r\n`, accepts: /^[\s\S]$/ },
  { name: "in place of a chunk's CR", template: `${CHUNKED}1\r\na@\n0\r\n\r\n`, accepts: /^\r$/ },
  { name: "in place of a chunk's LF", template: `${CHUNKED}1\r\na\r@0\r\n\r\n`, accepts: /^\n$/ },
  { name: "in a trailer's name", template: `${CHUNKED}0\r\na@: b\r\n\r\n`, accepts: /^[-!#$%&'*+.^_`|~0-9A-Za-z:]$/ },
  { name: "in a trailer's value", template: `${CHUNKED}0\r\na: b@c\r\n\r\n`, accepts: /^[\t\x20-\x7e\x80-\xff]$/ },
];

for (const position of POSITIONS) {
  test(position.name, () => {
    for (let byte = 0; byte < 256; byte++) {
      const character = String.fromCharCode(byte);
      const input = position.template.replace("@", () => character);
      const label = `${position.name}: byte ${byte}`;
      const result = proxy([input], { allowCustomMethods: true, enableTrailers: true });
      checkUpstream(result, label);
      // In some positions a 0 or a shorter number makes an early end, and what follows another request.
      const accepted = result.complete >= 1;
      assert.is(accepted, position.accepts.test(character), label);
      if (accepted && result.error !== null) {
        assert.ok(position.name.includes("content-length") || byte === 0x30, label);
      }
    }
  });
}

const RESPONSE_POSITIONS: readonly Position[] = [
  { name: "before the version", template: "@HTTP/1.1 200 OK\r\n\r\n", accepts: /^$/ },
  { name: "in the version", template: "HTTP/1@1 200 OK\r\n\r\n", accepts: /^\.$/ },
  { name: "before the status", template: "HTTP/1.1@200 OK\r\n\r\n", accepts: /^ $/ },
  { name: "in the status", template: "HTTP/1.1 20@ OK\r\n\r\n", accepts: /^[0-9]$/ },
  { name: "first digit of the status", template: "HTTP/1.1 @00 OK\r\n\r\n", accepts: /^[2-5]$/ },
  { name: "after the status", template: "HTTP/1.1 200@OK\r\n\r\n", accepts: /^ $/ },
  { name: "in the reason", template: "HTTP/1.1 200 O@K\r\n\r\n", accepts: /^[\t\x20-\x7e\x80-\xff]$/ },
  {
    name: "in a response header name",
    template: "HTTP/1.1 200 OK\r\na@: b\r\n\r\n",
    accepts: /^[-!#$%&'*+.^_`|~0-9A-Za-z:]$/,
  },
  {
    name: "in a response header value",
    template: "HTTP/1.1 200 OK\r\na: b@c\r\n\r\n",
    accepts: /^[\t\x20-\x7e\x80-\xff]$/,
  },
  {
    name: "in a response's content-length",
    template: "HTTP/1.1 200 OK\r\nContent-Length: @\r\n\r\n",
    accepts: /^[0-9]$/,
  },
];

for (const position of RESPONSE_POSITIONS) {
  test(`response: ${position.name}`, () => {
    for (let byte = 0; byte < 256; byte++) {
      const character = String.fromCharCode(byte);
      const client = new ClientHarness();
      const message = client.send();
      client.feed(position.template.replace("@", () => character));
      assert.is(message.headers !== null, position.accepts.test(character), `${position.name}: byte ${byte}`);
      if (message.headers === null) {
        if (client.error !== null) assert.is(message.reset, "protocol_error");
      } else {
        assert.is(client.error, null);
      }
      assert.is(typeof readMessages(client.connection.output, "request"), "object");
    }
  });
}

test.run();
