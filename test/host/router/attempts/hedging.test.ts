// test/host/router/attempts/hedging.test.ts: attempts beside each other: the first good response wins.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { queue } from "../../http/support.ts";
import { type FakeConnection, PeerType } from "../../upstream/fakes.ts";
import { type Options, Stream } from "../router_stream.ts";

const BAD = "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/** A request that was hedged in this way. */
function hedged(hedgePolicy: object, retryPolicy: object = {}, more: Options = {}, route: object = {}): Stream {
  const action = { cluster: "c", hedge_policy: hedgePolicy, retry_policy: retryPolicy, ...route };
  return new Stream({
    routes: { virtual_hosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: action }] }] },
    endpoints: ["10.0.0.1:80", "10.0.0.2:80"],
    ...more,
  });
}

/** Connects all attempts that wait for it. */
function connectAll(stream: Stream): FakeConnection[] {
  return stream.env.dialer.dials.map((dial) => dial.connection ?? dial.connect());
}

const ON_TIMEOUT = { hedge_on_per_try_timeout: true };
const TRY = { retry_on: "5xx", per_try_timeout: "0.1s" };

test("an attempt that takes too long goes on, and the other is reset once one has answered", () => {
  for (const winner of [0, 1]) {
    const stream = hedged(ON_TIMEOUT, TRY).request();
    connectAll(stream);
    stream.clock.advance(100);
    stream.clock.advance(25);
    const connections = connectAll(stream);
    assert.equal(connections.map(({ closed }) => closed), [false, false]);
    connections[winner]!.receive(GOOD);
    assert.equal(stream.seen, ["headers 200 end"]);
    assert.equal(connections.map(({ closed }) => closed), [winner === 1, winner === 0]);
    assert.equal(stream.info.upstream!.host!.address, ["10.0.0.1", "10.0.0.2"][winner]);
    // No timer of either is left.
    stream.clock.advance(60_000);
    assert.is(stream.seen.length, 1);
    assert.is(stream.stat("upstream_rq_per_try_timeout"), 0);
  }
});

test("a bad response waits for the attempts beside it", () => {
  const stream = hedged(ON_TIMEOUT, TRY).request();
  connectAll(stream);
  stream.clock.advance(100);
  // The next attempt is not even under way.
  connectAll(stream)[0]!.receive(BAD);
  assert.equal(stream.seen, []);
  stream.clock.advance(25);
  connectAll(stream).at(-1)!.receive(GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
});

test("the last of them has the word, good or bad", () => {
  const stream = hedged(ON_TIMEOUT, TRY).request();
  connectAll(stream);
  stream.clock.advance(100);
  stream.clock.advance(25);
  const [first, second] = connectAll(stream);
  second!.receive(BAD);
  assert.equal(stream.seen, []);
  first!.finish(PeerType.Remote);
  assert.is(stream.seen.length, 1);
  assert.match(stream.seen[0]!, /^reply 503 .*connection termination/);
});

test("so many attempts begin at once, each at a host of its own choice", () => {
  const stream = hedged({ initial_requests: 2 }, {}, {}, { auto_host_rewrite: true }).request(
    { ":method": "POST" },
    false,
  );
  const [first, second] = connectAll(stream);
  assert.is(stream.info.attemptCount, 2);
  stream.router.onRequestBody(queue("a"), false);
  stream.router.onRequestBody(queue("b"), true);
  for (const { written } of [first!, second!]) {
    assert.match(written, /^POST \/p\?q HTTP\/1\.1\r\n/);
    assert.match(written, /1\r\na\r\n1\r\nb\r\n0\r\n\r\n$/);
  }
  second!.receive("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
  assert.ok(first!.closed);
  second!.receive("ok");
  assert.equal(stream.seen, ["headers 200", "body ok end"]);
  assert.is(stream.info.upstream!.host!.address, "10.0.0.2");
});

test("one of those that began at once may fail", () => {
  const reset = hedged({ initial_requests: 2 }).request();
  const [first, second] = connectAll(reset);
  first!.finish(PeerType.Remote);
  assert.equal(reset.seen, []);
  second!.receive(GOOD);
  assert.equal(reset.seen, ["headers 200 end"]);
  // Without a retry policy no response is worse than another.
  const bad = hedged({ initial_requests: 2 }).request();
  connectAll(bad)[0]!.receive(BAD);
  assert.equal(bad.seen, ["headers 503 end"]);
  // With one, a bad response is dropped, and one retry replaces whatever failed meanwhile.
  const retried = hedged({ initial_requests: 2 }, { retry_on: "5xx" }).request();
  connectAll(retried).forEach((connection) => connection.receive(BAD));
  assert.equal(retried.seen, []);
  retried.clock.advance(25);
  const again = retried.env.dialer.dials.map(({ connection }) => connection!).find(({ written }) =>
    written.split("GET ").length === 3
  );
  again!.receive(GOOD);
  assert.equal(retried.seen, ["headers 200 end"]);
  assert.is(retried.stat("upstream_rq_retry"), 1);
});

test("one more attempt begins as often as its chance says", () => {
  let more = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const stream = hedged({ additional_request_chance: { numerator: 30 } }, {}, { seed }).request();
    more += stream.env.dialer.dials.length - 1;
  }
  assert.ok(more > 35 && more < 90, String(more));
});

test("a client that leaves takes all attempts with it", () => {
  const stream = hedged({ initial_requests: 2 }).request();
  const connections = connectAll(stream);
  stream.router.onDestroy();
  assert.equal(connections.map(({ closed }) => closed), [true, true]);
  assert.is(stream.stat("upstream_rq_active"), 0);
});

test("the time for the whole request ends all attempts", () => {
  const stream = hedged({ initial_requests: 2 }, {}, {}, { timeout: "1s" }).request();
  const connections = connectAll(stream);
  stream.clock.advance(1000);
  assert.equal(stream.seen, ["reply 504 upstream request timeout"]);
  assert.equal(connections.map(({ closed }) => closed), [true, true]);
  assert.equal([stream.stat("upstream_rq_timeout"), stream.stat("upstream_rq_504")], [2, 2]);
});

test("signs of life keep an attempt", () => {
  const stream = hedged({}, { retry_on: "5xx", per_try_idle_timeout: "0.1s" }).request();
  const connection = stream.connect();
  stream.clock.advance(90);
  connection.receive("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na");
  stream.clock.advance(90);
  connection.receive("b");
  stream.clock.advance(100);
  assert.equal(stream.seen, ["headers 200", "body a", "body b", "reset upstream_per_try_idle_timeout"]);
  assert.ok(connection.closed);
  assert.equal([stream.flags, stream.stat("upstream_rq_per_try_idle_timeout")], ["UT", 1]);
});

test.run();
