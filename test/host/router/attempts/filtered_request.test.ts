// test/host/router/attempts/filtered_request.test.ts: filters of an attempt: order, holding, back-pressure, ends.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { UpstreamCodecFilter } from "../../../../host/extensions/filters/http/upstream_codec/filter.ts";
import type { RequestEncoder } from "../../../../host/http/codec.ts";
import type { ConfiguredFilter } from "../../../../host/http/conn_manager/conn_manager_config.ts";
import { DataStatus, HeadersStatus, type LocalReply, type TerminalFilterStream } from "../../../../host/http/filter.ts";
import type { ConnectionInfo, UpstreamInfo } from "../../../../host/observe/stream_info.ts";
import { FilteredUpstreamRequest } from "../../../../host/router/attempts/filtered_request.ts";
import type { UpstreamRequestOwner } from "../../../../host/router/attempts/upstream_attempt.ts";
import { UpstreamRequest } from "../../../../host/router/attempts/upstream_request.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import type { HttpPool, HttpPoolCallbacks } from "../../../../host/upstream/conn_pool/http_pool.ts";
import { Owner, queue, requestHeaders, responseHeaders, ScriptedFilter, textOf } from "../../http/support.ts";

type Decoder = Parameters<HttpPool["newStream"]>[0];

/** An attempt with the filters `a` and `b` before the codec; what happens is in `seen`. */
class Attempt {
  readonly seen: string[] = [];
  readonly filters: Record<string, ScriptedFilter> = {};
  readonly stream: Owner = new Owner();
  readonly request: FilteredUpstreamRequest<HttpPool>;
  readonly replies: LocalReply[] = [];
  downstreamPauses = 0;
  upstreamPauses = 0;
  #decoder: Decoder | null = null;
  #callbacks: HttpPoolCallbacks | null = null;

  constructor(disabled: readonly string[] = []) {
    const chain: ConfiguredFilter[] = ["a", "b"].map((name) => ({
      name,
      disabled: disabled.includes(name),
      terminal: false,
      create: (stream) => this.filters[name] = new ScriptedFilter(name, stream, this.seen),
    }));
    chain.push({
      name: "codec",
      disabled: false,
      terminal: true,
      create: (stream) => new UpstreamCodecFilter(stream, stream.upstream!),
    });
    const owner: UpstreamRequestOwner = {
      nowMs: 5,
      onUpstream1xxHeaders: (_request, headers) => void this.seen.push(`router informational ${headers.status}`),
      onUpstreamHeaders: (_request, headers, end) =>
        void this.seen.push(`router headers ${headers.status}${end ? " end" : ""}`),
      onUpstreamData: (_request, data, end) => {
        this.seen.push(`router body ${textOf(data)}${end ? " end" : ""}`);
        data.clear();
      },
      onUpstreamTrailers: () => void this.seen.push("router trailers"),
      onUpstreamReset: (_request, reason) => void this.seen.push(`router reset ${reason}`),
      onUpstreamHostSelected: () => void this.seen.push("router host"),
      readDisableDownstream: (disable) => void (this.downstreamPauses += disable ? 1 : -1),
    };
    const stream = {
      info: this.stream.info,
      clock: this.stream.clock,
      bufferLimitBytes: 10,
      route: () => null,
      sendLocalReply: (reply: LocalReply) => void this.replies.push(reply),
      resetStream: (details: string) => void this.seen.push(`stream reset ${details}`),
    } as unknown as TerminalFilterStream;
    const pool = {
      newStream: (decoder: Decoder, callbacks: HttpPoolCallbacks) => {
        this.#decoder = decoder;
        this.#callbacks = callbacks;
        return { cancel: () => void this.seen.push("pool cancelled") };
      },
    } as unknown as HttpPool;
    this.request = new FilteredUpstreamRequest(
      UpstreamRequest,
      pool,
      owner,
      stream,
      chain,
      100,
      {} as UpstreamInfo,
      null,
    );
  }

  start(end: boolean): this {
    this.request.begin(requestHeaders(), end);
    return this;
  }

  ready(): void {
    const encoder = {
      encodeHeaders: (_headers: unknown, end: boolean) => void this.seen.push(`sent headers${end ? " end" : ""}`),
      encodeData: (data: Parameters<RequestEncoder["encodeData"]>[0], end: boolean) => {
        this.seen.push(`sent body ${textOf(data)}${end ? " end" : ""}`);
        data.clear();
      },
      encodeTrailers: () => void this.seen.push("sent trailers"),
      resetStream: (reason: string) => void this.seen.push(`sent reset ${reason}`),
      readDisable: (disable: boolean) => void (this.upstreamPauses += disable ? 1 : -1),
    } as unknown as RequestEncoder;
    this.#callbacks!.onPoolReady(encoder, {} as Host, {} as ConnectionInfo, "HTTP/1.1", 1);
  }

  get upstream(): Decoder {
    return this.#decoder!;
  }

  take(): string[] {
    return this.seen.splice(0);
  }
}

