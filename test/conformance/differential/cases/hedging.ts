// test/conformance/differential/cases/hedging.ts: attempts beside each other, and limits of each.
/** @module */
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Answer, Group } from "../exchange.ts";
import { FAST, getWith as get, retryRoute as route } from "./retry_routes.ts";

const HOST = "Host: a.example\r\n";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 3\r\n\r\nbad";
const HEDGE = "hedge_policy: { hedge_on_per_try_timeout: true }";
const HANG: Answer = { steps: ["hang"] };

/** The answer, after so many milliseconds. */
function late(answer: string, pause: number): Answer {
  return { steps: [{ pause }, answer] };
}

const DURATION = httpProtocolOptions(`explicit_http_config: { http_protocol_options: {} }
common_http_protocol_options: { max_stream_duration: 0.12s }`);

export const hedging: Group = {
  name: "hedging",
  listeners: ["main", "inside", "quiet"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHost: `include_request_attempt_count: true
include_attempt_count_in_response: true
include_is_timeout_retry_header: true
`,
      routes: `${route("/hedge", 'retry_on: "5xx", per_try_timeout: 0.1s', `, ${HEDGE}`)}
${route("/any", 'retry_on: "connect-failure", per_try_timeout: 0.1s', `, ${HEDGE}`)}
${route("/none", 'retry_on: "5xx", num_retries: 0, per_try_timeout: 0.1s', `, ${HEDGE}`)}
${route("/two", 'retry_on: "5xx", num_retries: 2, per_try_timeout: 0.1s', `, ${HEDGE}`)}
${route("/idle", 'retry_on: "5xx", per_try_idle_timeout: 0.1s')}
${route("/idle-once", 'retry_on: "connect-failure", per_try_idle_timeout: 0.1s')}
${route("/idle-hedge", 'retry_on: "5xx", per_try_idle_timeout: 0.1s', `, ${HEDGE}`)}
${route("/both", 'retry_on: "5xx", per_try_timeout: 0.2s, per_try_idle_timeout: 0.1s')}
- { match: { path: /initial }, route: { cluster: u, hedge_policy: { initial_requests: 2 } } }
${route("/plain", 'retry_on: "5xx", per_try_timeout: 0.1s')}
- { match: { path: /duration }, route: { cluster: duration, retry_policy: { retry_on: "5xx", ${FAST} } } }`,
    }),
    httpListener("inside", {
      manager: `use_remote_address: true
internal_address_config: { cidr_ranges: [ { address_prefix: 127.0.0.0, prefix_len: 8 } ] }
`,
      virtualHost: `include_request_attempt_count: true
${HEDGE}
retry_policy: { retry_on: "5xx", per_try_timeout: 0.1s, ${FAST} }
`,
    }),
    httpListener("quiet", {
      routes: `${route("/hedge", "retry_on: reset, per_try_timeout: 0.1s", `, ${HEDGE}, timeout: 0.3s`)}`,
      router: "suppress_envoy_headers: true",
    }),
  ], [cluster("u"), cluster("duration", DURATION, "u")]),
  exchanges: [
    get("a slow attempt, and a better one beside it", "/hedge", [HANG, GOOD]),
    get("a slow attempt that is first after all", "/hedge", [late(GOOD, 150), HANG]),
    get("a slow attempt that fails, and the one beside it", "/hedge", [late(BAD, 150), late(GOOD, 150)]),
    get("two that fail", "/hedge", [late(BAD, 150), late(BAD, 150)]),
    get("the second is reset", "/hedge", [late(GOOD, 220), { steps: [{ pause: 50 }, "close"] }]),
    get("the first is reset", "/hedge", [{ steps: [{ pause: 150 }, "close"] }, late(GOOD, 150)]),
    get("both are reset", "/hedge", [{ steps: [{ pause: 150 }, "close"] }, { steps: [{ pause: 150 }, "close"] }]),
    // Further answers are for requests that Envoy does not send.
    get("two attempts at once", "/initial", [late(GOOD, 50), HANG]),
    { ...get("two that never answer", "/hedge", [HANG, HANG]), listener: "quiet" },
    get("a hedge needs no condition", "/any", [HANG, GOOD]),
    get("a hedge needs a retry", "/none", [late(GOOD, 180)]),
    get("each attempt has its hedge", "/two", [HANG, HANG, GOOD]),
    get("a hedge that is tried again", "/two", [late(GOOD, 300), BAD, HANG]),
    {
      name: "a body goes to both",
      client: `POST /hedge HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`,
      upstreams: { u: { http: [HANG, GOOD] } },
    },
    get("a response that has begun is the response", "/hedge", [{
      steps: ["HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf", { pause: 180 }, "half"],
    }]),
    { ...get("the virtual host's hedge policy", "/", [HANG, GOOD]), listener: "inside" },
    {
      ...get("an internal client wants none", "/", [HANG, GOOD], "X-Envoy-Hedge-On-Per-Try-Timeout: false\r\n"),
      listener: "inside",
    },
    get("an external client cannot ask for it", "/plain", [HANG, GOOD], "X-Envoy-Hedge-On-Per-Try-Timeout: true\r\n"),
    get("an idle attempt", "/idle", [HANG, GOOD]),
    get("an idle attempt that is not tried again", "/idle-once", [HANG]),
    get("an attempt that is idle in its response", "/idle", [{
      steps: ["HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf", "hang"],
    }]),
    get("an attempt that is slow, and not idle", "/idle", [{
      steps: ["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nab", { pause: 60 }, "cd", { pause: 60 }, "ef"],
    }]),
    get("an idle attempt with a hedge", "/idle-hedge", [HANG, GOOD]),
    get("an attempt that is idle before it takes too long", "/both", [HANG, GOOD]),
    get("an attempt that lasts too long", "/duration", [HANG, GOOD]),
    get("two attempts that last too long", "/duration", [HANG, HANG]),
  ],
};
