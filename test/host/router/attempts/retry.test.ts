// test/host/router/attempts/retry.test.ts: attempts that fail, and those that follow them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { PeerType } from "../../../../host/net/filter.ts";
import { DEFAULT_HTTP_PLAN, DEFAULT_THRESHOLDS } from "../../../../host/upstream/plan.ts";
import type { RetryPolicyPlan } from "../../../../host/upstream/retry_plan.ts";
import { NO_RETRY_PLAN } from "../../../../host/upstream/retry_policy.ts";
import { queue } from "../../http/support.ts";
import { endpoint, type FakeConnection } from "../../upstream/fakes.ts";
import { type Options, Stream } from "../router_stream.ts";

const BAD = "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

function retrying(policy: object, more: Options = {}, route: object = {}): Stream {
  return new Stream({
    routes: {
      virtual_hosts: [{
        name: "v",
        domains: ["*"],
        include_request_attempt_count: true,
        routes: [{ match: { prefix: "/" }, route: { cluster: "c", retry_policy: policy, ...route } }],
      }],
    },
    ...more,
  });
}

/** Lets the longest wait before a retry pass. */
function wait(stream: Stream): void {
  stream.clock.advance(1000);
}

/** The current connection, which is there already or is made now. */
function answer(stream: Stream, text: string): FakeConnection {
  return stream.answer(text);
}

