// test/conformance/differential/cases/internal_redirects.ts: redirects of upstreams that the proxy follows itself.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Answer, ClientStep, Exchange, Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const BAD = "HTTP/1.1 503 X\r\ncontent-length: 3\r\n\r\nbad";
const EXTENSIONS = "type.googleapis.com/envoy.extensions.internal_redirect";

/** A redirect there. */
function to(location: string, status = 302, more = ""): string {
  const header = location === "" ? "" : `location: ${location}\r\n`;
  return `HTTP/1.1 ${status} X\r\n${header}${more}content-length: 4\r\n\r\ngone`;
}

function predicate(type: string, fields = ""): string {
  return `{ name: p, typed_config: { "@type": ${EXTENSIONS}.${type}${fields} } }`;
}

function follow(path: string, policy = "", more = "", cluster = "u"): string {
  return `- { name: ${
    path.slice(1)
  }, match: { path: ${path} }, route: { cluster: ${cluster}, internal_redirect_policy: { ${policy} } }${more} }`;
}

/** A request, and the answers that it gets on its way. */
function send(
  name: string,
  client: string | readonly ClientStep[],
  ...answers: readonly (string | Answer)[]
): Exchange {
  return { name, client, upstreams: { u: { http: [...answers] } } };
}

function get(path: string, more = ""): string {
  return `GET ${path} HTTP/1.1\r\n${HOST}${more}\r\n`;
}

