// test/host/router/mirrors.test.ts: copies of requests, which do nothing to the request.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { queue } from "../http/support.ts";
import { type FakeConnection, PeerType } from "../upstream/fakes.ts";
import { type Options, Stream } from "./router_stream.ts";

const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const LIMIT = 100;

/** A route to `c` that is mirrored to `m`. */
function mirrored(policy: object = {}, more: Options = {}, route: object = {}): Stream {
  return new Stream({
    route: {
      match: { prefix: "/" },
      route: { cluster: "c", request_mirror_policies: [{ cluster: "m", ...policy }], ...route },
    },
    clusters: { m: ["10.0.0.9:80"] },
    cluster: { perConnectionBufferLimitBytes: LIMIT },
    ...more,
  });
}

/** The connections to the cluster and to the mirror, made now. */
function connect(stream: Stream): { upstream: FakeConnection; mirror: FakeConnection } {
  const to = (address: string) => {
    const dial = stream.env.dialer.dials.find(({ target }) => target.address.address === address)!;
    return dial.connection ?? dial.connect();
  };
  return { upstream: to("10.0.0.1"), mirror: to("10.0.0.9") };
}

test("a mirror gets what the upstream gets, as it comes, and its answer goes nowhere", () => {
  const stream = mirrored().request({ ":method": "POST" }, false);
  const { upstream, mirror } = connect(stream);
  assert.match(mirror.written, /^POST \/p\?q HTTP\/1\.1\r\nhost: a\.example-shadow\r\n/);
  assert.match(mirror.written, /x-envoy-internal: true\r\nx-forwarded-for: 10\.7\.7\.7\r\n/);
  stream.router.onRequestBody(queue("a"), false);
  assert.match(mirror.written, /1\r\na\r\n$/);
  stream.router.onRequestTrailers(HeaderMap.of({ "x-t": "1" }));
  assert.match(mirror.written, /0\r\n(x-t: 1\r\n)?\r\n$/);
  mirror.receive("HTTP/1.1 500 X\r\ncontent-length: 3\r\n\r\nbad");
  assert.equal(stream.seen, []);
  upstream.receive(GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
});

test("a copy whose request is complete goes on when the request is over, for its time", () => {
  const stream = mirrored({}, {}, { timeout: "1s" }).request();
  const { upstream, mirror } = connect(stream);
  upstream.receive(GOOD);
  stream.router.onDestroy();
  assert.not(mirror.closed);
  stream.clock.advance(999);
  assert.not(mirror.closed);
  stream.clock.advance(1);
  assert.ok(mirror.closed);
});

test("the time of a copy begins with the end of the request", () => {
  const stream = mirrored({}, {}, { timeout: "1s" }).request({ ":method": "POST" }, false);
  const { mirror } = connect(stream);
  stream.clock.advance(5000);
  assert.not(mirror.closed);
  stream.router.onRequestBody(queue("a"), true);
  stream.clock.advance(1000);
  assert.ok(mirror.closed);
});

test("a copy ends with a request that does not", () => {
  const stream = mirrored().request({ ":method": "POST" }, false);
  const { mirror } = connect(stream);
  stream.router.onDestroy();
  assert.ok(mirror.closed);
});

test("a mirror that takes less than it is sent does not slow the request, and gets no more", () => {
  const stream = mirrored().request({ ":method": "POST" }, false);
  const dials = stream.env.dialer.dials;
  const upstream = dials.find(({ target }) => target.address.address === "10.0.0.1")!.connect();
  // The mirror's connection is not even there.
  for (let i = 0; i < 5; i++) stream.router.onRequestBody(queue("x".repeat(30)), false);
  assert.is(stream.readDisabled, 0);
  assert.is(stream.stat("retry_or_shadow_abandoned"), 1);
  assert.is(dials.find(({ target }) => target.address.address === "10.0.0.9")!.connect().written, "");
  stream.router.onRequestBody(queue("end"), true);
  assert.match(upstream.written, /3\r\nend\r\n0\r\n\r\n$/);
  upstream.receive(GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
  assert.is(stream.stat("retry_or_shadow_abandoned"), 1);
});

test("a mirror that breaks changes nothing", () => {
  const stream = mirrored().request({ ":method": "POST" }, false);
  const { upstream, mirror } = connect(stream);
  mirror.finish(PeerType.Remote);
  stream.router.onRequestBody(queue("a"), true);
  upstream.receive(GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
  assert.is(stream.stat("retry_or_shadow_abandoned"), 0);
});

test("whether a request is copied follows the stream's stable number", () => {
  const copies = [0, 29, 30, 99, 129, 130].map((random) => {
    const stream = mirrored({ runtime_fraction: { default_value: { numerator: 30 } } });
    stream.random = random;
    return stream.request().env.dialer.dials.length - 1;
  });
  assert.equal(copies, [1, 1, 0, 0, 1, 0]);
});

test("tunnels are not copied, nor is a request that has no host to go to", () => {
  assert.is(mirrored().request({ ":method": "GET", ":protocol": "websocket" }, false).env.dialer.dials.length, 1);
  const homeless = mirrored({}, { endpoints: [] }).request();
  assert.equal([homeless.seen, homeless.env.dialer.dials.length], [["reply 503 no healthy upstream"], 0]);
});

test.run();
