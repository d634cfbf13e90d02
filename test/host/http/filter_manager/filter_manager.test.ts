// test/host/http/filter_manager/filter_manager.test.ts: how messages pass filters: stop, hold, go on, answer.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../../../host/base/bytes.ts";
import { DataStatus, HeadersStatus, TrailersStatus } from "../../../../host/http/filter.ts";
import { FilterManager } from "../../../../host/http/filter_manager/filter_manager.ts";
import type { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import type { UpstreamInfo } from "../../../../host/observe/stream_info.ts";
import { type Chain, chain, Owner, queue, requestHeaders, responseHeaders, textOf } from "../support.ts";

test("a request passes the filters in their order, the response the other way", () => {
  const { owner, manager } = chain("a", "b", "r");
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("xy"), false);
  manager.decodeTrailers(new HeaderMap());
  assert.equal(owner.take(), [
    "a request headers",
    "b request headers",
    "r request headers",
    "a request body xy",
    "b request body xy",
    "r request body xy",
    "a request trailers",
    "b request trailers",
    "r request trailers",
  ]);
  manager.encodeHeaders(responseHeaders(), false);
  manager.encodeData(queue("z"), false);
  manager.encodeTrailers(HeaderMap.of({ t: "1" }));
  assert.equal(owner.take(), [
    "r response headers 200",
    "b response headers 200",
    "a response headers 200",
    "headers 200",
    "r response body z",
    "b response body z",
    "a response body z",
    "body z",
    "r response trailers",
    "b response trailers",
    "a response trailers",
    "trailers 1",
  ]);
});

test("where a filter wants it, the end of an HTTP/1 body comes apart from its last bytes", () => {
  const run = (protocol: string, ...wanting: string[]): string[] => {
    const { owner, manager, filters } = chain("a", "r");
    for (const name of wanting) filters[name]!.wantsEndApart = true;
    owner.info.protocol = protocol;
    owner.info.upstream = { protocol } as UpstreamInfo;
    manager.decodeHeaders(requestHeaders(), false);
    manager.decodeData(queue("xy"), true);
    manager.encodeHeaders(responseHeaders(), false);
    manager.encodeData(queue("z"), true);
    return owner.take().filter((line) => line.includes("body"));
  };
  const together = [
    "a request body xy end",
    "r request body xy end",
    "r response body z end",
    "a response body z end",
    "body z end",
  ];
  assert.equal(run("HTTP/1.1"), together);
  assert.equal(run("HTTP/1.1", "r"), together, "the terminal filter does not count");
  assert.equal(run("HTTP/2", "a"), together);
  assert.equal(run("HTTP/1.1", "a"), [
    "a request body xy",
    "r request body xy",
    "a request body  end",
    "r request body  end",
    "r response body z",
    "a response body z",
    "body z",
    "r response body  end",
    "a response body  end",
    "body  end",
  ]);
});

test("a body whose end comes apart may be held, answered, or cut before it", () => {
  const start = (): Chain => {
    const all = chain("a", "r");
    all.filters["a"]!.wantsEndApart = true;
    all.owner.info.protocol = "HTTP/1.1";
    all.owner.info.upstream = { protocol: "HTTP/1.1" } as UpstreamInfo;
    all.manager.decodeHeaders(requestHeaders(), false);
    return all;
  };
  const held = start();
  held.filters["a"]!.request.body = DataStatus.StopIterationAndBuffer;
  held.manager.decodeData(queue("xy"), true);
  assert.equal(held.owner.take().slice(2), ["a request body xy", "a request body xy end"]);

  const full = start();
  full.filters["a"]!.request.body = DataStatus.StopIterationAndBuffer;
  full.manager.decodeData(queue("more than ten"), true);
  assert.equal(full.owner.take().slice(2), [
    "a request body more than ten",
    "r response headers 413",
    "a response headers 413",
    "headers 413",
    // A local reply comes as a whole.
    "r response body Payload Too Large end",
    "a response body Payload Too Large end",
    "body Payload Too Large end",
  ]);

  for (const end of ["sendLocalReply", "resetStream"] as const) {
    const replaced = start();
    const filter = replaced.filters["a"]!;
    replaced.manager.encodeHeaders(responseHeaders(), false);
    replaced.owner.take();
    filter.during["response body"] = () =>
      end === "resetStream"
        ? filter.stream.resetStream("cut")
        : filter.stream.sendLocalReply({ status: 500, details: "x" });
    replaced.manager.encodeData(queue("z"), true);
    assert.equal(replaced.owner.take().filter((line) => line.startsWith("a response")), ["a response body z"]);
  }
});

