// test/fuzz/h1_request.test.ts: whatever a client sends, the upstream gets clean requests or none.
import fc from "fast-check";
import http from "node:http";
import { duplexPair } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../host/base/bytes.ts";
import { checkUpstream, proxy, readMessages } from "../host/http/h1/oracle.ts";
import { ServerHarness } from "../host/http/h1/harness.ts";

const HOST = "Host: a.b\r\n";
const SEEDS: readonly string[] = [
  `GET / HTTP/1.1\r\n${HOST}\r\n`,
  `GET /path?query HTTP/1.1\r\n${HOST}User-Agent: x\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-T: 1\r\n\r\n`,
  `GET http://c.d/x HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.1\r\n${HOST}Connection: x-a, close\r\nX-A: 1\r\nTE: trailers\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nabGET /second HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.1\r\n${HOST}\r\nPOST /2 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
];

/** Pieces that parsers have disagreed about. */
const FRAGMENTS: readonly string[] = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  "\n\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "0\r\n\r\n",
  "0",
  "1",
  "5",
  "ffffffffffffffff",
  "-1",
  "+5",
  "0x5",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "content-length:\t6\r\n",
  "Content-Length : 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "transfer-encoding:chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding: chunked, chunked\r\n",
  "Transfer-Encoding:\x0bchunked\r\n",
  "Transfer-Encoding\0: chunked\r\n",
  "Transfer_Encoding: chunked\r\n",
  HOST,
  "Host: evil\r\n",
  " folded\r\n",
  "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n",
  "HTTP/1.0",
  "HTTP/1.1",
  "HTTP/2.0",
  "Connection: content-length\r\n",
  "Connection: transfer-encoding\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "\xff",
  "\x7f",
  "#",
  "*",
  "CONNECT a:1 HTTP/1.1\r\n\r\n",
  "Connection: upgrade\r\nUpgrade: x\r\n",
];

type Edit =
  | { readonly kind: "insert"; readonly at: number; readonly text: string }
  | { readonly kind: "delete"; readonly at: number; readonly count: number }
  | { readonly kind: "replace"; readonly at: number; readonly byte: number }
  | { readonly kind: "repeat"; readonly at: number; readonly count: number };

// Not `fc.double`, whose values lie near zero.
const fraction = fc.integer({ min: 0, max: 9999 }).map((each) => each / 10_000);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("insert" as const), at: fraction, text: fc.constantFrom(...FRAGMENTS) }),
  fc.record({ kind: fc.constant("delete" as const), at: fraction, count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constant("replace" as const), at: fraction, byte: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant("repeat" as const), at: fraction, count: fc.integer({ min: 1, max: 40 }) }),
);

function applyEdits(text: string, edits: readonly Edit[]): string {
  for (const each of edits) {
    const at = Math.floor(each.at * (text.length + 1));
    const before = text.slice(0, at), after = text.slice(at);
    if (each.kind === "insert") text = before + each.text + after;
    else if (each.kind === "delete") text = before + after.slice(each.count);
    else if (each.kind === "replace") text = before + String.fromCharCode(each.byte) + after.slice(1);
    else text = before + after.slice(0, each.count) + after;
  }
  return text;
}

const mutated: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom(...SEEDS),
  fc.array(edit, { minLength: 1, maxLength: 4 }),
)
  .map(([seed, edits]) => applyEdits(seed, edits));
/** One edit leaves more of them whole. */
const nearlyWhole: fc.Arbitrary<string> = fc.tuple(fc.constantFrom(...SEEDS), edit)
  .map(([seed, each]) => applyEdits(seed, [each]));
const cuts: fc.Arbitrary<number[]> = fc.array(fraction, { maxLength: 6 });

function cut(text: string, at: readonly number[]): string[] {
  const offsets = [0, ...at.map((each) => Math.floor(each * text.length)).sort((a, b) => a - b), text.length];
  return offsets.slice(1).map((end, index) => text.slice(offsets[index]!, end));
}

function result(chunks: readonly string[], lenient: boolean): unknown {
  const server = new ServerHarness({ lenient, enableTrailers: true }).answering().feed(...chunks);
  return {
    error: server.error,
    requests: server.requests.map((request) => request.summary()),
    output: server.connection.output,
    reads: server.connection.readDisables,
  };
}

test("mutated requests: the upstream gets exactly the complete ones, clean", () => {
  fc.assert(
    fc.property(mutated, fc.boolean(), (input, lenient) => {
      checkUpstream(
        proxy([input], { lenient, enableTrailers: true, allowChunkedLength: lenient }),
        JSON.stringify(input),
      );
    }),
    { seed: 20261121, numRuns: 6000 },
  );
});

test("mutated requests: however they are cut, the result is the same", () => {
  fc.assert(
    fc.property(mutated, cuts, fc.boolean(), (input, at, lenient) => {
      assert.equal(result(cut(input, at), lenient), result([input], lenient));
    }),
    { seed: 20261122, numRuns: 3000 },
  );
});

test("any bytes: nothing throws, nothing is served after an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (input, lenient) => {
      const server = new ServerHarness({ lenient }).answering().feed(input);
      const served = server.requests.length;
      if (server.error === null) return;
      server.feed(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      assert.is(server.requests.length, served);
    }),
    { seed: 20261123, numRuns: 5000 },
  );
});

const token = fc.stringMatching(/^[-!#$%&'*+.^_`|~0-9A-Za-z]{1,20}$/);
const value = fc.stringMatching(/^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]{0,30}[\x21-\x7e\x80-\xff])?)?$/);
const NOT_PLAIN =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|proxy-connection|upgrade|te|http2-settings)$/i;
const plainFields = fc.array(fc.tuple(token.filter((name) => !NOT_PLAIN.test(name)), value), { maxLength: 20 });
const body = fc.uint8Array({ maxLength: 2000 }).map((data) => String.fromCharCode(...data));

