// test/host/embed/native_filters.test.ts: filters in TypeScript, on streams and connections.
import { connect } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createProxy,
  DataStatus,
  defineHttpFilter,
  defineNetworkFilter,
  HeadersStatus,
  importFilter,
  type NativeHttpFilter,
  type Proxy,
  ProxyBuilder,
  StreamStatus,
  validateConfiguration,
} from "../../../host/mod.ts";
import { get, Upstream } from "../../e2e/support.ts";

const FIXTURE = new URL("./native_fixture.ts", import.meta.url);

function web(filter: NativeHttpFilter, config?: Readonly<Record<string, unknown>>): ProxyBuilder {
  return new ProxyBuilder().listener("web", "127.0.0.1:0", (l) =>
    l.http((http) =>
      http.filter(filter, config)
        .route("/off", (route) => route.reply(200, "off\n").filter(filter.name, false))
        .route("/", (route) => route.reply(200, "well\n"))
    ));
}

async function started(config: ProxyBuilder, concurrency = 1): Promise<{ proxy: Proxy; port: number }> {
  const proxy = await createProxy(config, { concurrency, logLevel: "off" });
  await proxy.start();
  return { proxy, port: Number(proxy.addresses("web")[0]!.split(":")[1]) };
}

test("a filter answers, changes, waits, and is left out by a route", async () => {
  const events: string[] = [];
  const filter = defineHttpFilter("f", (stream, config) => ({
    onRequestHeaders(headers) {
      if (headers.get("x-blocked") !== null) {
        stream.sendLocalReply({ status: 403, body: "no\n", details: "blocked" });
        return HeadersStatus.StopIteration;
      }
      if (headers.get("x-wait") === null) return HeadersStatus.Continue;
      queueMicrotask(() => stream.continueRequest());
      return HeadersStatus.StopAllIterationAndBuffer;
    },
    onResponseHeaders(headers) {
      headers.set("x-f", String(config["text"]));
      headers.remove("content-length");
      return HeadersStatus.Continue;
    },
    onResponseBody(body, end) {
      if (end) body.push(new TextEncoder().encode("and more\n"));
      return DataStatus.Continue;
    },
    onLog: () => void events.push("log"),
    onDestroy: () => void events.push("destroy"),
  }));
  const { proxy, port } = await started(web(filter, { text: "T" }));
  const address = proxy.addresses("web")[0]!;
  const plain = await fetch(`http://${address}/`);
  assert.is(plain.headers.get("x-f"), "T");
  assert.is(await plain.text(), "well\nand more\n");
  assert.is((await get(port, "/off")).body, "off\n");
  assert.is((await fetch(`http://${address}/`, { headers: { "x-blocked": "1" } })).status, 403);
  assert.is(await (await fetch(`http://${address}/`, { headers: { "x-wait": "1" } })).text(), "well\nand more\n");
  assert.equal(events, ["log", "destroy", "log", "destroy", "log", "destroy"]);
  await proxy.stop();
});

const throwsIn = (place: string): NativeHttpFilter =>
  defineHttpFilter("bad", () => {
    const fail = (): never => {
      throw new Error("oh no");
    };
    if (place === "create") fail();
    return { [place]: fail };
  });

for (const place of ["create", "onRequestHeaders", "onResponseHeaders", "onResponseBody", "onLog", "onDestroy"]) {
  test(`a filter that throws in ${place} ends its stream and nothing else`, async () => {
    const { proxy, port } = await started(web(throwsIn(place)));
    const late = place === "onLog" || place === "onDestroy";
    for (let i = 1; i <= 2; i++) {
      const answer = await get(port, "/").catch(() => null);
      if (place === "onResponseBody") assert.ok(answer === null || answer.status === 500 || answer.body !== "well\n");
      else assert.is(answer?.status, late ? 200 : 500);
      assert.is(proxy.stat("native.bad.errors"), i);
    }
    assert.is((await get(port, "/off")).body, "off\n");
    assert.is(proxy.stat("http.web.downstream_rq_active"), 0);
    await proxy.stop();
  });
}

test("network filters see bytes, and one that throws closes its connection", async () => {
  const upstream = await Upstream.start();
  const seen: string[] = [];
  const filter = defineNetworkFilter("gate", () => ({
    onDownstreamData(data) {
      const text = new TextDecoder().decode(data.toBytes());
      if (text.startsWith("bad")) throw new Error("bad bytes");
      seen.push(text.split("\r\n")[0]!);
      return StreamStatus.Continue;
    },
  }));
  const { proxy, port } = await started(
    new ProxyBuilder()
      .cluster("app", (app) => app.endpoint(`127.0.0.1:${upstream.port}`))
      .listener("web", "127.0.0.1:0", (l) => l.filter(filter).tcp("app")),
  );
  assert.is((await get(port, "/x")).status, 200);
  assert.equal(seen, ["GET /x HTTP/1.1"]);
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.write("bad");
  await new Promise((resolve) => socket.on("close", resolve));
  assert.is(proxy.stat("native.gate.errors"), 1);
  assert.is((await get(port, "/y")).status, 200);
  await proxy.stop();
  await upstream.stop();
});

test("several workers import a filter from its module; an object is refused where the configuration names it", async () => {
  const filter = await importFilter<NativeHttpFilter>(FIXTURE);
  const { proxy, port } = await started(web(filter, { text: "both" }), 2);
  for (let i = 0; i < 8; i++) assert.match((await get(port, "/")).head, "x-stamp: both");
  await proxy.stop();

  const object = defineHttpFilter("object", () => ({}));
  const { problems } = await validateConfiguration(web(object), { concurrency: 2 });
  assert.equal(problems.map((each) => each.code), ["config/native-filter"]);
  assert.match(problems[0]!.message, "importFilter");
  assert.equal((await validateConfiguration(web(object))).problems, []);
});

test("modules without a filter are errors that say what is there", async () => {
  const message = (promise: Promise<unknown>) => promise.then(() => "", (error: Error) => error.message);
  assert.match(await message(importFilter(FIXTURE, "notAFilter")), "it exports filter");
  assert.match(await message(importFilter(new URL("./nothing.ts", import.meta.url))), "cannot be imported");
});

test("a configuration cannot name what no program brought", async () => {
  const yaml = JSON.stringify(web(defineHttpFilter("stemp", () => null)));
  const filter = await importFilter(FIXTURE);
  const { problems, text } = await validateConfiguration({ yaml }, { filters: [filter] });
  assert.equal(problems.map((each) => each.code), ["config/native-filter"]);
  assert.match(text, "there is 'stamp'");
});

test("another filter under the same name is another filter", async () => {
  const version = (text: string) =>
    defineHttpFilter("v", () => ({
      onResponseHeaders(headers) {
        headers.set("x-v", text);
        return HeadersStatus.Continue;
      },
    }));
  const { proxy, port } = await started(web(version("1")));
  assert.match((await get(port, "/")).head, "x-v: 1");
  await proxy.reload(web(version("2")));
  assert.match((await get(port, "/")).head, "x-v: 2");
  await proxy.stop();
});

test.run();