test("filters without a method, and factories that make none, are passed over", () => {
  const owner = new Owner();
  const seen: string[] = [];
  const manager = new FilterManager(owner, [
    { create: () => null },
    { create: () => ({}) },
    {
      create: () => ({
        onRequestBody(body) {
          seen.push(textOf(body));
          return DataStatus.Continue;
        },
      }),
    },
  ]);
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("a"), true);
  manager.encodeHeaders(responseHeaders(), true);
  manager.onDone();
  manager.onLog();
  manager.destroy();
  assert.equal(seen, ["a"]);
  assert.equal(owner.seen, ["headers 200 end"]);
});

test("StopIteration holds the headers; the body still comes to the filter that stopped", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  const { a } = filters;
  a!.request.headers = HeadersStatus.StopIteration;
  a!.request.body = DataStatus.StopIterationAndBuffer;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("12"), false);
  manager.decodeData(queue("3"), false);
  assert.equal(owner.take(), ["a request headers", "a request body 12", "a request body 123"]);
  assert.is(textOf(a!.stream.bufferedRequestBody!), "123");
  a!.stream.continueRequest();
  assert.equal(owner.take(), ["b request headers", "r request headers", "b request body 123", "r request body 123"]);
  assert.is(a!.stream.bufferedRequestBody, null);
});

test("a Continue from the body lets held headers go, too", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.request.headers = HeadersStatus.StopIteration;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("1"), true);
  assert.equal(owner.take(), [
    "a request headers",
    "a request body 1 end",
    "r request headers",
    "r request body 1 end",
  ]);
});

test("StopAll holds everything; on going on, the body comes to the filter that stopped first", () => {
  for (const status of [HeadersStatus.StopAllIterationAndBuffer, HeadersStatus.StopAllIterationAndWatermark]) {
    const { owner, manager, filters } = chain("a", "b", "r");
    filters["a"]!.request.headers = status;
    manager.decodeHeaders(requestHeaders(), false);
    manager.decodeData(queue("1"), false);
    manager.decodeData(queue("2"), false);
    manager.decodeTrailers(new HeaderMap());
    assert.equal(owner.take(), ["a request headers"]);
    filters["a"]!.stream.continueRequest();
    assert.equal(owner.take(), [
      "b request headers",
      "r request headers",
      "a request body 12",
      "b request body 12",
      "r request body 12",
      "a request trailers",
      "b request trailers",
      "r request trailers",
    ]);
  }
});

test("headers that are the whole message are held and let go with their end", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.request.headers = HeadersStatus.StopAllIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), true);
  filters["a"]!.stream.continueRequest();
  assert.equal(owner.take(), ["a request headers end", "r request headers end"]);
});

test("a body that is buffered comes whole with every call, and goes on whole", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  const { b } = filters;
  b!.request.body = DataStatus.StopIterationAndBuffer;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("1"), false);
  manager.decodeData(queue("2"), false);
  b!.request.body = DataStatus.Continue;
  manager.decodeData(queue("3"), true);
  assert.equal(owner.take().slice(3), [
    "a request body 1",
    "b request body 1",
    "a request body 2",
    "b request body 12",
    "a request body 3 end",
    "b request body 123 end",
    "r request body 123 end",
  ]);
});

