// test/host/router/async_client/async_client.test.ts: requests of the proxy's own, with every way in which they end.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { xxHashReady } from "../../../../host/base/xxhash.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import {
  AsyncClient,
  type AsyncHandle,
  type AsyncRequestMessage,
} from "../../../../host/router/async_client/async_client.ts";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import { type ClusterPlan, DEFAULT_HTTP_PLAN, DEFAULT_THRESHOLDS } from "../../../../host/upstream/plan.ts";
import type { MirrorPolicyPlan } from "../../../../host/upstream/mirror_policy.ts";
import type { RetryPolicyPlan } from "../../../../host/upstream/retry_plan.ts";
import { NO_RETRY_PLAN } from "../../../../host/upstream/retry_policy.ts";
import { createFakeEnvironment, type FakeEnvironment, PeerType, planWith } from "../../upstream/fakes.ts";

interface Setup {
  readonly env: FakeEnvironment;
  readonly log: string[];
  readonly headers: HeaderMap;
  send(changes?: Partial<AsyncRequestMessage>, cluster?: string): AsyncHandle | null;
  stat(name: string): number;
}

function setup(changes: Partial<ClusterPlan> = {}, endpoints: string[] = ["10.0.0.1:80"]): Setup {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([planWith(endpoints, changes)]);
  const client = new AsyncClient(manager, env.clock, "10.7.7.7");
  const log: string[] = [];
  const headers = HeaderMap.of({ ":method": "POST", ":path": "/x", ":authority": "b" });
  return {
    env,
    log,
    headers,
    send: (message, cluster = "a") =>
      client.send(
        cluster,
        { headers, body: new Uint8Array(0), trailers: null, timeoutMs: 1000, ...message },
        {
          onResponse: ({ headers, body, trailers }) => {
            const text = new TextDecoder().decode(body);
            log.push(`${headers.status} [${text}]${trailers === null ? "" : " trailers"}`);
            log.push(headers.get("content-type") ?? "-");
          },
          onFailure: (reason) => void log.push(`failure ${reason}`),
        },
      ),
    stat: (name) => env.store.valueOf(`cluster.a.${name}`) ?? 0,
  };
}

test("a response, with the headers that Envoy adds on both sides", () => {
  const s = setup();
  s.send({ body: new TextEncoder().encode("abc") });
  const connection = s.env.dialer.last.connect();
  assert.is(connection.written, "POST /x\n");
  assert.is(s.headers.get("content-length"), "3");
  assert.is(s.headers.get("x-envoy-internal"), "true");
  assert.is(s.headers.get("x-envoy-expected-rq-timeout-ms"), "1000");
  connection.receive("r");
  assert.equal(s.log, ["200 []", "-"]);
  assert.is(s.stat("internal.upstream_rq_200"), 1);
  assert.is(s.stat("upstream_rq_completed"), 1);
  assert.is(s.env.clock.armedTimers, 1, "only the idle timer of the connection");
});

test("body and trailers are buffered", () => {
  const s = setup();
  s.send();
  s.env.dialer.last.connect().receive("h");
  const decoder = s.env.codecs[0]!.decoder!;
  const body = new ByteQueue();
  body.push(new TextEncoder().encode("hello "));
  decoder.onData(body, false);
  body.push(new TextEncoder().encode("world"));
  decoder.onData(body, false);
  assert.equal(s.log, []);
  decoder.onTrailers(new HeaderMap());
  assert.is(s.log[0], "200 [hello world] trailers");
});

test("an unknown cluster is none", () => {
  const s = setup();
  assert.is(s.send({}, "nope"), null);
  assert.equal(s.log, []);
});

test("no host: 503, before send returns", () => {
  const s = setup({}, []);
  s.send();
  assert.equal(s.log, ["503 [no healthy upstream]", "text/plain"]);
  assert.is(s.stat("upstream_cx_none_healthy"), 1);
  assert.is(s.env.clock.armedTimers, 0);
});

