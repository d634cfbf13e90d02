// test/conformance/differential/explore/outliers.ts: random outlier detection, and answers that it judges.
/**
 * Hosts are chosen by hash, so that both proxies ask the same ones; nobody is taken back within a round. There are no
 * retries: Envoy ejects a host by way of its main thread, and a retry may be faster.
 *
 * @module
 */
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Answer, Exchange, Group } from "../exchange.ts";
import type { Chance } from "./chance.ts";
import { fieldLines, type Fields } from "./fields.ts";

const HOSTS = ["u", "v", "w", "x"];
const GRPC = "content-type: application/grpc\r\n";

function answer(chance: Chance): string | Answer {
  const code = (status: number, more = "") => `HTTP/1.1 ${status} S\r\n${more}content-length: 0\r\n\r\n`;
  return chance.of<() => string | Answer>([
    () => code(200),
    () => code(200),
    () => code(chance.of([404, 429, 500, 501, 502, 503, 504])),
    () => code(chance.of([500, 503])),
    () => ({ steps: ["close"] }),
    () => ({ steps: ["garbage\r\n\r\n", "close"] }),
    () => ({ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "close"] }),
    () => code(200, `${GRPC}grpc-status: ${chance.of([0, 2, 4, 13, 14])}\r\n`),
    () => code(chance.of([200, 503]), "x-envoy-degraded: 1\r\n"),
    () => code(503, "x-envoy-overloaded: 1\r\n"),
    () => code(500, "x-bad: 1\r\n"),
  ])();
}

function request(chance: Chance, index: number): Exchange {
  const upstreams = Object.fromEntries(HOSTS.map((name) => [name, { http: [answer(chance)] }]));
  return {
    name: `request ${index}`,
    client: `GET / HTTP/1.1\r\nHost: a.test\r\nx-key: ${chance.below(12)}\r\n\r\n`,
    upstreams,
    anyConnection: true,
  };
}

function detection(chance: Chance): Fields {
  const enforcing = (name: string): Fields => chance.maybe(4, () => ({ [`enforcing_${name}`]: chance.of([0, 100]) }));
  const count = (name: string): Fields => chance.maybe(2, () => ({ [name]: 1 + chance.below(3) }));
  return {
    // No sweep, and nobody comes back.
    interval: "1000s",
    base_ejection_time: "1000s",
    max_ejection_time: "2000s",
    ...count("consecutive_5xx"),
    ...count("consecutive_gateway_failure"),
    ...enforcing("consecutive_5xx"),
    ...chance.maybe(2, () => ({ enforcing_consecutive_gateway_failure: chance.of([0, 100]) })),
    ...chance.maybe(2, () => ({
      split_external_local_origin_errors: true,
      ...count("consecutive_local_origin_failure"),
      ...enforcing("consecutive_local_origin_failure"),
    })),
    ...chance.maybe(2, () => ({ max_ejection_percent: chance.of([0, 10, 25, 26, 50, 75, 100]) })),
    ...chance.maybe(4, () => ({ always_eject_one_host: true })),
    ...chance.maybe(4, () => ({ successful_active_health_check_uneject_host: false })),
  };
}

/** What besides statuses is an error of the host. */
function errorMatcher(chance: Chance): string {
  const headers = { headers: [{ name: "x-bad", present_match: true }] };
  const statuses = [{ name: ":status", range_match: { start: 404, end: chance.of([405, 500]) } }];
  const matcher = chance.of<Fields>([
    { http_response_headers_match: headers },
    { http_response_headers_match: { headers: statuses } },
    { not_match: { http_response_headers_match: headers } },
  ]);
  return httpProtocolOptions(
    `explicit_http_config: { http_protocol_options: {} }\noutlier_detection: ${
      JSON.stringify({ error_matcher: matcher })
    }`,
  );
}

/** One cluster of four hosts, and requests that it answers well or badly. */
export function exploreOutliers(chance: Chance, seed: number): Group {
  const endpoints = HOSTS.map((name) => ({
    endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: `@${name}@` } } },
    metadata: { filter_metadata: { "envoy.lb": { hash_key: name } } },
  }));
  const more = fieldLines({
    lb_policy: chance.of(["RING_HASH", "MAGLEV"]),
    outlier_detection: detection(chance),
    // Changes count at once.
    common_lb_config: { healthy_panic_threshold: { value: chance.of([0, 0, 30, 50]) }, update_merge_window: "0s" },
    load_assignment: { cluster_name: "all", endpoints: [{ lb_endpoints: endpoints }] },
  }).replace(/"@(\w+)@"/g, "@$1@").trimEnd().replace(/^/gm, "  ");
  const hashed = { cluster: "all", timeout: "0s", hash_policy: [{ header: { header_name: "x-key" } }] };
  const routes = `- ${JSON.stringify({ match: { prefix: "/" }, route: hashed })}`;
  return {
    name: `outliers_${seed}`,
    listeners: ["main"],
    upstreams: HOSTS,
    yaml: bootstrap([httpListener("main", { routes })], [
      `- name: all\n  connect_timeout: 2s\n${more}\n${chance.oneIn(3) ? errorMatcher(chance) : ""}`,
      cluster("u"),
    ]),
    exchanges: chance.list(80, 80, (index) => request(chance, index)),
  };
}