test("after a buffered body went on, chunks come one by one again", () => {
  const { owner, manager, filters } = chain("a", "r");
  const { a } = filters;
  manager.decodeHeaders(requestHeaders(), false);
  a!.request.body = DataStatus.StopIterationAndBuffer;
  manager.decodeData(queue("1"), false);
  a!.request.body = DataStatus.Continue;
  manager.decodeData(queue("2"), false);
  manager.decodeData(queue("3"), true);
  assert.equal(owner.take().slice(2), [
    "a request body 1",
    "a request body 12",
    "r request body 12",
    "a request body 3 end",
    "r request body 3 end",
  ]);
});

test("StopIterationNoBuffer leaves the bytes with the filter", () => {
  const { owner, manager, filters } = chain("a", "r");
  const { a } = filters;
  manager.decodeHeaders(requestHeaders(), false);
  a!.request.body = DataStatus.StopIterationNoBuffer;
  manager.decodeData(queue("lost"), false);
  a!.request.body = DataStatus.Continue;
  manager.decodeData(queue("kept"), true);
  assert.equal(owner.take().slice(2), ["a request body lost", "a request body kept end", "r request body kept end"]);
});

test("the end of a body that a filter took goes on by itself", () => {
  const { owner, manager, filters } = chain("a", "r");
  manager.decodeHeaders(requestHeaders(), false);
  filters["a"]!.request.body = DataStatus.StopIterationNoBuffer;
  manager.decodeData(queue("taken"), true);
  filters["a"]!.stream.continueRequest();
  assert.equal(owner.take().slice(2), ["a request body taken end", "r request body  end"]);
});

test("what a filter changes is what goes on", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.during["request headers"] = (headers) => (headers as HeaderMap).add("x-added", "1");
  filters["a"]!.during["request body"] = (body) => (body as ByteQueue).splice(0, 3, new Uint8Array([65, 66]));
  const headers = requestHeaders();
  manager.decodeHeaders(headers, false);
  manager.decodeData(queue("oldtail"), true);
  assert.is(headers.get("x-added"), "1");
  assert.is(owner.take().at(-1), "r request body ABtail end");
});

test("a filter may edit what its pause holds", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.request.body = DataStatus.StopIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("abc"), true);
  filters["a"]!.stream.bufferedRequestBody!.clear();
  filters["a"]!.stream.bufferedRequestBody!.push(new Uint8Array([90]));
  filters["a"]!.stream.continueRequest();
  assert.is(owner.take().at(-1), "r request body Z end");
});

test("above the limit a watermark pauses the sender once, and going on lets it go on", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.request.body = DataStatus.StopIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("0123456789"), false);
  assert.is(owner.paused, 0);
  manager.decodeData(queue("x"), false);
  manager.decodeData(queue("y"), false);
  assert.is(owner.paused, 1);
  filters["a"]!.stream.continueRequest();
  assert.is(owner.paused, 0);
  assert.is(owner.take().at(-1), "r request body 0123456789xy");
});

test("a limit for requests alone", () => {
  const { owner, manager, filters } = chain("a", "r");
  owner.requestBufferLimitBytes = 20;
  filters["a"]!.request.body = DataStatus.StopIterationAndBuffer;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("0123456789x"), false);
  assert.is(owner.take().at(-1), "a request body 0123456789x", "no answer");
  manager.decodeData(queue("0123456789x"), false);
  assert.is(owner.info.responseCodeDetails, "request_payload_too_large");
});

test("a request above the limit of a filter that wants all of it is answered 413", () => {
  for (const stopAll of [false, true]) {
    const { owner, manager, filters } = chain("a", "r");
    if (stopAll) filters["a"]!.request.headers = HeadersStatus.StopAllIterationAndBuffer;
    else filters["a"]!.request.body = DataStatus.StopIterationAndBuffer;
    manager.decodeHeaders(requestHeaders(), false);
    manager.decodeData(queue("0123456789x"), false);
    assert.equal(owner.take().slice(-6), [
      "r response headers 413",
      "a response headers 413",
      "headers 413",
      "r response body Payload Too Large end",
      "a response body Payload Too Large end",
      "body Payload Too Large end",
    ]);
    assert.is(owner.info.responseCodeDetails, "request_payload_too_large");
    manager.decodeData(queue("more"), true);
    assert.equal(owner.take(), [], "nothing of the request goes on");
  }
});