function post(path: string, body = "body"): string {
  return `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const A = "http://a.example";

export const internalRedirects: Group = {
  name: "internal_redirects",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      listener: "per_connection_buffer_limit_bytes: 100\n",
      virtualHosts: `- name: a
  domains: [ a.example ]
  include_request_attempt_count: true
  include_attempt_count_in_response: true
  routes:
  ${
        [
          follow("/one", "", ", request_headers_to_add: [ { header: { key: x-added, value: one } } ]"),
          follow("/two", "max_internal_redirects: 2"),
          follow("/none", "max_internal_redirects: 0"),
          follow("/codes", "redirect_response_codes: [ 301, 303, 307, 200 ]"),
          follow("/cross", "allow_cross_scheme_redirect: true"),
          follow(
            "/safe",
            `allow_cross_scheme_redirect: true, predicates: [ ${
              predicate("safe_cross_scheme.v3.SafeCrossSchemeConfig")
            } ]`,
          ),
          follow(
            "/previous",
            `max_internal_redirects: 9, predicates: [ ${predicate("previous_routes.v3.PreviousRoutesConfig")} ]`,
          ),
          follow(
            "/listed",
            `predicates: [ ${
              predicate("allow_listed_routes.v3.AllowListedRoutesConfig", ", allowed_route_names: [ one ]")
            } ]`,
          ),
          follow("/copied", "response_headers_to_copy: [ x-copied, x-gone ]"),
          follow("/retried").replace(
            "cluster: u,",
            'cluster: u, retry_policy: { retry_on: "5xx", retry_back_off: { base_interval: 0.001s } },',
          ),
          "- { name: direct, match: { path: /direct }, direct_response: { status: 200, body: { inline_string: direct } } }",
          "- { name: away, match: { path: /away }, redirect: { path_redirect: /elsewhere } }",
          "- { name: v, match: { path: /v }, route: { cluster: v, prefix_rewrite: /changed } }",
          "- { name: nobody, match: { path: /nobody }, route: { cluster_header: x-nobody } }",
          "- { name: plain, match: { path: /plain }, route: { cluster: u } }",
        ].join("\n  ")
      }
- name: b
  domains: [ "b.example", "b.example:8080" ]
  routes: [ { name: b, match: { prefix: / }, route: { cluster: v } } ]
`,
    }),
  ], [cluster("u"), cluster("v")]),
  exchanges: [
    send("a redirect", get("/one"), to(`${A}/plain?x=1`), OK),
    send("a redirect to another host", get("/one"), to("http://b.example:8080/x")),
    send("a relative redirect", get("/one"), to("/plain")),
    send("a redirect without a path", get("/one"), to("http://b.example")),
    send("a redirect to nowhere", get("/one"), to("")),
    send("an empty redirect", get("/one"), to(" ")),
    send("a fragment", get("/one"), to(`${A}/plain#part`), OK),
    send("another status", get("/one"), to(`${A}/plain`, 301)),
    send("a listed status", get("/codes"), to(`${A}/plain`, 301), OK),
    send("a status that is no redirect", get("/codes"), to(`${A}/plain`, 200)),
    send("two redirects", get("/two"), to(`${A}/two?2`), to(`${A}/plain`), OK),
    send("more redirects than may be", get("/two"), to(`${A}/two?2`), to(`${A}/two?3`), to(`${A}/two?4`)),
    send("no redirects", get("/none"), to(`${A}/plain`)),
    send("the limit of the second route", get("/two"), to(`${A}/one`), to(`${A}/plain`)),
    send("another scheme", get("/one"), to("https://a.example/plain")),
    send("another scheme that may be", get("/cross"), to("https://a.example/plain"), OK),
    send("from plain text to TLS is not safe", get("/safe"), to("https://a.example/plain"), OK),
    send("a route that was there before", get("/previous"), to(`${A}/previous?2`), to(`${A}/previous?3`), OK),
    send("a route that is listed", get("/listed"), to(`${A}/one`), OK),
    send("a route that is not listed", get("/listed"), to(`${A}/plain`)),
    send(
      "headers that are copied",
      get("/copied", "X-Gone: 1\r\nX-Copied: old\r\n"),
      to(`${A}/plain`, 302, "x-copied: a\r\nx-copied: b\r\n"),
      OK,
    ),
    send("a path without a route", get("/one"), to(`${A}/no-route`)),
    send("a host without a route", get("/one"), to("http://c.example/")),
    send("a route that answers", get("/one"), to(`${A}/direct`)),
    send("a route that redirects", get("/one"), to(`${A}/away`)),
    send("a route that rewrites", get("/one"), to(`${A}/v`)),
    send("a route without a cluster", get("/one"), to(`${A}/nobody`)),
    send("a body", post("/codes"), to(`${A}/plain`, 307), OK),
    send("303 forgets the body", post("/codes"), to(`${A}/plain`, 303), OK),
    send("302 keeps the method", post("/one"), to(`${A}/plain`), OK),
    send(
      "a body in chunks",
      `POST /one HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n`,
      to(`${A}/plain`),
      OK,
    ),
    send(
      "a body with trailers",
      `POST /one HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-t: 1\r\n\r\n`,
      to(`${A}/plain`),
      OK,
    ),
    send("a body that is too large", post("/one", "x".repeat(200)), to(`${A}/plain`)),
    send("a redirect before the request is complete", [`POST /one HTTP/1.1\r\n${HOST}Content-Length: 8\r\n\r\nhalf`, {
      seen: 1,
    }, "response"], { when: "head", steps: [to(`${A}/plain`)] }),
    send("a redirect that is followed by a retry", get("/retried"), BAD, to(`${A}/retried?2`), BAD, OK),
    send(
      "another request on the connection",
      [get("/one"), "response", get("/plain"), "response"],
      to(`${A}/plain`),
      OK,
      OK,
    ),
    send(
      "a redirect of what closes",
      get("/one"),
      { steps: [to(`${A}/plain`, 302, "connection: close\r\n"), "end"] },
      OK,
    ),
    send(
      "303 of a HEAD",
      [get("/codes").replace("GET", "HEAD"), "response to HEAD"],
      { steps: [`HTTP/1.1 303 X\r\nconnection: close\r\nlocation: ${A}/plain\r\n\r\n`, "end"] },
      "HTTP/1.1 200 OK\r\n\r\n",
    ),
    {
      name: "streams of HTTP/2",
      client: {
        http2: [
          { ask: [[":method", "GET"], [":scheme", "http"], [":authority", "a.example"], [":path", "/one"]] },
          "response",
          {
            ask: [[":method", "POST"], [":scheme", "http"], [":authority", "a.example"], [":path", "/codes"]],
            end: false,
          },
          { data: "body", end: true },
          "response",
        ],
      },
      upstreams: { u: { http: [to(`${A}/plain`), OK, to(`${A}/plain`, 307), OK] } },
    },
  ],
};
