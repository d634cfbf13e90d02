// test/host/upstream/lb/hashing.test.ts: what consistent hashing promises; its choices are compared with Envoy's.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../../../host/base/bytes.ts";
import { xxHash64, xxHashReady } from "../../../../host/base/xxhash.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { ipAddress } from "../../../../host/net/address.ts";
import type { StreamInfo } from "../../../../host/observe/stream_info.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { BoundedLoadTable } from "../../../../host/upstream/lb/bounded_load.ts";
import { HashBalancer } from "../../../../host/upstream/lb/hash_balancer.ts";
import { hostShares } from "../../../../host/upstream/lb/hash_weights.ts";
import { createMaglevTable } from "../../../../host/upstream/lb/maglev.ts";
import { MersenneTwister } from "../../../../host/upstream/lb/mersenne_twister.ts";
import { murmurHash2 } from "../../../../host/upstream/lb/murmur_hash.ts";
import { createRing } from "../../../../host/upstream/lb/ring_hash.ts";
import type { MaglevPlan, RingHashPlan } from "../../../../host/upstream/lb/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { Traffic } from "../../../../host/upstream/traffic.ts";
import { contextOf, environmentOf, newHost } from "./setup.ts";

await xxHashReady;

const RING: RingHashPlan = {
  policy: "RING_HASH",
  minimumRingSize: 1024,
  maximumRingSize: 8_388_608,
  hashFunction: "XX_HASH",
  useHostnameForHashing: false,
  hashBalanceFactor: 0,
};
const MAGLEV: MaglevPlan = { policy: "MAGLEV", tableSize: 65_537, useHostnameForHashing: false, hashBalanceFactor: 0 };
const KEYS = Array.from({ length: 2000 }, (_, index) => xxHash64(`user-${index}`));

function host(index: number, weight = 1): Host {
  return newHost({ address: ipAddress("10.0.0.1", 1000 + index), weight });
}

const HOSTS = Array.from({ length: 10 }, (_, index) => host(index));

function balancer(hosts: readonly Host[], plan: RingHashPlan | MaglevPlan): HashBalancer {
  const priorities = new PrioritySet(140, { current: 50 });
  priorities.updateHosts(0, hosts, []);
  return new HashBalancer({ ...plan, localityWeighted: false }, environmentOf(priorities, 3));
}

const withHash = (hash: bigint | null, refuse: (host: Host) => boolean = () => false, retries = 0) =>
  contextOf({ hash: () => hash, hostSelectionRetryCount: retries, shouldSelectAnotherHost: refuse });

test("xxHash64: the vectors of its specification", () => {
  assert.is(xxHash64(""), 0xef46db3751d8e999n);
  assert.is(xxHash64("abc"), 0x44bc2cf5ad770999n);
  assert.is(xxHash64("", 1n), 0xd5afba1336a3be4bn);
});

test("murmurHash2: as std::hash has it", () => {
  // g++: std::_Hash_bytes(text, length, 0xc70f6907).
  assert.is(murmurHash2(fromLatin1("")), 6142509188972423790n);
  assert.is(murmurHash2(fromLatin1("a")), 4993892634952068459n);
  assert.is(murmurHash2(fromLatin1("abcdefgh")), 8664279048047335611n);
  assert.is(murmurHash2(fromLatin1("hello, world")), 4795077891475041234n);
});

test("MersenneTwister: as std::mt19937 has it", () => {
  // C++ standard, [rand.predef]: the 10000th number of a default-constructed mt19937.
  const random = new MersenneTwister(5489);
  assert.is(random.uint32(), 3499211612);
  let last = 0;
  for (let i = 2; i <= 10_000; i++) last = random.uint32();
  assert.is(last, 4123659995);
});