test("a limit of 0 is none", () => {
  const { owner, manager, filters } = chain("a", "r");
  owner.bufferLimitBytes = 0;
  filters["a"]!.request.body = DataStatus.StopIterationAndBuffer;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("0123456789x"), false);
  assert.equal(owner.take().slice(2), ["a request body 0123456789x"]);
});

test("a response above the limit: 500 while its headers are held, a reset after they went", () => {
  const held = chain("a", "r");
  held.filters["a"]!.response.headers = HeadersStatus.StopIteration;
  held.filters["a"]!.response.body = DataStatus.StopIterationAndBuffer;
  held.manager.decodeHeaders(requestHeaders(), true);
  held.manager.encodeHeaders(responseHeaders(), false);
  held.owner.take();
  held.manager.encodeData(queue("0123456789x"), false);
  assert.equal(held.owner.take(), [
    "r response body 0123456789x",
    "a response body 0123456789x",
    "headers 500",
    "body Internal Server Error end",
  ]);
  assert.is(held.owner.info.responseCodeDetails, "response_payload_too_large");

  const sent = chain("a", "r");
  sent.filters["a"]!.response.body = DataStatus.StopIterationAndBuffer;
  sent.manager.decodeHeaders(requestHeaders(), true);
  sent.manager.encodeHeaders(responseHeaders(), false);
  sent.owner.take();
  sent.manager.encodeData(queue("0123456789x"), false);
  assert.ok(sent.owner.take().includes("reset response_payload_too_large"));
});

test("a response that is held above the limit pauses the upstream", () => {
  const { manager, filters } = chain("a", "r");
  const marks: string[] = [];
  filters["r"]!.stream.setDownstreamWatermarkCallbacks({
    onAboveWriteBufferHighWatermark: () => marks.push("high"),
    onBelowWriteBufferLowWatermark: () => marks.push("low"),
  });
  filters["a"]!.response.body = DataStatus.StopIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), true);
  manager.encodeHeaders(responseHeaders(), false);
  manager.encodeData(queue("0123456789x"), false);
  assert.equal(marks, ["high"]);
  filters["a"]!.stream.continueResponse();
  assert.equal(marks, ["high", "low"]);
});

test("trailers are held until the filter goes on", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  filters["a"]!.request.trailers = TrailersStatus.StopIteration;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeTrailers(new HeaderMap());
  assert.is(owner.take().at(-1), "a request trailers");
  filters["a"]!.stream.continueRequest();
  assert.equal(owner.take(), ["b request trailers", "r request trailers"]);
});

test("trailers that a filter lets pass take what it buffered with them", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.request.headers = HeadersStatus.StopIteration;
  filters["a"]!.request.body = DataStatus.StopIterationAndBuffer;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("1"), false);
  manager.decodeTrailers(new HeaderMap());
  assert.equal(owner.take(), [
    "a request headers",
    "a request body 1",
    "a request trailers",
    "r request headers",
    "r request body 1",
    "r request trailers",
  ]);
});

test("trailers made in the last body callback end the message for the filters behind", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  filters["a"]!.during["request body"] = () => filters["a"]!.stream.addRequestTrailers().add("t", "1");
  filters["b"]!.during["response body"] = () => filters["b"]!.stream.addResponseTrailers().add("t", "1");
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("1"), true);
  assert.equal(owner.take().slice(3), [
    "a request body 1 end",
    "b request body 1",
    "r request body 1",
    "b request trailers",
    "r request trailers",
  ]);
  manager.encodeHeaders(responseHeaders(), false);
  manager.encodeData(queue("2"), true);
  assert.equal(owner.take().slice(4), [
    "r response body 2 end",
    "b response body 2 end",
    "a response body 2",
    "body 2",
    "a response trailers",
    "trailers 1",
  ]);
});

