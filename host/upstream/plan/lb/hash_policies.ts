// host/upstream/plan/lb/hash_policies.ts: policies that send equal requests to the same host.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { ConfigNode } from "../../../config/node.ts";
import { planHashPolicies } from "../../../http/plan/hash_policy.ts";
import type { ConsistentHashPlan, MaglevPlan, RingHashPlan } from "../../lb/plan.ts";

/** @see Envoy: api/envoy/config/cluster/v3/cluster.proto RingHashLbConfig, MaglevLbConfig */
const DEFAULT_MINIMUM_RING_SIZE = 1024;
const DEFAULT_MAXIMUM_RING_SIZE = 8_388_608;
const DEFAULT_TABLE_SIZE = 65_537;

/** Of `common_lb_config` or of a policy's own message. */
export function planConsistentHash(node: ConfigNode | null): ConsistentHashPlan {
  const config = node?.message("consistent_hashing_lb_config") ?? null;
  return {
    useHostnameForHashing: config?.bool("use_hostname_for_hashing") ?? false,
    hashBalanceFactor: config?.number("hash_balance_factor", 0) ?? 0,
    ...planOwnHashPolicies(config),
  };
}

/** Only the extension's message has some. */
function planOwnHashPolicies(config: ConfigNode | null): Pick<ConsistentHashPlan, "hashPolicies"> {
  if (config === null || !config.typeName.startsWith("envoy.extensions.")) return {};
  const hashPolicies = planHashPolicies(config);
  return hashPolicies.length === 0 ? {} : { hashPolicies };
}

export function planRingHash(node: ConfigNode | null, common: ConsistentHashPlan): RingHashPlan {
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

export function planMaglev(node: ConfigNode | null, common: ConsistentHashPlan): MaglevPlan {
  const tableSize = node?.number("table_size", DEFAULT_TABLE_SIZE) ?? DEFAULT_TABLE_SIZE;
  if (!isPrime(tableSize)) {
    node?.error("config/out-of-range", `the table size ${tableSize} is no prime number`, {
      field: "table_size",
      help: "use 65537 or another prime",
    });
  }
  return { policy: "MAGLEV", tableSize, ...common };
}

/** The extension's message has fields that stood there before there was a message for them. */
export function planRingHashExtension(config: ConfigNode): RingHashPlan {
  const common = planConsistentHash(config);
  const useHostnameForHashing = common.useHostnameForHashing || config.bool("use_hostname_for_hashing");
  const hashBalanceFactor = common.hashBalanceFactor || config.number("hash_balance_factor", 0);
  return planRingHash(config, { ...common, useHostnameForHashing, hashBalanceFactor });
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return value > 1;
}
