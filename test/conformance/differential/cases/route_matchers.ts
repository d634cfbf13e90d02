// test/conformance/differential/cases/route_matchers.ts: what routes ask of requests, beside the common paths.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(name: string, target: string, fields = "", host = "a.example"): Exchange {
  return { name, client: `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n` };
}

const MATCH = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
const REWRITE = "type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig";

/** A route that answers with its name. */
function direct(name: string, match: string): string {
  return `- { name: ${name}, match: { ${match} }, direct_response: { status: 200, body: { inline_string: ${name} } } }\n`;
}

function template(text: string): string {
  return `path_match_policy: { name: t, typed_config: { "@type": ${MATCH}, path_template: "${text}" } }`;
}

function rewritten(name: string, from: string, to: string): string {
  return `- { name: ${name}, match: { ${template(from)} }, route: { cluster: u, path_rewrite_policy: ` +
    `{ name: r, typed_config: { "@type": ${REWRITE}, path_template_rewrite: "${to}" } } } }\n`;
}

export const routeMatchers: Group = {
  name: "route_matchers",
  listeners: ["main", "parameters"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      routes: direct("cookie", 'path: /cookie, cookies: [ { name: a, string_match: { exact: "1" } } ]') +
        direct(
          "cookie_not",
          'path: /cookie, cookies: [ { name: b, string_match: { prefix: "x" }, invert_match: true } ]',
        ) +
        direct("cookie_rest", "path: /cookie") +
        direct(
          "metadata",
          "path: /metadata, headers: [ { name: x-a, present_match: true } ], dynamic_metadata: [ { filter: f, path: [ { key: k } ], value: { present_match: true } } ]",
        ) +
        direct(
          "metadata_absent",
          "path: /metadata, headers: [ { name: x-b, present_match: true } ], dynamic_metadata: [ { filter: f, path: [ { key: k } ], value: { present_match: false } } ]",
        ) +
        direct(
          "metadata_invert",
          "path: /metadata, dynamic_metadata: [ { filter: f, path: [ { key: k } ], value: { string_match: { exact: v } }, invert: true } ]",
        ) +
        direct("state", "path: /state, filter_state: [ { key: k, string_match: { exact: v } } ]") +
        direct("state_rest", "path: /state") +
        direct("tls", "path: /tls, tls_context: { presented: true }") +
        direct("tls_not_validated", "path: /tls, tls_context: { presented: false, validated: false }") +
        direct("never", "path: /fraction, runtime_fraction: { default_value: { numerator: 0 } }") +
        direct("always", "path: /fraction, runtime_fraction: { default_value: { numerator: 100 } }") +
        direct(
          "empty_header",
          'path: /empty, headers: [ { name: x-e, string_match: { exact: "" }, treat_missing_header_as_empty: true } ]',
        ) +
        direct(
          "ignore_case",
          "path: /case, headers: [ { name: x-c, string_match: { contains: BeTa, ignore_case: true } } ], query_parameters: [ { name: q, present_match: true } ]",
        ) +
        direct(
          "regex_header",
          'path: /kinds, headers: [ { name: x-k, string_match: { safe_regex: { regex: "a+" } } }, { name: x-s, string_match: { suffix: end } } ]',
        ) +
        direct("not_exact", "path: /not, headers: [ { name: x-n, string_match: { exact: a }, invert_match: true } ]") +
        direct(
          "not_empty",
          "path: /not-empty, headers: [ { name: x-n, string_match: { exact: a }, invert_match: true, treat_missing_header_as_empty: true } ]",
        ) +
        direct(
          "not_range",
          "path: /not-range, headers: [ { name: x-n, range_match: { start: 1, end: 5 }, invert_match: true } ]",
        ) +
        direct("not_old", "path: /not-old, headers: [ { name: x-n, prefix_match: a, invert_match: true } ]") +
        '- { name: no_group, match: { prefix: /no-group }, route: { cluster: u, regex_rewrite: { pattern: { regex: "no" }, substitution: "\\\\1" } } }\n' +
        direct("query_absent", "path: /query, query_parameters: [ { name: q, present_match: false } ]") +
        direct(
          "query_regex",
          'path: /query, query_parameters: [ { name: q, string_match: { safe_regex: { regex: "[0-9]+" } } } ]',
        ) +
        direct("t_globs", template("/t/*/end.html")) +
        direct("t_rest", template("/rest/**.m3u8")) +
        direct("t_variable", template("/var/{name=en/*}/x")) +
        rewritten("r_swap", "/swap/{a}/{b}", "/{b}/and/{a}") +
        rewritten("r_rest", "/files/{path=**}", "/store/{path}"),
    }),
    httpListener("parameters", {
      routeConfig: "ignore_path_parameters_in_path_matching: true",
      routes: direct("path", "path: /one") + direct("prefix", "prefix: /two/three") +
        direct("separated", "path_separated_prefix: /sep") + direct("regex", 'safe_regex: { regex: "/re[0-9]" }') +
        direct("t", template("/tem/*")),
    }),
  ], [cluster("u")]),
  exchanges: [
    get("a cookie", "/cookie", "Cookie: z=0; a=1\r\n"),
    get("a cookie in a second header", "/cookie", "Cookie: z=0\r\nCookie: a=1\r\n"),
    get("a cookie twice: the first", "/cookie", "Cookie: a=1; a=2; b=xx\r\n"),
    get("a cookie twice: the second", "/cookie", "Cookie: a=2; a=1; b=xx\r\n"),
    get("a cookie in quotes", "/cookie", 'Cookie: a="1"\r\n'),
    get("a cookie that must be another", "/cookie", "Cookie: b=yy\r\n"),
    get("a cookie that must be another, and is absent", "/cookie"),
    get("a cookie that must be another, and is not", "/cookie", "Cookie: b=xy\r\n"),
    get("dynamic metadata that is not there", "/metadata", "X-A: 1\r\n"),
    get("dynamic metadata that must not be there", "/metadata", "X-B: 1\r\n"),
    get("dynamic metadata, inverted", "/metadata"),
    get("filter state that is not there", "/state"),
    get("TLS on a connection without", "/tls"),
    get("a fraction of none and of all", "/fraction"),
    get("a missing header as empty", "/empty"),
    get("a header that is not empty", "/empty", "X-E: 1\r\n"),
    get("a header in another case, and a query without value", "/case?q", "X-C: AlphaBETA\r\n"),
    get("kinds of header matches", "/kinds", "X-K: aaa\r\nX-S: the end\r\n"),
    get("kinds of header matches, one of two values", "/kinds", "X-K: b\r\nX-K: aa\r\nX-S: end\r\n"),
    ...["/not", "/not-empty", "/not-range", "/not-old"].flatMap((path) => [
      get(`a header that must be another: ${path}`, path, "X-N: b\r\n"),
      get(`a header that must be another, and is not: ${path}`, path, "X-N: a\r\nX-N: 3\r\n"),
      get(`a header that must be another, and is absent: ${path}`, path),
    ]),
    get("a substitution of a group that there is not", "/no-group?q"),
    get("a query parameter that must be absent", "/query?z=1"),
    get("a query parameter that must be absent and is there", "/query?q=1"),
    get("a query parameter with escapes", "/query?q=%31"),
    get("a template with a glob", "/t/abc/end.html?x"),
    get("a template's glob is one segment", "/t/a/b/end.html"),
    get("a template's glob is not empty", "/t//end.html"),
    get("a template's dot is a dot", "/t/abc/endxhtml"),
    get("a template with a suffix", "/rest/a/b/c.m3u8"),
    get("stars in a path", "/t/a*c/end.html"),
    get("stars in the rest of a path", "/rest/*/**.m3u8"),
    get("a template with a variable", "/var/en/us/x"),
    get("a template whose variable begins otherwise", "/var/de/us/x"),
    get("a path rewritten by a template", "/swap/one/two?q=1"),
    get("a rest rewritten by a template", "/files/a/b/c"),
    get("a path rewritten by a template, with a character it has not", "/swap/o=e/two"),
    { ...get("path parameters are left out of a path", "/one;v=1/more"), listener: "parameters" },
    { ...get("path parameters are left out of a prefix", "/two;v=1/three"), listener: "parameters" },
    { ...get("path parameters at the end of a prefix", "/two/three;v=1/x"), listener: "parameters" },
    { ...get("path parameters and a separated prefix", "/sep;a/b"), listener: "parameters" },
    { ...get("path parameters and a regular expression", "/re1;a/b"), listener: "parameters" },
    { ...get("path parameters and a template", "/tem/a;b"), listener: "parameters" },
  ],
};
