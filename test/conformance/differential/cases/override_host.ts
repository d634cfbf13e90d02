// test/conformance/differential/cases/override_host.ts: requests that name the hosts that they want to go to.
/** @module */
import { bootstrap, cluster, HTTP_LOG, httpListener, textLog } from "../bootstrap.ts";
import type { Answer, Exchange, Group } from "../exchange.ts";

const POLICIES = "type.googleapis.com/envoy.extensions.load_balancing_policies";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n";
const GOOD = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/** Left alone, requests go to `v`; `u` is of the second priority. */
function named(name: string, fields: string, uHealth: string): string {
  const host = (port: string, health: string, priority: number) =>
    `{ priority: ${priority}, lb_endpoints: [ { health_status: ${health}, endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } } } } ] }`;
  return cluster(
    name,
    `  load_balancing_policy:
    policies:
    - typed_extension_config:
        name: override
        typed_config:
          "@type": ${POLICIES}.override_host.v3.OverrideHost
          override_host_sources: [ { header: X-Host }, { header: x-more } ]
          fallback_policy:
            policies: [ { typed_extension_config: { name: rr, typed_config: { "@type": ${POLICIES}.round_robin.v3.RoundRobin } } } ]
${fields}`,
  ).replace(/endpoints: \[.*/, `endpoints: [ ${host("v", "UNKNOWN", 0)}, ${host("u", uHealth, 1)} ]`);
}

function get(
  name: string,
  path: string,
  headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  upstreams: Readonly<Record<string, readonly (string | Answer)[]>> = {},
): Exchange {
  const entries = Array.isArray(headers) ? headers : Object.entries(headers);
  const lines = entries.map(([key, value]) => `${key}: ${value}\r\n`).join("");
  return {
    name,
    client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${lines}\r\n`,
    upstreams: Object.fromEntries(Object.entries(upstreams).map(([each, http]) => [each, { http: [...http] }])),
  };
}

const U = "127.0.0.1:@u@";
const V = "127.0.0.1:@v@";
const GONE = "127.0.0.1:@gone@";

export const overrideHost: Group = {
  name: "override_host",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      routes:
        `- { match: { prefix: /named }, route: { cluster: named, timeout: 0s, retry_policy: { retry_on: "5xx", num_retries: 3, retry_back_off: { base_interval: 0.001s } } } }
- { match: { prefix: /sick }, route: { cluster: sick } }
- { match: { prefix: /silent }, route: { cluster: silent } }`,
      log: textLog(`${HTTP_LOG} chosen=%DYNAMIC_METADATA(chosen)%`),
    }),
  ], [
    named("named", "          selected_host_key: { key: chosen, path: [ { key: by }, { key: host } ] }", "UNKNOWN"),
    named("sick", "          selected_host_key: { key: chosen, path: [ { key: host } ] }", "UNHEALTHY"),
    named("silent", "", "UNKNOWN"),
    cluster("gone"),
  ]),
  exchanges: [
    get("no host is named", "/named", {}),
    get("a host is named", "/named", { "x-host": U }),
    get("the one that it would have been", "/named", { "x-host": V }),
    get("one that is not there", "/named", { "x-host": GONE }),
    get("a list, of which the first is not there", "/named", { "x-host": `${GONE},${U}` }),
    get("spaces and nothing in a list", "/named", { "x-host": `, ,${GONE} ,  ${U},` }),
    get("a header that comes twice", "/named", [["x-host", GONE], ["x-host", U]]),
    get("a second header", "/named", { "x-host": GONE, "x-more": U }),
    get("an address without a port", "/named", { "x-host": "127.0.0.1" }),
    get("an empty header", "/named", { "x-host": "" }),
    get("an unhealthy host", "/sick", { "x-host": U }),
    get("no word of which it was", "/silent", { "x-host": U }),
    get("retries go down the list", "/named", { "x-host": `${U},${V},${U}` }, { u: [BAD, GOOD], v: [BAD] }),
    get("retries after its end", "/named", { "x-host": `${U},${U}` }, { u: [BAD, BAD], v: [BAD, GOOD] }),
    get("a retry passes over one that is not there", "/named", { "x-host": `${U},${GONE},${U}` }, { u: [BAD, GOOD] }),
  ],
};
