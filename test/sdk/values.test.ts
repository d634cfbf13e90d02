// test/sdk/values.test.ts: strings and bytes across the border: sizes, absence, encodings, edits.
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SourceFilter } from "./support.ts";

const SOURCE = `
import {
  base64Decode, base64Encode, Body, callForeign, clientAddress, DataStatus, equalsIgnoreCase, equalsInConstantTime, Headers,
  HeadersStatus, HttpFilter, LocalResponse, log, LogLevel, Property, registerHttpFilter, RequestHeaders,
  ResponseHeaders, startsWithIgnoreCase, Status, TrailersStatus, HeaderMap,
} from "nuncio/sdk";

class Values extends HttpFilter {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    const what = headers.getOr("x-do", "");
    if (what == "absent") {
      log.info(headers.has("x-none").toString() + " " + headers.has("x-empty").toString() + " [" +
        headers.getOr("x-none", "fallback") + "] [" + headers.getOr("x-empty", "fallback") + "]");
    } else if (what == "copy") {
      headers.set("x-copy", headers.getOr("x-value", ""));
    } else if (what == "bytes") {
      const bytes = Uint8Array.wrap(headers.getBytes("x-value")!);
      log.info(bytes.join(","));
    } else if (what == "all") {
      const all = headers.all();
      let text = "";
      for (let i = 0; i < all.length; ++i) text += all.names[i] + "=" + all.values[i] + ";";
      log.info(text);
      headers.replaceAll(new Headers().add(":method", "PUT").add(":path", "/new").add(":authority", "a")
        .add("x-one", "1").add("x-one", "2"));
      log.info(headers.method + " " + headers.path + " " + headers.authority);
    } else if (what == "property") {
      log.info(clientAddress());
      const id = Property.text(["request", "id"]);
      log.info(id !== null ? id : "null");
      log.info((Property.text(["no", "such"]) === null).toString());
      log.info(Property.i64(["n"], 7).toString() + " " + Property.i64(["none"], 7).toString());
      log.info(Property.bool(["yes"]).toString() + " " + Property.bool(["none"], true).toString());
      Property.setText(["mine"], "kept");
      const mine = Property.text(["mine"]);
      log.info(mine !== null ? mine : "null");
    } else if (what == "foreign") {
      const answer = callForeign("reverse", String.UTF8.encode("abc"));
      log.info(answer !== null ? String.UTF8.decode(answer) : "null");
      log.info((callForeign("none", new ArrayBuffer(0)) === null).toString());
    } else if (what == "base64") {
      const bytes = base64Decode(headers.getOr("x-value", ""));
      log.info(bytes !== null ? base64Encode(bytes) : "null");
    } else if (what == "equal") {
      const a = headers.getOr("x-a", ""), b = headers.getOr("x-b", "");
      log.info([equalsInConstantTime(a, b), equalsIgnoreCase(a, b), startsWithIgnoreCase(a, b)].join(" "));
    } else if (what == "level") {
      log.info(log.enabled(LogLevel.Debug).toString() + " " + log.enabled(LogLevel.Info).toString());
    } else if (what == "reply") {
      return this.reply(new LocalResponse(418, "a teapot").header("x-a", "1").header("x-a", "2").bytes(new ArrayBuffer(3)));
    } else if (what == "close") {
      this.resetRequest();
    } else if (what == "random") {
      log.info((Math.random() < 1).toString());
      trace("traced", 2, 1, 2.5);
    }
    return HeadersStatus.Continue;
  }

  onRequestBody(body: Body, endOfStream: bool): DataStatus {
    if (!endOfStream) return DataStatus.StopIterationAndBuffer;
    log.info(body.length.toString() + " " + body.text(2, 3) + " " + body.text(99) + "|");
    const at = (text: string): ArrayBuffer => String.UTF8.encode(text);
    body.append(at("<end"));
    body.prepend(at("start>"));
    body.splice(6, 2, at("XYZ"));
    body.drain(1);
    log.info(body.length.toString() + " " + body.text());
    if (body.text().includes("tea")) return this.replyFromBody(new LocalResponse(418));
    return DataStatus.Continue;
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    trailers.set("x-sum", trailers.getOr("x-a", "") + "!");
    return TrailersStatus.Continue;
  }

  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): HeadersStatus {
    if (headers.status == 404) headers.status = 410;
    return HeadersStatus.Continue;
  }

  onLog(): void {
    log.info("log " + this.responseHeaders.status.toString());
  }
}
registerHttpFilter<Values>("values");
`;
const filter = await SourceFilter.build(SOURCE);
test.after(() => filter.dispose());

