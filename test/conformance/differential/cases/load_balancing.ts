// test/conformance/differential/cases/load_balancing.ts: which hosts requests go to, by metadata, health and place.
/**
 * Hashes of a header choose where several hosts would do, and they are of names that do not change with the ports.
 *
 * @module
 */
import { bootstrap, httpListener, indent, tcpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const POLICIES = "type.googleapis.com/envoy.extensions.load_balancing_policies";
const HASHED = "hash_policy: [ { header: { header_name: x-key } } ]";

interface HostOptions {
  readonly health?: string;
  readonly weight?: number;
  /** Fields of `envoy.lb`. */
  readonly lb?: string;
}

/** An endpoint of this port, which hashes know by its name. */
function host(name: string, { health = "HEALTHY", weight = 1, lb = "" }: HostOptions = {}): string {
  return `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${name}@ } } }, ` +
    `health_status: ${health}, load_balancing_weight: ${weight}, ` +
    `metadata: { filter_metadata: { envoy.lb: { hash_key: ${name}${lb === "" ? "" : `, ${lb}`} } } } }`;
}

/** Hosts of one locality or priority. */
function locality(hosts: readonly string[], more = ""): string {
  return `{ ${more}lb_endpoints: [ ${hosts.join(", ")} ] }`;
}

function cluster(name: string, endpoints: readonly string[], more: string, policy = ""): string {
  return `- name: ${name}
  connect_timeout: 2s
  load_assignment:
    cluster_name: ${name}
${policy}    endpoints: [ ${endpoints.join(", ")} ]
${more.trimEnd()}
`;
}

function route(path: string, name: string, more = ""): string {
  return `- { match: { path: ${path} }, route: { cluster: ${name}, ${HASHED}${more === "" ? "" : `, ${more}`} } }`;
}

function get(name: string, path: string, key = "k0"): Exchange {
  return { name, client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\nX-Key: ${key}\r\n\r\n` };
}

/** Requests one after the other, of which nobody knows where the first one goes. */
function inTurn(name: string, path: string, count: number): Exchange {
  const request = `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
  const steps = Array.from({ length: count }, () => [request, "response" as const]).flat();
  return { name, client: steps, unordered: true };
}

const asks = (fields: string): string => `metadata_match: { filter_metadata: { envoy.lb: { ${fields} } } }`;

function tcpProxy(fields: string): string {
  return `- name: tcp
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
    stat_prefix: bytes
    hash_policy: [ { source_ip: {} } ]
${indent(fields, 4)}`;
}

const STAGES = locality([
  host("a", { lb: 'stage: prod, version: "1", num: 1, list: [ p, q ]' }),
  host("b", { lb: 'stage: prod, version: "2", num: 2, list: [ q ]' }),
  host("c", { lb: 'stage: dev, version: "1", num: "1", list: z', health: "UNHEALTHY" }),
  host("d"),
]);

const RING = "  lb_policy: RING_HASH\n";

function subset(name: string, fields: string, more: string = RING): string {
  return cluster(name, [STAGES], `${more}  lb_subset_config: { ${fields} }\n`);
}

export const subsets: Group = {
  name: "subsets",
  listeners: ["main", "bytes", "weighted"],
  upstreams: ["a", "b", "c", "d"],
  yaml: bootstrap([
    httpListener("main", {
      routes: `${route("/one", "none", asks('version: "2", stage: prod'))}
${route("/two", "none", asks("stage: prod"))}
${route("/none", "none", asks("stage: test"))}
${route("/keys", "none", asks('version: "2"'))}
${route("/nothing", "none")}
${route("/sick", "none", asks("stage: dev"))}
${route("/sick-no-panic", "calm", asks("stage: dev"))}
${route("/any", "any", asks("stage: test"))}
${route("/any-nothing", "any")}
${route("/default", "default", asks("stage: test"))}
${route("/default-empty", "panicking", asks("stage: test"))}
${route("/selector-none", "selectors", asks("version: x"))}
${route("/selector-any", "selectors", asks("num: x"))}
${route("/selector-default", "selectors", asks("list: x"))}
${route("/selector-keys", "selectors", asks("stage: prod, version: x, num: 2"))}
${route("/selector-undefined", "selectors", asks("stage: x"))}
${route("/number", "kinds", asks("num: 1"))}
${route("/text", "kinds", asks('num: "1"'))}
${route("/list", "kinds", asks("list: [ p, q ]"))}
${route("/member", "lists", asks("list: p"))}
${route("/members", "lists", asks("list: q"))}
${route("/single", "single", asks("stage: dev"))}
${route("/single-first", "single", asks("stage: prod"))}
${route("/fallback", "fallbacks", asks("stage: prod, fallback_list: [ { version: x }, { version: '2' } ]"))}
${route("/fallback-none", "fallbacks", asks("stage: prod, fallback_list: [ { version: x } ]"))}
${route("/fallback-empty", "fallbacks", asks("stage: prod, fallback_list: []"))}
${route("/redundant", "redundant", asks('stage: prod, version: "2", more: 1'))}
- match: { path: /weighted }
  route:
    ${HASHED}
    ${asks('stage: prod, version: "1"')}
    weighted_clusters: { clusters: [ { name: none, weight: 1, ${asks('version: "2"')} } ] }`,
    }),
    tcpListener("bytes", tcpProxy(`cluster: none\n${asks("stage: prod, version: '2'")}`)),
    tcpListener(
      "weighted",
      tcpProxy(`weighted_clusters: { clusters: [ { name: none, weight: 1, ${asks("version: '1'")} } ] }
${asks("stage: prod, version: '2'")}`),
    ),
  ], [
    subset("none", "subset_selectors: [ { keys: [ stage, version ] }, { keys: [ stage ] } ]"),
    subset(
      "calm",
      "subset_selectors: [ { keys: [ stage ] } ]",
      `${RING}  common_lb_config: { healthy_panic_threshold: { value: 0 } }\n`,
    ),
    subset("any", "fallback_policy: ANY_ENDPOINT, subset_selectors: [ { keys: [ stage ] } ]"),
    subset(
      "default",
      'fallback_policy: DEFAULT_SUBSET, default_subset: { version: "2" }, subset_selectors: [ { keys: [ stage ] } ]',
    ),
    subset(
      "panicking",
      "fallback_policy: DEFAULT_SUBSET, default_subset: { version: x }, panic_mode_any: true, " +
        "subset_selectors: [ { keys: [ stage ] } ]",
    ),
    subset(
      "selectors",
      `fallback_policy: ANY_ENDPOINT, default_subset: { stage: prod }, subset_selectors: [
      { keys: [ version ], fallback_policy: NO_FALLBACK },
      { keys: [ num ], fallback_policy: ANY_ENDPOINT },
      { keys: [ list ], fallback_policy: DEFAULT_SUBSET },
      { keys: [ num, stage ] },
      { keys: [ num, stage, version ], fallback_policy: KEYS_SUBSET, fallback_keys_subset: [ stage, num ] },
      { keys: [ stage ] } ]`,
    ),
    subset("kinds", "subset_selectors: [ { keys: [ num ] }, { keys: [ list ] } ]"),
    subset("lists", "list_as_any: true, subset_selectors: [ { keys: [ list ] } ]"),
    subset("single", "subset_selectors: [ { keys: [ stage ], single_host_per_subset: true } ]"),
    subset(
      "fallbacks",
      "metadata_fallback_policy: FALLBACK_LIST, subset_selectors: [ { keys: [ stage ] }, { keys: [ stage, version ] } ]",
    ),
    cluster(
      "redundant",
      [STAGES],
      `  load_balancing_policy:
    policies:
    - typed_extension_config: { name: unknown, typed_config: { "@type": type.googleapis.com/google.protobuf.Struct } }
    - typed_extension_config:
        name: subset
        typed_config:
          "@type": ${POLICIES}.subset.v3.Subset
          allow_redundant_keys: true
          subset_selectors: [ { keys: [ stage ] }, { keys: [ stage, version ] } ]
          subset_lb_policy:
            policies:
            - typed_extension_config: { name: ring, typed_config: { "@type": ${POLICIES}.ring_hash.v3.RingHash } }
`,
    ),
  ]),
  exchanges: [
    get("all that is asked for", "/one"),
    get("one of two hosts", "/two", "k1"),
    get("the other one", "/two", "k3"),
    get("no host has it", "/none"),
    get("no selector of these keys", "/keys"),
    get("nothing is asked for", "/nothing"),
    get("an unhealthy host, in panic", "/sick"),
    get("an unhealthy host, without panic", "/sick-no-panic"),
    get("any host", "/any", "k2"),
    get("any host when nothing is asked for", "/any-nothing"),
    get("the default subset", "/default"),
    get("any host instead of an empty default subset", "/default-empty", "k5"),
    get("a selector without fallback", "/selector-none"),
    get("a selector that falls back to any host", "/selector-any", "k7"),
    get("a selector that falls back to the default subset", "/selector-default", "k1"),
    get("a selector that falls back to fewer keys", "/selector-keys"),
    get("a selector that leaves it to the cluster", "/selector-undefined", "k3"),
    get("a number", "/number"),
    get("a text", "/text"),
    get("a list", "/list"),
    get("a member of a list", "/member"),
    get("members of lists", "/members", "k3"),
    get("a single host, which is unhealthy", "/single"),
    get("the first of two", "/single-first", "k3"),
    get("a list of fallbacks", "/fallback"),
    get("none of them", "/fallback-none"),
    get("no fallbacks", "/fallback-empty", "k1"),
    get("more than the selector asks for", "/redundant"),
    get("a weighted cluster precedes its route", "/weighted"),
    { ...get("bytes", "/"), listener: "bytes" },
    { ...get("bytes for weighted clusters", "/"), listener: "weighted" },
  ],
};

function ownHash(name: string, policy: string): string {
  return cluster(
    name,
    [locality(["a", "b", "c", "d"].map((each) => host(each)))],
    `  load_balancing_policy:
    policies:
    - typed_extension_config:
        name: hash
        typed_config: { "@type": ${POLICIES}.${policy}, consistent_hashing_lb_config: { hash_policy: [
          { header: { header_name: x-first } }, { header: { header_name: x-own }, terminal: true }, { cookie: { name: c, ttl: 10s } } ] } }
`,
  );
}

function hashed(name: string, path: string, headers: string): Exchange {
  return { name, client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${headers}\r\n` };
}

export const ownHashes: Group = {
  name: "own_hashes",
  listeners: ["main"],
  upstreams: ["a", "b", "c", "d"],
  yaml: bootstrap(
    [httpListener("main", { routes: [route("/ring", "ring"), route("/maglev", "maglev")].join("\n") })],
    [ownHash("ring", "ring_hash.v3.RingHash"), ownHash("maglev", "maglev.v3.Maglev")],
  ),
  exchanges: ["/ring", "/maglev"].flatMap((path) => [
    hashed(`${path}: the policy precedes the route`, path, "X-Key: k0\r\nX-Own: k1\r\n"),
    hashed(`${path}: whatever the route hashes`, path, "X-Key: k7\r\nX-Own: k1\r\n"),
    hashed(`${path}: another key`, path, "X-Key: k0\r\nX-Own: k2\r\n"),
    hashed(`${path}: a cookie`, path, "X-Key: k0\r\nCookie: c=k3\r\n"),
    ...["k1", "k2", "k3"].flatMap((key) => [
      hashed(`${path}: two values, first ${key}`, path, `X-Own: ${key}\r\nX-Own: k2\r\n`),
      hashed(`${path}: a terminal policy without a hash, behind ${key}`, path, `X-First: ${key}\r\nCookie: c=k3\r\n`),
    ]),
  ]),
};

const KEYS = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];

const sick = (name: string, health = "UNHEALTHY"): string => host(name, { health });
const priority = (number: number, hosts: readonly string[]): string => locality(hosts, `priority: ${number}, `);

export const priorities: Group = {
  name: "priorities",
  listeners: ["main"],
  upstreams: ["a", "b", "c", "d", "e"],
  yaml: bootstrap([
    httpListener("main", {
      routes: [
        "spill",
        "three",
        "panic",
        "total",
        "calm",
        "down",
        "degraded",
        "degraded-ring",
        "factor",
        "weighted",
        "failing",
      ].map((name) => route(`/${name}`, name)).join("\n"),
    }),
  ], [
    cluster("spill", [priority(0, [host("a"), sick("b")]), priority(1, [host("c")])], RING),
    cluster("three", [
      priority(0, [host("a"), sick("b"), sick("b", "TIMEOUT"), sick("b", "DRAINING"), sick("b")]),
      priority(1, [host("c"), sick("b"), sick("b")]),
      priority(2, [host("d"), sick("e")]),
    ], RING),
    cluster("panic", [priority(0, [host("a"), sick("b"), sick("c")])], RING),
    cluster("total", [priority(0, [sick("a"), sick("b")]), priority(1, [sick("c"), sick("d"), sick("e")])], RING),
    cluster(
      "calm",
      [priority(0, [host("a"), sick("b"), sick("c")])],
      `${RING}  common_lb_config: { healthy_panic_threshold: { value: 20 } }`,
    ),
    cluster(
      "down",
      [priority(0, [sick("a")]), priority(1, [sick("b")])],
      "  common_lb_config: { healthy_panic_threshold: { value: 0 } }",
    ),
    cluster("degraded", [priority(0, [sick("a", "DEGRADED"), sick("b")]), priority(1, [sick("c")])], ""),
    cluster("degraded-ring", [priority(0, [sick("a", "DEGRADED")])], RING),
    cluster(
      "factor",
      [priority(0, [host("a"), sick("b")]), priority(1, [host("c")])],
      RING,
      "    policy: { overprovisioning_factor: 100 }\n",
    ),
    cluster(
      "weighted",
      [
        priority(0, [host("a", { weight: 1 }), host("b", { weight: 9, health: "UNHEALTHY" })]),
        priority(1, [host("c")]),
      ],
      RING,
      "    policy: { weighted_priority_health: true }\n",
    ),
    cluster(
      "failing",
      [priority(0, [host("a"), sick("b"), sick("c")])],
      "  common_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } }",
    ),
  ]),
  exchanges: [
    ...KEYS.map((key) => get(`half of the first priority: ${key}`, "/spill", key)),
    ...KEYS.map((key) => get(`three priorities: ${key}`, "/three", key)),
    ...KEYS.slice(0, 3).map((key) => get(`panic: ${key}`, "/panic", key)),
    ...KEYS.slice(0, 4).map((key) => get(`all priorities in panic: ${key}`, "/total", key)),
    get("few healthy hosts, without panic", "/calm"),
    get("no healthy host, without panic", "/down"),
    get("a degraded host", "/degraded"),
    get("a degraded host alone, by hash", "/degraded-ring"),
    ...KEYS.slice(0, 4).map((key) => get(`no overprovisioning: ${key}`, "/factor", key)),
    ...KEYS.slice(0, 4).map((key) => get(`health by weights: ${key}`, "/weighted", key)),
    get("panic fails", "/failing"),
  ],
};

const zone = (name: string, hosts: readonly string[], more = ""): string =>
  locality(hosts, `locality: { zone: ${name} }, ${more}`);
const weight = (value: number): string => `load_balancing_weight: ${value}, `;
const zones = (fields: string): string => `  common_lb_config: { zone_aware_lb_config: { ${fields} } }\n`;
const WEIGHTED = "  common_lb_config: { locality_weighted_lb_config: {} }\n";

function roundRobin(fields: string): string {
  return `  load_balancing_policy:
    policies:
    - typed_extension_config:
        name: round_robin
        typed_config:
          "@type": ${POLICIES}.round_robin.v3.RoundRobin
          locality_lb_config: { zone_aware_lb_config: { ${fields} } }
`;
}

export const localities: Group = {
  name: "localities",
  listeners: ["main"],
  upstreams: ["a", "b", "c"],
  yaml: `node: { id: proxy, cluster: proxies, locality: { zone: z1 } }
cluster_manager: { local_cluster_name: proxies }
${
    bootstrap([
      httpListener("main", {
        routes: [
          "near",
          "small",
          "away",
          "forced",
          "unforced",
          "disabled",
          "weights",
          "weighted",
          "weightless",
          "lost",
          "degraded",
        ].map((name) => route(`/${name}`, name)).join("\n"),
      }),
    ], [
      cluster("near", [zone("z1", [host("a")]), zone("z2", [host("b")])], zones("min_cluster_size: 2")),
      cluster("proxies", [zone("z1", [host("a")]), zone("z2", [host("b")])], ""),
      cluster("small", [zone("z1", [host("a")]), zone("z2", [host("b")])], ""),
      cluster("away", [zone("z2", [host("b")]), zone("z3", [host("c")])], zones("min_cluster_size: 1")),
      cluster(
        "forced",
        [zone("z1", [host("a")]), zone("z2", [host("b"), host("b"), host("c"), host("c")])],
        roundRobin("min_cluster_size: 1, force_local_zone: { min_size: 1 }"),
      ),
      cluster(
        "unforced",
        [zone("z1", [sick("a"), host("a")]), zone("z2", [host("b")])],
        roundRobin("min_cluster_size: 1, force_local_zone: { min_size: 2 }"),
      ),
      cluster(
        "disabled",
        [zone("z1", [host("a")]), zone("z2", [host("b")])],
        zones("min_cluster_size: 1, routing_enabled: { value: 0 }"),
      ),
      cluster(
        "weights",
        [zone("z1", [host("a", { weight: 9 })]), zone("z2", [host("b", { weight: 3 }), host("c", { weight: 3 })])],
        roundRobin("min_cluster_size: 1, locality_basis: HEALTHY_HOSTS_WEIGHT"),
      ),
      cluster(
        "weighted",
        [zone("z1", [host("a")], weight(1)), zone("z2", [host("b"), host("c")], weight(2))],
        WEIGHTED,
      ),
      cluster("weightless", [zone("z1", [host("a")]), zone("z2", [host("b")], weight(1))], WEIGHTED),
      cluster("lost", [zone("z1", [sick("a")], weight(9)), zone("z2", [host("b"), host("c")], weight(1))], WEIGHTED),
      cluster("degraded", [
        zone("z1", [sick("a", "DEGRADED"), sick("a", "DEGRADED")], weight(1)),
        zone("z2", [sick("b", "DEGRADED"), sick("b")]),
      ], WEIGHTED),
    ])
  }`,
  exchanges: [
    get("the own zone has its share", "/near"),
    inTurn("too few hosts for zones to count", "/small", 2),
    get("no hosts in the own zone", "/away"),
    get("the own zone is forced", "/forced"),
    get("the own zone has its share without that", "/unforced"),
    inTurn("zones do not count", "/disabled", 2),
    get("shares by weights", "/weights"),
    inTurn("localities by weights, hosts in turn", "/weighted", 6),
    get("a locality without a weight", "/weightless"),
    inTurn("a locality without healthy hosts", "/lost", 2),
    get("localities of degraded hosts", "/degraded"),
  ],
};
