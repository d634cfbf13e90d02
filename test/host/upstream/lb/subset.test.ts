// test/host/upstream/lb/subset.test.ts: requests that ask for hosts by their metadata.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { xxHashReady } from "../../../../host/base/xxhash.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { createBalancer } from "../../../../host/upstream/lb/create_balancer.ts";
import { MetadataMatch } from "../../../../host/upstream/lb/metadata_match.ts";
import type { ClusterBalancer } from "../../../../host/upstream/lb/picker.ts";
import type { BalancerPlan, SubsetPlan, SubsetSelectorPlan } from "../../../../host/upstream/lb/plan.ts";
import type { EndpointHealth, LocalityPlan } from "../../../../host/upstream/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { contextOf, environmentOf, newHost, type TestEnvironment } from "./setup.ts";

await xxHashReady;

const ROUND_ROBIN: BalancerPlan = { policy: "ROUND_ROBIN", failTrafficOnPanic: false, localityWeighted: false };

function selector(keys: string, changes: Partial<SubsetSelectorPlan> = {}): SubsetSelectorPlan {
  return {
    keys: keys.split(","),
    fallbackPolicy: "NOT_DEFINED",
    fallbackKeysSubset: [],
    singleHostPerSubset: false,
    ...changes,
  };
}

function planOf(selectors: readonly SubsetSelectorPlan[], changes: Partial<SubsetPlan> = {}): SubsetPlan {
  return {
    policy: "SUBSET",
    below: ROUND_ROBIN,
    fallbackPolicy: "NO_FALLBACK",
    defaultSubset: {},
    selectors,
    allowRedundantKeys: false,
    localityWeightAware: false,
    scaleLocalityWeight: false,
    panicModeAny: false,
    listAsAny: false,
    metadataFallbackList: false,
    ...changes,
  };
}

type Fields = Readonly<Record<string, unknown>>;

const host = (fields: Fields | null, health: EndpointHealth = "HEALTHY", priority = 0): Host =>
  newHost({ metadata: fields === null ? {} : { "envoy.lb": fields }, health, priority });

class Fixture {
  readonly environment: TestEnvironment;
  readonly lb: ClusterBalancer;
  readonly hosts: readonly Host[];

  constructor(plan: SubsetPlan, hosts: readonly Host[], panicThreshold = 50) {
    this.environment = environmentOf(new PrioritySet(140, { current: panicThreshold }));
    this.hosts = hosts;
    this.environment.priorities.updateHosts(0, hosts, []);
    this.lb = createBalancer(plan, this.environment);
  }

  /** Indices of the hosts that requests for these fields go to; "none" when there is no host. */
  ask(fields: Fields | null): string {
    const match = fields === null ? null : MetadataMatch.of(fields);
    const context = contextOf({ metadataMatch: () => match });
    const seen = new Set<number>();
    for (let i = 0; i < 12; i++) {
      const chosen = this.lb.chooseHost(context);
      if (chosen === null) return "none";
      seen.add(this.hosts.indexOf(chosen));
    }
    return [...seen].sort().join("");
  }

  counts(): Record<string, number> {
    const { stats } = this.environment;
    return {
      active: stats.subsetsActive.value,
      created: stats.subsetsCreated.value,
      removed: stats.subsetsRemoved.value,
      selected: stats.subsetsSelected.value,
      fallback: stats.subsetsFallback.value,
      panic: stats.subsetsFallbackPanic.value,
    };
  }
}

/** 0: prod 1.0; 1: prod 1.1; 2: dev 1.0; 3: nothing. */
const HOSTS = () => [
  host({ stage: "prod", version: "1.0" }),
  host({ stage: "prod", version: "1.1" }),
  host({ stage: "dev", version: "1.0" }),
  host(null),
];

test("a request goes to the hosts that have all that it asks for, by a selector of exactly these keys", () => {
  const s = new Fixture(planOf([selector("stage"), selector("stage,version")]), HOSTS());
  assert.is(s.ask({ stage: "prod" }), "01");
  assert.is(s.ask({ stage: "dev" }), "2");
  assert.is(s.ask({ version: "1.1", stage: "prod" }), "1");
  assert.is(s.ask({ stage: "prod", version: "2" }), "none");
  assert.is(s.ask({ version: "1.0" }), "none", "no selector has these keys");
  assert.is(s.ask(null), "none");
  assert.equal(s.counts(), { active: 5, created: 5, removed: 0, selected: 36, fallback: 0, panic: 0 });
});

