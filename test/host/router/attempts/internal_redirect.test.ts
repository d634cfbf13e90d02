// test/host/router/attempts/internal_redirect.test.ts: redirects that are followed in the client's place.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Router } from "../../../../host/router/router.ts";
import { RouterStats } from "../../../../host/router/router_stats.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { createClientCodec } from "../../../../host/upstream/conn_pool/client_codec.ts";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import { Downstream } from "../../http/conn_manager/downstream.ts";
import { queue } from "../../http/support.ts";
import { createFakeEnvironment, type FakeConnection, PeerType, planWith } from "../../upstream/fakes.ts";
import { Stream } from "../router_stream.ts";
import { tableOfRoutes } from "../support.ts";

const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

function redirect(location: string, status = 302): string {
  return `HTTP/1.1 ${status} X\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`;
}

function following(policy: object = {}, route: object = {}): Stream {
  const action = { cluster: "c", internal_redirect_policy: policy, ...route };
  return new Stream({ route: { name: "r", match: { prefix: "/" }, route: action } });
}

test("the request begins anew with the headers and the body that it has then", () => {
  const stream = following().request({ ":method": "POST" }, false);
  stream.router.onRequestBody(queue("bo"), false);
  stream.router.onRequestBody(queue("dy"), true);
  stream.answer(redirect("http://b.example/to?x=1#y"));
  assert.equal(stream.seen, ["recreated 302 b.example/to?x=1 body"]);
  assert.is(stream.requestHeaders!.get("x-envoy-original-url"), "http://a.example/p?q");
  assert.equal(stream.stat("upstream_internal_redirect_succeeded_total"), 1);
});

test("the deprecated way to ask for it, with its limit", () => {
  const route = { internal_redirect_policy: null, internal_redirect_action: "HANDLE_INTERNAL_REDIRECT" };
  const stream = following({}, route).request();
  stream.answer(redirect("http://b.example/"));
  assert.equal(stream.seen, ["recreated 302 b.example/ -"]);
  const none = following({}, { ...route, max_internal_redirects: 0 }).request();
  none.answer(redirect("http://b.example/"));
  assert.equal(none.seen, ["headers 302 end"]);
  const passed = following({}, { ...route, internal_redirect_action: "PASS_THROUGH_INTERNAL_REDIRECT" }).request();
  passed.answer(redirect("http://b.example/"));
  assert.equal([passed.seen, passed.stat("upstream_internal_redirect_failed_total")], [["headers 302 end"], 0]);
});

test("what is no absolute URL is the client's to look at, and leaves the request as it was", () => {
  for (
    const location of [
      "/x",
      "//b.example/x",
      "b.example/x",
      "http://",
      "http:///x",
      "http://u@b.example/",
      "http://b c/",
    ]
  ) {
    const stream = following().request();
    stream.answer(redirect(location));
    assert.equal(stream.seen, ["headers 302 end"], location);
    assert.is(stream.stats.valueOf("http.a.passthrough_internal_redirect_bad_location"), 1, location);
    assert.equal([stream.requestHeaders!.authority, stream.requestHeaders!.path], ["a.example", "/p?q"]);
  }
});

test("a body that could not be kept is not sent again", () => {
  const stream = following().request({ ":method": "POST" }, false);
  stream.router.onRequestBody(queue("x".repeat(101)), true);
  stream.answer(redirect("http://b.example/"));
  assert.equal(stream.seen, ["headers 302 end"]);
  assert.equal([stream.stat("retry_or_shadow_abandoned"), stream.stat("upstream_internal_redirect_failed_total")], [
    1,
    1,
  ]);
});

/** A connection manager with the router: a redirect has been followed, and the second request has its connection. */
function redirected(): { down: Downstream; second: FakeConnection; log: string[] } {
  const env = { ...createFakeEnvironment(), createClientCodec };
  const clusters = new ClusterManager(env);
  clusters.update([{ ...planWith(["10.0.0.1:80"]), name: "c", observabilityName: "c" }]);
  const table = tableOfRoutes([{ match: { prefix: "/" }, route: { cluster: "c", internal_redirect_policy: {} } }]);
  const stats = new RouterStats(StatsStore.create().scope("http.a"));
  const plan = { suppressEnvoyHeaders: true, respectExpectedRqTimeout: false };
  const config = { plan, stats, clusters, localAddress: "10.7.7.7" };
  const log: string[] = [];
  const down = new Downstream({
    configure: () => ({
      clock: env.clock,
      routes: { current: () => table },
      filters: [{ name: "router", disabled: false, terminal: true, create: (stream) => new Router(config, stream) }],
      accessLoggers: [{ log: ({ info }) => void log.push(`${info.responseCode} ${info.responseCodeDetails}`) }],
    }),
  });
  down.connection.receive("GET /a HTTP/1.1\r\nhost: a\r\n\r\n");
  const first = env.dialer.last.connect();
  first.receive(redirect("http://a/b").replace("content-length: 0\r\n\r\n", "content-length: 9\r\n\r\nhalf"));
  assert.ok(first.closed);
  const second = env.dialer.last.connect();
  assert.match(second.written, /^GET \/b HTTP\/1\.1\r\n/);
  return { down, second, log };
}

test("another stream answers in the place of the one that was redirected", () => {
  const { down, second, log } = redirected();
  assert.equal(log, ["302 internal_redirect"]);
  second.receive(GOOD);
  assert.match(down.connection.written, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(log, ["302 internal_redirect", "200 via_upstream"]);
  assert.equal(["rq_total", "rq_completed", "rq_active"].map((name) => down.stat(name)), [2, 1, 0]);
  assert.not(down.connection.closed);
  down.connection.receive("GET /c HTTP/1.1\r\nhost: a\r\n\r\n");
  assert.match(second.written, /GET \/c HTTP\/1\.1\r\n/);
});

test("a client that leaves ends the request that its own has become", () => {
  const { down, second, log } = redirected();
  down.connection.finish(PeerType.Remote);
  assert.ok(second.closed);
  assert.equal(log, ["302 internal_redirect", "0 downstream_remote_disconnect"]);
  assert.is(down.stat("rq_active"), 0);
});

test.run();
