// host/upstream/plan/load_balancing.ts: which load balancing policy a cluster has.
// pure: no I/O, no clock, no runtime globals
/**
 * `load_balancing_policy` is a list of which the first policy that is known here counts; it overrides
 * `lb_policy`.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc LoadBalancerFactoryFromProto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type {
  ConsistentHashPlan,
  LeastRequestPlan,
  ListPolicyPlan,
  LoadBalancingPlan,
  MaglevPlan,
  RingHashPlan,
} from "../plan.ts";

const POLICIES = "envoy.extensions.load_balancing_policies";
const ROUND_ROBIN = `${POLICIES}.round_robin.v3.RoundRobin`;
const RANDOM = `${POLICIES}.random.v3.Random`;
const LEAST_REQUEST = `${POLICIES}.least_request.v3.LeastRequest`;

const RING_HASH = `${POLICIES}.ring_hash.v3.RingHash`;
const MAGLEV = `${POLICIES}.maglev.v3.Maglev`;
const CLUSTER_PROVIDED = `${POLICIES}.cluster_provided.v3.ClusterProvided`;

const OVERRIDDEN = "load_balancing_policy overrides it";
const NO_LOCAL_CLUSTER = "zone aware routing needs the cluster that the proxy itself is in, and there is none";

type PolicyPlan = ListPolicyPlan | RingHashPlan | MaglevPlan | { readonly policy: "CLUSTER_PROVIDED" };

const LEAST_REQUEST_DEFAULTS: LeastRequestPlan = {
  policy: "LEAST_REQUEST",
  choiceCount: 2,
  selectionMethod: "N_CHOICES",
  activeRequestBias: 1,
};

/** @see Envoy: api/envoy/config/cluster/v3/cluster.proto RingHashLbConfig, MaglevLbConfig */
const DEFAULT_MINIMUM_RING_SIZE = 1024;
const DEFAULT_MAXIMUM_RING_SIZE = 8_388_608;
const DEFAULT_TABLE_SIZE = 65_537;

/** How localities count. */
interface LocalityPlanPart {
  readonly localityWeighted: boolean;
  readonly failTrafficOnPanic: boolean;
}

const NO_LOCALITY_PLAN: LocalityPlanPart = { localityWeighted: false, failTrafficOnPanic: false };

export function planLoadBalancing(cluster: ConfigNode): LoadBalancingPlan {
  const common = cluster.message("common_lb_config");
  common?.accept("update_merge_window", "updates of hosts are applied at once");
  const panic = common?.message("healthy_panic_threshold") ?? null;
  const list = cluster.message("load_balancing_policy");
  const panicThresholdPercent = panic === null ? 50 : panic.number("value");
  if (list === null) return { panicThresholdPercent, ...planLocality(common), ...planEnum(cluster) };
  common?.accept("zone_aware_lb_config", OVERRIDDEN);
  common?.accept("locality_weighted_lb_config", OVERRIDDEN);
  return { panicThresholdPercent, ...planList(cluster, list) };
}

/** `common_lb_config`, or `locality_lb_config` of a policy's own message. */
function planLocality(node: ConfigNode | null): LocalityPlanPart {
  if (node === null) return NO_LOCALITY_PLAN;
  const zoneAware = node.message("zone_aware_lb_config");
  zoneAware?.accept("routing_enabled", NO_LOCAL_CLUSTER);
  zoneAware?.accept("min_cluster_size", NO_LOCAL_CLUSTER);
  return {
    localityWeighted: node.has("locality_weighted_lb_config"),
    failTrafficOnPanic: zoneAware?.bool("fail_traffic_on_panic") ?? false,
  };
}

/** Policies that hash have `locality_weighted_lb_config` themselves. */
function planOwnLocality(config: ConfigNode): LocalityPlanPart {
  return { localityWeighted: config.has("locality_weighted_lb_config"), failTrafficOnPanic: false };
}

function planEnum(cluster: ConfigNode): PolicyPlan {
  const policy = cluster.enum("lb_policy");
  switch (policy) {
    case "ROUND_ROBIN":
      cluster.message("round_robin_lb_config");
      return { policy };
    case "RANDOM":
    case "CLUSTER_PROVIDED":
      return { policy };
    case "LEAST_REQUEST":
      return planLeastRequest(cluster.message("least_request_lb_config"));
    case "RING_HASH":
      return planRingHash(
        cluster.message("ring_hash_lb_config"),
        planConsistentHash(cluster.message("common_lb_config")),
      );
    case "MAGLEV":
      return planMaglev(cluster.message("maglev_lb_config"), planConsistentHash(cluster.message("common_lb_config")));
    default:
      cluster.error("config/unsupported", `load balancing policy ${policy} is not supported yet`, {
        field: "lb_policy",
        help: "use ROUND_ROBIN, LEAST_REQUEST, RANDOM, RING_HASH or MAGLEV",
      });
      return { policy: "ROUND_ROBIN" };
  }
}