test("values are compared by kind and content", () => {
  const values: unknown[] = [1, "1", true, null, { a: 1, b: [2] }, [1, 2]];
  const s = new Fixture(planOf([selector("v")]), values.map((v) => host({ v })));
  values.forEach((v, index) => assert.is(s.ask({ v }), String(index)));
  assert.is(s.ask({ v: { b: [2], a: 1 } }), "4");
  assert.is(s.ask({ v: [2, 1] }), "none");
});

test("fallback to any host, and to the default subset", () => {
  const any = new Fixture(planOf([selector("stage")], { fallbackPolicy: "ANY_ENDPOINT" }), HOSTS());
  assert.is(any.ask({ stage: "test" }), "0123");
  assert.is(any.ask(null), "0123");
  assert.is(any.lb.chooseHost(null) === null, false);
  assert.is(any.ask({ stage: "prod" }), "01");
  assert.equal(any.counts(), { active: 2, created: 2, removed: 0, selected: 12, fallback: 25, panic: 0 });
  const some = planOf([selector("stage")], { fallbackPolicy: "DEFAULT_SUBSET", defaultSubset: { version: "1.0" } });
  assert.is(new Fixture(some, HOSTS()).ask({ stage: "test" }), "02");
  assert.is(new Fixture({ ...some, defaultSubset: {} }, HOSTS()).ask(null), "0123");
  assert.is(new Fixture({ ...some, defaultSubset: { version: "9" } }, HOSTS()).ask(null), "none");
});

test("panic_mode_any: any host when the default subset has none", () => {
  const plan = planOf([selector("stage")], {
    fallbackPolicy: "DEFAULT_SUBSET",
    defaultSubset: { version: "9" },
    panicModeAny: true,
  });
  const s = new Fixture(plan, HOSTS());
  assert.is(s.ask(null), "0123");
  assert.equal(s.counts()["panic"], 12);
  // Without a policy to fall back there is nothing to panic about.
  assert.is(new Fixture({ ...plan, fallbackPolicy: "NO_FALLBACK" }, HOSTS()).ask(null), "none");
});

test("a subset whose hosts are all unhealthy is still the one that was asked for", () => {
  const hosts = [host({ v: 1 }, "UNHEALTHY"), host({ v: 2 })];
  const plan = planOf([selector("v")], { fallbackPolicy: "ANY_ENDPOINT" });
  assert.is(new Fixture(plan, hosts, 0).ask({ v: 1 }), "none");
  assert.is(new Fixture(plan, hosts).ask({ v: 1 }), "0", "in panic");
});

test("selectors have policies of their own", () => {
  const s = new Fixture(
    planOf([
      selector("a", { fallbackPolicy: "NO_FALLBACK" }),
      selector("b", { fallbackPolicy: "ANY_ENDPOINT" }),
      selector("c", { fallbackPolicy: "DEFAULT_SUBSET" }),
      selector("stage"),
    ], { fallbackPolicy: "ANY_ENDPOINT", defaultSubset: { stage: "dev" } }),
    HOSTS(),
  );
  assert.is(s.ask({ a: 1 }), "none");
  assert.is(s.ask({ b: 1 }), "0123");
  assert.is(s.ask({ c: 1 }), "2");
  assert.is(s.counts()["fallback"], 0, "only the cluster's fallback is counted");
  assert.is(s.ask({ stage: "x" }), "0123");
  assert.is(s.counts()["fallback"], 12);
});

test("KEYS_SUBSET: by fewer keys, and again", () => {
  const s = new Fixture(
    planOf([
      selector("stage,version,x", { fallbackPolicy: "KEYS_SUBSET", fallbackKeysSubset: ["stage", "version"] }),
      selector("version", { fallbackPolicy: "ANY_ENDPOINT" }),
      selector("version,x", { fallbackPolicy: "KEYS_SUBSET", fallbackKeysSubset: ["version"] }),
    ]),
    HOSTS(),
  );
  assert.is(s.ask({ version: "1.1", x: 1 }), "1");
  assert.is(s.ask({ version: "7", x: 1 }), "0123");
  assert.is(s.ask({ stage: "prod", version: "1.0", x: 1 }), "none", "no selector has stage and version alone");
});

test("a selector whose keys begin a longer one before it has no policy, as in Envoy", () => {
  const fallbackPolicy = "ANY_ENDPOINT" as const;
  const before = planOf([selector("a,b"), selector("a", { fallbackPolicy })]);
  const after = planOf([selector("a", { fallbackPolicy }), selector("a,b")]);
  assert.is(new Fixture(before, HOSTS()).ask({ a: 1 }), "none");
  assert.is(new Fixture(after, HOSTS()).ask({ a: 1 }), "0123");
});

