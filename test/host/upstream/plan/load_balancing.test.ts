// test/host/upstream/plan/load_balancing.test.ts: which load balancing policy a cluster has, in both spellings.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import { unreadFields } from "../../../../host/config/unread.ts";
import type { LoadBalancingPlan } from "../../../../host/upstream/lb/plan.ts";
import { planCluster } from "../../../../host/upstream/plan/cluster.ts";

const registry = loadRegistry();

interface Planned {
  readonly plan: LoadBalancingPlan | null;
  readonly problems: readonly string[];
}

/** Plans a cluster of these fields. */
function planned(yaml: string): Planned {
  const text = `name: a\n${yaml}`;
  const { root, diagnostics } = loadBootstrap({ registry, typeName: "envoy.config.cluster.v3.Cluster", yaml: text });
  const cluster = root === null ? null : planCluster(root);
  const all = [
    ...diagnostics.all.filter(({ code }) => code !== "config/deprecated-field"),
    ...(root === null ? [] : unreadFields(root)),
  ];
  const problems = all.filter(({ severity }) => severity !== "note").map(({ at, message }) => `${at}: ${message}`);
  return { plan: cluster?.loadBalancing ?? null, problems };
}

/** The plan of a cluster that has no problems. */
function of(yaml: string): LoadBalancingPlan {
  const { plan, problems } = planned(yaml);
  assert.equal(problems, []);
  return plan!;
}

const policy = (type: string, fields = ""): string =>
  `{ typed_extension_config: { name: x, typed_config: { "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.${type}${fields} } } }`;

test("load balancing policies, in both spellings", () => {
  const common = { panicThresholdPercent: 50, failTrafficOnPanic: false, localityWeighted: false };
  const least = {
    ...common,
    policy: "LEAST_REQUEST",
    choiceCount: 2,
    selectionMethod: "N_CHOICES",
    activeRequestBias: 1,
  };
  assert.equal(of("lb_policy: RANDOM"), { ...common, policy: "RANDOM" });
  assert.equal(of("lb_policy: LEAST_REQUEST"), least);
  assert.equal(
    of(
      "lb_policy: LEAST_REQUEST\nleast_request_lb_config: { choice_count: 5, active_request_bias: { default_value: 2, runtime_key: k } }",
    ),
    { ...least, choiceCount: 5, activeRequestBias: 2, activeRequestBiasKey: "k" },
  );
  const list = (...policies: string[]): string => `load_balancing_policy: { policies: [${policies.join(", ")}] }`;
  assert.equal(of(list(policy("round_robin.v3.RoundRobin"))), { ...common, policy: "ROUND_ROBIN" });
  assert.equal(of("lb_policy: RING_HASH\n" + list(policy("random.v3.Random"))), { ...common, policy: "RANDOM" });
  assert.equal(of(list(policy("least_request.v3.LeastRequest", ", selection_method: FULL_SCAN"))), {
    ...least,
    selectionMethod: "FULL_SCAN",
  });
  // The first that is known counts.
  assert.equal(
    of(
      list(
        policy("pick_first.v3.PickFirst"),
        policy("random.v3.Random"),
        policy("round_robin.v3.RoundRobin"),
      ),
    ),
    {
      ...common,
      policy: "RANDOM",
    },
  );
});