test("filters see the request before there is a connection; the codec keeps it until then", () => {
  const attempt = new Attempt().start(false);
  attempt.request.encodeData(queue("abc"), true);
  assert.equal(attempt.take(), [
    "a request headers",
    "b request headers",
    "a request body abc end",
    "b request body abc end",
  ]);
  attempt.ready();
  assert.equal(attempt.take(), ["router host", "sent headers", "sent body abc end"]);
  attempt.upstream.on1xxHeaders(responseHeaders("103"));
  attempt.upstream.onHeaders(responseHeaders(), false);
  attempt.upstream.onData(queue("ok"), true);
  assert.equal(attempt.take(), [
    "router informational 103",
    "b response headers 200",
    "a response headers 200",
    "router headers 200",
    "b response body ok end",
    "a response body ok end",
    "router body ok end",
    "a done",
    "b done",
    "a log",
    "b log",
    "a destroy",
    "b destroy",
  ]);
  assert.is(attempt.request.done, true);
});

test("a filter holds the request back while the connection is there", () => {
  const attempt = new Attempt().start(false);
  attempt.filters["a"]!.request.headers = HeadersStatus.Continue;
  attempt.filters["b"]!.request.body = DataStatus.StopIterationAndBuffer;
  attempt.ready();
  attempt.request.encodeData(queue("abc"), false);
  attempt.take();
  attempt.filters["b"]!.request.body = DataStatus.Continue;
  attempt.request.encodeData(queue("de"), true);
  assert.equal(attempt.take(), ["a request body de end", "b request body abcde end", "sent body abcde end"]);
});

test("who holds too much pauses the client, or the upstream", () => {
  const attempt = new Attempt().start(false);
  attempt.ready();
  attempt.filters["a"]!.request.body = DataStatus.StopIterationAndWatermark;
  attempt.request.encodeData(queue("x".repeat(20)), false);
  assert.is(attempt.downstreamPauses, 1);
  attempt.filters["a"]!.stream.continueRequest();
  assert.is(attempt.downstreamPauses, 0);
  attempt.filters["b"]!.response.body = DataStatus.StopIterationAndWatermark;
  attempt.upstream.onHeaders(responseHeaders(), false);
  attempt.upstream.onData(queue("y".repeat(20)), false);
  assert.is(attempt.upstreamPauses, 1);
  attempt.filters["b"]!.stream.continueResponse();
  assert.is(attempt.upstreamPauses, 0);
  assert.ok(attempt.take().includes(`router body ${"y".repeat(20)}`));
});

test("an attempt whose filters hold the end of its response is not done", () => {
  const attempt = new Attempt().start(true);
  attempt.ready();
  attempt.filters["b"]!.response.headers = HeadersStatus.StopAllIterationAndBuffer;
  attempt.upstream.onHeaders(responseHeaders(), true);
  assert.is(attempt.request.done, false);
  assert.not.ok(attempt.take().some((line) => line.startsWith("router headers")));
  attempt.filters["b"]!.stream.continueResponse();
  assert.is(attempt.request.done, true);
  assert.equal(attempt.take().slice(0, 2), ["a response headers 200 end", "router headers 200 end"]);
});

test("a reply inside a callback is given when that has returned, and what still comes is dropped", () => {
  const attempt = new Attempt().start(true);
  attempt.ready();
  attempt.filters["a"]!.during["response headers"] = () => {
    attempt.filters["a"]!.stream.sendLocalReply({ status: 418, details: "tea" });
    assert.is(attempt.replies.length, 0);
  };
  attempt.upstream.onHeaders(responseHeaders(), false);
  assert.equal(attempt.replies.map(({ status }) => status), [418]);
  attempt.take();
  attempt.upstream.onData(queue("ok"), true);
  assert.equal(attempt.take(), []);
  attempt.request.reset();
  assert.equal(attempt.take(), ["a done", "b done", "a log", "b log", "a destroy", "b destroy"]);
});

test("a reset ends the filters before the router decides", () => {
  const attempt = new Attempt().start(true);
  attempt.ready();
  attempt.filters["b"]!.response.headers = HeadersStatus.StopIteration;
  attempt.upstream.onHeaders(responseHeaders(), false);
  attempt.take();
  attempt.upstream.onResetStream("connection_termination", "");
  assert.equal(attempt.take(), [
    "a done",
    "b done",
    "a log",
    "b log",
    "a destroy",
    "b destroy",
    "router reset connection_termination",
  ]);
});

test("giving up cancels what waits for a connection", () => {
  const attempt = new Attempt().start(true);
  attempt.take();
  attempt.request.reset();
  assert.equal(attempt.take().slice(0, 2), ["pool cancelled", "a done"]);
  attempt.request.encodeData(queue("late"), true);
  assert.equal(attempt.take().filter((line) => line.includes("late")), []);
});

test("a filter that is off is not made; one that closes the stream closes the client's", () => {
  const attempt = new Attempt(["a"]).start(true);
  assert.equal(attempt.take(), ["b request headers end"]);
  attempt.filters["b"]!.stream.resetStream("closed");
  assert.equal(attempt.take(), ["stream reset closed"]);
});

test.run();