/** The log lines of a request whose headers say what to do. */
async function run(
  headers: Record<string, string>,
  options: Parameters<typeof filter.load>[0] = {},
): Promise<string[]> {
  const host = await filter.load(options);
  host.http().requestHeaders(headers);
  assert.is(host.failure, null);
  return host.messages("info");
}

test("absent and empty are different", async () => {
  assert.equal(await run({ "x-do": "absent", "x-empty": "" }), ["false true [fallback] []"]);
});

test("values of any length come and go, whatever area they pass through", async () => {
  const host = await filter.load();
  for (const length of [1, 1365, 1366, 4096, 8192, 8193, 100_000, 10]) {
    const value = "abcdefghij".repeat(length).slice(0, length);
    const stream = host.http().requestHeaders({ "x-do": "copy", "x-value": value });
    assert.is(stream.request.header("x-copy"), value, String(length));
    stream.finish();
  }
});

test("the allocator never gives one place twice before the result is taken", () => {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(filter.wasmFile)), {
    env: new Proxy({}, { get: () => () => 0 }),
  });
  const { _initialize, proxy_on_memory_allocate: allocate, memory } = instance.exports as unknown as {
    _initialize(): void;
    proxy_on_memory_allocate(size: number): number;
    memory: WebAssembly.Memory;
  };
  _initialize();
  const places = [100, 100, 9000, 50].map((size) => ({ size, at: allocate(size) }));
  for (const [i, { at, size }] of places.entries()) new Uint8Array(memory.buffer, at, size).fill(i + 1);
  for (const [i, { at, size }] of places.entries()) {
    assert.ok(new Uint8Array(memory.buffer, at, size).every((byte) => byte === i + 1), String(i));
  }
});

test("text is UTF-8 on the wire, and bytes are bytes", async () => {
  const host = await filter.load();
  const wire = String.fromCharCode(...new TextEncoder().encode("é→😀"));
  const stream = host.http().requestHeaders({ "x-do": "copy", "x-value": wire });
  assert.is(stream.request.header("x-copy"), wire);
  assert.equal(await run({ "x-do": "bytes", "x-value": "a\xe9\xff" }), ["97,233,255"]);
});

test("whole header lists", async () => {
  const host = await filter.load();
  const stream = host.http().requestHeaders([["x-do", "all"], ["x-a", "1"], ["x-a", "2"], ["x-e", ""]]);
  assert.equal(host.messages("info"), [
    ":authority=example.test;:path=/;:method=GET;:scheme=http;x-do=all;x-a=1;x-a=2;x-e=;",
    "PUT /new a",
  ]);
  assert.equal(stream.request.headers?.getAll("x-one"), ["1", "2"]);
  assert.is(stream.request.header("x-do"), null);
});

test("properties", async () => {
  const properties = { "request.id": "r-1", n: 42, yes: true };
  assert.equal(await run({ "x-do": "property" }, { properties, clientAddress: "[2001:db8::1]:99" }), [
    "2001:db8::1",
    "r-1",
    "true",
    "42 7",
    "true true",
    "kept",
  ]);
  assert.is((await run({ "x-do": "property" }, { clientAddress: "10.1.2.3:99" }))[0], "10.1.2.3");
});