test("trailers that the filter next to the client makes", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.during["response body"] = () => filters["a"]!.stream.addResponseTrailers().add("t", "1");
  manager.decodeHeaders(requestHeaders(), true);
  manager.encodeHeaders(responseHeaders(), false);
  owner.take();
  manager.encodeData(queue("2"), true);
  assert.equal(owner.take(), ["r response body 2 end", "a response body 2 end", "body 2", "trailers 1"]);
});

test("trailers that a filter makes are seen by those behind it, also by one that stopped", () => {
  for (const how of ["unseen", "buffers"] as const) {
    const { owner, manager, filters } = chain("a", "b", "c", "r");
    const { a, c } = filters;
    a!.during["request body"] = () => a!.stream.addRequestTrailers().add("t", "1");
    if (how === "unseen") c!.request.headers = HeadersStatus.StopAllIterationAndWatermark;
    else c!.request.body = DataStatus.StopIterationAndBuffer;
    c!.request.trailers = TrailersStatus.StopIteration;
    manager.decodeHeaders(requestHeaders(), false);
    owner.take();
    manager.decodeData(queue("1"), true);
    const seen = owner.take();
    c!.request.body = DataStatus.Continue;
    c!.stream.continueRequest();
    assert.equal(
      [...seen, "-", ...owner.take()],
      how === "unseen"
        ? [
          "a request body 1 end",
          "b request body 1",
          "b request trailers",
          "-",
          "r request headers",
          "c request body 1",
          "r request body 1",
          "c request trailers",
        ]
        : [
          "a request body 1 end",
          "b request body 1",
          "c request body 1",
          "b request trailers",
          "c request trailers",
          "-",
          "r request body 1",
          "r request trailers",
        ],
    );
  }
});

test("trailers wait with the body of the filter that made them", () => {
  const { owner, manager, filters } = chain("a", "r");
  const { a } = filters;
  a!.request.body = DataStatus.StopIterationAndBuffer;
  a!.during["request body"] = () => a!.stream.addRequestTrailers().add("t", "1");
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("1"), true);
  owner.take();
  a!.stream.continueRequest();
  assert.equal(owner.take(), ["r request body 1", "r request trailers"]);
});

test("going on from inside a callback is as good as not having stopped", () => {
  const { owner, manager, filters } = chain("a", "r");
  const { a } = filters;
  a!.request.headers = HeadersStatus.StopAllIterationAndWatermark;
  a!.during["request headers"] = () => a!.stream.continueRequest();
  manager.decodeHeaders(requestHeaders(), true);
  assert.equal(owner.take(), ["a request headers end", "r request headers end"]);
});

test("going on without having stopped, and going on twice, change nothing", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  filters["a"]!.stream.continueRequest();
  filters["b"]!.request.headers = HeadersStatus.StopAllIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), false);
  filters["a"]!.stream.continueRequest();
  assert.equal(owner.take(), ["a request headers", "b request headers"]);
  filters["b"]!.stream.continueRequest();
  filters["b"]!.stream.continueRequest();
  filters["a"]!.stream.continueResponse();
  assert.equal(owner.take(), ["r request headers"]);
});

test("two filters stop, each for itself", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  filters["a"]!.request.headers = HeadersStatus.StopAllIterationAndWatermark;
  filters["b"]!.request.headers = HeadersStatus.StopIteration;
  filters["b"]!.request.body = DataStatus.StopIterationAndBuffer;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("1"), true);
  filters["b"]!.stream.continueRequest();
  assert.equal(owner.take(), ["a request headers"]);
  filters["a"]!.stream.continueRequest();
  assert.equal(owner.take(), ["b request headers", "a request body 1 end", "b request body 1 end"]);
  filters["b"]!.stream.continueRequest();
  assert.equal(owner.take(), ["r request headers", "r request body 1 end"]);
});