test("list_as_any: a host is in the subset of each member of a list", () => {
  const hosts = [host({ v: ["1", "2"], w: ["x", "y"] }), host({ v: "2", w: "x" }), host({ v: [], w: "x" })];
  const plan = planOf([selector("v"), selector("v,w")], {
    fallbackPolicy: "DEFAULT_SUBSET",
    defaultSubset: { v: "1" },
  });
  const lists = new Fixture({ ...plan, listAsAny: true }, hosts);
  assert.is(lists.ask({ v: "2" }), "01");
  assert.is(lists.ask({ v: "2", w: "y" }), "0");
  assert.is(lists.ask({ v: "3" }), "0", "the default subset counts members, too");
  const plain = new Fixture(plan, hosts);
  assert.is(plain.ask({ v: "2" }), "1");
  assert.is(plain.ask({ v: ["1", "2"] }), "0");
  assert.is(plain.ask({ v: "3" }), "none");
});

test("single_host_per_subset: the first of the hosts, whatever its health; others are counted", () => {
  const hosts = [host({ id: "a" }, "UNHEALTHY"), host({ id: "a" }), host({ id: "b" })];
  const s = new Fixture(planOf([selector("id", { singleHostPerSubset: true })]), hosts, 0);
  assert.is(s.ask({ id: "a" }), "0");
  assert.is(s.ask({ id: "b" }), "2");
  const duplicates = s.environment.scope.gauge("lb_subsets_single_host_per_subset_duplicate");
  assert.is(duplicates.value, 1);
  // Of several priorities the first counts.
  const later = host({ id: "b" }, "HEALTHY", 1);
  s.environment.priorities.updateHosts(1, [later], []);
  assert.is(s.ask({ id: "b" }), "2");
  s.environment.priorities.updateHosts(0, hosts.slice(0, 1), []);
  assert.is(s.lb.chooseHost(contextOf({ metadataMatch: () => MetadataMatch.of({ id: "b" }) })), later);
  assert.is(duplicates.value, 0);
});

test("fallback_list: one after the other, on top of what else is asked for", () => {
  const plan = planOf([selector("stage"), selector("stage,version"), selector("version")]);
  const s = new Fixture({ ...plan, metadataFallbackList: true }, HOSTS());
  const versions = (...values: string[]) => values.map((version) => ({ version }));
  assert.is(s.ask({ stage: "prod", fallback_list: versions("3", "1.1", "1.0") }), "1");
  assert.is(s.ask({ stage: "prod", version: "1.1", fallback_list: versions("1.0") }), "0");
  assert.is(s.ask({ fallback_list: versions("3", "1.0") }), "02");
  assert.is(s.ask({ stage: "prod", fallback_list: versions("3") }), "none");
  assert.is(s.ask({ stage: "dev", fallback_list: [] }), "2");
  assert.is(s.ask({ stage: "dev", fallback_list: "no list" }), "2");
  assert.is(s.ask({ stage: "dev" }), "2");
  assert.is(new Fixture(plan, HOSTS()).ask({ stage: "prod", fallback_list: [] }), "none", "a key like others");
});

test("allow_redundant_keys: the first selector of which all keys are asked for", () => {
  const plan = planOf([selector("stage,version"), selector("stage"), selector("version")], {
    allowRedundantKeys: true,
  });
  const s = new Fixture(plan, HOSTS());
  assert.is(s.ask({ stage: "prod", x: 1 }), "01");
  assert.is(s.ask({ stage: "prod", version: "1.1", x: 1, y: 2 }), "1");
  assert.is(s.ask({ version: "1.0", x: 1 }), "02");
  assert.is(s.ask({ x: 1 }), "none");
});

test("hosts that come, change and go", () => {
  const s = new Fixture(planOf([selector("v"), selector("v,w")]), [host({ v: 1 }), host({ v: 2 })]);
  const { priorities } = s.environment;
  assert.equal(s.counts()["active"], 2);
  const [first, second] = s.hosts as [Host, Host];
  const third = host({ v: 1, w: 1 });
  priorities.updateHosts(0, [first, third], []);
  assert.equal([s.counts()["active"], s.counts()["created"], s.counts()["removed"]], [2, 3, 1]);
  assert.is(s.ask({ v: 2 }), "none");
  // Metadata may change in place.
  first.metadata = { "envoy.lb": { v: 2 } };
  priorities.updateHosts(0, [first, third], []);
  assert.is(s.ask({ v: 2 }), "0");
  priorities.updateHosts(0, [second], []);
  assert.is(s.ask({ v: 2 }), "1");
  assert.equal(s.counts()["active"], 1);
  s.lb.close!();
  s.lb.close!();
  assert.equal([s.counts()["active"], s.counts()["removed"]], [0, s.counts()["created"]]);
});

