// test/conformance/differential/explore/choices.ts: random clusters whose load balancers hash, and keys to hash.
/** @module */
import { bootstrap, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";
import type { Chance } from "./chance.ts";
import { type Fields, listLines } from "./fields.ts";

const UPSTREAMS = ["h0", "h1", "h2", "h3", "h4", "h5"];
const STAGES = ["prod", "dev"];
const VERSIONS = ["1", "2", "3"];
const HEALTH = ["UNKNOWN", "HEALTHY", "HEALTHY", "UNHEALTHY", "DRAINING", "TIMEOUT", "DEGRADED"];
const ROUTES = 6;

function metadata(chance: Chance): Fields {
  return {
    ...chance.maybe(1, () => ({ stage: chance.of(STAGES) })),
    ...chance.maybe(2, () => ({ version: chance.of(VERSIONS) })),
    ...chance.maybe(4, () => ({ canary: chance.oneIn(2) })),
  };
}

function localities(chance: Chance): Fields[] {
  const hosts = [...UPSTREAMS];
  const health = chance.oneIn(2);
  const hasWeights = chance.oneIn(2);
  return chance.list(1, 3, (index) => ({
    priority: chance.oneIn(2) ? 0 : index,
    locality: { zone: `z${index}` },
    ...chance.maybe(2, () => ({ load_balancing_weight: 1 + chance.below(4) })),
    lb_endpoints: hosts.splice(0, 1 + chance.below(4)).map((name) => ({
      endpoint: {
        hostname: `${name}.test`,
        address: { socket_address: { address: "127.0.0.1", port_value: `@${name}@` } },
      },
      ...(health ? { health_status: chance.of(HEALTH) } : {}),
      ...(hasWeights ? { load_balancing_weight: 1 + chance.below(5) } : {}),
      metadata: { filter_metadata: { "envoy.lb": { hash_key: name, ...metadata(chance) } } },
    })),
  })).map((locality, _index, all) => {
    // Priorities must follow one another.
    const used = [...new Set(all.map(({ priority }) => priority))].sort();
    return { ...locality, priority: used.indexOf(locality.priority) };
  });
}

function subsets(chance: Chance, hasLocalityWeights: boolean): Fields {
  const keys = [["stage"], ["version"], ["stage", "version"], ["canary"], ["stage", "canary"]];
  return {
    lb_subset_config: {
      fallback_policy: chance.of(["NO_FALLBACK", "ANY_ENDPOINT", "DEFAULT_SUBSET"]),
      default_subset: { stage: chance.of(STAGES) },
      subset_selectors: chance.some(keys, 2).map((each) => ({
        keys: each,
        ...chance.maybe(2, () => {
          const policy = chance.of([
            "NO_FALLBACK",
            "ANY_ENDPOINT",
            "DEFAULT_SUBSET",
            ...(each.length > 1 ? ["KEYS_SUBSET"] : []),
          ]);
          return { fallback_policy: policy, ...(policy === "KEYS_SUBSET" ? { fallback_keys_subset: [each[0]] } : {}) };
        }),
      })),
      ...(hasLocalityWeights && chance.oneIn(2)
        ? { locality_weight_aware: true, ...chance.maybe(2, () => ({ scale_locality_weight: true })) }
        : {}),
      ...chance.maybe(4, () => ({ panic_mode_any: true })),
      ...chance.maybe(4, () => ({ list_as_any: true })),
    },
  };
}

function policy(chance: Chance): Fields {
  const common = {
    ...chance.maybe(2, () => ({ healthy_panic_threshold: { value: chance.of([0, 20, 50, 80]) } })),
    ...chance.maybe(2, () => ({ locality_weighted_lb_config: {} })),
    ...chance.maybe(4, () => ({
      consistent_hashing_lb_config: {
        ...chance.maybe(2, () => ({ use_hostname_for_hashing: true })),
        ...chance.maybe(2, () => ({ hash_balance_factor: chance.of([100, 150]) })),
      },
    })),
  };
  return {
    ...chance.of<() => Fields>([
      () => ({
        lb_policy: "RING_HASH",
        ...chance.maybe(2, () => ({
          ring_hash_lb_config: {
            minimum_ring_size: chance.of([1, 7, 100, 1024]),
            maximum_ring_size: chance.of([1024, 5000]),
            hash_function: chance.of(["XX_HASH", "MURMUR_HASH_2"]),
          },
        })),
      }),
      () => ({
        lb_policy: "MAGLEV",
        ...chance.maybe(2, () => ({ maglev_lb_config: { table_size: chance.of([7, 101, 65537]) } })),
      }),
    ])(),
    common_lb_config: common,
    ...chance.maybe(2, () => subsets(chance, "locality_weighted_lb_config" in common)),
  };
}

function route(chance: Chance, index: number): Fields {
  return {
    name: `r${index}`,
    match: { prefix: `/${index}` },
    route: {
      cluster: "hosts",
      hash_policy: [
        ...chance.some<Fields>([
          { header: { header_name: "x-key" } },
          { header: { header_name: "x-other", regex_rewrite: { pattern: { regex: "^(.).*" }, substitution: "\\1" } } },
          { query_parameter: { name: "k" } },
          { cookie: { name: "c" } },
        ], 3),
        { header: { header_name: "x-key" }, terminal: true },
        { query_parameter: { name: "k" } },
      ],
      ...chance.maybe(2, () => ({ metadata_match: { filter_metadata: { "envoy.lb": metadata(chance) } } })),
      ...chance.maybe(4, () => ({ retry_policy: { retry_on: "5xx" } })),
    },
  };
}

function request(chance: Chance, index: number): Exchange {
  const fields = [
    ...(chance.oneIn(8) ? [] : [`x-key: ${chance.of(["a", "b", "c"])}${chance.below(40)}`]),
    ...(chance.oneIn(3) ? [`x-key: ${chance.below(3)}`] : []),
    ...(chance.oneIn(3) ? [`x-other: ${chance.of(["one", "two", "three"])}`] : []),
    ...(chance.oneIn(3) ? [`cookie: c=${chance.below(5)}`] : []),
  ].map((field) => `${field}\r\n`).join("");
  const target = `/${chance.below(ROUTES)}?k=${chance.below(20)}`;
  return {
    name: `request ${index}`,
    client: `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`,
    anyConnection: true,
  };
}

/** One cluster of six hosts, routes that hash different things, and requests. */
export function exploreChoices(chance: Chance, seed: number): Group {
  const cluster = {
    name: "hosts",
    ...policy(chance),
    load_assignment: {
      cluster_name: "hosts",
      endpoints: localities(chance),
      ...chance.maybe(
        4,
        () => ({
          policy: {
            overprovisioning_factor: chance.of([100, 200]),
            ...chance.maybe(2, () => ({ weighted_priority_health: true })),
          },
        }),
      ),
    },
  };
  return {
    name: `choices_${seed}`,
    listeners: ["main"],
    upstreams: UPSTREAMS,
    yaml: bootstrap([
      httpListener("main", {
        routes: listLines(Array.from({ length: ROUTES }, (_, index) => route(chance, index))),
      }),
    ], [listLines([cluster])]),
    exchanges: chance.list(60, 60, (index) => request(chance, index)),
  };
}
