// bench/macro/scenarios.ts: what is measured: the same YAML for every proxy.
import { fileURLToPath } from "node:url";
import { buildFilter } from "../../host/testing/filter_build/build_filter.ts";
import type { Yaml } from "./proxies.ts";
import type { UpstreamPorts } from "./start_upstream.ts";

export interface Scenario {
  readonly name: string;
  /** What the cost is counted by. */
  readonly unit: string;
  readonly load: Load;
  readonly path: string;
  /** CPU per unit over Envoy's; null where no budget is set. */
  readonly budgets: Budgets;
  /** The scenario without what is measured here: what this one adds to it is compared too. */
  readonly addsTo?: { readonly scenario: string; readonly budgets: Budgets };
  yaml(upstream: UpstreamPorts): Promise<Yaml>;
}

export type Load =
  /** HTTP/1.1 by wrk; a script of its language beside this file. */
  | { readonly tool: "wrk"; readonly connections: number; readonly script?: string }
  /** HTTP/2 with prior knowledge by h2load. */
  | { readonly tool: "h2load"; readonly connections: number; readonly streams: number };

export interface Budgets {
  readonly node: number | null;
  readonly deno: number | null;
}

/** HTTP/1.1 requests of 100 bytes each way, over 64 connections. */
const SMALL_HTTP1 = { unit: "request", load: { tool: "wrk", connections: 64 }, path: "/small" } as const;
/** HTTP/2 requests of 100 bytes each way: 8 connections with 16 streams each. */
const SMALL_HTTP2 = { unit: "request", load: { tool: "h2load", connections: 8, streams: 16 }, path: "/small" } as const;
const NO_BUDGETS: Budgets = { node: null, deno: null };

export const SCENARIOS: readonly Scenario[] = [
  {
    ...SMALL_HTTP1,
    name: "http1_router",
    budgets: { node: 0.55, deno: 0.75 },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, http1Cluster(upstream))),
  },
  {
    ...SMALL_HTTP1,
    name: "http1_wasm",
    budgets: NO_BUDGETS,
    addsTo: { scenario: "http1_router", budgets: { node: 0.4, deno: 0.4 } },
    async yaml(upstream) {
      const filters = await headerFilter();
      return (port) => httpYaml(port, http1Cluster(upstream), { filters });
    },
  },
  {
    ...SMALL_HTTP1,
    name: "http1_log_wasm",
    budgets: { node: 0.55, deno: 0.75 },
    async yaml(upstream) {
      const filters = await headerFilter();
      return (port, folder) => httpYaml(port, http1Cluster(upstream), { filters, accessLog: `${folder}/access.log` });
    },
  },
  guestScenario("rust"),
  guestScenario("go"),
  guestScenario("c"),
  {
    ...SMALL_HTTP2,
    name: "http2_router",
    budgets: { node: 0.8, deno: 0.8 },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, http1Cluster(upstream))),
  },
  {
    ...SMALL_HTTP2,
    name: "http2_to_http2",
    budgets: { node: 0.8, deno: 0.8 },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, http2Cluster(upstream))),
  },
  {
    name: "http1_download_1mib",
    unit: "MiB",
    load: { tool: "wrk", connections: 16 },
    path: "/mib",
    budgets: { node: 1.2, deno: null },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, http1Cluster(upstream))),
  },
  {
    name: "http1_upload_1mib",
    unit: "MiB",
    load: { tool: "wrk", connections: 16, script: "./upload.lua" },
    path: "/upload",
    budgets: { node: 1.6, deno: null },
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, http1Cluster(upstream))),
  },
  {
    name: "http2_download_1mib",
    unit: "MiB",
    load: { tool: "h2load", connections: 4, streams: 4 },
    path: "/mib",
    budgets: NO_BUDGETS,
    yaml: (upstream) => Promise.resolve((port) => httpYaml(port, http1Cluster(upstream))),
  },
  {
    ...SMALL_HTTP1,
    name: "l4_small",
    budgets: NO_BUDGETS,
    yaml: (upstream) => Promise.resolve((port) => tcpYaml(port, http1Cluster(upstream))),
  },
  {
    name: "l4_download_1mib",
    unit: "MiB",
    load: { tool: "wrk", connections: 16 },
    path: "/mib",
    budgets: NO_BUDGETS,
    yaml: (upstream) => Promise.resolve((port) => tcpYaml(port, http1Cluster(upstream))),
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
    ...SMALL_HTTP1,
    name: `wasm_${guest}`,
    budgets: NO_BUDGETS,
    addsTo: { scenario: "http1_router", budgets: NO_BUDGETS },
    yaml(upstream) {
      const file = fileURLToPath(new URL(`../../test/guests/${guest}/guest.wasm`, import.meta.url));
      const filters = wasmFilter("guest", "headers", file);
      return Promise.resolve((port) => httpYaml(port, http1Cluster(upstream), { filters }));
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

/** What a listener has besides the router. */
interface Extras {
  readonly filters?: string;
  readonly accessLog?: string;
}

function httpYaml(port: number, cluster: string, extras: Extras = {}): string {
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
          stat_prefix: web${extras.accessLog === undefined ? "" : fileLog(extras.accessLog)}
          route_config:
            virtual_hosts:
            - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: upstream } }] }
          http_filters:${extras.filters ?? ""}
          - name: router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
${cluster}`;
}

function fileLog(path: string): string {
  return `
          access_log:
          - name: file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: "${path}"`;
}

function tcpYaml(port: number, cluster: string): string {
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
${cluster}`;
}

function http1Cluster(upstream: UpstreamPorts): string {
  return `
  clusters:
  - name: upstream
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstream.http1} } } }
`;
}

function http2Cluster(upstream: UpstreamPorts): string {
  return `${http1Cluster({ ...upstream, http1: upstream.http2 })}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
`;
}
