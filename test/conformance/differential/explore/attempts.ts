// test/conformance/differential/explore/attempts.ts: random retry policies, and upstreams that answer in random ways.
/** @module */
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Answer, Exchange, Group } from "../exchange.ts";
import type { Chance } from "./chance.ts";
import { fieldLines, type Fields, listLines, typed } from "./fields.ts";

const CONDITIONS = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
];
const CODES = [200, 204, 304, 400, 404, 409, 418, 429, 500, 502, 503, 504];

function policy(chance: Chance): Fields {
  return {
    retry_on: chance.some(CONDITIONS, 3).join(","),
    retry_back_off: { base_interval: "0.001s", max_interval: "0.002s" },
    ...chance.maybe(2, () => ({ num_retries: chance.below(4) })),
    ...chance.maybe(3, () => ({ retriable_status_codes: chance.list(1, 3, () => chance.of(CODES)) })),
    ...chance.maybe(
      4,
      () => ({
        retriable_headers: [{ name: "x-again", ...chance.maybe(2, () => ({ string_match: { exact: "1" } })) }],
      }),
    ),
    ...chance.maybe(6, () => ({ retriable_request_headers: [{ name: "x-may", present_match: true }] })),
    ...chance.maybe(6, () => ({ per_try_timeout: "0.15s" })),
    ...chance.maybe(6, () => ({
      rate_limited_retry_back_off: { max_interval: "0.01s", reset_headers: [{ name: "x-reset", format: "SECONDS" }] },
    })),
    ...chance.maybe(8, () => ({
      retry_host_predicate: [typed("p", "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")],
    })),
  };
}

