// test/host/router/router.test.ts: requests to clusters, and what comes of each way in which they can fail.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { xxHashReady } from "../../../host/base/xxhash.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { PeerType } from "../../../host/net/filter.ts";
import { DEFAULT_HTTP_PLAN, DEFAULT_THRESHOLDS } from "../../../host/upstream/plan.ts";
import { queue } from "../http/support.ts";
import { endpoint } from "../upstream/fakes.ts";
import { type Options, Stream, TO_C } from "./router_stream.ts";

const BEFORE = "upstream connect error or disconnect/reset before headers. reset reason:";

test("a stream knows the metadata and the place of its cluster and host", () => {
  const stream = new Stream({
    cluster: {
      metadata: { ns: { of: "cluster" } },
      localities: [{
        priority: 0,
        locality: { region: "r", zone: "z", subZone: "" },
        weight: 0,
        endpoints: [endpoint("10.0.0.1", 80, { metadata: { ns: { of: "host" } } })],
        metadata: { ns: { of: "locality" } },
      }],
    },
  }).request();
  stream.connect().receive("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  const upstream = stream.info.upstream!;
  assert.equal(
    [upstream.clusterMetadata, upstream.hostMetadata, upstream.localityMetadata].map((each) => each!.get("ns")),
    [{ of: "cluster" }, { of: "host" }, { of: "locality" }],
  );
  assert.equal(upstream.locality, { region: "r", zone: "z", subZone: "" });
});

test("a request goes to the cluster, its response comes back with what the router adds", () => {
  const stream = new Stream().request({ "x-a": "1" });
  const connection = stream.connect();
  assert.is(
    connection.written,
    "GET /p?q HTTP/1.1\r\nhost: a.example\r\nx-a: 1\r\nx-envoy-expected-rq-timeout-ms: 15000\r\n\r\n",
  );
  stream.clock.advance(7);
  connection.receive("HTTP/1.1 201 X\r\ncontent-length: 2\r\n\r\nok");
  assert.equal(stream.seen, ["headers 201", "body ok end"]);
  assert.is(stream.responseHeaders!.get("x-envoy-upstream-service-time"), "7");
  assert.equal([stream.info.responseCodeDetails, stream.flags, stream.info.attemptCount], ["via_upstream", "", 1]);
  const upstream = stream.info.upstream!;
  assert.equal([upstream.clusterName, upstream.host!.text, upstream.protocol], ["c", "10.0.0.1:80", "HTTP/1.1"]);
  assert.equal([upstream.wireBytesSent, upstream.wireBytesReceived], [connection.written.length, 39]);
  assert.equal([stream.stat("upstream_rq_201"), stream.stat("upstream_rq_2xx"), stream.stat("upstream_rq_active")], [
    1,
    1,
    0,
  ]);
  assert.is(stream.stats.valueOf("http.a.rq_total"), 1);
});

test("nothing of its own is added where that is asked for", () => {
  const stream = new Stream({ suppressEnvoyHeaders: true }).request();
  stream.answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  assert.not(stream.requestHeaders!.has("x-envoy-expected-rq-timeout-ms"));
  assert.not(stream.responseHeaders!.has("x-envoy-upstream-service-time"));
});

test("each way to fail before the response has its status, text, flag and details", () => {
  const limits = (changes: object) => ({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, ...changes },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  const rows: readonly (readonly [string, Options, (stream: Stream) => void, string, string, string])[] = [
    ["no host", { endpoints: [] }, () => {}, "reply 503 no healthy upstream", "UH", "no_healthy_upstream"],
    [
      "refused",
      {},
      (stream) => stream.env.dialer.last.fail("remote"),
      `reply 503 ${BEFORE} remote connection failure`,
      "UF",
      "upstream_reset_before_response_started{remote_connection_failure|delayed connect error: Connection refused}",
    ],
    [
      "no connection in time",
      {},
      (stream) => stream.env.dialer.last.fail("timeout", ""),
      `reply 503 ${BEFORE} connection timeout`,
      "UF",
      "upstream_reset_before_response_started{connection_timeout}",
    ],
    [
      "no connection from here",
      {},
      (stream) => stream.env.dialer.last.fail("local", "no file descriptors"),
      `reply 503 ${BEFORE} local connection failure`,
      "UF",
      "upstream_reset_before_response_started{local_connection_failure|no file descriptors}",
    ],
    [
      "overflow",
      { cluster: limits({ maxPendingRequests: 0 }) },
      () => {},
      `reply 503 ${BEFORE} overflow`,
      "UO",
      "upstream_reset_before_response_started{overflow}",
    ],
    [
      "closed",
      {},
      (stream) => stream.connect().finish(PeerType.Remote),
      `reply 503 ${BEFORE} connection termination`,
      "UC",
      "upstream_reset_before_response_started{connection_termination}",
    ],
    [
      "closed in a head",
      {},
      (stream) => stream.answer("HTTP/1.1 200 OK\r\nx-").finish(PeerType.Remote),
      `reply 502 ${BEFORE} protocol error`,
      "UPE",
      "upstream_reset_before_response_started{protocol_error}",
    ],
    [
      "garbage",
      {},
      (stream) => stream.answer("garbage\r\n\r\n"),
      `reply 502 ${BEFORE} protocol error`,
      "UPE",
      "upstream_reset_before_response_started{protocol_error}",
    ],
    [
      "too late",
      {},
      (stream) => {
        stream.connect();
        stream.clock.advance(15_000);
      },
      "reply 504 upstream request timeout",
      "UT",
      "response_timeout",
    ],
    [
      "too late while waiting for a connection",
      {},
      (stream) => stream.clock.advance(15_000),
      "reply 504 upstream request timeout",
      "UT",
      "response_timeout",
    ],
  ];
  for (const [name, options, fail, seen, flag, details] of rows) {
    const stream = new Stream(options).request();
    fail(stream);
    assert.equal(stream.seen, [seen], name);
    assert.equal([stream.flags, stream.info.responseCodeDetails], [flag, details], name);
    const overloaded = stream.responseHeaders!.get("x-envoy-overloaded");
    assert.is(overloaded, flag === "UO" ? "true" : null, name);
    if (options.endpoints === undefined) {
      assert.is(stream.stat(`upstream_rq_${seen.slice(6, 9)}`), 1, name);
      assert.equal([stream.stat("upstream_rq_active"), stream.stat("upstream_rq_pending_active")], [0, 0], name);
    }
  }
});

test("no route, no cluster: by name, by header, with the route's own status", () => {
  const noRoute = new Stream({ route: { match: { prefix: "/other" }, route: { cluster: "c" } } }).request();
  assert.equal([noRoute.seen, noRoute.flags], [["reply 404"], "NR"]);
  assert.is(noRoute.info.responseCodeDetails, "route_not_found");
  const named = new Stream({ route: { match: { prefix: "/" }, route: { cluster: "d" } } }).request();
  assert.equal([named.seen, named.flags, named.info.clusterName], [["reply 503"], "NC", ""]);
  assert.is(named.stats.valueOf("http.a.no_cluster"), 1);
  const route = {
    match: { prefix: "/" },
    route: { cluster_header: "x-c", cluster_not_found_response_code: "NOT_FOUND" },
  };
  const byHeader = new Stream({ route }).request();
  assert.equal([byHeader.seen, byHeader.info.responseCodeDetails], [["reply 404"], "cluster_not_found"]);
  const found = new Stream({ route }).request({ "x-c": "c" });
  assert.is(found.env.dialer.dials.length, 1);
});

test("a response that breaks off is cut for the client, too", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
  const cut = new Stream().request();
  cut.answer(head).finish(PeerType.Remote);
  assert.equal(cut.seen, ["headers 200", "body half", "reset upstream_reset_after_response_started{protocol_error}"]);
  assert.is(cut.flags, "UPE");
  const late = new Stream().request();
  late.answer(head);
  late.clock.advance(15_000);
  assert.equal(late.seen.at(-1), "reset response_timeout");
  assert.is(late.flags, "UT");
});

test("the time-out begins with the end of the request", () => {
  const stream = new Stream().request({ ":method": "POST", "content-length": "2" }, false);
  stream.connect();
  stream.clock.advance(60_000);
  stream.router.onRequestBody(queue("ab"), true);
  stream.clock.advance(14_999);
  assert.equal(stream.seen, []);
  stream.clock.advance(1);
  assert.equal(stream.seen, ["reply 504 upstream request timeout"]);
});

test("an attempt may last as long as its cluster allows, from its connection on", () => {
  const http = { ...DEFAULT_HTTP_PLAN, maxStreamDurationMs: 100 };
  const whole = new Stream({ cluster: { http } }).request();
  whole.clock.advance(100);
  assert.equal(whole.seen, [], "there is no connection yet");
  whole.connect();
  whole.clock.advance(100);
  assert.equal(whole.seen, ["reply 504 upstream max stream duration reached"]);
  assert.equal([whole.flags, whole.info.responseCodeDetails], ["UMSDR", "upstream_max_stream_duration_reached"]);
  assert.is(whole.stat("upstream_rq_max_duration_reached"), 1);
  assert.is(whole.clock.armedTimers, 0);
  const half = new Stream({ cluster: { http } }).request({ ":method": "POST" }, false);
  half.connect();
  half.clock.advance(100);
  assert.equal(half.seen, ["reply 408 upstream max stream duration reached"]);
  const answered = new Stream({ cluster: { http } }).request();
  answered.answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
  answered.clock.advance(100);
  assert.equal(answered.seen, ["headers 200", "body half", "reset upstream_max_stream_duration_reached"]);
  const inTime = new Stream({ cluster: { http } }).request();
  inTime.answer("HTTP/1.1 204 OK\r\n\r\n");
  inTime.clock.advance(100);
  assert.equal(inTime.seen, ["headers 204 end"]);
});

test("internal callers may ask for another time-out, and another answer to it", () => {
  const asked = new Stream().request({ "x-envoy-upstream-rq-timeout-ms": "20" });
  assert.equal(
    [
      asked.requestHeaders!.get("x-envoy-upstream-rq-timeout-ms"),
      asked.requestHeaders!.get("x-envoy-expected-rq-timeout-ms"),
    ],
    [null, "20"],
  );
  asked.clock.advance(20);
  assert.equal(asked.seen, ["reply 504 upstream request timeout"]);
  const other = new Stream().request({
    "x-envoy-upstream-rq-timeout-ms": "20",
    "x-envoy-upstream-rq-timeout-alt-response": "1",
  });
  other.clock.advance(20);
  assert.equal(other.seen, ["reply 204"]);
  const expected = new Stream({ respectExpectedRqTimeout: true }).request({ "x-envoy-expected-rq-timeout-ms": "30" });
  expected.clock.advance(30);
  assert.equal(expected.seen, ["reply 504 upstream request timeout"]);
  const none = new Stream({ route: { match: { prefix: "/" }, route: { cluster: "c", timeout: "0s" } } }).request();
  none.clock.advance(1e9);
  assert.equal(none.seen, []);
  const limited = { match: { prefix: "/" }, route: { cluster: "c", timeout: "1s", max_stream_duration: {} } };
  const byStream = new Stream({ route: limited }).request();
  byStream.clock.advance(1e9);
  assert.equal([byStream.seen, byStream.requestHeaders!.has("x-envoy-expected-rq-timeout-ms")], [[], false]);
});

test("what internal callers say to the router stays with it", () => {
  const stream = new Stream().request({
    "x-envoy-retry-on": "5xx",
    "x-envoy-max-retries": "2",
    "x-envoy-retriable-status-codes": "418",
    "x-envoy-upstream-alt-stat-name": "n",
    "x-envoy-other": "kept",
  });
  assert.equal(stream.requestHeaders!.entries().slice(4).map(([name]) => name), [
    "x-envoy-other",
    "x-envoy-expected-rq-timeout-ms",
  ]);
});

test("the route's headers on requests, responses and the router's own answers; attempts", () => {
  const routes = {
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      routes: [TO_C],
      include_request_attempt_count: true,
      include_attempt_count_in_response: true,
      request_headers_to_add: [{ header: { key: "x-up", value: "1" } }],
      response_headers_to_add: [{ header: { key: "x-down", value: "%RESPONSE_CODE%" } }],
    }],
  };
  const fine = new Stream({ routes }).request();
  assert.equal([fine.requestHeaders!.get("x-envoy-attempt-count"), fine.requestHeaders!.get("x-up")], ["1", "1"]);
  fine.answer("HTTP/1.1 204 X\r\n\r\n");
  assert.equal(fine.responseHeaders!.entries().slice(1).map(([name, value]) => `${name}=${value}`), [
    "x-envoy-upstream-service-time=0",
    "x-down=204",
    "x-envoy-attempt-count=1",
  ]);
  const failed = new Stream({ routes }).request();
  failed.env.dialer.last.fail("remote");
  assert.ok(failed.responseHeaders!.has("x-down"));
  assert.is(failed.responseHeaders!.get("x-envoy-attempt-count"), "1");
});

