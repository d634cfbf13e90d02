// test/host/upstream/dns_caches.test.ts: the DNS caches of a worker through generations of configuration.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ClusterManager } from "../../../host/upstream/cluster_manager.ts";
import type { DnsCache } from "../../../host/upstream/dns_cache/dns_cache.ts";
import { DEFAULT_DNS_CACHE_PLAN, type DnsCachePlan } from "../../../host/upstream/dns_plan.ts";
import { type ClusterPlan, createClusterPlan } from "../../../host/upstream/plan.ts";
import { CLUSTER_PROVIDED, createFakeEnvironment, type FakeEnvironment } from "./fakes.ts";

const CACHE: DnsCachePlan = { ...DEFAULT_DNS_CACHE_PLAN, name: "c" };
const OTHER: DnsCachePlan = { ...CACHE, maxHosts: 7 };

const forward = (name: string, dnsCache: DnsCachePlan): ClusterPlan =>
  createClusterPlan(name, {
    type: "DYNAMIC_FORWARD_PROXY",
    provided: { type: "DYNAMIC_FORWARD_PROXY", dnsCache, subClusters: null },
    loadBalancing: CLUSTER_PROVIDED,
  });

interface Setup {
  readonly env: FakeEnvironment;
  readonly manager: ClusterManager;
  cache(plan: DnsCachePlan): DnsCache;
  stat(name: string): number | null;
}

function setup(...plans: ClusterPlan[]): Setup {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update(plans);
  return {
    env,
    manager,
    cache: (plan) => manager.dnsCaches.get(plan),
    stat: (name) => env.store.valueOf(`dns_cache.c.${name}`),
  };
}

test("equal plans have one cache, others have others", () => {
  const s = setup();
  const cache = s.cache(CACHE);
  assert.is(s.cache({ ...CACHE }), cache);
  assert.is.not(s.cache(OTHER), cache);
});

test("a cache that no cluster uses after a reload is gone, with its names", () => {
  const s = setup(forward("a", CACHE));
  const cache = s.cache(CACHE);
  cache.load("x.example", 80, () => {});
  s.env.dns.answer("10.0.0.1/60");
  assert.equal([s.env.clock.armedTimers, s.stat("num_hosts")], [1, 1]);
  s.manager.update([forward("a", OTHER)]);
  assert.equal([s.env.clock.armedTimers, s.stat("num_hosts")], [0, 0]);
  s.manager.update([forward("a", CACHE)]);
  assert.is.not(s.cache(CACHE), cache);
});

test("one that another cluster uses, too, stays", () => {
  const s = setup(forward("a", CACHE), forward("b", CACHE));
  const cache = s.cache(CACHE);
  cache.load("x.example", 80, () => {});
  s.env.dns.answer("10.0.0.1/60");
  s.manager.update([forward("b", CACHE)]);
  assert.is(s.cache(CACHE), cache);
  assert.is(s.manager.get("b")!.endpointCount, 1);
});

test("one that a request waits for stays until a later reload", () => {
  const s = setup(forward("a", CACHE), forward("b", OTHER));
  const found: (string | undefined)[] = [];
  s.cache(CACHE).load("x.example", 80, (host) => found.push(host.address?.text));
  s.manager.update([forward("b", OTHER)]);
  s.env.dns.answer("10.0.0.1/60");
  assert.equal(found, ["10.0.0.1:80"]);
  assert.is(s.env.clock.armedTimers, 1);
  s.manager.update([]);
  assert.is(s.env.clock.armedTimers, 0);
});

test.run();
