// test/conformance/hashing/scenario.ts: clusters and requests whose hosts are compared with Envoy's choice.
/** Hosts listen here while Envoy is recorded; the test only computes with these addresses. */
export const FIRST_PORT = 28_311;
const HOST_COUNT = 7;

interface HostOptions {
  readonly weight?: number;
  readonly hostname?: string;
  readonly hashKey?: string;
}

/** How load spills over: hosts by priority, healthy, degraded or unhealthy; those of one priority weigh 1, 2, 3. */
interface Load {
  readonly health: string;
  readonly panic: number;
  readonly factor: number;
  readonly weighted?: true;
}

const LOADS: readonly Load[] = [
  { health: "hhu-hh-h", panic: 50, factor: 140 },
  { health: "huu-huu-h", panic: 0, factor: 140 },
  { health: "huu-huu-h", panic: 50, factor: 140 },
  { health: "huu-huu-h", panic: 100, factor: 140 },
  { health: "huu-uu-hu", panic: 20, factor: 140 },
  { health: "uuu-hu-hh", panic: 50, factor: 140 },
  { health: "uu-uu-uuu", panic: 50, factor: 140 },
  { health: "uu-uu-uuu", panic: 0, factor: 140 },
  { health: "hdu-hd-u", panic: 0, factor: 140 },
  { health: "hdd-huu", panic: 50, factor: 100 },
  { health: "dhu-uhd-h", panic: 10, factor: 100 },
  { health: "huuu-huu", panic: 30, factor: 200 },
  { health: "huu-uhu-h", panic: 0, factor: 140, weighted: true },
  { health: "uuh-huu", panic: 50, factor: 120, weighted: true },
];

/** A Cluster without its name, by the name; hosts are `host(i)`. */
export const CLUSTERS: Readonly<Record<string, object>> = {
  ring: { lb_policy: "RING_HASH", ...hosts() },
  ring_weights: { lb_policy: "RING_HASH", ...hosts((index) => ({ weight: 1 + index * 3 })) },
  ring_small: {
    lb_policy: "RING_HASH",
    ring_hash_lb_config: { minimum_ring_size: 10, maximum_ring_size: 25 },
    ...hosts((index) => ({ weight: 1 + index })),
  },
  ring_murmur: { lb_policy: "RING_HASH", ring_hash_lb_config: { hash_function: "MURMUR_HASH_2" }, ...hosts() },
  ring_hostname: {
    // Envoy has names in DNS clusters only.
    type: "STRICT_DNS",
    lb_policy: "RING_HASH",
    common_lb_config: { consistent_hashing_lb_config: { use_hostname_for_hashing: true } },
    ...hosts((index) => ({ hostname: `host${index}.example` })),
  },
  ring_hash_key: { lb_policy: "RING_HASH", ...hosts((index) => ({ hashKey: `key ${index % 5}${index}` })) },
  ring_localities: {
    lb_policy: "RING_HASH",
    common_lb_config: { locality_weighted_lb_config: {} },
    ...localities([[1, 2, 5], [3, 2], [0, 2]]),
  },
  ring_extension: {
    load_balancing_policy: policy("ring_hash.v3.RingHash", {
      minimum_ring_size: 64,
      consistent_hashing_lb_config: { use_hostname_for_hashing: true },
    }),
    ...hosts((index) => ({ hostname: `host${index}.example` })),
  },
  maglev: { lb_policy: "MAGLEV", ...hosts() },
  maglev_weights: { lb_policy: "MAGLEV", ...hosts((index) => ({ weight: 1 + index * 3 })) },
  maglev_small: {
    lb_policy: "MAGLEV",
    maglev_lb_config: { table_size: 13 },
    ...hosts((index) => ({ weight: 1 + (index % 3) })),
  },
  maglev_hostname: {
    load_balancing_policy: policy("maglev.v3.Maglev", {
      table_size: 251,
      consistent_hashing_lb_config: { use_hostname_for_hashing: true },
    }),
    ...hosts((index) => ({ hostname: `host${index}.example` })),
  },
  maglev_localities: {
    lb_policy: "MAGLEV",
    common_lb_config: { locality_weighted_lb_config: {} },
    ...localities([[1, 2, 5], [3, 2], [0, 2]]),
  },
  maglev_priorities: { lb_policy: "MAGLEV", ...priorities() },
  ring_priorities: { lb_policy: "RING_HASH", ...priorities() },
  ...Object.fromEntries(LOADS.map((load) => [`load_${load.health}_${load.panic}_${load.factor}`, loaded(load)])),
};

