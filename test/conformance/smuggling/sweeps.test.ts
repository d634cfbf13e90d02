// test/conformance/smuggling/sweeps.test.ts: every byte at every place of a request, and every cut.
/**
 * Sans-io, on the codecs: what the upstream codec writes must be whole requests and no others, whatever byte
 * stands where. The two fields that say where a body ends, and what follows it, are in the template.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkUpstream, proxy, readMessages } from "../../host/http/h1/oracle.ts";
import { get, HOST, SMUGGLED } from "./case.ts";

const LENGTH = `POST /a HTTP/1.1\r\n${HOST}X-A: b\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`;
const CHUNKS = `POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n`;
const GOOD = get("", "/good");

/** Head and framing of the template; its body may hold anything. */
const TEMPLATES: readonly (readonly [string, string, number])[] = [
  ["with a length", LENGTH, LENGTH.indexOf("\r\n\r\n") + 4],
  ["with chunks", CHUNKS, CHUNKS.length],
];

let sent = 0;

/** What a client sends, between two good requests. */
function check(input: string, label: string): void {
  sent++;
  const result = proxy([GOOD + input + GOOD], { enableTrailers: true });
  checkUpstream(result, label);
  assert.ok(result.complete >= 1, label);
  assert.is(readMessages(result.upstream[0]!, "request").length, 1, label);
  // After an error nothing is served: the last good request is then none of those that are complete.
  if (result.error !== null) {
    assert.ok(!result.upstream.slice(1).some((each) => each.startsWith("GET /good")), label);
  }
}

for (const [name, template, end] of TEMPLATES) {
  test(`${name}: every byte in place of every byte`, () => {
    for (let at = 0; at < end; at++) {
      for (let byte = 0; byte < 256; byte++) {
        check(template.slice(0, at) + String.fromCharCode(byte) + template.slice(at + 1), `byte ${byte} at ${at}`);
      }
    }
  });

  test(`${name}: every byte before every byte`, () => {
    // The bytes that mean something to somebody, and one of each other kind.
    const bytes = "\0\x01\t\n\x0b\f\r\x1b !\"#$&'()*+,-./0159:;<=>?@AZ[\\]^_`afz{|}~\x7f\x80\x85\xa0\xff";
    for (let at = 0; at < end; at++) {
      for (const byte of bytes) check(template.slice(0, at) + byte + template.slice(at), `${byte} before ${at}`);
    }
  });

  test(`${name}: without any byte, or with it twice`, () => {
    for (let at = 0; at < end; at++) {
      check(template.slice(0, at) + template.slice(at + 1), `without ${at}`);
      check(template.slice(0, at + 1) + template.slice(at), `twice ${at}`);
    }
  });

  test(`${name}: every cut`, () => {
    const input = GOOD + template + GOOD;
    const read = (pieces: readonly string[]): unknown => {
      const { complete, error, upstream } = proxy(pieces, { enableTrailers: true });
      return { complete, error, upstream: upstream.map((text) => readMessages(text, "request")) };
    };
    const whole = read([input]);
    for (let at = 1; at < input.length; at++) {
      assert.equal(read([input.slice(0, at), input.slice(at)]), whole, `cut at ${at}`);
    }
  });

  test(`${name}: an end anywhere completes nothing that is not whole`, () => {
    for (let at = 1; at < template.length; at++) {
      const result = proxy([template.slice(0, at)], { enableTrailers: true });
      result.server.codec.onEndOfInput();
      assert.is(result.complete, 0, `ends at ${at}`);
      checkUpstream(result, `ends at ${at}`);
    }
  });
}

test("so many", () => {
  console.log(`${sent} mutated requests`);
  assert.ok(sent > 40_000);
});

test.run();