test("the host's name takes the place of the client's", () => {
  const route = { match: { prefix: "/" }, route: { cluster: "c", auto_host_rewrite: true } };
  const stream = new Stream({ route, endpoints: [endpoint("10.0.0.1", 80, { hostname: "inner" })] }).request();
  assert.equal([stream.requestHeaders!.authority, stream.requestHeaders!.get("x-envoy-original-host")], [
    "inner",
    "a.example",
  ]);
});

test("redirects and direct responses", () => {
  const redirect = new Stream({
    route: { match: { prefix: "/" }, redirect: { host_redirect: "b", path_redirect: "/n" } },
  });
  redirect.request();
  assert.equal([redirect.seen, redirect.responseHeaders!.get("location")], [["reply 301"], "http://b/n?q"]);
  assert.equal([redirect.info.responseCodeDetails, redirect.flags], ["direct_response", ""]);
  const direct = new Stream({
    route: { match: { prefix: "/" }, direct_response: { status: 418, body: { inline_string: "tea" } } },
  }).request();
  assert.equal([direct.seen, direct.stats.valueOf("http.a.rq_direct_response")], [["reply 418 tea"], 1]);
});

test("a body that comes before the connection waits, and above the limit its sender does, too", () => {
  const stream = new Stream({ cluster: { perConnectionBufferLimitBytes: 10 } });
  stream.request({ ":method": "POST", "content-length": "12" }, false);
  stream.router.onRequestBody(queue("0123456789"), false);
  assert.is(stream.readDisabled, 0);
  stream.router.onRequestBody(queue("ab"), true);
  assert.is(stream.readDisabled, 1);
  const connection = stream.connect();
  assert.is(stream.readDisabled, 0);
  assert.ok(connection.written.endsWith("\r\n\r\n0123456789ab"));
});