function route(chance: Chance, index: number): Fields {
  return {
    name: `r${index}`,
    match: { path: `/${index}` },
    route: {
      cluster: chance.of(["u", "u", "limited", "own"]),
      ...chance.maybe(1, () => ({ retry_policy: policy(chance) })),
      ...chance.maybe(5, () => ({ timeout: chance.of(["0.3s", "0s"]) })),
      ...chance.maybe(8, () => ({ idle_timeout: "0.4s" })),
      ...chance.maybe(8, () => ({ hedge_policy: { hedge_on_per_try_timeout: true } })),
      ...chance.maybe(6, () => ({
        internal_redirect_policy: {
          max_internal_redirects: 2,
          redirect_response_codes: [302, 307],
          allow_cross_scheme_redirect: true,
        },
      })),
      ...chance.maybe(8, () => ({ prefix_rewrite: "/new" })),
    },
    ...chance.maybe(8, () => ({ request_body_buffer_limit: "3" })),
    ...chance.maybe(
      6,
      () => ({ response_headers_to_add: [{ header: { key: "x-n", value: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%" } }] }),
    ),
    ...chance.maybe(
      6,
      () => ({ request_headers_to_add: [{ header: { key: "x-n", value: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%" } }] }),
    ),
  };
}

function answer(chance: Chance): string | Answer {
  const code = chance.of(CODES);
  const fields = [
    ...(chance.oneIn(6) ? [`x-again: ${chance.of(["1", "0"])}`] : []),
    ...(chance.oneIn(8) ? ["x-envoy-ratelimited: true"] : []),
    ...(chance.oneIn(8) ? ["x-reset: 0"] : []),
    ...(chance.oneIn(6)
      ? ["content-type: application/grpc", `grpc-status: ${chance.of(["0", "1", "4", "8", "13", "14", "x"])}`]
      : []),
    ...(chance.oneIn(10) ? ["connection: close"] : []),
    ...(chance.oneIn(10) ? ["x-envoy-overloaded: true"] : []),
    ...(chance.oneIn(12) ? ["x-envoy-upstream-canary: true"] : []),
    ...(chance.oneIn(12) ? ["x-envoy-immediate-health-check-fail: true"] : []),
  ].map((field) => `${field}\r\n`).join("");
  const head = `HTTP/1.1 ${code} X\r\n${fields}`;
  const bodiless = code === 204 || code === 304;
  return chance.of<() => string | Answer>([
    () => bodiless ? `${head}\r\n` : `${head}content-length: 3\r\n\r\nyes`,
    () => bodiless ? `${head}\r\n` : `${head}content-length: 3\r\n\r\nyes`,
    () => bodiless ? `${head}\r\n` : `${head}content-length: 0\r\n\r\n`,
    () => bodiless ? `${head}\r\n` : `${head}transfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n`,
    () => ({ steps: ["close"] }),
    () => ({ steps: ["reset"] }),
    () => ({ when: "head", steps: ["close"] }),
    () => bodiless ? `${head}\r\n` : ({ steps: [`${head}content-length: 9\r\n\r\nyes`, { pause: 30 }, "close"] }),
    () => ({ steps: [bodiless ? `${head}connection: close\r\n\r\n` : `${head}\r\nuntil the end`, "end"] }),
    () => ({ steps: ["HTTP/1.1 2x0 OK\r\n\r\n", "end"] }),
    () => ({
      steps: [`HTTP/1.1 103 Hints\r\nlink: a\r\n\r\n${bodiless ? `${head}\r\n` : `${head}content-length: 0\r\n\r\n`}`],
    }),
    () =>
      `HTTP/1.1 ${chance.of([302, 307])} X\r\nlocation: http://a.example/${
        chance.below(6)
      }\r\ncontent-length: 0\r\n\r\n`,
    () => chance.oneIn(4) ? { steps: ["hang"] } : `${head}${bodiless ? "" : "content-length: 0\r\n"}\r\n`,
  ])();
}

function request(chance: Chance, index: number): Exchange {
  const method = chance.of(["GET", "GET", "POST", "HEAD"]);
  const fields = [
    "Host: a.example",
    ...(chance.oneIn(4) ? [`x-envoy-retry-on: ${chance.some(CONDITIONS, 4).join(",")}`] : []),
    ...(chance.oneIn(6) ? [`x-envoy-retry-grpc-on: ${chance.of(["cancelled", "unavailable,internal"])}`] : []),
    ...(chance.oneIn(5) ? [`x-envoy-max-retries: ${chance.of(["0", "1", "2", "x"])}`] : []),
    ...(chance.oneIn(6) ? [`x-envoy-retriable-status-codes: ${chance.of(["404", "418,x, 429", "200"])}`] : []),
    ...(chance.oneIn(6) ? [`x-envoy-retriable-header-names: ${chance.of(["x-again", "x-reset,x-again"])}`] : []),
    ...(chance.oneIn(8) ? ["x-may: 1"] : []),
    ...(chance.oneIn(12) ? ["x-envoy-upstream-rq-timeout-alt-response: 1"] : []),
    ...(chance.oneIn(12) ? ["x-envoy-upstream-rq-per-try-timeout-ms: 150"] : []),
    ...(chance.oneIn(12) ? ["x-envoy-hedge-on-per-try-timeout: true"] : []),
    ...(chance.oneIn(12) ? ["x-envoy-upstream-rq-timeout-ms: 350"] : []),
    ...(method === "POST" ? ["Content-Length: 5"] : []),
  ];
  const answers = chance.list(1, 4, () => answer(chance));
  return {
    name: `request ${index}`,
    client: [
      `${method} /${chance.below(6)} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n${method === "POST" ? "12345" : ""}`,
      method === "HEAD" ? "response to HEAD" : "response",
    ],
    upstreams: { u: { http: answers } },
    anyConnection: true,
  };
}

/** Some routes, and upstreams that fail. */
export function exploreAttempts(chance: Chance, seed: number): Group {
  const own = httpProtocolOptions(fieldLines({
    explicit_http_config: { http_protocol_options: {} },
    retry_policy: policy(chance),
  }));
  return {
    name: `attempts_${seed}`,
    listeners: ["main"],
    upstreams: ["u"],
    yaml: bootstrap([
      httpListener("main", {
        manager: fieldLines({
          use_remote_address: true,
          internal_address_config: { cidr_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
        }),
        virtualHost: fieldLines({
          ...chance.maybe(2, () => ({ include_request_attempt_count: true })),
          ...chance.maybe(2, () => ({ include_attempt_count_in_response: true })),
          ...chance.maybe(3, () => ({ include_is_timeout_retry_header: true })),
          ...chance.maybe(3, () => ({ retry_policy: policy(chance) })),
        }),
        routes: listLines(Array.from({ length: 6 }, (_, index) => route(chance, index))),
        router: fieldLines(chance.maybe(6, () => ({ suppress_envoy_headers: true }))),
      }),
    ], [
      cluster("u"),
      cluster("limited", "  circuit_breakers: { thresholds: [ { max_retries: 1 } ] }", "u"),
      cluster("own", own, "u"),
    ]),
    exchanges: chance.list(40, 40, (index) => request(chance, index)),
  };
}
