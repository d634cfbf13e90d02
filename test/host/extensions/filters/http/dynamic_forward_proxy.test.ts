// test/host/extensions/filters/http/dynamic_forward_proxy.test.ts: requests wait until their host has an address.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1, latin1Slice } from "../../../../../host/base/bytes.ts";
import { DynamicForwardProxyFilter } from "../../../../../host/extensions/filters/http/dynamic_forward_proxy/filter.ts";
import { HeadersStatus } from "../../../../../host/http/filter.ts";
import { HeaderMap } from "../../../../../host/http/header_map.ts";
import type { ConnectionInfo } from "../../../../../host/observe/stream_info.ts";
import { StreamInfo } from "../../../../../host/observe/stream_info.ts";
import { ClusterManager } from "../../../../../host/upstream/cluster_manager.ts";
import { DEFAULT_DNS_CACHE_PLAN, DEFAULT_DNS_PLAN, type DnsCachePlan } from "../../../../../host/upstream/dns_plan.ts";
import { createClusterPlan, type SubClustersPlan } from "../../../../../host/upstream/plan.ts";
import { LoadBalancerContextBase } from "../../../../../host/upstream/lb/context.ts";
import { CLUSTER_PROVIDED, createFakeEnvironment, type FakeEnvironment, planWith } from "../../../upstream/fakes.ts";

interface Settings {
  readonly cache?: Partial<DnsCachePlan>;
  readonly saveUpstreamAddress?: boolean;
  readonly allowDynamicHostFromFilterState?: boolean;
  /** Of the route. */
  readonly rewrite?: object;
  readonly cluster?: string;
  readonly subClusters?: SubClustersPlan;
}

interface Request {
  readonly filter: DynamicForwardProxyFilter;
  readonly info: StreamInfo;
  readonly headers: HeaderMap;
  readonly seen: string[];
  /** Where it would go. */
  chosen(): string;
}

class Setup {
  readonly env: FakeEnvironment = createFakeEnvironment();
  readonly clusters: ClusterManager = new ClusterManager(this.env);
  readonly #settings: Settings;
  readonly #cache: DnsCachePlan;

  constructor(settings: Settings = {}) {
    this.#settings = settings;
    this.#cache = { ...DEFAULT_DNS_CACHE_PLAN, name: "c", ...settings.cache };
    const { subClusters = null } = settings;
    const dnsCache = subClusters === null ? this.#cache : null;
    const provided = { type: "DYNAMIC_FORWARD_PROXY", dnsCache, subClusters } as const;
    this.clusters.update([
      createClusterPlan("forward", {
        type: "DYNAMIC_FORWARD_PROXY",
        hostsPerWorker: true,
        provided,
        loadBalancing: CLUSTER_PROVIDED,
      }),
      { ...planWith(["10.9.9.9:80"]), name: "fixed" },
    ]);
  }

