// bench/macro/scenarios.ts: what is measured: the same YAML for every proxy.
import { fileURLToPath } from "node:url";
import { buildFilter } from "../../host/testing/filter_build/build_filter.ts";
import type { Yaml } from "./proxies.ts";

export interface Scenario {
  readonly name: string;
  /** What the cost is counted by. */
  readonly unit: string;
  readonly connections: number;
  readonly path: string;
  /** A wrk script beside this file. */
  readonly script: string | null;
  /** CPU per unit over Envoy's; null where no budget is set. */
  readonly budgets: Budgets;
  /** The scenario without what is measured here: what this one adds to it is compared too. */
  readonly addsTo?: { readonly scenario: string; readonly budgets: Budgets };
  yaml(upstreamPort: number): Promise<Yaml>;
}

export interface Budgets {
  readonly node: number | null;
  readonly deno: number | null;
}

const NO_FILTER = "";

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "http1_router",
    unit: "request",
    connections: 64,
    path: "/small",
    script: null,
    budgets: { node: 0.6, deno: 0.8 },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, upstream, NO_FILTER)),
  },
  {
    name: "http1_wasm",
    unit: "request",
    connections: 64,
    path: "/small",
    script: null,
    budgets: { node: null, deno: null },
    addsTo: { scenario: "http1_router", budgets: { node: 0.4, deno: 0.4 } },
    async yaml(upstream) {
      const filter = await headerFilter();
      return (port) => httpYaml(port, upstream, filter);
    },
  },
  guestScenario("rust"),
  guestScenario("go"),
  guestScenario("c"),
  {
    name: "http1_download_1mib",
    unit: "MiB",
    connections: 16,
    path: "/mib",
    script: null,
    budgets: { node: 1.2, deno: null },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, upstream, NO_FILTER)),
  },
  {
    name: "http1_upload_1mib",
    unit: "MiB",
    connections: 16,
    path: "/upload",
    script: "./upload.lua",
    budgets: { node: 1.6, deno: null },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, upstream, NO_FILTER)),
  },
  {
    name: "l4_small",
    unit: "request",
    connections: 64,
    path: "/small",
    script: null,
    budgets: { node: null, deno: null },
    yaml: (upstream) => Promise.resolve((port) => tcpYaml(port, upstream)),
  },
  {
    name: "l4_download_1mib",
    unit: "MiB",
    connections: 16,
    path: "/mib",
    script: null,
    budgets: { node: null, deno: null },
    yaml: (upstream) => Promise.resolve((port) => tcpYaml(port, upstream)),
  },
];

/** What the filter does to the headers of each request and response. */
const TEN_HEADER_OPERATIONS = JSON.stringify({
  request: {
    set: { "x-from": "bench", "x-to": "upstream" },
    add: { "x-more": "one" },
    remove: ["x-secret", "x-debug"],
  },
  response: { set: { "x-served": "bench", "x-by": "filter" }, add: { "x-more": "two" }, remove: ["x-inner", "x-cost"] },
});

/** A filter in another language: it reads one header of the request, changes five, and sets one of the response. */
function guestScenario(guest: "rust" | "go" | "c"): Scenario {
  return {
    name: `wasm_${guest}`,
    unit: "request",
    connections: 64,
    path: "/small",
    script: null,
    budgets: { node: null, deno: null },
    addsTo: { scenario: "http1_router", budgets: { node: null, deno: null } },
    yaml(upstream) {
      const file = fileURLToPath(new URL(`../../test/guests/${guest}/guest.wasm`, import.meta.url));
      return Promise.resolve((port) => httpYaml(port, upstream, wasmFilter("guest", "headers", file)));
    },
  };
}

/** The add_header example: a small filter in AssemblyScript. */
async function headerFilter(): Promise<string> {
  const path = fileURLToPath(new URL("../../filters-examples/add_header", import.meta.url));
  const built = await buildFilter({ path });
  if (built.diagnostics.hasErrors) throw new Error("the add_header example does not build");
  return wasmFilter("add_header", TEN_HEADER_OPERATIONS, built.outFile);
}

function wasmFilter(name: string, configuration: string, file: string): string {
  return `
          - name: ${name}
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: ${name}
                root_id: ${name}
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: '${configuration}'
                vm_config: { runtime: envoy.wasm.runtime.v8, code: { local: { filename: "${file}" } } }`;
}

function httpYaml(port: number, upstream: number, filters: string): string {
  return `
static_resources:
  listeners:
  - name: web
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config:
            virtual_hosts:
            - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: upstream } }] }
          http_filters:${filters}
          - name: router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
${cluster(upstream)}`;
}

function tcpYaml(port: number, upstream: number): string {
  return `
static_resources:
  listeners:
  - name: tcp
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: tcp
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: tcp
          cluster: upstream
${cluster(upstream)}`;
}

function cluster(upstream: number): string {
  return `
  clusters:
  - name: upstream
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstream} } } }
`;
}