test("a bad response is followed by another attempt, which says that it is one", () => {
  const stream = retrying({ retry_on: "5xx" }).request({ "x-a": "1" });
  const first = answer(stream, BAD);
  assert.ok(first.written.includes("x-envoy-attempt-count: 1\r\n"), first.written);
  assert.equal(stream.seen, []);
  // The wait is less than 25 ms.
  first.written = "";
  stream.clock.advance(25);
  assert.is(stream.env.dialer.dials.length, 1);
  assert.match(first.written, /^GET \/p\?q HTTP\/1\.1\r\n/);
  assert.match(first.written, /x-envoy-attempt-count: 2\r\n/);
  assert.match(first.written, /x-envoy-expected-rq-timeout-ms: 149\d\d\r\n/);
  first.receive(GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
  assert.equal([stream.flags, stream.info.attemptCount, stream.info.responseCodeDetails], ["", 2, "via_upstream"]);
  const names = ["upstream_rq_retry", "upstream_rq_retry_success", "upstream_rq_retry_limit_exceeded"];
  assert.equal(names.map((name) => stream.stat(name)), [1, 1, 0]);
  assert.equal(["retry.upstream_rq_503", "upstream_rq_503", "upstream_rq_200"].map((name) => stream.stat(name)), [
    1,
    -1,
    1,
  ]);
  assert.is(stream.stat("upstream_rq_retry_backoff_exponential"), 1);
  assert.is(stream.stat("circuit_breakers.default.rq_retry_open"), 0);
});

test("the last response is the client's when all retries are used", () => {
  const stream = retrying({ retry_on: "gateway-error", num_retries: 2 }).request();
  const connection = stream.connect();
  for (let i = 0; i < 3; i++) {
    connection.receive(BAD);
    wait(stream);
  }
  assert.equal(stream.seen, ["headers 503 end"]);
  assert.equal([stream.flags, stream.info.attemptCount, stream.info.responseCodeDetails], ["URX", 3, "via_upstream"]);
  assert.equal([stream.stat("upstream_rq_retry"), stream.stat("upstream_rq_retry_limit_exceeded")], [2, 1]);
});

test("an attempt without a response is followed by another one, too", () => {
  const stream = retrying({ retry_on: "connect-failure" }).request();
  stream.env.dialer.last.fail("remote");
  wait(stream);
  assert.is(stream.env.dialer.dials.length, 2);
  answer(stream, GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
  const reset = retrying({ retry_on: "reset" }).request();
  reset.connect().finish(PeerType.Remote);
  wait(reset);
  answer(reset, GOOD);
  assert.equal(reset.seen, ["headers 200 end"]);
  // Once it has begun, the response is what it is.
  const begun = retrying({ retry_on: "reset" }).request();
  const connection = begun.connect();
  connection.receive("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab");
  connection.finish(PeerType.Remote);
  assert.is(begun.seen.at(-1), "reset upstream_reset_after_response_started{protocol_error}");
});

test("what cannot be retried is answered as without a policy", () => {
  const stream = retrying({ retry_on: "connect-failure" }).request();
  answer(stream, BAD);
  assert.equal([stream.seen, stream.flags], [["headers 503 end"], ""]);
  const other = retrying({ retry_on: "5xx", retriable_request_headers: [{ name: "x-idempotent" }] });
  answer(other.request(), BAD);
  assert.equal(other.seen, ["headers 503 end"]);
  const idempotent = retrying({ retry_on: "5xx", retriable_request_headers: [{ name: "x-idempotent" }] });
  answer(idempotent.request({ "x-idempotent": "1" }), BAD);
  assert.equal(idempotent.seen, []);
});

test("conditions: which responses are retried", () => {
  const rows: readonly (readonly [object, Readonly<Record<string, string>>, string, boolean])[] = [
    [{ retry_on: "retriable-4xx" }, {}, "409 Conflict", true],
    [{ retry_on: "retriable-4xx" }, {}, "404 Not Found", false],
    [{ retry_on: "gateway-error" }, {}, "500 X", false],
    [{ retry_on: "retriable-status-codes", retriable_status_codes: [418] }, {}, "418 X", true],
    [{ retry_on: "5xx", retriable_status_codes: [418] }, {}, "418 X", false],
    [{ retry_on: "retriable-headers", retriable_headers: [{ name: "x-again" }] }, {}, "200 OK\r\nX-Again: 1", true],
    [{ retry_on: "5xx" }, {}, "503 X\r\nx-envoy-ratelimited: true", false],
    [{ retry_on: "envoy-ratelimited" }, {}, "429 X\r\nx-envoy-ratelimited: true", true],
    [{ retry_on: "unavailable" }, {}, "200 OK\r\ngrpc-status: 14", true],
    [{ retry_on: "unavailable" }, {}, "200 OK\r\ngrpc-status: 13", false],
    [{ retry_on: "cancelled,internal" }, {}, "200 OK\r\ngrpc-status: 13", true],
    [{ retry_on: "nonsense" }, {}, "503 X", false],
    // What an internal caller asks for comes on top.
    [{ retry_on: "nonsense" }, { "x-envoy-retry-on": "5xx" }, "503 X", true],
    [{ retry_on: "nonsense" }, { "x-envoy-retry-on": "unavailable" }, "200 OK\r\ngrpc-status: 14", false],
    [{ retry_on: "nonsense" }, { "x-envoy-retry-grpc-on": "unavailable" }, "200 OK\r\ngrpc-status: 14", true],
    [{ retry_on: "5xx" }, { "x-envoy-max-retries": "0" }, "503 X", false],
    [
      { retry_on: "retriable-status-codes" },
      { "x-envoy-retriable-status-codes": "400, 418" },
      "418 X",
      true,
    ],
    [
      { retry_on: "retriable-headers" },
      { "x-envoy-retriable-header-names": "a, X-Again" },
      "200 OK\r\nx-again: 1",
      true,
    ],
  ];
  for (const [policy, request, response, retried] of rows) {
    const stream = retrying(policy).request(request);
    answer(stream, `HTTP/1.1 ${response}\r\ncontent-length: 0\r\n\r\n`);
    assert.is(stream.seen.length === 0, retried, `${JSON.stringify(policy)} ${response}`);
    for (const name of Object.keys(request)) assert.not(stream.requestHeaders!.has(name), name);
  }
});

test("an internal caller needs no policy", () => {
  const stream = new Stream().request({ "x-envoy-retry-on": "5xx" });
  const connection = answer(stream, BAD);
  wait(stream);
  connection.receive(GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
});

test("the body is sent again, as far as it is there, and goes on", () => {
  const stream = retrying({ retry_on: "5xx" }).request({ ":method": "POST" }, false);
  const connection = stream.connect();
  stream.router.onRequestBody(queue("one "), false);
  connection.receive("HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n");
  // While nobody takes it.
  stream.router.onRequestBody(queue("two "), false);
  wait(stream);
  const second = stream.connect();
  assert.match(second.written, /^POST [^]*\r\n\r\n[^]*one [^]*two /);
  stream.router.onRequestBody(queue("three"), true);
  assert.match(second.written, /one [^]*two [^]*three\r\n0\r\n\r\n$/);
  second.receive(GOOD);
  assert.equal(stream.seen, ["headers 200 end"]);
});

test("trailers are sent again", () => {
  const stream = retrying({ retry_on: "5xx" }).request({ ":method": "POST" }, false);
  const connection = stream.connect();
  stream.router.onRequestBody(queue("one"), false);
  stream.router.onRequestTrailers(HeaderMap.of({ "x-t": "1" }));
  connection.receive(BAD);
  wait(stream);
  assert.is(connection.written.split("one\r\n0\r\n").length, 3, connection.written);
});

test("a body that is too long to be kept is not sent again", () => {
  const stream = retrying({ retry_on: "5xx" }).request({ ":method": "POST" }, false);
  const connection = stream.connect();
  stream.router.onRequestBody(queue("x".repeat(60)), false);
  stream.router.onRequestBody(queue("x".repeat(60)), true);
  connection.receive(BAD);
  assert.equal([stream.seen, stream.flags], [["headers 503 end"], ""]);
  assert.is(stream.stat("retry_or_shadow_abandoned"), 1);
  // Between two attempts there is nobody to send it to.
  const waiting = retrying({ retry_on: "5xx" }).request({ ":method": "POST" }, false);
  const first = waiting.connect();
  waiting.router.onRequestBody(queue("x".repeat(60)), false);
  first.receive(BAD);
  waiting.router.onRequestBody(queue("x".repeat(60)), false);
  assert.equal(waiting.seen, ["reply 507 exceeded request buffer limit while retrying upstream"]);
  assert.is(waiting.info.responseCodeDetails, "request_payload_exceeded_retry_buffer_limit");
  wait(waiting);
  assert.is(waiting.env.dialer.dials.length, 1);
});

test("an attempt that takes too long is followed by another one", () => {
  const stream = retrying({ retry_on: "5xx", per_try_timeout: "0.1s" }).request();
  const first = stream.connect();
  assert.match(first.written, /x-envoy-expected-rq-timeout-ms: 100\r\n/);
  stream.clock.advance(99);
  assert.not(first.closed);
  stream.clock.advance(1);
  assert.ok(first.closed);
  stream.clock.advance(25);
  stream.connect();
  stream.clock.advance(100);
  assert.equal(stream.seen, ["reply 504 upstream request timeout"]);
  assert.equal([stream.flags, stream.info.responseCodeDetails], ["URX,UT", "upstream_per_try_timeout"]);
  assert.equal([stream.stat("upstream_rq_per_try_timeout"), stream.stat("upstream_rq_timeout")], [2, 0]);
});

test("the time of an attempt begins with its connection, and not before the request is complete", () => {
  const stream = retrying({ retry_on: "reset", num_retries: 0, per_try_timeout: "0.1s" })
    .request({ ":method": "POST" }, false);
  stream.clock.advance(500);
  stream.connect();
  stream.clock.advance(500);
  stream.router.onRequestBody(queue("x"), true);
  stream.clock.advance(99);
  assert.equal(stream.seen, []);
  stream.clock.advance(1);
  assert.equal(stream.seen, ["reply 504 upstream request timeout"]);
  // Once a response has begun it may take its time.
  const begun = retrying({ retry_on: "reset", per_try_timeout: "0.1s" }).request();
  answer(begun, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab");
  begun.clock.advance(1000);
  assert.equal(begun.seen, ["headers 200", "body ab"]);
});

test("a caller may say how long an attempt may take; more than for all of them is no limit", () => {
  const stream = retrying({ retry_on: "5xx" }).request({ "x-envoy-upstream-rq-per-try-timeout-ms": "50" });
  const connection = stream.connect();
  assert.match(connection.written, /x-envoy-expected-rq-timeout-ms: 50\r\n/);
  assert.not.match(connection.written, /per-try/);
  const long = retrying({ retry_on: "5xx", per_try_timeout: "20s" }).request();
  assert.match(long.connect().written, /x-envoy-expected-rq-timeout-ms: 15000\r\n/);
});

test("the time for the whole request ends between attempts, too", () => {
  const policy = { retry_on: "5xx", num_retries: 9, retry_back_off: { base_interval: "10s", max_interval: "10s" } };
  const stream = retrying(policy, {}, { timeout: "1s" }).request();
  answer(stream, BAD);
  stream.clock.advance(1000);
  assert.equal(stream.seen, ["reply 504 upstream request timeout"]);
  assert.equal([stream.flags, stream.info.responseCodeDetails], ["UT", "response_timeout"]);
  stream.clock.advance(20_000);
  assert.equal([stream.env.dialer.dials.length, stream.seen.length], [1, 1]);
});

test("a client that leaves between attempts leaves nothing behind", () => {
  const stream = retrying({ retry_on: "5xx" }, {
    cluster: {
      circuitBreakers: {
        default: { ...DEFAULT_THRESHOLDS, maxRetries: 1, trackRemaining: true },
        high: DEFAULT_THRESHOLDS,
        maxConnectionsPerHost: Infinity,
      },
    },
  }).request();
  const connection = answer(stream, BAD);
  assert.is(stream.stat("circuit_breakers.default.remaining_retries"), 0);
  stream.router.onDestroy();
  assert.is(stream.stat("circuit_breakers.default.remaining_retries"), 1);
  const { written } = connection;
  wait(stream);
  assert.is(connection.written, written);
});

test("a cluster has so many retries at once", () => {
  const stream = retrying({ retry_on: "5xx" }, {
    cluster: {
      circuitBreakers: {
        default: { ...DEFAULT_THRESHOLDS, maxRetries: 0 },
        high: DEFAULT_THRESHOLDS,
        maxConnectionsPerHost: Infinity,
      },
    },
  }).request();
  answer(stream, BAD);
  assert.equal([stream.seen, stream.flags, stream.stat("upstream_rq_retry_overflow")], [["headers 503 end"], "UO", 1]);
});

const PREVIOUS_HOSTS = {
  name: "previous",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
  },
};

test("a retry goes to another host, where that is asked for", () => {
  const stream = retrying(
    { retry_on: "5xx", num_retries: 3, retry_host_predicate: [PREVIOUS_HOSTS], host_selection_retry_max_attempts: 10 },
    { endpoints: ["10.0.0.1:80", "10.0.0.2:80"], cluster: { loadBalancing: RANDOM } },
  ).request();
  answer(stream, BAD);
  wait(stream);
  const [first, second] = stream.env.dialer.dials.map((dial) => dial.target.address.text);
  assert.is.not(second, first);
});

test("retries leave out hosts with canary or other metadata; first attempts do not", () => {
  const predicates: readonly object[] = [
    {
      name: "canary",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate",
      },
    },
    {
      name: "metadata",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig",
        metadata_match: { filter_metadata: { "envoy.lb": { canary: true } } },
      },
    },
  ];
  for (const predicate of predicates) {
    const firsts = new Set<string>();
    for (let seed = 1; seed <= 8; seed++) {
      const stream = retrying({
        retry_on: "5xx",
        retry_host_predicate: [predicate],
        host_selection_retry_max_attempts: 20,
      }, {
        seed,
        endpoints: [],
        cluster: {
          loadBalancing: RANDOM,
          localities: [{
            priority: 0,
            locality: { region: "", zone: "", subZone: "" },
            weight: 0,
            endpoints: [
              endpoint("10.0.0.1", 80, { metadata: { "envoy.lb": { canary: true } } }),
              endpoint("10.0.0.2", 80),
            ],
          }],
        },
      }).request();
      firsts.add(stream.env.dialer.last.target.address.text);
      answer(stream, BAD);
      wait(stream);
      assert.is(stream.env.dialer.last.target.address.text, "10.0.0.2:80");
    }
    assert.is(firsts.size, 2);
  }
});

test("an upstream that says when to come back is taken at its word", () => {
  const policy = {
    retry_on: "5xx",
    num_retries: 5,
    rate_limited_retry_back_off: {
      reset_headers: [{ name: "Retry-After" }, { name: "x-reset", format: "UNIX_TIMESTAMP" }],
      max_interval: "60s",
    },
  };
  const stream = retrying(policy, {}, { timeout: "0s" }).request();
  const connection = answer(stream, "HTTP/1.1 503 X\r\nretry-after: 10\r\ncontent-length: 0\r\n\r\n");
  connection.written = "";
  stream.clock.advance(9999);
  assert.is(connection.written, "");
  stream.clock.advance(5001);
  assert.match(connection.written, /^GET/);
  const at = Math.floor(stream.clock.wallMs() / 1000) + 20;
  connection.receive(`HTTP/1.1 503 X\r\nx-reset: ${at}\r\ncontent-length: 0\r\n\r\n`);
  connection.written = "";
  stream.clock.advance(18_000);
  assert.is(connection.written, "");
  stream.clock.advance(13_000);
  assert.match(connection.written, /^GET/);
  assert.is(stream.stat("upstream_rq_retry_backoff_ratelimited"), 2);
  // Too far away, in the past, or nonsense: as without.
  for (const value of ["61", "", "soon", "-1"]) {
    connection.written = "";
    connection.receive(`HTTP/1.1 503 X\r\nretry-after: ${value}\r\ncontent-length: 0\r\n\r\n`);
    stream.clock.advance(1000);
    if (connection.written === "") break;
  }
  assert.is(stream.stat("upstream_rq_retry_backoff_ratelimited"), 2);
});

test("waits grow, up to a limit", () => {
  const policy = { retry_on: "5xx", num_retries: 40, retry_back_off: { base_interval: "0.1s", max_interval: "0.4s" } };
  const stream = retrying(policy, {}, { timeout: "0s" }).request();
  const connection = stream.connect();
  const waits: number[] = [];
  for (let i = 0; i < 40; i++) {
    connection.receive(BAD);
    connection.written = "";
    let waited = 0;
    while (connection.written === "" && waited < 1000) {
      stream.clock.advance(1);
      waited++;
    }
    waits.push(waited);
  }
  assert.ok(waits[0]! <= 100 && waits[1]! <= 200, waits.join(" "));
  assert.ok(Math.max(...waits) <= 400 && Math.max(...waits) > 300, waits.join(" "));
});

test("a client that saw early hints gets what follows them", () => {
  const stream = retrying({ retry_on: "5xx" }).request();
  const connection = stream.connect();
  connection.receive("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n");
  connection.receive(BAD);
  assert.equal(stream.seen, ["informational 103", "headers 503 end"]);
});

test("a virtual host's policy is that of its routes which have none", () => {
  const stream = new Stream({
    routes: {
      virtual_hosts: [{
        name: "v",
        domains: ["*"],
        retry_policy: { retry_on: "5xx" },
        routes: [
          { match: { prefix: "/p" }, route: { cluster: "c" } },
          { match: { prefix: "/" }, route: { cluster: "c", retry_policy: { retry_on: "reset" } } },
        ],
      }],
    },
  });
  answer(stream.request(), BAD);
  assert.equal(stream.seen, []);
});

const GIVEN: RetryPolicyPlan = { ...NO_RETRY_PLAN, retryOn: "5xx", numRetries: 2, perTryTimeoutMs: 100 };

test("a cluster's policy takes the place of the route's, but for the time of an attempt", () => {
  const cluster = { http: { ...DEFAULT_HTTP_PLAN, retryPolicy: GIVEN } };
  const stream = retrying({ retry_on: "reset", per_try_timeout: "0.2s", num_retries: 0 }, { cluster }).request();
  assert.is(stream.requestHeaders!.get("x-envoy-expected-rq-timeout-ms"), "200");
  const connection = answer(stream, BAD);
  for (const text of [BAD, GOOD]) {
    stream.clock.advance(100);
    connection.receive(text);
  }
  assert.equal([stream.seen, stream.stat("upstream_rq_retry")], [["headers 200 end"], 2]);
});

const RANDOM = {
  policy: "RANDOM",
  panicThresholdPercent: 50,
  failTrafficOnPanic: false,
  localityWeighted: false,
} as const;

test.run();