for (
  const [name, create, moved] of [
    // As many places for each host, however many there are.
    [
      "ring",
      (hosts: readonly Host[]) => createRing(hostShares(hosts), { ...RING, minimumRingSize: hosts.length * 1000 }),
      0,
    ],
    ["maglev", (hosts: readonly Host[]) => createMaglevTable(hostShares(hosts), MAGLEV), 0.05],
  ] as const
) {
  test(`${name}: a host that goes takes only its own requests along`, () => {
    const before = create(HOSTS);
    const after = create(HOSTS.slice(1));
    let others = 0, changed = 0;
    for (const key of KEYS) {
      const was = before.choose(key, 0).host;
      if (was === HOSTS[0]) continue;
      others++;
      if (after.choose(key, 0).host !== was) changed++;
    }
    assert.ok(changed / others <= moved, `${changed} of ${others}`);
  });

  test(`${name}: weights and the order of hosts`, () => {
    const hosts = HOSTS.slice(0, 4).map((_, index) => host(index, index + 1));
    const table = create(hosts);
    const counts = new Map<Host, number>();
    for (const key of KEYS) {
      const chosen = table.choose(key, 0).host;
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    const shares = hosts.map((each) => counts.get(each)! / KEYS.length);
    shares.forEach((share, index) => assert.ok(Math.abs(share - (index + 1) / 10) < 0.05, `${index}: ${share}`));
    const reversed = create([...hosts].reverse());
    assert.ok(KEYS.every((key) => reversed.choose(key, 0).host === table.choose(key, 0).host));
  });

  test(`${name}: further attempts get other hosts`, () => {
    const table = create(HOSTS);
    const tried = new Set(Array.from({ length: 5 }, (_, attempt) => table.choose(KEYS[0]!, attempt)));
    assert.ok(tried.size > 1);
    assert.ok(!table.choose(KEYS[0]!, 1e6).host.address.text.endsWith(":0"));
  });
}

test("balancer: equal hashes, equal hosts; without one, all hosts", () => {
  const lb = balancer(HOSTS, RING);
  for (const key of KEYS.slice(0, 100)) assert.is(lb.chooseHost(withHash(key)), lb.chooseHost(withHash(key)));
  const anywhere = new Set(Array.from({ length: 500 }, () => lb.chooseHost(withHash(null))));
  assert.is(anywhere.size, HOSTS.length);
  assert.is(new Set(Array.from({ length: 500 }, () => lb.chooseHost(null))).size, HOSTS.length);
});

test("balancer: a host that is refused is not taken while there are attempts", () => {
  const lb = balancer(HOSTS, MAGLEV);
  const key = KEYS[7]!;
  const first = lb.chooseHost(withHash(key));
  const second = lb.chooseHost(withHash(key, (each) => each === first, 5));
  assert.is.not(second, first);
  let asked = 0;
  const last = lb.chooseHost(withHash(key, () => ++asked > 0, 2));
  assert.is(asked, 2);
  assert.ok(last !== null);
});

test("balancer: no hosts, no choice", () => {
  assert.is(balancer([], RING).chooseHost(withHash(1n)), null);
});

test("bounded load: a busy host hands requests on, always in the same order", () => {
  const hosts = HOSTS.map((_, index) => host(index));
  const shares = hostShares(hosts);
  const plain = createRing(shares, RING);
  const traffic = new Traffic();
  const bounded = new BoundedLoadTable(plain, shares, 150, traffic);
  const key = KEYS[1]!;
  const first = plain.choose(key, 0);
  assert.is(bounded.choose(key, 0), first);
  // 20 requests, all at one host: its share is ceil(32 × 0.1) = 4 of them.
  first.host.rqActive = traffic.active = 20;
  const second = bounded.choose(key, 0);
  assert.is.not(second, first);
  assert.is(bounded.choose(key, 0), second);
  // Another key that hits the busy host goes elsewhere.
  const others = KEYS.filter((each) => plain.choose(each, 0) === first).map((each) => bounded.choose(each, 0));
  assert.ok(new Set(others).size > 3);
  // With all hosts over their bound the least loaded one has it.
  traffic.active = 9900;
  for (const each of hosts) each.rqActive = 1000;
  hosts[4]!.rqActive = 900;
  const tight = new BoundedLoadTable(plain, shares, 1, traffic);
  assert.is(tight.choose(key, 0).host, hosts[4]);
});

test("bounded load: requests of the whole cluster count, whichever hosts they went to", () => {
  const priorities = new PrioritySet(140, { current: 50 });
  const hosts = HOSTS.map((_, index) => host(index));
  priorities.updateHosts(0, hosts, []);
  const environment = environmentOf(priorities, 3);
  const lb = new HashBalancer({ ...RING, hashBalanceFactor: 150, localityWeighted: false }, environment);
  const key = withHash(KEYS[1]!);
  const first = lb.chooseHost(key)!;
  first.rqActive = 10;
  assert.is.not(lb.chooseHost(key), first);
  // Its share is ceil(1.5 × 100 × 0.1).
  environment.countTraffic().active = 100;
  assert.is(lb.chooseHost(key), first);
});

test("a policy that says itself what is hashed does not ask the route", () => {
  const hashPolicies = [
    { kind: "header", name: "x-a", rewrite: null, terminal: false },
    { kind: "sourceIp", terminal: false },
  ] as const;
  const own = balancer(HOSTS, { ...MAGLEV, hashPolicies });
  const routed = balancer(HOSTS, MAGLEV);
  assert.ok(own.asksContext);
  assert.not.ok(routed.asksContext);
  const hash = (): bigint => {
    throw new Error("the route was asked");
  };
  const streamInfo = { remoteAddress: ipAddress("10.1.2.3", 1) } as StreamInfo;
  const requestHeaders = HeaderMap.of({ "x-a": "k" });
  const header = xxHash64("k"), source = xxHash64("10.1.2.3");
  const joined = BigInt.asUintN(64, header << 1n | header >> 63n) ^ source;
  assert.is(own.chooseHost(contextOf({ hash, streamInfo, requestHeaders })), routed.chooseHost(withHash(joined)));
  // Of a connection there are no headers.
  assert.is(own.chooseHost(contextOf({ hash, streamInfo })), routed.chooseHost(withHash(source)));
});

test("degraded hosts have no places", () => {
  const sick = newHost({ health: "DEGRADED" });
  assert.is(balancer([sick], RING).chooseHost(withHash(1n)), null);
  assert.is(balancer([sick], MAGLEV).chooseHost(withHash(1n)), null);
});

test.run();
