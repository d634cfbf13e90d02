// test/conformance/sandbox/headers.test.ts: group 15: what guests put into headers never becomes another message on the wire.
/**
 * Guests put hostile names and values into every map there is, by every host function that does so. What
 * comes out goes through the real HTTP/1 codecs: the bytes have to be one message, in lines that are fields.
 *
 * @module
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePairs } from "../../../abi/mod.ts";
import { latin1Slice } from "../../../host/base/bytes.ts";
import { prepareLocalReply } from "../../../host/http/local_reply.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { ClientHarness, RecordedMessage, ServerHarness } from "../../host/http/h1/harness.ts";
import { guest, Host, i32, note, OUT, s } from "../../host/wasm/guest.ts";
import { HostileEnvironment } from "./strike.ts";

const SMUGGLED = "\r\nGET /smuggled HTTP/1.1\r\nhost: evil\r\n\r\n";
const VALUES: readonly string[] = [
  "a\r\nx-injected: 1",
  `a${SMUGGLED}`,
  "a\nx-injected: 1",
  "a\rx-injected: 1",
  "a\0b",
  "\r\n\r\n",
  " leading and trailing ",
  "\x01\x1b[31m\x7f\x80\xff",
  "",
  "chunked",
  "chunked, identity",
  "0",
  "5",
  "-1",
  "1e3",
  "99999999999999999999",
  "close",
  "upgrade",
  "/ HTTP/1.1\r\nx-injected: 1",
  "/a b",
  "GET",
  "G ET",
  "CONNECT",
  "HEAD",
  "evil.example\r\nx-injected: 1",
  "user@evil/ ?",
  "abc",
  "99",
  "1000",
  "101",
  "204",
];
const NAMES: readonly string[] = [
  "x-a",
  "x-b",
  "X-UPPER",
  "x a",
  "x\r\ninjected",
  "x:injected",
  ":",
  "::path",
  ":unknown",
  ":path",
  ":method",
  ":authority",
  ":scheme",
  ":status",
  ":protocol",
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "\0",
  "x\0",
  "\xff",
  "(comment)",
  "",
];

const FIELD = /^[!#$%&'*+\-.^_`|~0-9a-z]+: [^\0\r\n]*$/;

/** What the bytes are, as a strict reader has it; throws when they are anything but whole messages. */
function messages(output: string): string[] {
  const heads: string[] = [];
  let rest = output;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    assert.ok(end > 0, `no head in ${JSON.stringify(rest)}`);
    const [first, ...fields] = rest.slice(0, end).split("\r\n");
    for (const field of fields) assert.match(field, FIELD);
    heads.push(first!);
    const lengths = fields.filter((field) => field.startsWith("content-length: "));
    const codings = fields.filter((field) => field.startsWith("transfer-encoding: "));
    assert.ok(lengths.length + codings.length <= 1, rest);
    assert.ok(codings.every((field) => field === "transfer-encoding: chunked"));
    rest = rest.slice(end + 4);
    if (lengths.length === 1 && !/ (204|304|1\d\d) /.test(first!)) {
      const length = Number(lengths[0]!.slice(16));
      assert.ok(Number.isSafeInteger(length) && rest.length >= length, `${lengths[0]} for ${JSON.stringify(rest)}`);
      rest = rest.slice(length);
    } else if (codings.length === 1) {
      for (;;) {
        const size = /^([0-9a-f]+)\r\n/.exec(rest);
        assert.ok(size !== null, JSON.stringify(rest));
        const length = parseInt(size![1]!, 16);
        rest = rest.slice(size![0].length);
        if (length === 0) break;
        rest = rest.slice(length + 2);
      }
      const trailersEnd = rest.startsWith("\r\n") ? 0 : rest.indexOf("\r\n\r\n") + 2;
      if (trailersEnd > 0) {
        for (const line of rest.slice(0, trailersEnd - 2).split("\r\n")) assert.match(line, FIELD);
      }
      rest = rest.slice(trailersEnd + 2);
    }
  }
  return heads;
}

/** Sends a request with a body and gives what an upstream reads. */
function sendRequest(headers: HeaderMap, trailers: HeaderMap | null): void {
  for (const body of [null, "body!"]) {
    const client = new ClientHarness();
    const encoder = client.codec.newStream(new RecordedMessage());
    const problem = encoder.encodeHeaders(headers.clone(), body === null);
    if (problem !== null) {
      assert.is(client.connection.output, "");
      continue;
    }
    if (body !== null && client.connection.closed === null) {
      const data = new ByteQueue();
      data.push(Uint8Array.from(body, (char) => char.charCodeAt(0)));
      encoder.encodeData(data, trailers === null);
      if (trailers !== null && client.connection.closed === null) encoder.encodeTrailers(trailers);
    }
    // A body that its length does not fit closes the connection: that is no message, and no second one either.
    if (client.connection.closed !== null) {
      assert.not.match(client.connection.output, /smuggled|x-injected/);
      continue;
    }
    const { output } = client.connection;
    // Behind CONNECT and upgrades are bytes of a tunnel.
    if (/^CONNECT|\r\nupgrade: /.test(output)) {
      for (const line of output.slice(0, output.indexOf("\r\n\r\n")).split("\r\n").slice(1)) assert.match(line, FIELD);
      continue;
    }
    assert.is(messages(output).length, 1, output);
    // Our own server, which is strict, reads one request too.
    const server = new ServerHarness().answering().feed(output);
    assert.is(server.requests.length + (server.error === null ? 0 : 1), 1, output);
  }
}

