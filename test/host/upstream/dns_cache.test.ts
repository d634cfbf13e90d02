// test/host/upstream/dns_cache.test.ts: names that clients asked for, second by second.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cidrBlock } from "../../../host/base/cidr.ts";
import type { DnsLookupFamily } from "../../../host/net/dns.ts";
import { LocalCount } from "../../../host/upstream/circuit_breaker.ts";
import { DnsCache } from "../../../host/upstream/dns_cache/dns_cache.ts";
import { parseDynamicHost } from "../../../host/upstream/dns_cache/dynamic_host.ts";
import { DEFAULT_DNS_CACHE_PLAN, type DnsCachePlan } from "../../../host/upstream/dns_plan.ts";
import { createFakeEnvironment, type FakeEnvironment } from "./fakes.ts";

interface Setup {
  readonly env: FakeEnvironment;
  readonly cache: DnsCache;
  /** What listeners were told. */
  readonly told: string[];
  /** Loads; what it becomes is added to the list. */
  load(name: string): string[];
  stat(name: string): number;
}

function setup(changes: Partial<DnsCachePlan> = {}): Setup {
  const env = createFakeEnvironment();
  const cache = new DnsCache({ ...DEFAULT_DNS_CACHE_PLAN, name: "c", ...changes }, {
    ...env,
    pendingCount: new LocalCount(),
  });
  const told: string[] = [];
  cache.addListener({
    onHostChanged: (host) => told.push(`${host.key} ${host.addresses.map((each) => each.text).join(",")}`),
    onHostRemoved: (key) => told.push(`- ${key}`),
  });
  return {
    env,
    cache,
    told,
    load(name) {
      const events: string[] = [];
      const describe = (host: { address: { text: string } | null; details: string }) =>
        host.address?.text ?? `failed ${host.details}`;
      const load = cache.load(name, 80, (host) => events.push(describe(host)));
      events.push(load.status === "in_cache" ? `cached ${describe(load.host)}` : load.status);
      return events;
    },
    stat: (name) => env.store.valueOf(`dns_cache.c.${name}`) ?? -1,
  };
}

test("a name is looked up once, however many wait; then it is known", () => {
  const s = setup();
  const first = s.load("a.example");
  const second = s.load("a.example:80");
  assert.is(s.env.dns.queries.length, 1);
  assert.equal([s.env.dns.last.name, s.env.dns.last.family as DnsLookupFamily], ["a.example", "AUTO"]);
  s.env.dns.answer("10.0.0.1", "10.0.0.2");
  assert.equal([first, second], [["loading", "10.0.0.1:80"], ["loading", "10.0.0.1:80"]]);
  assert.equal(s.load("a.example"), ["cached 10.0.0.1:80"]);
  assert.equal(s.told, ["a.example:80 10.0.0.1:80,10.0.0.2:80"]);
  // Another port is another host.
  assert.equal(s.load("a.example:81"), ["loading"]);
  assert.equal(
    ["host_added", "num_hosts", "dns_query_attempt", "dns_query_success", "host_address_changed"].map(s.stat),
    [
      2,
      2,
      2,
      1,
      1,
    ],
  );
});

test("hosts as clients write them", () => {
  const key = (text: string): unknown => {
    const { host, port, isIp, key } = parseDynamicHost(text, 80);
    return [host, port, isIp, key];
  };
  assert.equal(key("A.example"), ["A.example", 80, false, "A.example:80"]);
  assert.equal(key("a:8080"), ["a", 8080, false, "a:8080"]);
  assert.equal(key("[::1]"), ["::1", 80, true, "[::1]:80"]);
  assert.equal(key("[::1]:81"), ["::1", 81, true, "[::1]:81"]);
  assert.equal(key("10.0.0.1:82"), ["10.0.0.1", 82, true, "10.0.0.1:82"]);
  assert.equal(key("a:99999"), ["a:99999", 80, false, "a:99999:80"]);
  assert.equal(key("a:"), ["a:", 80, false, "a::80"]);
});

test("refreshes: by time to live, but not too often; other addresses are told, a failure takes nothing away", () => {
  const s = setup();
  s.load("a");
  s.env.dns.answer("10.0.0.1/2");
  s.env.clock.advance(4999);
  assert.is(s.env.dns.queries.length, 1);
  s.env.clock.advance(1);
  s.env.dns.answer("10.0.0.2/30");
  s.env.clock.advance(29_999);
  assert.is(s.env.dns.queries.length, 2);
  s.env.clock.advance(1);
  s.env.dns.last.answer({ status: "failed", details: "x" });
  assert.equal(s.load("a"), ["cached 10.0.0.2:80"]);
  s.env.clock.advance(60_000);
  s.env.dns.answer();
  assert.equal(s.load("a"), ["cached 10.0.0.2:80"]);
  assert.equal(s.told, ["a:80 10.0.0.1:80", "a:80 10.0.0.2:80"]);
  assert.is(s.stat("dns_query_failure"), 1);
});