test("policies that hash, in both spellings", () => {
  const common = { panicThresholdPercent: 50, failTrafficOnPanic: false, localityWeighted: false };
  const plain = { useHostnameForHashing: false, hashBalanceFactor: 0 };
  const ring = {
    policy: "RING_HASH",
    minimumRingSize: 1024,
    maximumRingSize: 8_388_608,
    hashFunction: "XX_HASH",
    ...plain,
  };
  const consistent = "{ use_hostname_for_hashing: true, hash_balance_factor: 125 }";
  const bounded = { useHostnameForHashing: true, hashBalanceFactor: 125 };
  assert.equal(of("lb_policy: RING_HASH"), { ...common, ...ring });
  const fields = "minimum_ring_size: 3, maximum_ring_size: 9, hash_function: MURMUR_HASH_2";
  const small = { ...ring, minimumRingSize: 3, maximumRingSize: 9, hashFunction: "MURMUR_HASH_2" };
  assert.equal(
    of(`type: STRICT_DNS
lb_policy: RING_HASH
ring_hash_lb_config: { ${fields} }
common_lb_config: { consistent_hashing_lb_config: ${consistent}, locality_weighted_lb_config: {} }`),
    { ...common, ...small, ...bounded, localityWeighted: true },
  );
  const list = (text: string): string => `load_balancing_policy: { policies: [${text}] }`;
  const weighted = `consistent_hashing_lb_config: ${consistent}, locality_weighted_lb_config: {}`;
  assert.equal(of(list(policy("ring_hash.v3.RingHash", `, ${fields}, ${weighted}`))), {
    ...common,
    ...small,
    ...bounded,
    localityWeighted: true,
  });
  assert.equal(
    of(list(policy("ring_hash.v3.RingHash", ", use_hostname_for_hashing: true, hash_balance_factor: 125"))),
    { ...common, ...ring, ...bounded },
  );
  assert.equal(of("lb_policy: MAGLEV"), { ...common, policy: "MAGLEV", tableSize: 65_537, ...plain });
  assert.equal(of("lb_policy: MAGLEV\nmaglev_lb_config: { table_size: 251 }"), {
    ...common,
    policy: "MAGLEV",
    tableSize: 251,
    ...plain,
  });
  assert.equal(of(list(policy("maglev.v3.Maglev", `, table_size: 13, ${weighted}`))), {
    ...common,
    policy: "MAGLEV",
    tableSize: 13,
    ...bounded,
    localityWeighted: true,
  });
});

test("locality weights, of the cluster and of a policy", () => {
  const weighted = { panicThresholdPercent: 50, failTrafficOnPanic: false, localityWeighted: true };
  assert.equal(of("common_lb_config: { locality_weighted_lb_config: {} }"), { ...weighted, policy: "ROUND_ROBIN" });
  const list = policy("random.v3.Random", ", locality_lb_config: { locality_weighted_lb_config: {} }");
  assert.equal(of(`load_balancing_policy: { policies: [${list}] }`), { ...weighted, policy: "RANDOM" });
  const plain = policy("random.v3.Random");
  const common = { panicThresholdPercent: 50, localityWeighted: false };
  assert.equal(of(`load_balancing_policy: { policies: [${plain}] }`), {
    ...common,
    failTrafficOnPanic: false,
    policy: "RANDOM",
  });
  const zones = "min_cluster_size: 3, routing_enabled: { value: 12.5 }, fail_traffic_on_panic: true";
  const zoneAware = {
    routingEnabledPercent: 13,
    minClusterSize: 3,
    forceLocalZoneMinSize: null,
    localityBasis: "HEALTHY_HOSTS_NUM",
  };
  assert.equal(of(`common_lb_config: { zone_aware_lb_config: { ${zones} } }`), {
    ...common,
    failTrafficOnPanic: true,
    zoneAware,
    policy: "ROUND_ROBIN",
  });
  const zonesOf = (more: string): unknown => {
    const config = `, locality_lb_config: { zone_aware_lb_config: { ${more} } }`;
    return of(`load_balancing_policy: { policies: [${policy("round_robin.v3.RoundRobin", config)}] }`);
  };
  const expected = { ...common, failTrafficOnPanic: true, policy: "ROUND_ROBIN" };
  assert.equal(zonesOf(`${zones}, locality_basis: HEALTHY_HOSTS_WEIGHT, force_local_zone: { min_size: 4 }`), {
    ...expected,
    zoneAware: { ...zoneAware, forceLocalZoneMinSize: 4, localityBasis: "HEALTHY_HOSTS_WEIGHT" },
  });
  assert.equal(zonesOf(`${zones}, force_locality_direct_routing: true`), {
    ...expected,
    zoneAware: { ...zoneAware, forceLocalZoneMinSize: 1 },
  });
});