function sendResponse(headers: HeaderMap, body: Uint8Array | null): void {
  const server = new ServerHarness();
  server.feed("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  const { encoder } = server.request;
  encoder!.encodeHeaders(headers, body === null);
  if (body !== null && server.connection.closed === null) {
    const data = new ByteQueue();
    data.push(body);
    encoder!.encodeData(data, true);
  }
  const { output } = server.connection;
  assert.not.match(output, /\r\nx-injected|\r\nGET \/smuggled/);
  // A body that its length does not fit ends the connection.
  if (server.connection.closed !== null || server.connection.ended || server.codec.closeAfterResponse) return;
  const heads = messages(output);
  assert.is(heads.length, 1, output);
  assert.match(heads[0]!, /^HTTP\/1\.[01] [1-9]\d\d /);
}

/** Where the test puts name and value, as pointer and size each, and a third text. */
const NAME = 0x500;
const VALUE = 0x508;
const TEXT = 0x510;
const SPACE = 0x600;

function at(place: number): string {
  return `(i32.load (i32.const ${place})) (i32.load (i32.const ${place + 4}))`;
}

const CHANGES: readonly string[] = ["proxy_add_header_map_value", "proxy_replace_header_map_value"];

/** A guest that makes one call in one callback, with the texts that the test has put into its memory. */
async function changer(callback: string, call: string): Promise<Host> {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: "(i32.const 0)",
      proxy_on_response_headers: "(i32.const 0)",
      [callback]: `${call} (i32.const 0)`,
    },
  });
  return new Host(module, {}, new HostileEnvironment());
}

function put(host: Host, ...texts: readonly string[]): void {
  const { memory } = host.plugin.root.vm;
  // As after a new start: the notes are read at once.
  let end = SPACE;
  texts.forEach((text, index) => {
    memory.setU32(NAME + index * 8, end);
    memory.setU32(NAME + index * 8 + 4, text.length);
    memory.setLatin1(end, text);
    end += text.length;
  });
  assert.ok(end < 0x1000);
}

const REQUEST = { ":authority": "a.test", ":path": "/p", ":method": "POST", ":scheme": "http", "x-a": "1" };

/** Calls back with a guest for every function, name and value. */
async function everyChange(callback: string, map: number, check: (host: Host) => void): Promise<void> {
  for (const name of CHANGES) {
    const host = await changer(callback, note(name, i32(map), at(NAME), at(VALUE)));
    for (const name of NAMES) {
      for (const value of VALUES) {
        put(host, name, value);
        check(host);
      }
    }
    assert.is(host.plugin.root.vm.failure, null);
  }
  const host = await changer(callback, note("proxy_remove_header_map_value", i32(map), at(NAME)));
  for (const name of NAMES) {
    put(host, name, "");
    check(host);
  }
}

function accepted(host: Host): void {
  const [status] = host.notes();
  assert.ok(status === 0 || status === 2, `answers ${status}`);
}

test("request headers: every name with every value, by every function", async () => {
  await everyChange("proxy_on_request_headers", 0, (host) => {
    const { stream, filter } = host.request(REQUEST);
    accepted(host);
    sendRequest(stream.requestHeaders!, null);
    filter.onDestroy!();
  });
});

test("response headers: every name with every value, by every function", async () => {
  await everyChange("proxy_on_response_headers", 2, (host) => {
    for (const body of [null, new Uint8Array(5).fill(0x61)]) {
      const { stream, filter } = host.request(REQUEST);
      const length = body === null ? "0" : "5";
      stream.responseHeaders = HeaderMap.of({ ":status": "200", "x-a": "1", "content-length": length });
      filter.onResponseHeaders!(stream.responseHeaders, body === null);
      accepted(host);
      if (stream.responseHeaders.status !== 0) sendResponse(stream.responseHeaders, body);
      filter.onDestroy!();
    }
  });
});

test("trailers: every name with every value", async () => {
  await everyChange("proxy_on_request_trailers", 1, (host) => {
    const { stream, filter } = host.request(REQUEST, false);
    stream.requestTrailers = HeaderMap.of({ t: "1" });
    filter.onRequestTrailers!(stream.requestTrailers);
    accepted(host);
    sendRequest(stream.requestHeaders!, stream.requestTrailers);
    filter.onDestroy!();
  });
});

function pairsText(pairs: readonly (readonly [string, string])[]): string {
  const bytes = encodePairs(pairs);
  return latin1Slice(bytes, 0, bytes.length);
}

