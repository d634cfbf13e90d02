// test/conformance/differential/cases/retries.ts: attempts that fail, and those that follow.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";
import { FAST, getWith as get, retryRoute as route } from "./retry_routes.ts";

const HOST = "Host: a.example\r\n";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";

function status(line: string, more = ""): string {
  return `HTTP/1.1 ${line}\r\n${more}content-length: 3\r\n\r\nbad`;
}

export const retries: Group = {
  name: "retries",
  listeners: ["main"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHost: `include_request_attempt_count: true
include_attempt_count_in_response: true
retry_policy: { retry_on: "retriable-4xx", ${FAST} }
`,
      routes: `${route("/5xx", 'retry_on: "5xx"')}
${route("/three", 'retry_on: "gateway-error", num_retries: 2')}
${route("/reset", 'retry_on: "reset"')}
${route("/none", 'retry_on: "5xx", num_retries: 0')}
${route("/codes", 'retry_on: "retriable-status-codes", retriable_status_codes: [ 418 ]')}
${route("/headers", 'retry_on: "retriable-headers", retriable_headers: [ { name: x-again, present_match: true } ]')}
${route("/grpc", 'retry_on: "unavailable,cancelled"')}
${route("/ratelimited", 'retry_on: "5xx,envoy-ratelimited"')}
${route("/try", 'retry_on: "5xx", per_try_timeout: 0.15s')}
${route("/try-once", 'retry_on: "connect-failure", per_try_timeout: 0.15s')}
- { match: { path: /refused }, route: { cluster: refused, retry_policy: { retry_on: connect-failure, num_retries: 2, ${FAST} } } }
- { match: { path: /overflow }, route: { cluster: limited, retry_policy: { retry_on: "5xx", ${FAST} } } }
${route("/idempotent", 'retry_on: "5xx", retriable_request_headers: [ { name: x-idempotent, present_match: true } ]')}
- { match: { path: /plain }, route: { cluster: u } }`,
    }),
  ], [
    cluster("u"),
    cluster("refused"),
    cluster("limited", "  circuit_breakers: { thresholds: [ { max_retries: 0 } ] }", "u"),
  ]),
  exchanges: [
    get("a status that is retried", "/5xx", [status("500 X"), GOOD]),
    get("a status that is not", "/5xx", [status("404 X")]),
    {
      name: "a body without a byte",
      client: `POST /5xx HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      upstreams: { u: { http: [status("500 X"), GOOD] } },
    },
    get("all retries are used", "/three", [status("503 X"), status("502 X"), status("504 X")]),
    get("closed before the response", "/reset", [{ steps: ["close"] }, GOOD]),
    get("closed again and again", "/reset", [{ steps: ["close"] }, { steps: ["close"] }]),
    get("no retries", "/none", [status("503 X")]),
    get("listed statuses", "/codes", [status("418 X"), GOOD]),
    get("listed headers", "/headers", [status("200 OK", "x-again: 1\r\n"), GOOD]),
    get("gRPC", "/grpc", [status("200 OK", "content-type: application/grpc\r\ngrpc-status: 14\r\n"), GOOD]),
    get("limited by rate", "/ratelimited", [status("429 X", "x-envoy-ratelimited: true\r\n"), GOOD]),
    get("limited by rate, which is not retried", "/5xx", [status("503 X", "x-envoy-ratelimited: true\r\n")]),
    get("an attempt that takes too long", "/try", [{ steps: ["hang"] }, GOOD]),
    get("two that do", "/try", [{ steps: ["hang"] }, { steps: ["hang"] }]),
    get("one that does, and is not retried", "/try-once", [{ steps: ["hang"] }]),
    get("a refused connection", "/refused", []),
    get("more retries than the cluster may have", "/overflow", [status("503 X")]),
    get("a request that may not be repeated", "/idempotent", [status("503 X")]),
    get("one that may", "/idempotent", [status("503 X"), GOOD], "X-Idempotent: 1\r\n"),
    get("the virtual host's policy", "/plain", [status("409 X"), GOOD]),
    get("an external client cannot ask for it", "/plain", [status("503 X")], "X-Envoy-Retry-On: 5xx\r\n"),
    {
      name: "a body is sent again",
      client: `POST /5xx HTTP/1.1\r\n${HOST}Content-Length: 8\r\n\r\nall of it`.slice(0, -1),
      upstreams: { u: { http: [status("503 X"), GOOD] } },
    },
    {
      name: "a body in chunks with trailers is sent again",
      client:
        `POST /5xx HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nall \r\n3\r\nit.\r\n0\r\nx-t: 1\r\n\r\n`,
      upstreams: { u: { http: [status("503 X"), GOOD] } },
    },
    {
      name: "a body that stops half way",
      client: [
        `POST /5xx HTTP/1.1\r\n${HOST}Content-Length: 8\r\n\r\nhalf`,
        { seen: 1 },
        { pause: 150 },
        "half",
        "response",
      ],
      upstreams: { u: { http: [status("503 X"), GOOD] } },
    },
    get("a response that breaks off is no failure any more", "/reset", [{
      steps: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", { pause: 50 }, "close"],
    }]),
  ],
};