test("health that changes counts in the subset, too", () => {
  const s = new Fixture(planOf([selector("v")]), [host({ v: 1 }), host({ v: 1 }), host({ v: 1 })]);
  s.hosts[1]!.setConfiguredHealth("UNHEALTHY");
  s.environment.priorities.refreshHealth(new Set([0]));
  assert.is(s.ask({ v: 1 }), "02");
});

test("health is counted in the subset as in its cluster, also when that changes", () => {
  const s = new Fixture(planOf([selector("v")]), [host({ v: 1 }), host({ v: 1 }, "UNHEALTHY")]);
  const { priorities } = s.environment;
  const second = host({ v: 1 }, "HEALTHY", 1);
  priorities.updateHosts(1, [second], []);
  const context = contextOf({ metadataMatch: () => MetadataMatch.of({ v: 1 }) });
  const share = (): number => {
    let count = 0;
    for (let i = 0; i < 1000; i++) if (s.lb.chooseHost(context) === second) count++;
    return Math.round(count / 100);
  };
  assert.is(share(), 3, "half of the hosts, 1.4 times");
  priorities.setPolicy(200, false);
  priorities.updateHosts(0, s.hosts, []);
  assert.is(share(), 0);
});

test("priorities of a subset are those of its hosts", () => {
  const s = new Fixture(planOf([selector("v")]), [host({ v: 1 })]);
  const other = host({ v: 2 }, "HEALTHY", 1);
  s.environment.priorities.updateHosts(1, [other], []);
  assert.is(s.lb.chooseHost(contextOf({ metadataMatch: () => MetadataMatch.of({ v: 2 }) })), other);
});

test("weights of localities: not at all, as they are, or by the hosts that are left", () => {
  const zone = (name: string): LocalityPlan => ({ region: "", zone: name, subZone: "" });
  const shares = (changes: Partial<SubsetPlan>): number => {
    const localities = ["a", "b"].map((name, index) => ({
      locality: zone(name),
      weight: 1,
      hosts: Array.from(
        { length: 4 },
        (_, i) => newHost({ locality: zone(name), metadata: { "envoy.lb": { v: index === 1 && i > 0 ? 2 : 1 } } }),
      ),
    }));
    const environment = environmentOf();
    environment.priorities.updateHosts(0, localities.flatMap(({ hosts }) => hosts), localities);
    const below = { ...ROUND_ROBIN, localityWeighted: true };
    const lb = createBalancer(planOf([selector("v")], { ...changes, below }), environment);
    const context = contextOf({ metadataMatch: () => MetadataMatch.of({ v: 1 }) });
    let count = 0;
    for (let i = 0; i < 1000; i++) if (lb.chooseHost(context)!.locality.zone === "b") count++;
    return count;
  };
  assert.is(shares({}), 200, "4 hosts and 1");
  assert.is(shares({ localityWeightAware: true }), 500);
  // 0.25 of the weight, which is rounded to nothing.
  assert.is(shares({ localityWeightAware: true, scaleLocalityWeight: true }), 0);
});

test("subsets of subsets, and a table for each subset", () => {
  const hosts = [host({ v: 1, w: 1 }), host({ v: 1, w: 2 }), host({ v: 2, w: 1 })];
  const inner = planOf([selector("v,w"), selector("w")], { fallbackPolicy: "ANY_ENDPOINT" });
  const outer = planOf([selector("v")], { below: inner, allowRedundantKeys: true });
  const s = new Fixture(outer, hosts);
  assert.is(s.ask({ v: 1, w: 2 }), "01", "the inner one is asked for v alone, and falls back");
  const maglev: BalancerPlan = {
    policy: "MAGLEV",
    tableSize: 13,
    useHostnameForHashing: false,
    hashBalanceFactor: 0,
    failTrafficOnPanic: false,
    localityWeighted: true,
  };
  assert.is(new Fixture(planOf([selector("v")], { below: maglev }), hosts).ask({ v: 1 }), "01");
});

test.run();