test("a name without an address is remembered until the next look-up", () => {
  const s = setup({ failureRefresh: { baseMs: 1000, maxMs: 2000 } });
  const waiting = s.load("a");
  s.env.dns.last.answer({ status: "completed", addresses: [], details: "none" });
  assert.equal(waiting, ["loading", "failed none"]);
  assert.equal(s.load("a"), ["cached failed none"]);
  s.env.clock.advance(60_000);
  s.env.dns.last.answer({ status: "failed", details: "broken" });
  assert.equal(s.load("a"), ["cached failed broken"]);
  s.env.clock.advance(1000);
  assert.is(s.env.dns.queries.length, 3);
  s.env.dns.answer("10.0.0.1");
  assert.equal(s.load("a"), ["cached 10.0.0.1:80"]);
  assert.equal(s.told, ["a:80 10.0.0.1:80"]);
});

test("without refreshes after failures the next request looks up", () => {
  const s = setup({ refreshesOnFailure: false });
  s.load("a");
  s.env.dns.last.answer({ status: "failed", details: "x" });
  s.env.clock.advance(600_000);
  assert.is(s.env.dns.queries.length, 1);
  assert.equal(s.load("a"), ["loading"]);
  assert.equal([s.env.dns.queries.length, s.stat("num_hosts"), s.stat("host_removed")], [2, 1, 1]);
});

test("a look-up that takes too long has failed; its answer comes too late", () => {
  const s = setup({ queryTimeoutMs: 300 });
  const waiting = s.load("a");
  s.env.clock.advance(300);
  assert.equal(waiting, ["loading", "failed resolve_timeout"]);
  assert.ok(s.env.dns.last.cancelled);
  assert.equal(["dns_query_timeout", "dns_query_failure"].map(s.stat), [1, 1]);
});

test("names that nobody uses go at a refresh", () => {
  const s = setup({ hostTtlMs: 90_000 });
  s.load("a");
  s.env.dns.answer("10.0.0.1/60");
  s.env.clock.advance(60_000);
  s.env.dns.answer("10.0.0.1/60");
  s.cache.find("a:80")!.touch();
  s.env.clock.advance(60_000);
  s.env.dns.answer("10.0.0.1/60");
  s.env.clock.advance(60_000);
  assert.equal(s.told, ["a:80 10.0.0.1:80", "- a:80"]);
  assert.is(s.cache.find("a:80"), null);
  assert.equal(["host_removed", "num_hosts"].map(s.stat), [1, 0]);
  assert.is(s.env.clock.armedTimers, 0);
});

test("no more names than allowed; a cancelled request is not told", () => {
  const s = setup({ maxHosts: 1 });
  const events: string[] = [];
  const load = s.cache.load("a", 80, () => events.push("told"));
  assert.equal(s.load("b"), ["overflow"]);
  assert.is(s.stat("host_overflow"), 1);
  if (load.status === "loading") load.cancel();
  s.env.dns.answer("10.0.0.1");
  assert.equal(events, []);
  assert.equal(s.load("a"), ["cached 10.0.0.1:80"]);
});

test("addresses that names must not have", () => {
  const blocks = [cidrBlock("10.0.0.0", 8)!];
  const s = setup({ forbiddenAddresses: { blocks, invert: false } });
  const waiting = s.load("a");
  s.env.dns.answer("10.0.0.1", "192.0.2.1");
  assert.equal(waiting, ["loading", "192.0.2.1:80"]);
  const refused = s.load("b");
  s.env.dns.answer("10.0.0.1");
  assert.is(refused[1], "failed address_denied");
  assert.is(s.stat("dns_query_failure"), 1);
  assert.is(s.stat("dns_address_filter_out"), 2);
  const only = setup({ forbiddenAddresses: { blocks, invert: true } });
  const allowed = only.load("a");
  only.env.dns.answer("192.0.2.1", "10.0.0.1");
  assert.equal(allowed, ["loading", "10.0.0.1:80"]);
});

test("names that are known before anybody asks", () => {
  const s = setup({ preresolve: [{ address: "a", port: 8080 }] });
  s.env.dns.answer("10.0.0.1");
  assert.equal(s.load("a:8080"), ["cached 10.0.0.1:8080"]);
  s.cache.close();
  assert.is(s.env.clock.armedTimers, 0);
});

test.run();