test("slow start, of the cluster and of a policy", () => {
  const common = { panicThresholdPercent: 50, failTrafficOnPanic: false, localityWeighted: false };
  const config = "slow_start_window: 20s, aggression: { default_value: 2.5, runtime_key: k }";
  const slowStart = { windowMs: 20_000, aggression: 2.5, aggressionKey: "k", minWeightPercent: 10 };
  assert.equal(of(`round_robin_lb_config: { slow_start_config: { ${config} } }`), {
    ...common,
    policy: "ROUND_ROBIN",
    slowStart,
  });
  const least = {
    ...common,
    policy: "LEAST_REQUEST",
    choiceCount: 2,
    selectionMethod: "N_CHOICES",
    activeRequestBias: 1,
  };
  const percent = `${config}, min_weight_percent: { value: 33 }`;
  assert.equal(of(`lb_policy: LEAST_REQUEST\nleast_request_lb_config: { slow_start_config: { ${percent} } }`), {
    ...least,
    slowStart: { ...slowStart, minWeightPercent: 33 },
  });
  const list = policy("least_request.v3.LeastRequest", `, slow_start_config: { ${config} }`);
  assert.equal(of(`load_balancing_policy: { policies: [${list}] }`), { ...least, slowStart });
  // Without a window there is none.
  assert.equal(of("round_robin_lb_config: { slow_start_config: {} }"), { ...common, policy: "ROUND_ROBIN" });
});

const ROUND_ROBIN = {
  panicThresholdPercent: 50,
  failTrafficOnPanic: false,
  localityWeighted: false,
  policy: "ROUND_ROBIN",
};

test("subsets, of the cluster and of a policy", () => {
  const none = { keys: ["v"], fallbackPolicy: "NOT_DEFINED", fallbackKeysSubset: [], singleHostPerSubset: false };
  const defaults = {
    policy: "SUBSET",
    panicThresholdPercent: 50,
    below: { policy: "RANDOM", failTrafficOnPanic: false, localityWeighted: false },
    fallbackPolicy: "NO_FALLBACK",
    defaultSubset: {},
    selectors: [none],
    allowRedundantKeys: false,
    localityWeightAware: false,
    scaleLocalityWeight: false,
    panicModeAny: false,
    listAsAny: false,
    metadataFallbackList: false,
  };
  const random = "lb_policy: RANDOM\n";
  assert.equal(of(`${random}lb_subset_config: { subset_selectors: [{ keys: [v] }] }`), defaults);
  // Without selectors there are no subsets.
  assert.is(of(`${random}lb_subset_config: {}`).policy, "RANDOM");
  assert.equal(of(`${random}lb_subset_config: { subset_selectors: [{ keys: [] }] }`), { ...defaults, selectors: [] });
  const flags =
    "locality_weight_aware: true, scale_locality_weight: true, panic_mode_any: true, list_as_any: true, metadata_fallback_policy: FALLBACK_LIST, fallback_policy: DEFAULT_SUBSET, default_subset: { a: [1] }";
  const set = {
    ...defaults,
    fallbackPolicy: "DEFAULT_SUBSET",
    defaultSubset: { a: [1] },
    localityWeightAware: true,
    scaleLocalityWeight: true,
    panicModeAny: true,
    listAsAny: true,
    metadataFallbackList: true,
  };
  const selectors =
    "subset_selectors: [{ keys: [v] }, { keys: [w, v, w], fallback_policy: KEYS_SUBSET, fallback_keys_subset: [w], single_host_per_subset: true }]";
  const keys = {
    keys: ["v", "w"],
    fallbackPolicy: "KEYS_SUBSET",
    fallbackKeysSubset: ["w"],
    singleHostPerSubset: true,
  };
  const weighted = "common_lb_config: { locality_weighted_lb_config: {} }\n";
  assert.equal(of(`${random}${weighted}lb_subset_config: { ${flags}, ${selectors} }`), {
    ...set,
    below: { ...set.below, localityWeighted: true },
    selectors: [none, keys],
  });
  const below = `subset_lb_policy: { policies: [${policy("random.v3.Random")}] }`;
  const list = (fields: string): string =>
    `load_balancing_policy: { policies: [${policy("subset.v3.Subset", `, ${fields}, ${below}`)}] }`;
  assert.equal(of(list(`${flags}, ${selectors}`)), { ...set, selectors: [none, keys] });
  // With redundant keys the longest selector that fits counts.
  assert.equal(of(list(`${flags}, ${selectors}, allow_redundant_keys: true`)), {
    ...set,
    allowRedundantKeys: true,
    selectors: [keys, none],
  });
});