/** Keys that each cluster is asked with. */
export const KEYS: readonly string[] = [
  "",
  "a",
  "b",
  "c",
  "a longer key, of more than thirty-two bytes",
  ...Array.from({ length: 55 }, (_, index) => `user-${index * 7919}`),
];

export interface HashRequest {
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** Hash policies of routes to the cluster `ring`, with requests. */
export const POLICIES: Readonly<
  Record<string, { readonly policy: readonly object[]; readonly requests: HashRequest[] }>
> = {
  header: {
    policy: [{ header: { header_name: "X-Key" } }],
    requests: [
      { headers: [["x-key", "b"], ["x-key", "a"]] },
      { headers: [["x-key", "a"], ["x-key", "b"]] },
      { headers: [["x-key", "ab"]] },
      { headers: [["x-key", "é"]] },
    ],
  },
  rewritten_header: {
    policy: [{
      header: { header_name: "x-key", regex_rewrite: { pattern: { regex: "^/(.*)/.*$" }, substitution: "\\1" } },
    }],
    requests: [
      { headers: [["x-key", "/a/1"]] },
      { headers: [["x-key", "/a/2"]] },
      { headers: [["x-key", "/b/2"]] },
      { headers: [["x-key", "none"]] },
    ],
  },
  cookie: {
    policy: [{ cookie: { name: "session" } }],
    requests: [
      { headers: [["cookie", "a=1; session=one"]] },
      { headers: [["cookie", "session=two; session=three"]] },
      { headers: [["cookie", 'session="two"']] },
      { headers: [["cookie", "xsession=one"], ["cookie", "session=one"]] },
    ],
  },
  query: {
    policy: [{ query_parameter: { name: "q" } }],
    requests: [{ path: "?q=one" }, { path: "?a=b&q=two&q=one" }, { path: "?q=%6fne" }, { path: "?q=" }],
  },
  source_ip: { policy: [{ connection_properties: { source_ip: true } }], requests: [{}, { path: "?again" }] },
  two: {
    policy: [{ header: { header_name: "x-key" } }, { query_parameter: { name: "q" } }],
    requests: [
      { path: "?q=a", headers: [["x-key", "a"]] },
      { path: "?q=b", headers: [["x-key", "a"]] },
      { path: "?q=a", headers: [["x-key", "b"]] },
      { path: "?q=a" },
      { headers: [["x-key", "a"]] },
    ],
  },
  terminal: {
    policy: [{ header: { header_name: "x-key" }, terminal: true }, { query_parameter: { name: "q" } }],
    requests: [
      { path: "?q=a", headers: [["x-key", "a"]] },
      { path: "?q=b", headers: [["x-key", "a"]] },
      { path: "?q=b" },
    ],
  },
};

/** A policy that makes cookies, and what a response then has. */
export const COOKIE_POLICIES: Readonly<Record<string, object>> = {
  lifetime: { cookie: { name: "made", ttl: "90.5s" } },
  session: { cookie: { name: "made", ttl: "0s", path: "/some" } },
  attributes: {
    cookie: {
      name: "made",
      ttl: "60s",
      path: "/",
      attributes: [{ name: "SameSite", value: "Strict" }, { name: "Secure" }],
    },
  },
};

function hosts(options: (index: number) => HostOptions = () => ({})): object {
  const indexes = Array.from({ length: HOST_COUNT }, (_, index) => index);
  return assignment([{ lb_endpoints: indexes.map((index) => endpoint(index, options(index))) }]);
}

/** Locality weight, then the weights of its hosts. */
function localities(weights: readonly (readonly number[])[]): object {
  let index = 0;
  return assignment(weights.map(([weight, ...hostWeights], locality) => ({
    locality: { zone: `z${locality}` },
    load_balancing_weight: weight === 0 ? undefined : weight,
    lb_endpoints: hostWeights.map((hostWeight) => endpoint(index++, { weight: hostWeight })),
  })));
}

/** Half of priority 0 is down: some of its load goes to priority 1. */
function priorities(): object {
  const zero = [0, 1, 2].map((index) => ({ ...endpoint(index), health_status: index === 0 ? "HEALTHY" : "UNHEALTHY" }));
  return assignment([
    { priority: 0, lb_endpoints: zero },
    { priority: 1, lb_endpoints: [3, 4, 5].map((index) => endpoint(index)) },
  ]);
}

function loaded({ health, panic, factor, weighted }: Load): object {
  const statuses: Readonly<Record<string, string>> = { h: "HEALTHY", d: "DEGRADED", u: "UNHEALTHY" };
  let index = 0;
  const endpoints = health.split("-").map((hosts, priority) => ({
    priority,
    lb_endpoints: [...hosts].map((status, i) => ({
      ...endpoint(index++, { weight: i + 1 }),
      health_status: statuses[status]!,
    })),
  }));
  return {
    lb_policy: "RING_HASH",
    common_lb_config: { healthy_panic_threshold: { value: panic } },
    ...assignment(endpoints, { overprovisioning_factor: factor, weighted_priority_health: weighted === true }),
  };
}

function assignment(endpoints: readonly object[], policy?: object): object {
  return { load_assignment: { cluster_name: "c", endpoints, policy } };
}

function endpoint(index: number, { weight = 1, hostname, hashKey }: HostOptions = {}): object {
  const address = { socket_address: { address: "127.0.0.1", port_value: FIRST_PORT + index } };
  return {
    endpoint: { address, hostname },
    load_balancing_weight: weight,
    metadata: hashKey === undefined ? undefined : { filter_metadata: { "envoy.lb": { hash_key: hashKey } } },
  };
}

function policy(type: string, fields: object): object {
  const config = { "@type": `type.googleapis.com/envoy.extensions.load_balancing_policies.${type}`, ...fields };
  return { policies: [{ typed_extension_config: { name: "policy", typed_config: config } }] };
}

/** The routes: `/c/<cluster>` and `/p/<policy>`, `/k/<cookie policy>` to the cluster `ring`. */
export function routeConfig(): object {
  const byHeader = [{ header: { header_name: "x-key" } }];
  const route = (path: string, cluster: string, hash_policy: readonly object[]) => ({
    match: { path },
    route: { cluster, hash_policy },
  });
  return {
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      routes: [
        ...Object.keys(CLUSTERS).map((name) => route(`/c/${name}`, name, byHeader)),
        ...Object.entries(POLICIES).map(([name, { policy }]) => route(`/p/${name}`, "ring", policy)),
        ...Object.entries(COOKIE_POLICIES).map(([name, policy]) => route(`/k/${name}`, "ring", [policy])),
      ],
    }],
  };
}

/** What Envoy did. Hosts are numbers from 0; null is no host. */
export interface Recorded {
  readonly envoy: string;
  readonly clusters: Readonly<Record<string, readonly (number | null)[]>>;
  readonly policies: Readonly<Record<string, readonly (number | null)[]>>;
  readonly cookies: Readonly<Record<string, RecordedCookie>>;
  /** Gauges of the tables. */
  readonly gauges: Readonly<Record<string, number>>;
}

/** A `set-cookie`, made for a client at `client` that asks at `server`. */
export interface RecordedCookie {
  readonly client: string;
  readonly server: string;
  readonly header: string;
  readonly host: number | null;
}