test("a connection that fails: 503 with the router's words", () => {
  const s = setup();
  s.send();
  s.env.dialer.last.fail("remote");
  assert.is(
    s.log[0],
    "503 [upstream connect error or disconnect/reset before headers. reset reason: remote connection failure]",
  );
  assert.is(s.env.clock.armedTimers, 0);
});

test("overflow of a circuit breaker: 503", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxPendingRequests: 0 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  s.send();
  assert.is(s.log[0], "503 [upstream connect error or disconnect/reset before headers. reset reason: overflow]");
});

test("a connection that ends before the response: 503; after its head: a failure", () => {
  const s = setup();
  s.send();
  s.env.dialer.last.connect().finish(PeerType.Remote);
  assert.is(
    s.log[0],
    "503 [upstream connect error or disconnect/reset before headers. reset reason: connection termination]",
  );
  s.log.length = 0;
  s.send();
  const connection = s.env.dialer.last.connect();
  connection.receive("h");
  connection.finish(PeerType.Remote);
  assert.equal(s.log, ["failure reset"]);
});

test("what is no HTTP: 502", () => {
  const s = setup();
  s.send();
  s.env.dialer.last.connect().receive("!");
  assert.is(s.log[0], "502 [upstream connect error or disconnect/reset before headers. reset reason: protocol error]");
});

test("a time-out: 504, and the connection is closed; after the head: a failure; 0: never", () => {
  const s = setup();
  s.send();
  const connection = s.env.dialer.last.connect();
  s.env.clock.advance(999);
  assert.equal(s.log, []);
  s.env.clock.advance(1);
  assert.is(s.log[0], "504 [upstream request timeout]");
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_rq_timeout"), 1);

  s.log.length = 0;
  s.send();
  s.env.dialer.last.connect().receive("h");
  s.env.clock.advance(1000);
  assert.equal(s.log, ["failure reset"]);

  s.log.length = 0;
  s.headers.remove("x-envoy-expected-rq-timeout-ms");
  s.send({ timeoutMs: 0 });
  assert.is(s.headers.get("x-envoy-expected-rq-timeout-ms"), null);
  s.env.dialer.last.connect();
  s.env.clock.advance(10_000_000);
  assert.equal(s.log, []);
});

test("a time-out while waiting for a connection leaves the line", () => {
  const s = setup();
  s.send();
  s.env.clock.advance(1000);
  assert.is(s.log[0], "504 [upstream request timeout]");
  assert.is(s.stat("upstream_rq_pending_active"), 0);
});

test("a response beyond the limit is a failure", () => {
  const s = setup();
  s.send({ responseLimitBytes: 4 });
  const connection = s.env.dialer.last.connect();
  connection.receive("h");
  const body = new ByteQueue();
  body.push(new Uint8Array(5));
  s.env.codecs[0]!.decoder!.onData(body, false);
  assert.equal(s.log, ["failure overflow"]);
  assert.ok(connection.closed);
});

test("cancel: no callback, the line is left or the connection closed", () => {
  const s = setup();
  s.send()!.cancel();
  assert.is(s.stat("upstream_rq_pending_active"), 0);
  s.env.dialer.last.connect();
  const handle = s.send()!;
  assert.is(s.stat("upstream_rq_active"), 1);
  handle.cancel();
  handle.cancel();
  assert.is(s.stat("upstream_rq_active"), 0);
  assert.equal(s.log, []);
});

test("HEAD and gRPC get answers of their kind", () => {
  const s = setup({}, []);
  s.headers.method = "HEAD";
  s.send();
  assert.is(s.log[0], "503 []");
  s.headers.method = "POST";
  s.headers.set("content-type", "application/grpc");
  s.send();
  assert.equal(s.log.slice(2), ["200 []", "application/grpc"]);
});

const RETRYING: RetryPolicyPlan = { ...NO_RETRY_PLAN, retryOn: "5xx", numRetries: 2 };

