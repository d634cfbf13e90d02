// test/host/router/routes/redirect.test.ts: Location headers as Envoy 1.40 wrote them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask, type Asked, infoOf, requestOf, tableOfRoutes } from "../support.ts";
import type { RouteTable } from "../../../../host/router/routes/route_table.ts";

const to = (prefix: string, redirect: object): object => ({ match: { prefix }, redirect });
const table = tableOfRoutes([
  to("/https", { https_redirect: true }),
  to("/port", { port_redirect: 8443 }),
  to("/hostp", { host_redirect: "x.example", port_redirect: 81 }),
  to("/host", { host_redirect: "x.example" }),
  to("/pathq", { path_redirect: "/new?own=1", strip_query: true }),
  to("/paths", { path_redirect: "/new", strip_query: true }),
  to("/path", { path_redirect: "/new" }),
  to("/strip", { strip_query: true }),
  to("/pr", { prefix_rewrite: "/z" }),
  to("/pq2", { prefix_rewrite: "/z?own", strip_query: true }),
  to("/rx", { regex_rewrite: { pattern: { regex: "/rx/(\\w+)" }, substitution: "/\\1/r" } }),
  to("/scheme", { scheme_redirect: "FTP" }),
  to("/code8", { response_code: "PERMANENT_REDIRECT", https_redirect: true }),
  to("/code", { response_code: "SEE_OTHER", host_redirect: "X" }),
  { match: { prefix: "/d201" }, direct_response: { status: 201 } },
  { match: { prefix: "/d302" }, direct_response: { status: 302, body: { inline_string: "hi" } } },
  { match: { prefix: "/d304" }, direct_response: { status: 304 } },
  { match: { prefix: "/d204" }, direct_response: { status: 204 } },
]);

function answer(table: RouteTable, asked: Asked): [number, string | null] {
  const entry = ask(table, asked)!;
  const headers = requestOf(asked);
  if (entry.kind === "redirect") entry.rewritePath(headers, infoOf());
  return [entry.status, entry.location(headers, infoOf())];
}

const ROWS: readonly [string, string, string, number, string | null][] = [
  ["/https?q=1", "h", "http", 301, "https://h/https?q=1"],
  ["/https", "h:80", "http", 301, "https://h/https"],
  ["/https", "h:443", "http", 301, "https://h:443/https"],
  ["/https", "h:8080", "http", 301, "https://h:8080/https"],
  ["/https", "[::1]:80", "http", 301, "https://[::1]/https"],
  ["/https", "[::1]", "http", 301, "https://[::1]/https"],
  ["/https", "h:80", "https", 301, "https://h:80/https"],
  ["/https", "h:443", "https", 301, "https://h:443/https"],
  ["/https", "H", "http", 301, "https://H/https"],
  ["/port", "h:80", "http", 301, "http://h:8443/port"],
  ["/port", "[::1]:80", "http", 301, "http://[::1]:8443/port"],
  ["/port", "h", "http", 301, "http://h:8443/port"],
  ["/hostp?q", "h", "http", 301, "http://x.example:81/hostp?q"],
  ["/host", "h:80", "http", 301, "http://x.example/host"],
  ["/pathq?q=1", "h", "http", 301, "http://h/new?own=1"],
  ["/paths?q=1", "h", "http", 301, "http://h/new"],
  ["/path?q=1", "h", "http", 301, "http://h/new?q=1"],
  ["/path", "h", "http", 301, "http://h/new"],
  ["/strip?q=1", "h:80", "http", 301, "http://h:80/strip"],
  ["/prX?q=1", "h", "http", 301, "http://h/zX?q=1"],
  ["/pq2/a?q=1", "h", "http", 301, "http://h/z"],
  ["/rx/abc/d?q", "h", "http", 301, "http://h/abc/r/d?q"],
  ["/scheme", "h:80", "http", 301, "FTP://h/scheme"],
  ["/code", "h", "http", 303, "http://X/code"],
  ["/code8", "h", "http", 308, "https://h/code8"],
  ["/d201?q", "h:80", "http", 201, "http://h:80/d201?q"],
  ["/d302", "h", "http", 302, "http://h/d302"],
  ["/d304", "h", "http", 304, "http://h/d304"],
  ["/d204", "h", "http", 204, null],
];

for (const [path, host, protocol, status, location] of ROWS) {
  test(`${protocol} ${host} ${path}`, () => {
    assert.equal(answer(table, { path, host, headers: [["x-forwarded-proto", protocol]] }), [status, location]);
  });
}

test("a redirect that rewrites remembers the path for the access log", () => {
  const headers = requestOf({ path: "/prX?q" });
  const entry = ask(table, "/prX?q")!;
  entry.rewritePath(headers, infoOf());
  assert.is(headers.get("x-envoy-original-path"), "/prX?q");
  const quiet = requestOf({ path: "/prX?q" });
  entry.rewritePath(quiet, infoOf(), false);
  assert.is(quiet.path, "/zX?q");
  assert.is(quiet.has("x-envoy-original-path"), false);
});

test.run();
