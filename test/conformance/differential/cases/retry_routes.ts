// test/conformance/differential/cases/retry_routes.ts: routes that try again, and requests to them.
/** @module */
import type { Answer, Exchange } from "../exchange.ts";

/** Fields of a retry policy that does not wait. */
export const FAST = "retry_back_off: { base_interval: 0.001s, max_interval: 0.002s }";

export function retryRoute(path: string, policy: string, more = ""): string {
  return `- { match: { path: ${path} }, route: { cluster: u, retry_policy: { ${FAST}, ${policy} }${more} } }`;
}

/** A GET of a path, and what its attempts get. */
export function getWith(name: string, path: string, answers: readonly (string | Answer)[], more = ""): Exchange {
  return {
    name,
    client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${more}\r\n`,
    upstreams: { u: { http: [...answers] } },
  };
}
