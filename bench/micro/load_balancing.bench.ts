// bench/micro/load_balancing.bench.ts: what it costs to choose one of a thousand hosts.
/**
 * `node bench/micro/load_balancing.bench.ts` · `deno run -A bench/micro/load_balancing.bench.ts`
 *
 * The budget of a choice is 200 ns on Node, whatever the policy.
 */
import { bench, do_not_optimize, summary } from "mitata";
import { SeededRandom } from "../../host/base/random.ts";
import { beginTurn } from "../../host/base/turn.ts";
import { xxHash64, xxHashReady } from "../../host/base/xxhash.ts";
import { HeaderMap } from "../../host/http/header_map.ts";
import { ipAddress } from "../../host/net/address.ts";
import { StatsStore } from "../../host/observe/stats.ts";
import { StreamInfo } from "../../host/observe/stream_info.ts";
import { systemClock } from "../../host/platform/system_clock.ts";
import { Cluster } from "../../host/upstream/cluster.ts";
import { LoadBalancerContextBase } from "../../host/upstream/lb/context.ts";
import { MetadataMatch } from "../../host/upstream/lb/metadata_match.ts";
import { LocalCluster } from "../../host/upstream/local_cluster.ts";
import { readLoadReport } from "../../host/upstream/orca/load_report.ts";
import { weightOf } from "../../host/upstream/orca/utilization.ts";
import type { BalancerPlan, LocalityBalancingPlan, SubsetPlan } from "../../host/upstream/lb/plan.ts";
import { type ClusterPlan, createClusterPlan, type EndpointPlan } from "../../host/upstream/plan.ts";
import { PrioritySet } from "../../host/upstream/priority.ts";
import { endpoint, FakeConnection, FakeDialer, FakeDns, planWith } from "../../test/host/upstream/fakes.ts";
import { newHost } from "../../test/host/upstream/lb/setup.ts";
import { runWithin } from "./budget.ts";

await xxHashReady;

const HOSTS = 1000;
const EQUAL = Array.from({ length: HOSTS }, () => 1);
const WEIGHTS = Array.from({ length: HOSTS }, (_, index) => 1 + index % 10);
const NO_HEADERS = HeaderMap.of({});

const ZONES = ["a", "b", "c", "d"].map((zone) => ({ region: "", zone, subZone: "" }));

interface Options {
  /** Hosts are in four zones, of which the proxy is in the first. */
  readonly zones?: boolean;
  /** Looks at every host, so that it takes as long as there are hosts. */
  readonly isScan?: boolean;
}

function createCluster(plan: BalancerPlan, weights: readonly number[], { zones = false }: Options = {}): Cluster {
  const endpoints = weights.map((weight, i) =>
    endpoint("10.0.0.1", i + 1, { weight, metadata: { "envoy.lb": { stage: `s${i % 10}`, version: i % 3 } } })
  );
  const changes = { loadBalancing: { ...plan, panicThresholdPercent: 50 } };
  const cluster = new Cluster(zones ? inZones(endpoints, changes) : planWith(endpoints, changes), {
    ...(zones && { ownLocality: ZONES[0]!, local: proxies() }),
    clock: systemClock,
    random: new SeededRandom(1),
    stats: StatsStore.create(),
    dialer: new FakeDialer(),
    dns: new FakeDns(),
    createClientCodec: () => {
      throw new Error("nothing connects");
    },
  });
  cluster.start(() => {});
  return cluster;
}

function inZones(endpoints: readonly EndpointPlan[], changes: Partial<ClusterPlan>): ClusterPlan {
  const localities = ZONES.map((locality, index) => ({
    priority: 0,
    locality,
    weight: 1 + index,
    endpoints: endpoints.filter((_, i) => i % ZONES.length === index),
  }));
  return createClusterPlan("a", { ...changes, localities });
}

/** Half of the proxies are in the first zone. */
function proxies(): LocalCluster {
  const local = new LocalCluster("proxies");
  const priorities = new PrioritySet(140, { current: 50 });
  const localities = ZONES.map((locality, index) => ({
    locality,
    weight: 0,
    hosts: Array.from({ length: index === 0 ? 3 : 1 }, () => newHost({ locality })),
  }));
  priorities.updateHosts(0, localities.flatMap(({ hosts }) => hosts), localities, { hasLocalLocality: true });
  local.use(priorities);
  return local;
}

const HASHES = Array.from({ length: 4099 }, (_, index) => xxHash64(String(index)));

/** A request that is hashed, and names a host. */
class Request extends LoadBalancerContextBase {
  readonly #headers = HeaderMap.of({ "x-host": "10.0.0.1:500" });
  readonly #info = new StreamInfo(new FakeConnection(ipAddress("10.9.9.9", 1)).info, 0, 0);
  readonly #match = MetadataMatch.of({ stage: "s3", version: 1 });
  #request = 0;

  override metadataMatch(): MetadataMatch {
    return this.#match;
  }