test("subsets: what does not go together", () => {
  const selector = (fields: string): string => {
    const { problems } = planned(`lb_subset_config: { subset_selectors: [{ keys: [v, w], ${fields} }] }`);
    assert.is(problems.length, 1);
    return problems[0]!;
  };
  assert.match(
    selector("fallback_policy: ANY_ENDPOINT, fallback_keys_subset: [v]"),
    "fallback_keys_subset can be set only for the fallback_policy KEYS_SUBSET",
  );
  assert.match(selector("fallback_policy: KEYS_SUBSET"), "fallback_keys_subset cannot be empty");
  assert.match(selector("fallback_policy: KEYS_SUBSET, fallback_keys_subset: [x]"), "must be a subset of the keys");
  assert.match(selector("fallback_policy: KEYS_SUBSET, fallback_keys_subset: [w, v]"), "cannot be all of the keys");
  const random = `load_balancing_policy: { policies: [${policy("random.v3.Random")}] }`;
  assert.match(
    planned("lb_subset_config: { locality_weight_aware: true, subset_selectors: [{ keys: [v] }] }").problems[0]!,
    "needs locality_weighted_lb_config",
  );
  assert.match(planned(`lb_subset_config: {}\n${random}`).problems[0]!, "cannot be combined with lb_subset_config");
  const provided = policy("cluster_provided.v3.ClusterProvided");
  const list = policy("subset.v3.Subset", `, subset_lb_policy: { policies: [${provided}] }`);
  assert.match(planned(`load_balancing_policy: { policies: [${list}] }`).problems[0]!, "cannot be below another one");
});

test("a policy that hashes may say itself what is hashed", () => {
  const config = "{ hash_policy: [{ header: { header_name: X-A } }] }";
  const hashPolicies = [{ kind: "header", name: "x-a", rewrite: null, terminal: false }];
  for (const name of ["ring_hash.v3.RingHash", "maglev.v3.Maglev"]) {
    const list = policy(name, `, consistent_hashing_lb_config: ${config}`);
    const plan = of(`load_balancing_policy: { policies: [${list}] }`);
    assert.equal((plan as { hashPolicies?: unknown }).hashPolicies, hashPolicies);
  }
});

test("what is of another policy says nothing, as in Envoy", () => {
  for (
    const yaml of [
      "least_request_lb_config: { choice_count: 5 }",
      "ring_hash_lb_config: { minimum_ring_size: 5 }",
      "maglev_lb_config: { table_size: 5 }",
      "common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 125 } }",
    ]
  ) assert.equal(of(yaml), ROUND_ROBIN);
  const listed = `load_balancing_policy: { policies: [${policy("round_robin.v3.RoundRobin")}] }`;
  assert.equal(of(`round_robin_lb_config: { slow_start_config: { slow_start_window: 1s } }\n${listed}`), ROUND_ROBIN);
  const maglev = of("lb_policy: MAGLEV\ncommon_lb_config: { zone_aware_lb_config: { min_cluster_size: 1 } }");
  assert.is("zoneAware" in maglev, false);
});

test.run();