test("clean requests: fields and body arrive at the upstream as they were sent", () => {
  fc.assert(
    fc.property(plainFields, body, fc.boolean(), cuts, (fields, content, chunked, at) => {
      const framing = chunked ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${content.length}\r\n`;
      const sent = !chunked
        ? content
        : (content === "" ? "" : `${content.length.toString(16)}\r\n${content}\r\n`) + "0\r\n\r\n";
      const lines = fields.map(([name, text]) => `${name}: ${text}\r\n`).join("");
      const input = `POST /x HTTP/1.1\r\n${HOST}${framing}${lines}\r\n${sent}`;
      const proxied = proxy(cut(input, at));
      assert.is(proxied.error, null, JSON.stringify(proxied.error));
      const messages = readMessages(proxied.upstream.join(""), "request");
      if (typeof messages === "string") throw new Error(messages);
      assert.is(messages.length, 1);
      assert.ok(messages[0]!.body === content);
      const got = messages[0]!.headers.filter(([name]) => !NOT_PLAIN.test(name));
      assert.equal(got, fields.map(([name, text]) => [name.toLowerCase(), text]));
    }),
    { seed: 20261124, numRuns: 1500 },
  );
});

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** What node:http makes of a client's bytes; null when it does not take them all. */
function askNode(input: string): Promise<Seen[] | null> {
  return new Promise((resolve) => {
    const seen: Seen[] = [];
    let failed = false;
    let open = 0;
    const [client, side] = duplexPair();
    const server = http.createServer({ requireHostHeader: false }, (request, response) => {
      const parts: Uint8Array[] = [];
      open++;
      request.on("data", (part: Uint8Array) => parts.push(part));
      request.on("error", () => failed = true);
      request.on("end", () => {
        open--;
        seen.push({ method: request.method!, url: request.url!, body: Buffer.concat(parts).toString("latin1") });
        response.end();
      });
    });
    server.on("clientError", (_error, socket) => {
      failed = true;
      socket.destroy();
    });
    client.resume();
    client.on("error", () => {});
    side.on("error", () => {});
    side.on("close", () => resolve(failed || open > 0 ? null : seen));
    server.emit("connection", side);
    client.end(fromLatin1(input));
  });
}

/** Where we refuse what node:http takes, by the error. */
const STRICTER: Readonly<Record<string, RegExp>> = {
  "one Host": /more than one Host/,
  "a Host is an authority": /^http\.invalid_authority /,
  "a line ends with CR LF, an empty one too": /expected a method and a space|expected CR before LF/,
  "no HTTP/0.9": /^low_version |expected a path and a version/,
  "one space in the request line": /expected HTTP\/1\.1|expected a request target|expected the end of the request line/,
  "a target is a path or a URL of HTTP": /^http1\.invalid_scheme |neither a path nor a URL|^http1\.invalid_url /,
  "chunked is the only transfer coding": /^http1\.invalid_transfer_encoding /,
};

/** Where node:http refuses what we take, by the bytes: neither lets them do harm. */
const KINDER: Readonly<Record<string, RegExp>> = {
  "what comes behind connection: close is dropped unread": /\r\nConnection:[^\r]*\bclose\b/i,
  "trailers that frame a message are dropped": /\r\n0\r\n(?:[^\r]+\r\n)*(?:transfer-encoding|content-length)/i,
};

function ruleOf(rules: Readonly<Record<string, RegExp>>, text: string): string | undefined {
  return Object.keys(rules).find((name) => rules[name]!.test(text));
}

// node:http of Deno does not take a stream for a connection.
if (!("Deno" in globalThis)) {
  test("we take what node:http takes, and see the same in it, but for what is declared", async () => {
    let both = 0;
    const used = new Set<string>();
    const inputs = fc.sample(nearlyWhole, { seed: 20261125, numRuns: 2000 });
    for (const input of [...SEEDS, ...inputs]) {
      if (/CONNECT|[Uu]pgrade/.test(input)) continue;
      const server = new ServerHarness().answering().feed(input);
      const error = server.error ?? server.codec.onEndOfInput();
      const theirs = await askNode(input);
      if ((error === null) !== (theirs !== null)) {
        const rule = error === null ? ruleOf(KINDER, input) : ruleOf(STRICTER, `${error.details} ${error.message}`);
        if (rule === undefined) {
          throw new Error(`${error?.message ?? "only node:http refuses it"}: ${JSON.stringify(input)}`);
        }
        used.add(rule);
        continue;
      }
      if (theirs === null || theirs.some((each) => !each.url.startsWith("/"))) continue;
      both++;
      const ours = server.requests.map((request): Seen => ({
        method: request.headers!.method!,
        url: request.headers!.path!,
        body: request.body,
      }));
      assert.equal(ours, theirs, JSON.stringify(input));
    }
    assert.ok(both > 300, `only ${both} inputs were taken by both`);
    assert.equal([...used].sort(), [...Object.keys(STRICTER), ...Object.keys(KINDER)].sort(), "a rule has no case");
  });
}

test.run();