test("trailers that come before the connection wait with the body", () => {
  const stream = new Stream().request({ ":method": "POST" }, false);
  stream.router.onRequestBody(queue("a"), false);
  stream.router.onRequestTrailers(HeaderMap.of({ t: "1" }));
  assert.ok(stream.connect().written.endsWith("transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"));
});

test("an upstream that is slow pauses the client, a client that is slow the upstream", () => {
  const stream = new Stream().request({ ":method": "POST", "content-length": "5" }, false);
  const connection = stream.connect();
  connection.handler!.onAboveWriteBufferHighWatermark();
  assert.is(stream.readDisabled, 1);
  connection.handler!.onBelowWriteBufferLowWatermark();
  assert.is(stream.readDisabled, 0);
  stream.watermarks!.onAboveWriteBufferHighWatermark();
  stream.watermarks!.onBelowWriteBufferLowWatermark();
  assert.equal(
    [
      stream.stat("upstream_flow_control_paused_reading_total"),
      stream.stat("upstream_flow_control_resumed_reading_total"),
    ],
    [1, 1],
  );
  connection.handler!.onAboveWriteBufferHighWatermark();
  connection.finish(PeerType.Remote);
  assert.is(stream.readDisabled, 0, "who was paused goes on");
});

test("a client that leaves takes its request back, wherever it is", () => {
  const waiting = new Stream().request();
  waiting.router.onDestroy();
  assert.is(waiting.stat("upstream_rq_cancelled"), 1);
  assert.is(waiting.stat("upstream_rq_pending_active"), 0);
  const sent = new Stream().request();
  const connection = sent.connect();
  sent.router.onDestroy();
  assert.ok(connection.closed);
  assert.equal([sent.stat("upstream_rq_active"), sent.seen], [0, []]);
  sent.clock.advance(60_000);
  assert.equal(sent.seen, []);
});

