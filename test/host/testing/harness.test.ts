// test/host/testing/harness.test.ts: what the harness itself promises to authors of tests.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NuncioError } from "../../../host/base/error.ts";
import { loadFilter } from "../../../host/testing/mod.ts";
import { SourceFilter } from "../../sdk/support.ts";

const filter = await SourceFilter.build(`
import {
  Body, Config, DataStatus, HeadersStatus, HttpFilterOf, NetworkFilterOf, Property, registerHttpFilterWithRoot,
  registerNetworkFilterWithRoot, RequestHeaders, ResponseHeaders, RootContext, StreamStatus, log,
} from "nuncio/sdk";

class Root extends RootContext {
  mode: string = "";
  vmMode: string = "";
  onVmStart(config: Config): bool { this.vmMode = config.text(); return this.vmMode != "refuse"; }
  onConfigure(config: Config): bool { this.mode = config.text(); return this.mode != "refuse" || this.refuse("no"); }
}
class Http extends HttpFilterOf<Root> {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    headers.set("x-mode", this.root.mode + "/" + this.root.vmMode);
    if (this.root.mode == "trap") unreachable();
    if (this.root.mode == "hold") return HeadersStatus.StopAllIterationAndWatermark;
    return HeadersStatus.Continue;
  }
  onRequestBody(body: Body, endOfStream: bool): DataStatus {
    return this.root.mode == "collect" && !endOfStream ? DataStatus.StopIterationAndBuffer : DataStatus.Continue;
  }
  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): HeadersStatus {
    return this.root.mode == "hold response" ? HeadersStatus.StopIteration : HeadersStatus.Continue;
  }
}
registerHttpFilterWithRoot<Http, Root>("http");

class Tcp extends NetworkFilterOf<Root> {
  onNewConnection(): StreamStatus {
    const id = Property.i64(["connection", "id"], -1);
    log.info("connection " + id.toString());
    return this.root.mode == "hold" ? StreamStatus.StopIteration : StreamStatus.Continue;
  }
}
registerNetworkFilterWithRoot<Tcp, Root>("tcp");
`);
test.after(() => filter.dispose());

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error instanceof NuncioError ? error.code : error;
  }
  return "nothing thrown";
}

test("a request's pseudo-headers are filled in, and those given stay", async () => {
  const host = await filter.load({ rootId: "http", config: "c", vmConfig: "v" });
  const stream = host.http().requestHeaders({ ":method": "PUT", "X-Upper": "1" });
  assert.equal(stream.request.headers?.entries(), [
    [":authority", "example.test"],
    [":path", "/"],
    [":method", "PUT"],
    [":scheme", "http"],
    ["x-upper", "1"],
    ["x-mode", "c/v"],
  ]);
});

test("bodies pass piece by piece, or collected, and trailers after them", async () => {
  for (const mode of ["pass", "collect"]) {
    const stream = (await filter.load({ rootId: "http", config: mode })).http().requestHeaders({}, false);
    stream.requestBody("one ", false);
    assert.is(stream.request.text, mode === "pass" ? "one " : "", mode);
    stream.requestBody("two", false).requestTrailers({ "x-t": "1" });
    assert.is(stream.request.text, "one two");
    assert.is(stream.request.trailers?.get("x-t"), "1");
    assert.ok(stream.request.ended);
  }
});

test("what is held is seen to be held, and an upstream that got nothing cannot answer", async () => {
  const host = await filter.load({ rootId: "http", config: "hold" });
  const stream = host.http();
  assert.not(stream.requestHeld, "there is no request yet");
  stream.requestHeaders({});
  assert.ok(stream.requestHeld);
  assert.is(codeOf(() => stream.responseHeaders({})), "testing/no-request");

  const other = (await filter.load({ rootId: "http", config: "hold response" })).http().requestHeaders({});
  other.responseHeaders({ ":status": "201" });
  assert.ok(other.responseHeld);
  assert.not(other.response.forwarded);
});

test("a refused configuration is a state, and using the filter then an error", async () => {
  for (const options of [{ config: "refuse" }, { vmConfig: "refuse" }]) {
    const host = await filter.load({ rootId: "http", ...options });
    assert.not(host.configured);
    assert.match(host.refusal, "Unable to create Wasm plugin");
    assert.is(codeOf(() => host.http()), "testing/not-configured");
    assert.is(codeOf(() => host.tcp()), "testing/not-configured");
  }
  assert.match((await filter.load({ rootId: "http", config: "refuse" })).refusal, "no");
});

test("a trap answers 503, or passes, as the policy says, and is there to be looked at", async () => {
  const closed = await filter.load({ rootId: "http", config: "trap" });
  assert.equal(closed.http().requestHeaders({}).local, { status: 503, details: "wasm_fail_stream" });
  assert.match(closed.failure?.message ?? "", "proxy_on_request_headers failed: unreachable");
  assert.match(closed.failure?.stack?.join("\n") ?? "", "Http#onRequestHeaders");
  const open = await filter.load({ rootId: "http", config: "trap", failurePolicy: "FAIL_OPEN" });
  assert.ok(open.http().requestHeaders({}).request.forwarded);
});

test("streams that end, in any state, leave nothing behind", async () => {
  const host = await filter.load({ rootId: "http", config: "hold" });
  const streams = [host.http(), host.http().requestHeaders({}), host.http().requestHeaders({}, false)];
  assert.is(host.liveStreams, 3);
  for (const stream of streams) stream.finish();
  for (const stream of streams) stream.finish();
  assert.is(host.liveStreams, 0);
  host.dispose();
  assert.is(host.liveVms, 0);
});

test("connections: held, ended from either side, with ids of their own", async () => {
  const host = await filter.load({ rootId: "tcp" });
  const stream = host.tcp().downstream("up", true);
  assert.ok(stream.connected);
  assert.is(stream.upstream.text, "up");
  assert.ok(stream.upstream.ended);
  stream.fromUpstream("down", true);
  assert.is(stream.client.text, "down");
  assert.ok(stream.client.ended);
  assert.not(stream.closed);
  stream.finish();
  assert.ok(stream.closed);
  host.tcp();
  assert.equal(host.messages(), ["connection 1", "connection 2"]);

  const held = (await filter.load({ rootId: "tcp", config: "hold" })).tcp();
  assert.not(held.connected);
  assert.is(codeOf(() => held.fromUpstream("y")), "testing/no-connection");
});

test("what cannot be loaded is an error with a code", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-harness-"));
  const codeOfLoad = (path: string) => loadFilter(path).then(() => "loaded", (error: NuncioError) => error.code);
  writeFileSync(join(folder, "text.wasm"), "not wasm");
  assert.is(await codeOfLoad(join(folder, "text.wasm")), "wasm/not-wasm");
  writeFileSync(join(folder, "filter.ts"), "let a: i32 = true ? 'x' : 1;\n");
  assert.is(await codeOfLoad(folder), "filter/compile");
  assert.is(await codeOfLoad(join(folder, "none")), "filter/not-found");
  rmSync(folder, { recursive: true });
});

test.run();
