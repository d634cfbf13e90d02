// test/conformance/differential/cases/stateful_session.ts: clients that come back to the host they were at.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener, indent } from "../bootstrap.ts";
import type { Answer, Exchange, Group } from "../exchange.ts";

const TYPE = "type.googleapis.com/envoy.extensions";
const FILTER = `${TYPE}.filters.http.stateful_session.v3.StatefulSession`;
const PER_ROUTE = `${TYPE}.filters.http.stateful_session.v3.StatefulSessionPerRoute`;

/** What `session_state` is. */
function state(kind: "cookie" | "header" | "envelope", fields: string): string {
  const message = { cookie: "Cookie", header: "HeaderBased", envelope: "Envelope" }[kind];
  const name = kind === "cookie" ? "CookieBasedSessionState" : `${message}SessionState`;
  return `session_state: { name: envoy.http.stateful_session.${kind}, typed_config: { "@type": ${TYPE}.http.stateful_session.${kind}.v3.${name}, ${fields} } }`;
}

const COOKIE = state(
  "cookie",
  "cookie: { name: sess, path: /, ttl: 120s, attributes: [ { name: SameSite, value: Lax }, { name: Secure } ] }",
);
const SESSION_COOKIE = state("cookie", "cookie: { name: sess }");
const DEEP_COOKIE = state("cookie", "cookie: { name: sess, path: /deep/er }");
const FOLDER_COOKIE = state("cookie", "cookie: { name: sess, path: /folder/ }");
const HEADER = state("header", "name: X-Session");
const ENVELOPE = state("envelope", "header: { name: x-token }");

function route(path: string, perRoute: string | null, more = ""): string {
  const config = perRoute === null
    ? ""
    : `, typed_per_filter_config: { envoy.filters.http.stateful_session: { "@type": ${PER_ROUTE}, ${perRoute} } }`;
  return `- { match: { prefix: ${path} }, route: { cluster: ${more === "" ? "both" : more} }${config} }`;
}

function session(fields: string): string {
  return `stateful_session: { ${fields} }`;
}

