// bench/load_config.ts: what a large configuration costs until it is served, beside the real Envoy.
/**
 * `node bench/load_config.ts [--clusters N] [--routes N] [--rounds N] [--only node,deno,envoy] [--envoy PATH]`
 *
 * Each proxy in turn starts with a small configuration and with one of many clusters and routes. Printed are the
 * time until its port accepts connections and the CPU time spent by then, of all its threads; medians over the
 * rounds. CPU time hardly depends on what else the machine does.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { namedProxy, proxyOptions } from "./macro/named_proxy.ts";
import { processCost, type Proxy, type Yaml } from "./macro/proxies.ts";
import { manyClusters } from "./many_clusters.ts";

/** Time and CPU of the large configuration, in those of Envoy. */
const LIMIT = 2;

const { values } = parseArgs({
  options: {
    clusters: { type: "string", default: "2000" },
    routes: { type: "string", default: "5000" },
    rounds: { type: "string", default: "3" },
    ...proxyOptions("envoy,node,deno"),
  },
});

function route(i: number, clusters: number): string {
  const to = `route: { cluster: cluster_${i % clusters} }`;
  switch (i % 5) {
    case 0:
      return `- name: route_${i}\n  match: { prefix: /api/service${i}/ }\n  ${to}\n`;
    case 1:
      return `- name: route_${i}\n  match: { path: /api/exact${i} }\n  ${to}\n`;
    case 2:
      return `- name: route_${i}\n  match:\n    prefix: /api/versioned${i}/\n    headers:\n` +
        `    - name: x-version\n      string_match: { exact: v${i % 7} }\n  ${to}\n`;
    case 3:
      return `- name: route_${i}\n  match: { path_separated_prefix: /api/separated${i} }\n` +
        `  route: { cluster: cluster_${i % clusters}, prefix_rewrite: /inner, timeout: 5s }\n`;
    default:
      return `- name: route_${i}\n  match: { prefix: /api/added${i}/ }\n  ${to}\n  request_headers_to_add:\n` +
        `  - header: { key: x-route, value: "route ${i}" }\n`;
  }
}

const indent = (text: string, columns: number): string => text.replace(/^(?=.)/gm, " ".repeat(columns));

function configuration(clusters: number, routes: number): Yaml {
  const routeList = Array.from({ length: routes }, (_, i) => route(i, clusters)).join("");
  const clusterList = manyClusters(
    clusters,
    "STATIC",
    (i) => `address: 127.0.0.1, port_value: ${10_000 + i % 50_000}`,
  );
  return (port) =>
    `static_resources:
  listeners:
  - name: main
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          route_config:
            name: routes
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
${indent(routeList, 14)}          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
${clusterList}`;
}

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function costOf(started: Promise<Proxy>): Promise<Cost> {
  const proxy = await started;
  const { cpuMs } = processCost(proxy.pid);
  await proxy.stop();
  return { wallMs: proxy.startMs, cpuMs };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

const start = (name: string, yaml: Yaml): Promise<Proxy> => namedProxy(name, yaml, values.envoy);
const names = values.only.split(",");
const small = configuration(1, 1), large = configuration(Number(values.clusters), Number(values.routes));
console.log(
  `${values.clusters} clusters, ${values.routes} routes: ${(large(0, "").length / 1024).toFixed(0)} KiB of YAML`,
);
const costs = new Map(names.map((name) => [name, { small: [] as Cost[], large: [] as Cost[] }]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const name of names) {
    costs.get(name)!.small.push(await costOf(start(name, small)));
    costs.get(name)!.large.push(await costOf(start(name, large)));
  }
}
const ms = (list: readonly Cost[], key: keyof Cost): number => median(list.map((cost) => cost[key]));
const reference = costs.get("envoy");
let isWithin = true;
for (const [name, { small, large }] of costs) {
  const parts = (["wallMs", "cpuMs"] as const).map((key) => {
    const ratio = reference === undefined ? null : ms(large, key) / ms(reference.large, key);
    if (ratio !== null && ratio > LIMIT) isWithin = false;
    const beside = ratio === null || name === "envoy" ? "" : `, ${ratio.toFixed(2)} of Envoy`;
    return `${key === "wallMs" ? "until served" : "CPU"} ${ms(large, key).toFixed(0)} ms (small: ${
      ms(small, key).toFixed(0)
    } ms${beside})`;
  });
  console.log(`${name.padEnd(6)} ${parts.join("; ")}`);
}
if (!isWithin) {
  console.log(`more than ${LIMIT} × Envoy`);
  process.exitCode = 1;
}