function planList(cluster: ConfigNode, list: ConfigNode): PolicyPlan & LocalityPlanPart {
  cluster.accept("lb_policy", OVERRIDDEN);
  const unknown: string[] = [];
  let plan: PolicyPlan & LocalityPlanPart | null = null;
  for (const policy of list.messages("policies")) {
    if (plan !== null) {
      policy.accept("typed_extension_config", "a policy before it in the list is used");
      continue;
    }
    const extension = policy.message("typed_extension_config");
    const config = extension?.any("typed_config") ?? null;
    if (extension === null || config === null) continue;
    extension.accept("name", "the policy is known by its type");
    const policyPlan = planPolicy(config);
    if (policyPlan !== null) {
      plan = policyPlan;
    } else {
      unknown.push(config.typeName);
      policy.accept("typed_extension_config", "it is not supported yet, and a policy after it in the list is used");
    }
  }
  if (plan !== null) return plan;
  const found = unknown.length === 0 ? "no load balancing policy is named" : `no support yet for ${unknown.join(", ")}`;
  list.error("config/unsupported", found, {
    field: "policies",
    help: "use round_robin, least_request, random, ring_hash or maglev",
  });
  return { ...NO_LOCALITY_PLAN, policy: "ROUND_ROBIN" };
}

function planPolicy(config: ConfigNode): PolicyPlan & LocalityPlanPart | null {
  switch (config.typeName) {
    case ROUND_ROBIN:
      return { policy: "ROUND_ROBIN", ...planLocality(config.message("locality_lb_config")) };
    case RANDOM:
      return { policy: "RANDOM", ...planLocality(config.message("locality_lb_config")) };
    case CLUSTER_PROVIDED:
      return { policy: "CLUSTER_PROVIDED", ...NO_LOCALITY_PLAN };
    case LEAST_REQUEST: {
      const fullScan = config.enum("selection_method") === "FULL_SCAN" || config.bool("enable_full_scan");
      const selectionMethod = fullScan ? "FULL_SCAN" : "N_CHOICES";
      return { ...planLeastRequest(config), selectionMethod, ...planLocality(config.message("locality_lb_config")) };
    }
    case RING_HASH: {
      const common = planConsistentHash(config);
      // The fields that stood here before there was a message for them.
      const useHostnameForHashing = common.useHostnameForHashing || config.bool("use_hostname_for_hashing");
      const hashBalanceFactor = common.hashBalanceFactor || config.number("hash_balance_factor", 0);
      return { ...planRingHash(config, { useHostnameForHashing, hashBalanceFactor }), ...planOwnLocality(config) };
    }
    case MAGLEV:
      return { ...planMaglev(config, planConsistentHash(config)), ...planOwnLocality(config) };
    default:
      return null;
  }
}

/** The fields that the Cluster's own message and the extension's have in common. */
function planLeastRequest(node: ConfigNode | null): LeastRequestPlan {
  if (node === null) return LEAST_REQUEST_DEFAULTS;
  const bias = node.message("active_request_bias");
  bias?.accept("runtime_key", "there is no runtime layer to override it");
  return {
    ...LEAST_REQUEST_DEFAULTS,
    choiceCount: node.number("choice_count", 2),
    activeRequestBias: bias === null ? 1 : bias.number("default_value"),
  };
}

/** Of `common_lb_config` or of a policy's own message. */
function planConsistentHash(node: ConfigNode | null): ConsistentHashPlan {
  const config = node?.message("consistent_hashing_lb_config") ?? null;
  return {
    useHostnameForHashing: config?.bool("use_hostname_for_hashing") ?? false,
    hashBalanceFactor: config?.number("hash_balance_factor", 0) ?? 0,
  };
}

function planRingHash(node: ConfigNode | null, common: ConsistentHashPlan): RingHashPlan {
  const minimumRingSize = node?.number("minimum_ring_size", DEFAULT_MINIMUM_RING_SIZE) ?? DEFAULT_MINIMUM_RING_SIZE;
  const maximumRingSize = node?.number("maximum_ring_size", DEFAULT_MAXIMUM_RING_SIZE) ?? DEFAULT_MAXIMUM_RING_SIZE;
  if (minimumRingSize > maximumRingSize) {
    node?.error(
      "config/out-of-range",
      `the minimum ring size ${minimumRingSize} is greater than the maximum, ${maximumRingSize}`,
      {
        field: "minimum_ring_size",
      },
    );
  }
  const murmur = node?.enum("hash_function") === "MURMUR_HASH_2";
  return {
    policy: "RING_HASH",
    minimumRingSize,
    maximumRingSize,
    hashFunction: murmur ? "MURMUR_HASH_2" : "XX_HASH",
    ...common,
  };
}

function planMaglev(node: ConfigNode | null, common: ConsistentHashPlan): MaglevPlan {
  const tableSize = node?.number("table_size", DEFAULT_TABLE_SIZE) ?? DEFAULT_TABLE_SIZE;
  if (!isPrime(tableSize)) {
    node?.error("config/out-of-range", `the table size ${tableSize} is no prime number`, {
      field: "table_size",
      help: "use 65537 or another prime",
    });
  }
  return { policy: "MAGLEV", tableSize, ...common };
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return value > 1;
}