test("informational responses, trailers, and a tunnel that the upstream ends", () => {
  const hints = new Stream().request();
  hints.answer("HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
  assert.equal(hints.seen, ["informational 103", "headers 200", "body a end"]);
  assert.is(hints.stat("upstream_rq_103"), 1);
  const tunnel = new Stream().request(
    { ":protocol": "websocket", "connection": "upgrade", "upgrade": "websocket" },
    false,
  );
  const connection = tunnel.answer("HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nbytes");
  connection.finish(PeerType.Remote);
  assert.equal(tunnel.seen, ["headers 101", "body bytes", "body  end"]);
  assert.equal([tunnel.flags, tunnel.info.responseCodeDetails], [
    "UC",
    "upstream_reset_after_response_started{connection_termination}",
  ]);
});

const TUNNEL = {
  match: { connect_matcher: {} },
  route: { cluster: "c", upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: {} }] },
};

test("CONNECT opens a tunnel of bytes: answered by the router, what came before goes first", () => {
  const stream = new Stream({ route: TUNNEL }).request({ ":method": "CONNECT" }, false);
  stream.router.onRequestBody(queue("early "), false);
  assert.equal(stream.seen, []);
  const connection = stream.connect();
  assert.equal(stream.seen.splice(0), ["headers 200"]);
  stream.router.onRequestBody(queue("late"), false);
  assert.is(connection.written, "early late");
  connection.receive("back");
  assert.equal(stream.seen.splice(0), ["body back"]);
  stream.router.onRequestBody(queue("!"), true);
  assert.equal([connection.written, connection.ended], ["early late!", true]);
  connection.handler!.onEnd();
  assert.equal(stream.seen, ["body  end"]);
  connection.finish(PeerType.Remote);
  assert.equal(stream.seen, ["body  end"]);
  assert.equal([stream.flags, stream.info.responseCodeDetails], ["", "via_upstream"]);
  assert.equal([stream.info.upstream!.wireBytesSent, stream.info.upstream!.wireBytesReceived], [11, 4]);
  assert.equal(
    ["upstream_cx_active", "upstream_rq_active", "upstream_cx_destroy_with_active_rq"].map((name) => stream.stat(name)),
    [0, 0, 0],
  );
});

