// test/host/net/plan/listener.test.ts: Listener messages to plans, with every problem at its position.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cidrBlock } from "../../../../host/base/cidr.ts";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import type { ConfigNode } from "../../../../host/config/node.ts";
import { unreadFields } from "../../../../host/config/unread.ts";
import type { ExtensionPlan, ListenerPlan } from "../../../../host/net/plan.ts";
import { type ListenerPlanners, planListener } from "../../../../host/net/plan/listener.ts";

const registry = loadRegistry();

interface Planned {
  readonly plan: ListenerPlan | null;
  readonly problems: string[];
}

const PLANNERS: ListenerPlanners = {
  planFilters: (nodes, scope) =>
    nodes.map((node) => ({ name: node.string("name"), extension: "test", plan: { statPrefix: scope.statPrefix } })),
  planAccessLog: (node) => ({ name: node.string("name"), extension: "log", plan: null }),
};

/** Plans a listener with one filter, given as YAML; problems include fields that nobody read. */
function plan(yaml: string, planners: Partial<ListenerPlanners> = {}): Planned {
  const { root, diagnostics } = loadBootstrap({ registry, yaml, typeName: "envoy.config.listener.v3.Listener" });
  let result: ListenerPlan | null = null;
  const problems: string[] = [];
  if (root !== null) {
    result = planListener(root as ConfigNode, { ...PLANNERS, ...planners });
    problems.push(...unreadFields(root).map((each) => `${each.severity}: ${each.message}`));
  }
  problems.push(
    ...diagnostics.all.filter((each) => each.severity !== "note").map((each) => `${each.severity}: ${each.message}`),
  );
  return { plan: result, problems };
}

const ADDRESS = "address: { socket_address: { address: 127.0.0.1, port_value: 10000 } }\n";
const CHAIN = "filter_chains: [{ filters: [{ name: f }] }]\n";

test("defaults", () => {
  const { plan: listener, problems } = plan(ADDRESS + CHAIN);
  assert.equal(problems, []);
  assert.equal(listener, {
    name: "127.0.0.1:10000",
    statPrefix: "127.0.0.1:10000",
    addresses: [{ address: "127.0.0.1", port: 10000, ipv4Compat: false, mode: 0 }],
    bindToPort: true,
    reusePort: true,
    backlog: 1024,
    ignoresGlobalConnectionLimit: false,
    bypassesOverloadManager: false,
    perConnectionBufferLimitBytes: 1024 * 1024,
    listenerFilters: [],
    listenerFiltersTimeoutMs: 15000,
    continueOnListenerFiltersTimeout: false,
    filterChains: [{
      name: "",
      match: {
        destinationPort: null,
        prefixRanges: [],
        serverNames: [],
        transportProtocol: "",
        applicationProtocols: [],
        directSourcePrefixRanges: [],
        sourceType: "ANY",
        sourcePrefixRanges: [],
        sourcePorts: [],
      },
      filters: [{ name: "f", extension: "test", plan: { statPrefix: "127.0.0.1:10000" } }],
      transportSocket: null,
      transportSocketConnectTimeoutMs: 0,
    }],
    defaultFilterChain: null,
    accessLog: [],
    trafficDirection: "UNSPECIFIED",
    drainType: "DEFAULT",
  });
  assert.equal(structuredClone(listener), listener);
});

/** One row: what is added to a plain listener, and where the plan shows it. */
const FIELDS: [string, (plan: ListenerPlan) => unknown, unknown][] = [
  ["name: web", (p) => p.name, "web"],
  ["stat_prefix: s", (p) => p.statPrefix, "s"],
  ["bind_to_port: false", (p) => p.bindToPort, false],
  ["enable_reuse_port: false", (p) => p.reusePort, false],
  ["tcp_backlog_size: 7", (p) => p.backlog, 7],
  ["per_connection_buffer_limit_bytes: 5", (p) => p.perConnectionBufferLimitBytes, 5],
  ["listener_filters_timeout: 2.5s", (p) => p.listenerFiltersTimeoutMs, 2500],
  ["continue_on_listener_filters_timeout: true", (p) => p.continueOnListenerFiltersTimeout, true],
  ["metadata: { filter_metadata: { a: { b: c } } }", (p) => p.metadata, { a: { b: "c" } }],
  ["traffic_direction: INBOUND", (p) => p.trafficDirection, "INBOUND"],
  ["drain_type: MODIFY_ONLY", (p) => p.drainType, "MODIFY_ONLY"],
  ["default_filter_chain: { name: d, filters: [{ name: f }] }", (p) => p.defaultFilterChain?.name, "d"],
  ["access_log: [{ name: l }]", (p) => p.accessLog[0]?.name, "l"],
  ["additional_addresses: [{ address: { pipe: { path: /tmp/s, mode: 384 } } }]", (p) => p.addresses[1], {
    address: "/tmp/s",
    port: 0,
    ipv4Compat: false,
    mode: 384,
  }],
  ["transparent: false", (p) => p.name, "127.0.0.1:10000"],
];
for (const [yaml, read, expected] of FIELDS) {
  test(`reads ${yaml}`, () => {
    const { plan: listener, problems } = plan(`${ADDRESS}${CHAIN}${yaml}\n`);
    assert.equal(problems, []);
    assert.equal(read(listener!), expected);
  });
}

