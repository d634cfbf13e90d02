// bench/health_checks.ts: what checking hosts costs a proxy in CPU time.
/**
 * `node bench/health_checks.ts [--rate N] [--seconds S] [--only node,deno,envoy] [--envoy PATH]`
 *
 * Each proxy in turn checks N hosts (addresses of this machine, one process) once a second over HTTP, on connections
 * that are kept. Printed is the CPU time of its whole process in that time, as percent of a core, less what it takes
 * with hosts that are not checked. The limit is for 500 checks a second.
 */
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";
import { parseArgs } from "node:util";
import { namedProxy, proxyOptions } from "./macro/named_proxy.ts";
import { processCost, type Yaml } from "./macro/proxies.ts";

const LIMIT_PERCENT = 5;
/** Until all hosts were checked once, and a proxy has settled. */
const SETTLE_MS = 4000;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "500" },
    seconds: { type: "string", default: "10" },
    ...proxyOptions("node,deno"),
  },
});
const rate = Number(values.rate);
const seconds = Number(values.seconds);

const ANSWER = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");

let answered = 0;
const hosts = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => {});
  socket.on("data", () => {
    answered++;
    socket.write(ANSWER);
  });
});
await new Promise<void>((resolve) => hosts.listen(0, "0.0.0.0", resolve));
const { port: hostPort } = hosts.address() as AddressInfo;

function yaml(checked: boolean): Yaml {
  const endpoints = Array.from({ length: rate }, (_, i) => ({
    endpoint: {
      address: { socket_address: { address: `127.0.${1 + (i >> 8)}.${i & 255}`, port_value: hostPort } },
      health_check_config: { disable_active_health_check: !checked },
    },
  }));
  return (port) =>
    JSON.stringify({
      static_resources: {
        listeners: [{
          name: "l",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [{
            filters: [{
              name: "http",
              typed_config: {
                "@type":
                  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                stat_prefix: "l",
                route_config: { virtual_hosts: [{ name: "v", domains: ["*"] }] },
                http_filters: [{
                  name: "router",
                  typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                }],
              },
            }],
          }],
        }],
        clusters: [{
          name: "c",
          health_checks: [{
            timeout: "1s",
            interval: "1s",
            no_traffic_interval: "1s",
            initial_jitter: "1s",
            unhealthy_threshold: 3,
            healthy_threshold: 1,
            http_health_check: { path: "/healthz" },
          }],
          load_assignment: { cluster_name: "c", endpoints: [{ lb_endpoints: endpoints }] },
        }],
      },
    });
}

/** CPU time as percent of a core, and checks a second. */
async function measure(name: string, checked: boolean): Promise<{ percent: number; checks: number }> {
  const proxy = await namedProxy(name, yaml(checked), values.envoy);
  try {
    await pause(SETTLE_MS);
    const before = { cpu: processCost(proxy.pid).cpuMs, answered, ms: performance.now() };
    await pause(seconds * 1000);
    const ms = performance.now() - before.ms;
    return {
      percent: 100 * (processCost(proxy.pid).cpuMs - before.cpu) / ms,
      checks: 1000 * (answered - before.answered) / ms,
    };
  } finally {
    await proxy.stop();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

for (const name of values.only.split(",")) {
  const idle = await measure(name, false);
  const busy = await measure(name, true);
  const percent = busy.percent - idle.percent;
  console.log(
    `${name.padEnd(6)} ${busy.checks.toFixed(0)} checks/s: ${percent.toFixed(1)} % of a core ` +
      `(${busy.percent.toFixed(1)} % with, ${idle.percent.toFixed(1)} % without), ` +
      `${(percent * 10_000 / busy.checks).toFixed(0)} µs each`,
  );
  if (rate === 500 && name !== "envoy" && percent > LIMIT_PERCENT) {
    console.log(`over ${LIMIT_PERCENT} %`);
    process.exitCode = 1;
  }
}
hosts.close();
process.exit();