test("a tunnel of bytes that the upstream ends first, or resets, and one that the client gives up", () => {
  const ended = new Stream({ route: TUNNEL }).request({ ":method": "CONNECT" }, false);
  const connection = ended.connect();
  connection.handler!.onEnd();
  assert.equal(ended.seen, ["headers 200", "body  end"]);
  assert.equal([ended.flags, connection.closed], ["", true]);

  const reset = new Stream({ route: TUNNEL }).request({ ":method": "CONNECT" }, false);
  reset.connect().finish(PeerType.Remote);
  assert.equal(reset.seen, ["headers 200", "reset upstream_reset_after_response_started{connection_termination}"]);
  assert.is(reset.flags, "UC");

  const left = new Stream({ route: TUNNEL }).request({ ":method": "CONNECT" }, false);
  const abandoned = left.connect();
  left.router.onDestroy();
  assert.ok(abandoned.closed);
  assert.equal(left.seen, ["headers 200"]);
});

test("a tunnel of bytes without upstream; one that is given up, or is full, before there is a connection", () => {
  const failed = new Stream({ route: TUNNEL }).request({ ":method": "CONNECT" }, false);
  failed.env.dialer.last.fail("remote");
  assert.equal(failed.seen, [`reply 503 ${BEFORE} remote connection failure`]);
  const left = new Stream({ route: TUNNEL }).request({ ":method": "CONNECT" }, false);
  left.router.onDestroy();
  assert.ok(left.env.dialer.last.cancelled);
  const full = new Stream({ route: TUNNEL, cluster: { perConnectionBufferLimitBytes: 3 } })
    .request({ ":method": "CONNECT" }, false);
  full.router.onRequestBody(queue("long"), false);
  assert.is(full.readDisabled, 1);
  const connection = full.connect();
  assert.is(full.readDisabled, 0);
  connection.handler!.onAboveWriteBufferHighWatermark();
  assert.is(full.readDisabled, 1);
  connection.handler!.onBelowWriteBufferLowWatermark();
  assert.is(full.readDisabled, 0);
});