test("the response stops and goes on in the other direction", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  filters["b"]!.response.headers = HeadersStatus.StopAllIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), true);
  owner.take();
  manager.encodeHeaders(responseHeaders("201"), false);
  manager.encodeData(queue("1"), true);
  assert.equal(owner.take(), ["r response headers 201", "b response headers 201", "r response body 1 end"]);
  assert.is(textOf(filters["b"]!.stream.bufferedResponseBody!), "1");
  filters["b"]!.stream.continueResponse();
  assert.equal(owner.take(), [
    "a response headers 201",
    "headers 201",
    "b response body 1 end",
    "a response body 1 end",
    "body 1 end",
  ]);
});

test("a local reply is made when its callback has returned, and passes all filters", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  const { b } = filters;
  b!.during["request headers"] = () => {
    b!.stream.sendLocalReply({ status: 403, body: "no", details: "because of b", headers: [["x-why", "b"]] });
    owner.seen.push("b goes on");
  };
  manager.decodeHeaders(requestHeaders(), false);
  assert.equal(owner.take(), [
    "a request headers",
    "b request headers",
    "b goes on",
    "r response headers 403",
    "b response headers 403",
    "a response headers 403",
    "headers 403",
    "r response body no end",
    "b response body no end",
    "a response body no end",
    "body no end",
  ]);
  assert.is(owner.info.responseCodeDetails, "because_of_b");
  assert.equal(filters["a"]!.stream.responseHeaders!.entries(), [
    [":status", "403"],
    ["x-why", "b"],
    ["content-length", "2"],
    ["content-type", "text/plain"],
  ]);
  manager.decodeData(queue("late"), true);
  assert.equal(owner.take(), []);
});

test("a local reply outside of a callback is made at once", () => {
  const { owner, manager, filters } = chain("a", "r");
  filters["a"]!.request.headers = HeadersStatus.StopAllIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("held"), true);
  owner.take();
  filters["a"]!.stream.sendLocalReply({ status: 401, details: "d" });
  assert.equal(owner.take(), ["r response headers 401 end", "a response headers 401 end", "headers 401 end"]);
  filters["a"]!.stream.continueRequest();
  filters["a"]!.stream.sendLocalReply({ status: 402, details: "e" });
  assert.not(owner.take().some((each) => each.includes("request") || each.includes("headers 402")));
});

test("an upstream's response behind a local reply is dropped", () => {
  const { owner, manager, filters } = chain("a", "r");
  manager.decodeHeaders(requestHeaders(), false);
  filters["a"]!.stream.sendLocalReply({ status: 429, details: "d" });
  owner.take();
  manager.encode1xxHeaders(responseHeaders("103"));
  manager.encodeHeaders(responseHeaders(), false);
  const data = queue("late");
  manager.encodeData(data, false);
  manager.encodeTrailers(new HeaderMap());
  assert.is(data.length, 0);
  assert.equal(owner.take(), []);
});

test("a local reply from response headers takes the place of that response, past the filters that saw it", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  filters["b"]!.during["response headers"] = () => filters["b"]!.stream.sendLocalReply({ status: 502, details: "bad" });
  manager.decodeHeaders(requestHeaders(), true);
  owner.take();
  manager.encodeHeaders(responseHeaders(), false);
  manager.encodeData(queue("dropped"), true);
  assert.equal(owner.take(), ["r response headers 200", "b response headers 200", "headers 502 end"]);
});

test("a local reply after headers went to the client is a reset", () => {
  const { owner, manager, filters } = chain("a", "r");
  manager.decodeHeaders(requestHeaders(), true);
  manager.encodeHeaders(responseHeaders(), false);
  owner.take();
  filters["a"]!.during["response body"] = () =>
    filters["a"]!.stream.sendLocalReply({ status: 500, details: "too late" });
  manager.encodeData(queue("x"), true);
  assert.equal(owner.take(), [
    "r response body x end",
    "a response body x end",
    "reset too late",
    "a destroy",
    "r destroy",
  ]);
  assert.is(owner.info.responseCodeDetails, "too_late");
});