test("whole maps at once: every name with every value", async () => {
  const host = await changer("proxy_on_request_headers", note("proxy_set_header_map_pairs", i32(0), at(NAME)));
  for (const name of NAMES) {
    for (const value of VALUES) {
      put(host, pairsText([[":method", "GET"], [":path", "/"], [":authority", "a"], [name, value]]));
      const { stream, filter } = host.request(REQUEST);
      accepted(host);
      sendRequest(stream.requestHeaders!, null);
      filter.onDestroy!();
    }
  }
});

test("local replies: every name with every value", async () => {
  const host = await changer(
    "proxy_on_request_headers",
    note("proxy_send_local_response", i32(403), at(VALUE), at(TEXT), at(NAME), i32(-1)),
  );
  for (const name of NAMES) {
    for (const value of VALUES) {
      for (const body of ["", "body!"]) {
        put(host, pairsText([[name, value]]), value, body);
        const { stream, filter } = host.request(REQUEST);
        assert.equal(host.notes(), [0]);
        const [reply] = stream.replies;
        // deno-lint-ignore no-control-regex
        assert.not.match(reply!.details, /[\x00-\x20\x7f]/);
        const prepared = prepareLocalReply(reply!, false, false);
        sendResponse(prepared.headers, prepared.body.length === 0 ? null : prepared.body);
        filter.onDestroy!();
      }
    }
  }
});

test("callouts: every name with every value", async () => {
  const host = await changer(
    "proxy_on_request_headers",
    note("proxy_http_call", at(TEXT), at(NAME), at(VALUE), i32(0, 0, 100, OUT)),
  );
  const env = host.env as HostileEnvironment;
  let called = 0;
  for (const name of NAMES) {
    for (const value of VALUES) {
      put(
        host,
        pairsText([[":method", "GET"], [":path", "/"], [":authority", "a"], [name, value]]),
        "body!",
        "cluster",
      );
      const { filter } = host.request(REQUEST);
      accepted(host);
      for (const call of env.calls.splice(0)) {
        called++;
        sendRequest(HeaderMap.of(call.request.headers), null);
        call.callbacks.onFailure("over");
      }
      filter.onDestroy!();
    }
  }
  assert.ok(called > 100, String(called));
});

// --- Amounts ---

test("a value of 10 MB, 20,000 headers: refused beyond the limits, and what is there stays", async () => {
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 200)',
      callbacks: {
        proxy_on_request_headers: `
          ${note("proxy_add_header_map_value", i32(0), s("x-large"), i32(0, 10_000_000))}
          ${note("proxy_replace_header_map_value", i32(0), s("x-large"), i32(0, 10_000_000))}
          ${note("proxy_set_header_map_pairs", i32(0), i32(0, 10_000_000))}
          (loop $more
            (local.set $y (i32.add (local.get $y)
              (call $proxy_add_header_map_value ${i32(0)} ${s("x-b")} ${s("1")})))
            (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 20000))))
          (call $note (local.get $y)) (i32.const 0)`,
      },
    }),
    {},
    new HostileEnvironment(),
  );
  const { stream } = host.request();
  const notes = host.notes();
  assert.equal(notes.slice(0, 3), [2, 2, 2]);
  assert.ok(stream.requestHeaders!.size <= 1024, String(stream.requestHeaders!.size));
  assert.is(stream.requestHeaders!.get("x-a"), "1");
  assert.is(notes[3], 2 * (20_000 - (1024 - 4)));
  assert.ok((host.env as HostileEnvironment).limits.get("header_bytes")! > 18_000);
  // Told once for each limit.
  assert.is(host.env.texts(3).filter((text) => /a header map may have/.test(text)).length, 2);
});

test("many values of a field that is one field are limited by their bytes", async () => {
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 2)',
      callbacks: {
        proxy_on_request_headers: `(loop $more
          (drop (call $proxy_add_header_map_value ${i32(0)} ${s("cookie")} ${i32(0x10000, 1000)}))
          (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 20000))))
          (i32.const 0)`,
      },
    }),
    {},
    new HostileEnvironment(),
  );
  const { stream } = host.request();
  assert.ok(stream.requestHeaders!.byteSize <= 1024 * 1024, String(stream.requestHeaders!.byteSize));
  assert.ok(stream.requestHeaders!.byteSize > 900_000);
});

test("a limit of its own, and room again after something was removed", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: [
          note("proxy_add_header_map_value", i32(0), s("x-b"), s("b".repeat(60))),
          note("proxy_add_header_map_value", i32(0), s("x-c"), s("c".repeat(60))),
          note("proxy_remove_header_map_value", i32(0), s("x-b")),
          note("proxy_add_header_map_value", i32(0), s("x-c"), s("c".repeat(60))),
        ].join("\n") + "(i32.const 0)",
      },
    }),
    { maxHeaderBytes: 120 },
  );
  host.request();
  assert.equal(host.notes(), [0, 2, 0, 0]);
});

test.run();
