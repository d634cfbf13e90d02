// test/host/router/load_reports.test.ts: load balancing policies learn what becomes of attempts.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeerType } from "../../../host/net/filter.ts";
import type { HostPolicyData } from "../../../host/upstream/lb/host_data.ts";
import { DEFAULT_HTTP_PLAN } from "../../../host/upstream/plan.ts";
import { Stream, TO_C } from "./router_stream.ts";

const RETRIED = { ...TO_C, route: { cluster: "c", retry_policy: { retry_on: "5xx,reset", num_retries: 1 } } };
const HOSTS = ["10.0.0.1:80", "10.0.0.2:80"];

/** What the hosts of a stream's cluster are told. */
function listen(stream: Stream, hasReport = false): string[] {
  const told: string[] = [];
  for (const host of stream.clusters.get("c")!.priorities.hosts()) {
    const data: HostPolicyData = {
      onResponseHeaders(headers, elapsedMs) {
        told.push(`headers ${headers.status} after ${elapsedMs} ms`);
        return hasReport;
      },
      onResponseTrailers: (trailers) => void told.push(`trailers ${trailers.get("x-t")}`),
      onFailure: () => void told.push("failure"),
    };
    host.policyData = data;
  }
  return told;
}

const WITH_TRAILERS = { ...DEFAULT_HTTP_PLAN, http1: { ...DEFAULT_HTTP_PLAN.http1, enableTrailers: true } };
const TRAILERS = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-t: 1\r\n\r\n";

test("headers, and how long they took from the first byte of the request on", () => {
  const stream = new Stream();
  const told = listen(stream);
  stream.request();
  stream.clock.advance(7);
  const connection = stream.connect();
  stream.clock.advance(50);
  connection.receive("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  assert.equal(told, ["headers 200 after 50 ms"]);
});

test("trailers, unless the headers said it all", () => {
  for (const [hasReport, trailers] of [[false, ["trailers 1"]], [true, []]] as const) {
    const stream = new Stream({ cluster: { http: WITH_TRAILERS } });
    const told = listen(stream, hasReport);
    stream.request().answer(TRAILERS);
    assert.equal(told, ["headers 200 after 0 ms", ...trailers]);
  }
});

test("attempts that another one follows count", () => {
  const stream = new Stream({ route: RETRIED });
  const told = listen(stream);
  const connection = stream.request().answer("HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n");
  stream.clock.advance(1000);
  connection.receive("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  assert.equal(told.map((each) => each.slice(0, 11)), ["headers 503", "headers 200"]);
});

test("no response is a failure; half of one is none", () => {
  const stream = new Stream();
  const told = listen(stream);
  stream.request().connect().finish(PeerType.Remote);
  assert.equal(told, ["failure"]);

  const cut = new Stream();
  const toldOfCut = listen(cut);
  cut.request().answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").finish(PeerType.Remote);
  assert.equal(toldOfCut, ["headers 200 after 0 ms"]);
});

test("one that does not come in time is a failure", () => {
  const stream = new Stream();
  const told = listen(stream);
  stream.request().connect();
  stream.clock.advance(15_000);
  assert.equal(told, ["failure"]);
});

test("peak EWMA: a retry goes to the other host", () => {
  for (let seed = 1; seed < 10; seed++) {
    const stream = new Stream({
      seed,
      endpoints: HOSTS,
      route: RETRIED,
      cluster: {
        loadBalancing: {
          policy: "PEAK_EWMA",
          decayMs: 10_000,
          defaultRttMs: 10,
          penalty: 1e6,
          panicThresholdPercent: 50,
          localityWeighted: false,
          failTrafficOnPanic: false,
        },
      },
    });
    stream.request().connect().finish(PeerType.Remote);
    const first = stream.info.upstream!.host!.text;
    stream.clock.advance(1000);
    stream.answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert.is.not(stream.info.upstream!.host!.text, first);
  }
});

test.run();