  override hash(): bigint {
    return HASHES[this.#request++ % HASHES.length]!;
  }

  override get requestHeaders(): HeaderMap {
    return this.#headers;
  }

  override get streamInfo(): StreamInfo {
    return this.#info;
  }
}

const LOCALITY: LocalityBalancingPlan = { localityWeighted: false, failTrafficOnPanic: false };
const HASH = { useHostnameForHashing: false, hashBalanceFactor: 0 };
const ROUND_ROBIN: BalancerPlan = { ...LOCALITY, policy: "ROUND_ROBIN" };
const LEAST_REQUEST: BalancerPlan = {
  ...LOCALITY,
  policy: "LEAST_REQUEST",
  choiceCount: 2,
  selectionMethod: "N_CHOICES",
  activeRequestBias: 1,
};
const RING_HASH: BalancerPlan = {
  ...LOCALITY,
  ...HASH,
  policy: "RING_HASH",
  minimumRingSize: 1024,
  maximumRingSize: 8_388_608,
  hashFunction: "XX_HASH",
};
const SUBSET: SubsetPlan = {
  policy: "SUBSET",
  below: ROUND_ROBIN,
  fallbackPolicy: "ANY_ENDPOINT",
  defaultSubset: {},
  selectors: [["stage"], ["stage", "version"]].map((keys) => ({
    keys,
    fallbackPolicy: "NOT_DEFINED",
    fallbackKeysSubset: [],
    singleHostPerSubset: false,
  })),
  allowRedundantKeys: false,
  localityWeightAware: false,
  scaleLocalityWeight: false,
  panicModeAny: false,
  listAsAny: false,
  metadataFallbackList: false,
};
const SUBSET_OF_SOME: BalancerPlan = {
  ...SUBSET,
  selectors: SUBSET.selectors.slice(0, 1),
  allowRedundantKeys: true,
};
const SLOW_START = { windowMs: 3_600_000, aggression: 2, minWeightPercent: 10 };
const CASES: readonly (readonly [string, BalancerPlan, readonly number[], Options?])[] = [
  ["round robin", ROUND_ROBIN, EQUAL],
  ["round robin, weights", ROUND_ROBIN, WEIGHTS],
  ["round robin, slow start", { ...LOCALITY, policy: "ROUND_ROBIN", slowStart: SLOW_START }, EQUAL],
  ["round robin, locality weights", { ...LOCALITY, policy: "ROUND_ROBIN", localityWeighted: true }, EQUAL, {
    zones: true,
  }],
  ["round robin, zone-aware", ROUND_ROBIN, EQUAL, { zones: true }],
  ["round robin, subsets", SUBSET, EQUAL],
  ["round robin, subsets, redundant keys", SUBSET_OF_SOME, EQUAL],
  ["random", { ...LOCALITY, policy: "RANDOM" }, EQUAL],
  ["least request", LEAST_REQUEST, EQUAL],
  ["least request, weights", LEAST_REQUEST, WEIGHTS],
  ["least request, full scan", { ...LEAST_REQUEST, selectionMethod: "FULL_SCAN" }, EQUAL, { isScan: true }],
  ["peak EWMA", { ...LOCALITY, policy: "PEAK_EWMA", decayMs: 10_000, defaultRttMs: 10, penalty: 1e6 }, EQUAL],
  ["ring hash", RING_HASH, EQUAL],
  ["ring hash, bounded load", { ...RING_HASH, hashBalanceFactor: 150 }, EQUAL],
  ["Maglev", { ...LOCALITY, ...HASH, policy: "MAGLEV", tableSize: 65_537 }, EQUAL],
];

const budgets: Record<string, number> = {};

/** Runs it a while first: what takes long the first time would be measured one by one, clock and all. */
function benchWarm(name: string, run: () => unknown): void {
  for (let i = 0; i < 1000; i++) do_not_optimize(run());
  bench(name, () => do_not_optimize(run()));
}

function benchChoice(name: string, choose: () => unknown): void {
  budgets[name] = 200;
  benchWarm(name, choose);
}

// As while a request is handled: the time was asked for already.
beginTurn();

summary(() => {
  for (const [name, plan, weights, options] of CASES) {
    const cluster = createCluster(plan, weights, options);
    const request = new Request();
    for (const [index, host] of [...cluster.priorities.hosts()].entries()) {
      host.policyData?.onResponseHeaders(NO_HEADERS, 1 + index % 100);
    }
    const measure = options?.isScan === true ? benchWarm : benchChoice;
    measure(name, () => cluster.chooseHost(request));
  }
});

summary(() => {
  const wanted = { address: "10.0.0.1:500", strict: false, notFoundStatus: 503 };
  const cluster = createCluster(ROUND_ROBIN, EQUAL);
  class Bound extends Request {
    override overrideHost(): typeof wanted {
      return wanted;
    }
  }
  const bound = new Bound();
  benchChoice("a host that a filter chose", () => cluster.chooseHost(bound));
  const sources = [{ kind: "header", name: "x-host" }] as const;
  const named = createCluster(
    { policy: "OVERRIDE_HOST", sources, selectedHostKey: null, fallback: ROUND_ROBIN },
    EQUAL,
  );
  const request = new Request();
  benchChoice("override host, named in a header", () => {
    request.overrideHosts = null;
    return named.chooseHost(request);
  });
});

const report = HeaderMap.of({ "endpoint-load-metrics": "TEXT rps_fractional:120.5,cpu_utilization:0.35,eps:0.1" });
const utilization = { metricNames: [], errorPenalty: 1 };
benchWarm("the weight in a load report", () => weightOf(readLoadReport(report)!, utilization));

await runWithin(budgets);