test("a chain's fields and its match", () => {
  const { plan: listener, problems } = plan(
    `${ADDRESS}
filter_chains:
- name: one
  filters: [{ name: f }]
  transport_socket_connect_timeout: 3s
  filter_chain_match:
    destination_port: 443
    prefix_ranges: [{ address_prefix: 10.0.0.0, prefix_len: 8 }, { address_prefix: "2001:DB8::", prefix_len: 32 }]
    direct_source_prefix_ranges: [{ address_prefix: 192.0.2.0, prefix_len: 24 }]
    source_prefix_ranges: [{ address_prefix: 198.51.100.0 }]
    source_ports: [1, 2]
    source_type: EXTERNAL
    server_names: [Example.COM, "*.example.com"]
    transport_protocol: tls
    application_protocols: [h2]
`,
    { tlsInspector: { name: "i", extension: "envoy.filters.listener.tls_inspector", plan: null } },
  );
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /^warning: .*tls_inspector/);
  assert.equal(listener!.listenerFilters.map((each: ExtensionPlan) => each.name), ["i"]);
  const chain = listener!.filterChains[0]!;
  assert.is(chain.name, "one");
  assert.is(chain.transportSocketConnectTimeoutMs, 3000);
  assert.equal(chain.match, {
    destinationPort: 443,
    prefixRanges: [cidrBlock("10.0.0.0", 8), cidrBlock("2001:db8::", 32)],
    serverNames: ["example.com", "*.example.com"],
    transportProtocol: "tls",
    applicationProtocols: ["h2"],
    directSourcePrefixRanges: [cidrBlock("192.0.2.0", 24)],
    sourceType: "EXTERNAL",
    sourcePrefixRanges: [cidrBlock("198.51.100.0", 0)],
    sourcePorts: [1, 2],
  });
});

/** What is wrong, and a part of what is said. */
const WRONG: [string, RegExp][] = [
  [CHAIN, /no address|address/],
  [ADDRESS, /no filter chains specified/],
  ["address: { socket_address: { address: localhost, port_value: 1 } }\n" + CHAIN, /malformed IP address: localhost/],
  ["address: { socket_address: { protocol: UDP, address: 127.0.0.1, port_value: 1 } }\n" + CHAIN, /UDP/],
  ["address: { socket_address: { address: 127.0.0.1, named_port: http } }\n" + CHAIN, /port number/],
  [ADDRESS + CHAIN + "transparent: true", /IP_TRANSPARENT/],
  [ADDRESS + CHAIN + "use_original_dst: true", /SO_ORIGINAL_DST/],
  [ADDRESS + CHAIN + "listener_filters: [{ name: x }]", /listener filter 'x' is not supported/],
  [
    ADDRESS + "filter_chains: [{ filters: [{ name: f }], filter_chain_match: { server_names: [a] } }]",
    /TLS ClientHello/,
  ],
  [
    ADDRESS + 'filter_chains: [{ filters: [{ name: f }], filter_chain_match: { server_names: ["a.*.b"] } }]',
    /partial wildcards are not supported/,
  ],
  [
    ADDRESS + 'filter_chains: [{ filters: [{ name: f }], filter_chain_match: { server_names: ["*"] } }]',
    /partial wildcards are not supported/,
  ],
  [
    ADDRESS + "filter_chains: [{ filters: [{ name: f }], filter_chain_match: { suffix_len: 3 } }]",
    /does not implement/,
  ],
  [
    ADDRESS +
    "filter_chains: [{ filters: [{ name: f }], filter_chain_match: { prefix_ranges: [{ address_prefix: x }] } }]",
    /malformed IP address: x/,
  ],
  [
    ADDRESS + "filter_chains: [{ name: a, filters: [{ name: f }] }, { name: b, filters: [{ name: f }] }]",
    /same matching rules as 'a'/,
  ],
  [
    ADDRESS + "filter_chains: [{ filters: [{ name: f }], transport_socket: { name: envoy.transport_sockets.tls } }]",
    /transport socket 'envoy.transport_sockets.tls' is not supported/,
  ],
  [ADDRESS + CHAIN + "socket_options: [{ level: 1, name: 2, int_value: 3 }]", /socket_options/],
];
for (const [yaml, message] of WRONG) {
  test(`refuses: ${message.source}`, () => {
    const { problems } = plan(yaml);
    assert.ok(problems.some((each) => each.startsWith("error") && message.test(each)), problems.join("\n"));
  });
}

test("a chain without filters is warned of: its connections are closed", () => {
  const { plan: empty, problems } = plan(ADDRESS + "filter_chains: [{ name: x }]");
  assert.equal(empty!.filterChains[0]!.filters, []);
  assert.ok(problems.some((each) => each.startsWith("warning") && each.includes("has no filters")), problems.join());
});

test("a listener may be exempt from the limit of all listeners together", () => {
  const { plan: exempt, problems } = plan(`name: a\nignore_global_conn_limit: true\n${ADDRESS}${CHAIN}`);
  assert.equal([exempt!.ignoresGlobalConnectionLimit, problems], [true, []]);
});

test.run();