  request(host: string, more: Record<string, string> = {}, state: Record<string, string> = {}): Request {
    const { saveUpstreamAddress = false, allowDynamicHostFromFilterState = false, rewrite = null } = this.#settings;
    const info = new StreamInfo({ requestedServerName: "" } as ConnectionInfo, 0, 0);
    for (const [name, value] of Object.entries(state)) {
      info.filterState.set(name, { value: fromLatin1(value), readOnly: true });
    }
    const headers = HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": host, ...more });
    const seen: string[] = [];
    const filter = new DynamicForwardProxyFilter(
      {
        name: "dfp",
        plan: {
          dnsCache: this.#cache,
          clusterInitTimeoutMs: 300,
          saveUpstreamAddress,
          allowDynamicHostFromFilterState,
        },
        clusters: this.clusters,
      },
      {
        info,
        clock: this.env.clock,
        route: () => ({ clusterName: this.#settings.cluster ?? "forward", perFilterConfig: () => rewrite }),
        continueRequest: () => seen.push("continue"),
        sendLocalReply: (reply: { status: number; body: string; details: string }) =>
          seen.push(`${reply.status} ${reply.body} ${reply.details}`),
      } as never,
    );
    const status = filter.onRequestHeaders(headers);
    seen.push(Object.entries(HeadersStatus).find(([, value]) => value === status)![0]);
    const context = new (class extends LoadBalancerContextBase {
      override get requestHeaders(): HeaderMap {
        return headers;
      }
      override get streamInfo(): StreamInfo {
        return info;
      }
    })();
    const cluster = this.clusters.get("forward")!;
    return { filter, info, headers, seen, chosen: () => cluster.chooseHost(context)?.address.text ?? "none" };
  }
}

test("a request waits for the look-up, the next one does not; each goes to its host", () => {
  const s = new Setup();
  const first = s.request("a.example:8080");
  assert.equal([first.seen, first.chosen()], [["StopAllIterationAndWatermark"], "none"]);
  s.env.dns.answer("10.0.0.1");
  assert.equal([first.seen.at(-1), first.chosen()], ["continue", "10.0.0.1:8080"]);
  const second = s.request("a.example:8080");
  assert.equal([second.seen, second.chosen()], [["Continue"], "10.0.0.1:8080"]);
  // Two names with one address are two hosts.
  const third = s.request("b.example:8080");
  s.env.dns.answer("10.0.0.1");
  assert.is(third.chosen(), "10.0.0.1:8080");
  assert.is(s.env.store.valueOf("cluster.forward.membership_total"), 2);
});

test("a host without an address is answered, now and later", () => {
  const s = new Setup();
  const waiting = s.request("a.example");
  s.env.dns.last.answer({ status: "completed", addresses: [], details: "no such name" });
  const expected = "503 DNS resolution failure dns_resolution_failure{no such name}";
  assert.is(waiting.seen.at(-1), expected);
  assert.ok(waiting.info.hasFlag("DF"));
  assert.equal(s.request("a.example").seen, [expected, "StopIteration"]);
});

test("limits: names in the cache, requests that wait", () => {
  const s = new Setup({ cache: { maxHosts: 1, maxPendingRequests: 1 } });
  const waiting = s.request("a.example");
  assert.equal(s.request("a.example").seen, [
    "503 Dynamic forward proxy pending request overflow dynamic_forward_proxy_pending_request_overflow",
    "StopIteration",
  ]);
  assert.is(s.env.store.valueOf("dns_cache.c.dns_rq_pending_overflow"), 1);
  assert.is(s.env.store.valueOf("dns_cache.c.circuit_breakers.rq_pending_open"), 1);
  waiting.filter.onDestroy();
  assert.is(s.env.store.valueOf("dns_cache.c.circuit_breakers.rq_pending_open"), 0);
  s.env.dns.answer("10.0.0.1");
  assert.equal(waiting.seen, ["StopAllIterationAndWatermark"]);
  assert.equal(s.request("b.example").seen, ["503 DNS cache overflow dns_cache_overflow", "StopIteration"]);
});

test("requests to other clusters pass; one without a host is refused", () => {
  assert.equal(new Setup({ cluster: "fixed" }).request("a").seen, ["Continue"]);
  assert.equal(new Setup({ cluster: "gone" }).request("a").seen, ["Continue"]);
  assert.equal(new Setup().request("").seen, ["400 Empty host header empty_host_header", "StopIteration"]);
});

test("routes put another host in the place of the client's", () => {
  const literal = new Setup({ rewrite: { literal: "b.example", header: "" } }).request("a.example");
  assert.is(literal.headers.authority, "b.example");
  const byHeader = new Setup({ rewrite: { literal: "", header: "x-to" } });
  assert.is(byHeader.request("a.example", { "x-to": "c.example" }).headers.authority, "c.example");
  assert.is(byHeader.env.dns.last.name, "c.example");
  assert.is(byHeader.request("a.example").headers.authority, "a.example");
});

test("a filter before it may choose host and port", () => {
  const state = { "envoy.upstream.dynamic_host": "d.example", "envoy.upstream.dynamic_port": "81" };
  const s = new Setup({ allowDynamicHostFromFilterState: true, saveUpstreamAddress: true });
  const request = s.request("a.example", {}, state);
  assert.is(s.env.dns.last.name, "d.example");
  s.env.dns.answer("10.0.0.4");
  assert.is(request.chosen(), "10.0.0.4:81");
  const { value } = request.info.filterState.get("envoy.stream.upstream_address")!;
  assert.is(latin1Slice(value, 0, value.length), "10.0.0.4:81");
  assert.is(request.headers.authority, "a.example");
  const ignored = new Setup();
  ignored.request("a.example", {}, state);
  assert.is(ignored.env.dns.last.name, "a.example");
});

test("a name that goes takes its host with it", () => {
  const s = new Setup({ cache: { hostTtlMs: 10_000 } });
  const request = s.request("a.example");
  s.env.dns.answer("10.0.0.1/60");
  s.env.clock.advance(60_000);
  assert.is(request.chosen(), "none");
  assert.is(s.env.store.valueOf("cluster.forward.membership_total"), 0);
});

const SUB_CLUSTERS: SubClustersPlan = {
  maxSubClusters: 2,
  ttlMs: 10_000,
  loadBalancing: createClusterPlan("x").loadBalancing,
  dns: DEFAULT_DNS_PLAN,
  preresolve: [],
};

test("a cluster for each host: made at the first request, gone when nobody asks any more", () => {
  const s = new Setup({ subClusters: SUB_CLUSTERS });
  const waiting = s.request("a.example:8080");
  assert.equal(waiting.seen, ["StopAllIterationAndWatermark"]);
  s.env.dns.answer("10.0.0.1", "10.0.0.2");
  assert.is(waiting.seen.at(-1), "continue");
  assert.equal([waiting.chosen(), waiting.chosen()].sort(), ["10.0.0.1:8080", "10.0.0.2:8080"]);
  assert.equal(s.request("a.example:8080").seen, ["Continue"]);
  const name = "DFPCluster:a.example:8080";
  assert.ok(s.clusters.get(name)!.plan.addedViaApi);
  assert.ok(s.clusters.get(name)!.plan.hostsPerWorker);
  // Another generation of the configuration does not know it.
  s.clusters.update([s.clusters.get("forward")!.plan]);
  assert.not(s.clusters.get(name) === null);
  s.env.clock.advance(10_000);
  s.env.clock.advance(10_000);
  assert.is(s.clusters.get(name), null);
  s.clusters.update([]);
  assert.is(s.clusters.get("forward"), null);
});

test("no more clusters than allowed; one that warms for too long", () => {
  const s = new Setup({ subClusters: SUB_CLUSTERS });
  const late = s.request("a");
  const other = s.request("b");
  assert.equal(s.request("c").seen, ["503 Sub cluster overflow sub_cluster_overflow", "StopIteration"]);
  s.env.clock.advance(300);
  assert.is(late.seen.at(-1), "503 Sub cluster warming timeout sub_cluster_warming_timeout");
  other.filter.onDestroy();
  s.env.dns.answer();
  assert.is(other.chosen(), "none");
  s.clusters.close();
  assert.is(s.env.clock.armedTimers, 0);
});

test("a cluster is there before anybody asks", () => {
  const host = { address: "a", port: 81 };
  const s = new Setup({ subClusters: { ...SUB_CLUSTERS, preresolve: [host, host] } });
  assert.is(s.env.dns.queries.length, 1);
  s.env.dns.answer("10.0.0.1");
  const request = s.request("a:81");
  assert.equal([request.seen, request.chosen()], [["Continue"], "10.0.0.1:81"]);
});

test("a cluster that is replaced takes its own clusters with it, not those of the one that follows", () => {
  const s = new Setup({ subClusters: { ...SUB_CLUSTERS, preresolve: [{ address: "a", port: 81 }] } });
  s.env.dns.answer("10.0.0.1");
  const { plan } = s.clusters.get("forward")!;
  s.clusters.update([{ ...plan, connectTimeoutMs: plan.connectTimeoutMs + 1 }]);
  assert.is(s.clusters.get("DFPCluster:a:81"), null);
  s.env.dns.answer("10.0.0.2");
  const request = s.request("a:81");
  assert.equal([request.seen, request.chosen()], [["Continue"], "10.0.0.2:81"]);
  s.clusters.update([]);
  assert.equal([s.clusters.get("DFPCluster:a:81"), s.clusters.drainingCount], [null, 0]);
  assert.is(s.env.clock.armedTimers, 0);
});

test("who waits for a cluster of a cluster that goes waits for its successor's, or goes on where there is none", () => {
  const s = new Setup({ subClusters: SUB_CLUSTERS });
  const waiting = s.request("a:81");
  const { plan } = s.clusters.get("forward")!;
  s.clusters.update([{ ...plan, connectTimeoutMs: plan.connectTimeoutMs + 1 }]);
  assert.equal(waiting.seen, ["StopAllIterationAndWatermark"]);
  assert.is(s.env.dns.queries.length, 2);
  s.env.dns.answer("10.0.0.2");
  assert.equal([waiting.seen.at(-1), waiting.chosen()], ["continue", "10.0.0.2:81"]);
  const other = s.request("b:81");
  s.clusters.update([]);
  assert.equal(other.seen, ["StopAllIterationAndWatermark", "continue"]);
  assert.is(s.env.clock.armedTimers, 0);
});

test("the end of all clusters is told, too", () => {
  const s = new Setup({ subClusters: SUB_CLUSTERS });
  const waiting = s.request("a:81");
  s.clusters.close();
  assert.equal(waiting.seen, ["StopAllIterationAndWatermark", "continue"]);
  assert.is(s.env.clock.armedTimers, 0);
});

test("a cluster that somebody waits for is not idle", () => {
  const s = new Setup({ subClusters: { ...SUB_CLUSTERS, ttlMs: 100 } });
  const waiting = s.request("a:81");
  s.env.clock.advance(100);
  s.env.clock.advance(100);
  s.env.dns.answer("10.0.0.2");
  assert.equal([waiting.seen.at(-1), waiting.chosen()], ["continue", "10.0.0.2:81"]);
});

test.run();