test("functions of the host beyond the ABI", async () => {
  const foreignFunctions = { reverse: (_: unknown, args: Uint8Array) => args.slice().reverse() };
  assert.equal(await run({ "x-do": "foreign" }, { foreignFunctions }), ["cba", "true"]);
});

test("base64 agrees with the runtime's", async () => {
  for (const text of ["", "f", "fo", "foo", "foob", "fooba", "foobar", "\x00\xff\xfe", "?>~~"]) {
    const encoded = btoa(text);
    assert.equal(await run({ "x-do": "base64", "x-value": encoded }), [encoded]);
    const url = encoded.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    assert.equal(await run({ "x-do": "base64", "x-value": url }), [encoded]);
  }
  for (const bad of ["a", "ab=c", "a===", "%%%%", "ab cd"]) {
    assert.equal(await run({ "x-do": "base64", "x-value": bad }), ["null"], bad);
  }
});

test("comparing texts", async () => {
  const cases = [
    ["", "", "true true true"],
    ["abc", "abc", "true true true"],
    ["abc", "aBC", "false true true"],
    ["abc", "abd", "false false false"],
    ["abc", "ab", "false false true"],
    ["ab", "abc", "false false false"],
    ["a[", "a{", "false false false"],
    ["", "a", "false false false"],
  ] as const;
  for (const [a, b, expected] of cases) {
    assert.equal(await run({ "x-do": "equal", "x-a": a, "x-b": b }), [expected], `${a} ${b}`);
  }
});

test("log levels, random numbers and traces", async () => {
  assert.equal(await run({ "x-do": "level" }, { logLevel: "info" }), ["false true"]);
  const host = await filter.load();
  host.http().requestHeaders({ "x-do": "random" });
  assert.equal(host.messages("info"), ["true"]);
  assert.equal(host.messages("trace"), ["traced 1.0, 2.5"]);
});

test("bodies are read in part and edited", async () => {
  const host = await filter.load();
  const stream = host.http().requestHeaders({}, false).requestBody("hello ", false).requestBody("world");
  assert.equal(host.messages("info"), ["11 llo |", "21 tart>XYZllo world<end"]);
  assert.is(stream.request.text, "tart>XYZllo world<end");
});

test("answers from headers and from bodies", async () => {
  const host = await filter.load();
  const stream = host.http().requestHeaders({ "x-do": "reply" });
  assert.is(stream.response.headers?.status, 418);
  assert.equal(stream.response.headers?.getAll("x-a"), ["1", "2"]);
  assert.equal([...stream.response.body], [0, 0, 0]);
  const late = host.http().requestHeaders({}, false).requestBody("xxtea for two");
  assert.is(late.response.headers?.status, 418);
  assert.not(late.request.ended);
  assert.is(host.http().requestHeaders({ "x-do": "close" }).reset, "wasm_close_stream");
});

test("trailers, statuses and the log phase", async () => {
  const host = await filter.load();
  const stream = host.http().requestHeaders({}, false).requestTrailers({ "x-a": "1" });
  assert.is(stream.request.trailers?.get("x-sum"), "1!");
  stream.responseHeaders({ ":status": "404" }, true);
  assert.is(stream.response.headers?.status, 410);
  stream.finish();
  assert.equal(host.messages("info"), ["log 410"]);
});

test("the minimal runtime is collected between callbacks: memory stays flat", async () => {
  const minimal = await SourceFilter.build(SOURCE, { runtime: "minimal" });
  const host = await minimal.load({ logLevel: "error" });
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      host.http().requestHeaders({ "x-do": "copy", "x-value": "x".repeat(100) }, false).requestBody("hello world")
        .finish();
    }
    return host.memoryBytes;
  };
  const before = run(1000);
  assert.is(run(10_000), before);
  minimal.dispose();
});

test.run();