/** Without a session requests go to `v`; `u` is of the second priority. */
function pair(name: string, uHealth: string, more = ""): string {
  const host = (port: string, health: string, priority: number) =>
    `{ priority: ${priority}, lb_endpoints: [ { health_status: ${health}, endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } } } } ] }`;
  return cluster(name, more).replace(
    /endpoints: \[.*/,
    `endpoints: [ ${host("v", "UNKNOWN", 0)}, ${host("u", uHealth, 1)} ]`,
  );
}

/** A GET; answers are those of the upstream that it is sent to. */
function get(
  name: string,
  path: string,
  more = "",
  upstreams: Readonly<Record<string, readonly (string | Answer)[]>> = {},
): Exchange {
  return {
    name,
    client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${more}\r\n`,
    upstreams: Object.fromEntries(Object.entries(upstreams).map(([each, http]) => [each, { http: [...http] }])),
  };
}

const U = "(base64:127.0.0.1:@u@)";
const V = "(base64:127.0.0.1:@v@)";
const GONE = "(base64:127.0.0.1:@gone@)";
/** What a cookie is: field 1 is the address, field 2 when it ends. */
const U_COOKIE = "(base64:\n\x0f127.0.0.1:@u@)";
const U_OLD_COOKIE = "(base64:\n\x0f127.0.0.1:@u@\x10\x01)";
const U_FUTURE_COOKIE = "(base64:\n\x0f127.0.0.1:@u@\x10\xff\xff\xff\xff\x7f)";

export const statefulSession: Group = {
  name: "stateful_session",
  listeners: ["main", "strict"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      filters: `- name: envoy.filters.http.stateful_session
  typed_config:
    "@type": ${FILTER}
    stat_prefix: sticky
${indent(COOKIE, 4)}`,
      routes: [
        route("/plain", null),
        route("/off", "disabled: true"),
        route("/session", session(SESSION_COOKIE)),
        route("/deep", session(DEEP_COOKIE)),
        route("/folder", session(FOLDER_COOKIE)),
        route("/nothing", "stateful_session: {}"),
        route("/header", session(HEADER)),
        route("/envelope", session(ENVELOPE)),
        route("/strict404", session(`${HEADER}, strict: true, status_on_strict_destination_not_found: 404`)),
        route("/strict", session(`${HEADER}, strict: true`)),
        route("/sick404", session(`${HEADER}, strict: true, status_on_strict_destination_not_found: 404`), "sick"),
        route("/sick-strict", session(`${HEADER}, strict: true`), "sick"),
        route("/sick", session(HEADER), "sick"),
        route("/degraded", session(HEADER), "degraded"),
        route("/picky", session(HEADER), "picky"),
        route("/lenient", session(HEADER), "lenient"),
        route("/empty", session(`${HEADER}, strict: true`), "empty"),
        route("/chain-strict", null, "empty"),
        `- { match: { prefix: /retry }, route: { cluster: both, timeout: 0s, retry_policy: { retry_on: "5xx", retry_back_off: { base_interval: 0.001s } } }, typed_per_filter_config: { envoy.filters.http.stateful_session: { "@type": ${PER_ROUTE}, ${
          session(HEADER)
        } } } }`,
      ].join("\n"),
    }),
    httpListener("strict", {
      filters: `- name: sessions
  typed_config:
    "@type": ${FILTER}
    stat_prefix: bound
    strict: true
${indent(DEEP_COOKIE, 4)}`,
      routes: [route("/deep/er/sick", null, "sick"), route("/", null)].join("\n"),
    }),
  ], [
    pair("both", "UNKNOWN"),
    pair("sick", "UNHEALTHY"),
    pair("degraded", "DEGRADED"),
    pair("picky", "UNKNOWN", "  common_lb_config: { override_host_status: { statuses: [ HEALTHY ] } }"),
    pair("lenient", "DRAINING", "  common_lb_config: { override_host_status: { statuses: [ DRAINING, UNKNOWN ] } }"),
    emptyCluster("empty"),
    // Nobody is there, and no request goes there: hosts that sessions may name.
    cluster("gone"),
  ]),
  exchanges: [
    get("the first request gets a cookie", "/plain"),
    get("a cookie leads back", "/plain", `Cookie: sess=${U_COOKIE}\r\n`),
    get("among others, in quotes", "/plain", `Cookie: a=b; sess="${U_COOKIE}"; c=d\r\n`),
    get("the form of old", "/plain", `Cookie: sess=${U}\r\n`),
    get("one that is over", "/plain", `Cookie: sess=${U_OLD_COOKIE}\r\n`),
    get("one that is not", "/plain", `Cookie: sess=${U_FUTURE_COOKIE}\r\n`),
    get("no base64", "/plain", "Cookie: sess=127.0.0.1:1\r\n"),
    get("a host that is gone", "/plain", `Cookie: sess=${GONE}\r\n`),
    get("the host that it would have been", "/plain", `Cookie: sess=${V}\r\n`),
    get("a response that sets cookies itself", "/plain", "", {
      v: ["HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"],
    }),
    get("a route without sessions", "/off", `Cookie: sess=${U_COOKIE}\r\n`),
    get("a cookie for the browser's session", "/session"),
    get("a path above the cookie's", "/deep", `Cookie: sess=${U_COOKIE}\r\n`),
    get("the cookie's path", "/deep/er?a=b", `Cookie: sess=${U_COOKIE}\r\n`),
    get("a path that begins like the cookie's", "/deep/err", `Cookie: sess=${U_COOKIE}\r\n`),
    get("a path under the cookie's", "/folder/a"),
    get("the cookie's folder itself", "/folder"),
    get("no state at all", "/nothing", `Cookie: sess=${U_COOKIE}\r\n`),
    get("the first request gets a header", "/header"),
    get("a header leads back", "/header", `x-session: ${U}\r\n`),
    get("the first of two headers counts", "/header", `x-session: ${U}\r\nx-session: ${V}\r\n`),
    get("a header that says nothing", "/header", "x-session: *\r\n"),
    get("a header of the upstream is replaced", "/header", "", {
      v: ["HTTP/1.1 200 OK\r\nx-session: mine\r\ncontent-length: 0\r\n\r\n"],
    }),
    get("strict, and there", "/strict", `x-session: ${U}\r\n`),
    get("strict, and gone", "/strict", `x-session: ${GONE}\r\n`),
    get("strict, and gone, with a status for it", "/strict404", `x-session: ${GONE}\r\n`),
    get("strict without a session", "/strict"),
    get("an unhealthy host is not gone back to", "/sick", `x-session: ${U}\r\n`),
    get("strict, and unhealthy", "/sick-strict", `x-session: ${U}\r\n`),
    get("strict, and unhealthy, with a status for those that are gone", "/sick404", `x-session: ${U}\r\n`),
    get("a degraded host is", "/degraded", `x-session: ${U}\r\n`),
    get("of no known health, where only healthy ones are", "/picky", `x-session: ${U}\r\n`),
    get("draining, where those are", "/lenient", `x-session: ${U}\r\n`),
    get("a cluster without hosts", "/empty", `x-session: ${U}\r\n`),
    get("without hosts, not strict", "/chain-strict", `Cookie: sess=${U_COOKIE}\r\n`),
    { ...get("no session on this path", "/", `Cookie: sess=${U_COOKIE}\r\n`), listener: "strict" },
    { ...get("bound to a host that is there", "/deep/er", `Cookie: sess=${U_COOKIE}\r\n`), listener: "strict" },
    { ...get("bound to one that is gone", "/deep/er", `Cookie: sess=${GONE}\r\n`), listener: "strict" },
    { ...get("bound to one that is unhealthy", "/deep/er/sick", `Cookie: sess=${U}\r\n`), listener: "strict" },
    { ...get("bound to none", "/deep/er"), listener: "strict" },
    get("a retry goes where it likes", "/retry", `x-session: ${U}\r\n`, {
      u: ["HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n"],
    }),
    get("an envelope needs the upstream's header", "/envelope"),
    get("an envelope is put around the upstream's header", "/envelope", "", {
      v: ["HTTP/1.1 200 OK\r\nx-token: mine\r\ncontent-length: 0\r\n\r\n"],
    }),
    get("two headers have no envelope", "/envelope", "", {
      v: ["HTTP/1.1 200 OK\r\nx-token: a\r\nx-token: b\r\ncontent-length: 0\r\n\r\n"],
    }),
    get("an envelope leads back, and is opened", "/envelope", `x-token: ${U};UV:(base64:mine)\r\n`),
    get("an envelope with nothing inside", "/envelope", `x-token: ${U}\r\n`),
    get("no envelope", "/envelope", "x-token: mine\r\n"),
    get("other parts are passed over", "/envelope", `x-token: ${U};a;;UV:(base64:mine);UV:(base64:no)\r\n`),
  ],
};