test("replies to HEAD and to gRPC", () => {
  const head = chain("r");
  head.manager.decodeHeaders(requestHeaders({ ":method": "HEAD" }), true);
  head.filters["r"]!.stream.sendLocalReply({ status: 404, body: "gone", details: "d" });
  assert.is(head.owner.take().at(-1), "headers 404 end");
  assert.is(head.filters["r"]!.stream.responseHeaders!.get("content-length"), "4");

  const grpc = chain("r");
  grpc.manager.decodeHeaders(requestHeaders({ "content-type": "application/grpc+proto" }), true);
  grpc.filters["r"]!.stream.sendLocalReply({ status: 503, body: "50% ü", details: "d" });
  assert.is(grpc.owner.take().at(-1), "headers 200 end");
  assert.equal(grpc.filters["r"]!.stream.responseHeaders!.entries(), [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", "14"],
    ["grpc-message", "50%25 %C3%BC"],
  ]);
});

test("the owner may change a local reply", () => {
  const { owner, manager, filters } = chain("r");
  owner.rewrite = (headers) => {
    headers.status = 418;
    return { status: 418, body: fromLatin1("mapped"), contentType: "text/plain" };
  };
  manager.decodeHeaders(requestHeaders(), true);
  filters["r"]!.stream.sendLocalReply({ status: 503, details: "d" });
  assert.equal(owner.take().filter((each) => !each.startsWith("r ")), ["headers 418", "body mapped end"]);
});

test("a filter that ends the stream without an answer", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  filters["a"]!.during["request headers"] = () => filters["a"]!.stream.resetStream("gone");
  manager.decodeHeaders(requestHeaders(), false);
  assert.equal(owner.take(), ["a request headers", "reset gone", "a destroy", "b destroy", "r destroy"]);
});

test("a destroyed stream calls nobody any more", () => {
  const { owner, manager, filters } = chain("a", "b", "r");
  const { a } = filters;
  a!.request.headers = HeadersStatus.StopAllIterationAndWatermark;
  manager.decodeHeaders(requestHeaders(), false);
  manager.decodeData(queue("0123456789x"), false);
  assert.is(owner.paused, 1);
  manager.onDone();
  manager.onLog();
  manager.destroy();
  manager.destroy();
  assert.is(owner.paused, 0, "what was paused goes on, or its end would not be seen");
  assert.equal(owner.take().slice(1), [
    "a done",
    "b done",
    "r done",
    "a log",
    "b log",
    "r log",
    "a destroy",
    "b destroy",
    "r destroy",
  ]);
  a!.stream.continueRequest();
  a!.stream.continueResponse();
  a!.stream.sendLocalReply({ status: 500, details: "d" });
  a!.stream.resetStream("d");
  manager.decodeData(queue("x"), true);
  manager.encodeHeaders(responseHeaders(), true);
  manager.onAboveWriteBufferHighWatermark();
  assert.equal(owner.take(), []);
});

test("who asks late for watermarks hears how full the client's side is", () => {
  const { manager, filters } = chain("r");
  const marks: string[] = [];
  manager.onAboveWriteBufferHighWatermark();
  manager.onAboveWriteBufferHighWatermark();
  filters["r"]!.stream.setDownstreamWatermarkCallbacks({
    onAboveWriteBufferHighWatermark: () => marks.push("high"),
    onBelowWriteBufferLowWatermark: () => marks.push("low"),
  });
  assert.equal(marks, ["high", "high"]);
  manager.onBelowWriteBufferLowWatermark();
  filters["r"]!.stream.setDownstreamWatermarkCallbacks(null);
  manager.onBelowWriteBufferLowWatermark();
  assert.equal(marks, ["high", "high", "low"]);
});

test("informational responses pass to the client until the response began", () => {
  const { owner, manager, filters } = chain("a", "r");
  manager.decodeHeaders(requestHeaders(), true);
  owner.take();
  filters["r"]!.stream.encode1xxHeaders(responseHeaders("103"));
  manager.encodeHeaders(responseHeaders(), true);
  filters["r"]!.stream.encode1xxHeaders(responseHeaders("103"));
  assert.equal(owner.take().filter((each) => each.startsWith("informational")), ["informational 103"]);
});

test.run();