test("the cluster's retries: with the whole request, until there is a response", () => {
  const s = setup({ http: { ...DEFAULT_HTTP_PLAN, retryPolicy: RETRYING } });
  s.send({ body: new TextEncoder().encode("abc"), trailers: HeaderMap.of({ "x-t": "1" }) });
  s.env.dialer.last.fail("remote");
  assert.equal(s.log, []);
  s.env.clock.advance(250);
  s.env.dialer.last.connect().receive("r");
  assert.equal(s.log, ["200 []", "-"]);
  assert.equal([s.stat("upstream_rq_retry"), s.stat("upstream_rq_retry_success")], [1, 1]);
});

test("a retry leads to the same cluster where it looks again", () => {
  const s = setup({ http: { ...DEFAULT_HTTP_PLAN, retryPolicy: { ...RETRYING, refreshesCluster: true } } });
  s.send();
  s.env.dialer.last.fail("remote");
  s.env.clock.advance(250);
  s.env.dialer.last.connect().receive("r");
  assert.equal(s.log, ["200 []", "-"]);
});

test("the cluster's hashes", async () => {
  await xxHashReady;
  const s = setup({
    loadBalancing: {
      policy: "MAGLEV",
      tableSize: 251,
      useHostnameForHashing: false,
      hashBalanceFactor: 0,
      panicThresholdPercent: 50,
      failTrafficOnPanic: false,
      localityWeighted: false,
    },
    http: { ...DEFAULT_HTTP_PLAN, hashPolicies: [{ kind: "header", name: "x-h", rewrite: null, terminal: false }] },
  }, ["10.0.0.1:80", "10.0.0.2:80"]);
  const hostOf = (value: string): string => {
    s.send({ headers: HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "b", "x-h": value }) });
    return s.env.dialer.last.target.address.text;
  };
  const values = Array.from({ length: 16 }, (_, i) => String(i));
  const hosts = values.map(hostOf);
  assert.is(new Set(hosts).size, 2);
  assert.equal(values.map(hostOf), hosts);
});

const TO_ITSELF: MirrorPolicyPlan = {
  cluster: "a",
  clusterHeader: "",
  fraction: null,
  hostLiteral: "",
  appendsHostSuffix: true,
  mutations: [],
};

test("a cluster that mirrors itself gets three copies of a request, not ever more", () => {
  const s = setup({ http: { ...DEFAULT_HTTP_PLAN, mirrorPolicies: [TO_ITSELF] } });
  s.send();
  assert.is(s.stat("upstream_rq_pending_total"), 4);
});

test("a request that is over at once leaves no copy that never ends", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  const circuitBreakers = {
    default: { ...DEFAULT_THRESHOLDS, maxPendingRequests: 0 },
    high: DEFAULT_THRESHOLDS,
    maxConnectionsPerHost: Infinity,
  };
  const http = { ...DEFAULT_HTTP_PLAN, mirrorPolicies: [{ ...TO_ITSELF, cluster: "m" }] };
  manager.update([
    planWith(["10.0.0.1:80"], { circuitBreakers, http }),
    { ...planWith(["10.0.0.9:80"]), name: "m", statName: "m" },
  ]);
  const log: number[] = [];
  const message = { headers: HeaderMap.of({ ":method": "POST", ":path": "/", ":authority": "b" }), timeoutMs: 1000 };
  new AsyncClient(manager, env.clock, "10.7.7.7").send(
    "a",
    { ...message, body: new TextEncoder().encode("abc"), trailers: null },
    { onResponse: ({ headers }) => void log.push(headers.status), onFailure() {} },
  );
  assert.equal(log, [503]);
  assert.is(env.store.valueOf("cluster.m.upstream_rq_pending_active"), 0);
});

test("they are counted as those of a router", () => {
  const s = setup();
  s.send();
  assert.is(s.env.store.valueOf("http.async-client.rq_total"), 1);
});

test.run();
