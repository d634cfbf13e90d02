// test/conformance/differential/statistics.ts: what the exchanges of a group left in the statistics.
/** @module */
import { get } from "node:http";

/** Statistics of what exchanges touch. */
const COMPARED =
  /^(http\.(?!admin\.|async-client\.)|cluster\.|dns_cache\.|tcp\.|http2\.|vhost\.|listener\.(?!admin\.))/;
/**
 * What depends on timing, on how many digits a duration has, on the threads that a proxy has, on its libraries or
 * on the order of its hash maps: of the rings of subsets the last one is shown.
 */
const LEFT_OUT =
  /bytes|nghttp2|_ms$|_time$|flow_control|flush_total|delayed_close_timeout|\.worker_\d+\.|total_match_count|\.health_check\.(?:attempt|success|failure|network_failure|verify_cluster)$|_cx_active$|^cluster\.\w+\.http2\.streams_active$|max_host_weight|ring_hash_lb|lb_subsets_(?:active|created|removed)$|lb_recalculate_zone_structures$|lb_zone_cluster_too_small$|lb_local_cluster_not_ok$|\.update_|\.version$|DFPCluster|\.endpoint\.|dns_cache\.circuit_breakers|\.dns_query_(?:attempt|success|failure)$/;
/** Statistics that do not change any more are read. */
const REST_MS = 150;
const LIMIT_MS = 6000;

/** Counters and gauges by name, without those at zero; `ports` are named in listeners' names. */
export async function readStats(port: number, ports: ReadonlyMap<string, number>): Promise<Record<string, number>> {
  let last = "";
  for (const limit = performance.now() + LIMIT_MS;;) {
    const stats = parse(await fetchStats(port), ports);
    const text = JSON.stringify(stats);
    if (text === last || performance.now() > limit) return stats;
    last = text;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
}

function parse(text: string, ports: ReadonlyMap<string, number>): Record<string, number> {
  const names = new Map([...ports].map(([name, port]) => [String(port), name]));
  const stats: [string, number][] = [];
  for (const line of text.split("\n")) {
    const match = /^(\S+): (\d+)$/.exec(line);
    if (match === null || match[2] === "0" || !COMPARED.test(match[1]!) || LEFT_OUT.test(match[1]!)) continue;
    const name = match[1]!.replace(/\/\S*\/nuncio-proxy-\w+\//, "(folder)/").replace(
      /^listener\.127\.0\.0\.1_(\d+)\./,
      (all, digits: string) => {
        const listener = names.get(digits);
        return listener === undefined ? all : `listener.@${listener}@.`;
      },
    );
    stats.push([name, Number(match[2])]);
  }
  return Object.fromEntries(stats.sort(([a], [b]) => a < b ? -1 : 1));
}

function fetchStats(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/stats", agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}
