// test/host/router/tracked_stats.test.ts: clusters that keep more statistics than others.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { PeerType } from "../../../host/net/filter.ts";
import { binLower } from "../../../host/observe/histogram.ts";
import { NOTHING_TRACKED, type TrackedStatsPlan } from "../../../host/upstream/tracked_stats.ts";
import { Stream, TO_C } from "./router_stream.ts";

const OK = "HTTP/1.1 200 OK\r\nx-a: 12\r\ncontent-length: 4\r\n\r\ngood";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n";

/** A stream to a cluster that tracks this; attempts may take 1 s each, 4 s together. */
function tracking(tracked: Partial<TrackedStatsPlan>): Stream {
  return new Stream({
    cluster: { trackedStats: { ...NOTHING_TRACKED, ...tracked } },
    route: {
      ...TO_C,
      route: { cluster: "c", timeout: "4s", retry_policy: { retry_on: "5xx", per_try_timeout: "1s" } },
    },
  });
}

/** What its histograms hold, by name: how many samples there are from each number on. */
function histograms(stream: Stream): Record<string, string> {
  stream.env.store.flush();
  return Object.fromEntries(
    stream.env.store.histograms().filter(({ name }) => /budget|size|count/.test(name))
      .map(({ name, cumulative: { bins, counts } }) => [
        name.replace(/^.*upstream_/, ""),
        bins.map((bin, i) => `${binLower(bin)}:${counts[i]}`).join(" "),
      ]),
  );
}

function budgets(stream: Stream): readonly [all: string | undefined, perTry: string | undefined] {
  const { rq_timeout_budget_percent_used: all, rq_timeout_budget_per_try_percent_used: perTry } = histograms(stream);
  return [all, perTry];
}

test("nothing is kept where nobody asked for it", () => {
  const stream = tracking({});
  stream.request().answer(OK);
  assert.equal(histograms(stream), {});
});

test("the time of a request, and that of its attempts, in percent of what they had", () => {
  const stream = tracking({ timeoutBudgets: true });
  const connection = stream.request().connect();
  stream.clock.advance(500);
  connection.receive(BAD);
  // The second attempt begins about 25 ms later, and takes 200.
  stream.clock.advance(300);
  const [all, perTry] = budgets(stream);
  assert.equal([all, perTry], ["", "50:1"]);
  connection.receive(OK);
  assert.match(budgets(stream)[0]!, /^20:1$/);
  assert.match(budgets(stream)[1]!, /^2\d:1 50:1$/);
});

test("attempts that took too long", () => {
  const stream = tracking({ timeoutBudgets: true });
  stream.request().connect();
  stream.clock.advance(1000);
  assert.equal(budgets(stream), ["", "100:1"]);
  stream.clock.advance(100);
  stream.connect();
  stream.clock.advance(1000);
  assert.equal(budgets(stream)[1], "100:2");
  assert.match(budgets(stream)[0]!, /^5\d:1$/);
});

test("when all attempts together took too long, the last one's own time played no part", () => {
  const stream = new Stream({
    cluster: { trackedStats: { ...NOTHING_TRACKED, timeoutBudgets: true } },
    route: { ...TO_C, route: { cluster: "c", timeout: "4s" } },
  });
  stream.request().connect();
  stream.clock.advance(4000);
  assert.equal(budgets(stream), ["100:1", ""]);
});

test("where there is no limit nothing of it is used; nor before the request has ended", () => {
  const endless = new Stream({
    cluster: { trackedStats: { ...NOTHING_TRACKED, timeoutBudgets: true } },
    route: { ...TO_C, route: { cluster: "c", timeout: "0s" } },
  });
  const connection = endless.request().connect();
  endless.clock.advance(4000);
  connection.receive(OK);
  assert.equal(budgets(endless), ["0:1", "0:1"]);

  const early = tracking({ timeoutBudgets: true });
  early.request({ ":method": "POST", "content-length": "9" }, false);
  early.clock.advance(4000);
  early.answer(OK);
  assert.equal(budgets(early)[0], "0:1");
});

test("the sizes of a request and its response, body and headers", () => {
  const stream = tracking({ messageSizes: true });
  stream.request({ ":method": "POST" }, false);
  const body = new ByteQueue();
  body.push(new Uint8Array(7));
  stream.router.onRequestBody(body, true);
  stream.answer(OK);
  const { rq_headers_size, ...rest } = histograms(stream);
  assert.is(rq_headers_size, `${stream.requestHeaders!.byteSize}:1`);
  assert.equal(rest, {
    rq_headers_count: `${stream.requestHeaders!.size}:1`,
    rq_body_size: "7:1",
    // ":status: 200", "x-a: 12" and "content-length: 4", without what is between.
    rs_headers_size: "30:1",
    rs_headers_count: "3:1",
    rs_body_size: "4:1",
  });
});

test("informational responses are among the headers; each attempt counts", () => {
  const stream = tracking({ messageSizes: true });
  stream.request().connect().receive("HTTP/1.1 100 Continue\r\nx-b: 1\r\n\r\n" + OK);
  assert.is(histograms(stream)["rs_headers_count"], "5:1");

  const retried = tracking({ messageSizes: true });
  const connection = retried.request().answer(BAD);
  retried.clock.advance(100);
  connection.receive(OK);
  assert.equal([histograms(retried)["rs_headers_count"], histograms(retried)["rs_body_size"]], ["2:1 3:1", "0:1 4:1"]);
});

test("without a response there is nothing of one", () => {
  const stream = tracking({ messageSizes: true });
  stream.request().connect().finish(PeerType.Remote);
  const { rq_body_size, rs_headers_count, rs_body_size } = histograms(stream);
  assert.equal([rq_body_size, rs_headers_count, rs_body_size], ["0:1", "", ""]);
});

test.run();