test("POST opens a tunnel of bytes where it may; everything else is HTTP", () => {
  const allowing = (allow_post: boolean) => ({
    match: { prefix: "/" },
    route: { cluster: "c", upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: { allow_post } }] },
  });
  const post = new Stream({ route: allowing(true) }).request({ ":method": "POST" }, false);
  const connection = post.connect();
  post.router.onRequestBody(queue("ping"), false);
  post.router.onRequestTrailers(new HeaderMap());
  assert.equal([connection.written, connection.ended], ["ping", true]);
  connection.receive("pong");
  connection.handler!.onEnd();
  assert.equal(post.seen, ["headers 200", "body pong", "body  end"]);
  for (const [allowed, method] of [[false, "POST"], [true, "GET"]] as const) {
    const http = new Stream({ route: allowing(allowed) }).request({ ":method": method });
    assert.match(http.connect().written, `${method} /p?q HTTP/1.1\r\n`);
  }
});

test("CONNECT without connect_config is forwarded as it is", () => {
  const route = { ...TUNNEL, route: { cluster: "c" } };
  const stream = new Stream({ route }).request({ ":method": "CONNECT" }, false);
  const connection = stream.connect();
  assert.match(connection.written, "CONNECT a.example HTTP/1.1\r\nhost: a.example\r\n");
  stream.router.onRequestBody(queue("early"), false);
  assert.not.match(connection.written, "early");
  connection.receive("HTTP/1.1 200 OK\r\n\r\n");
  assert.match(connection.written, /early$/);
});

test("a WebSocket that the upstream does not open: its answer without a body, errors as they are", () => {
  const ask = (protocol: string, answer: string): Stream => {
    const stream = new Stream().request({ ":protocol": protocol, "connection": "upgrade", "upgrade": protocol }, false);
    stream.answer(answer);
    return stream;
  };
  const answer = (status: string): string => `HTTP/1.1 ${status}\r\ncontent-length: 2\r\nx-a: 1\r\n\r\nno`;
  const accepted = ask("WebSocket", answer("200 OK"));
  assert.equal(accepted.seen, ["reply 200"]);
  assert.equal([accepted.responseHeaders!.get("x-a"), accepted.responseHeaders!.get("content-length")], ["1", null]);
  assert.is(accepted.info.responseCodeDetails, "websocket_handshake_unsuccessful");
  assert.equal(ask("websocket", answer("302 Found")).seen, ["reply 302"]);
  assert.equal(ask("websocket", answer("426 No")).seen, ["headers 426", "body no end"]);
  assert.equal(ask("other", answer("200 OK")).seen, ["headers 200", "body no end"]);
});

test.before(() => xxHashReady);

test("a cookie of a cluster's hash policy takes the place of the route's", () => {
  const stream = new Stream({
    route: { match: { prefix: "/" }, route: { cluster: "c", hash_policy: [{ cookie: { name: "r", ttl: "1s" } }] } },
    cluster: {
      http: {
        ...DEFAULT_HTTP_PLAN,
        hashPolicies: [{ kind: "cookie", name: "c", ttlSeconds: 9, path: "", attributes: [], terminal: false }],
      },
      loadBalancing: {
        policy: "MAGLEV",
        tableSize: 7,
        useHostnameForHashing: false,
        hashBalanceFactor: 0,
        panicThresholdPercent: 50,
        failTrafficOnPanic: false,
        localityWeighted: false,
      },
    },
  }).request();
  stream.answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  assert.match(stream.responseHeaders!.getAll("set-cookie").join(), /^c="[0-9a-f]{16}"; Max-Age=9; HttpOnly$/);
});

test.run();
