// test/conformance/differential/cases/paths.ts: what the settings of a connection manager make of paths.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

const PATHS = [
  "/a%2fb",
  "/a%2F%2Fb",
  "/a%5Cb",
  "/a\\b",
  "/a//b///c",
  "//",
  "/a/../b",
  "/a/..//../b",
  "/..",
  "/a/.",
  "/a/./b/",
  "/a;x/../b;y",
  "/%2e%2E/x",
  "/%61%7e%20%2d",
  "/%252f",
  "/a%00",
  "/a%",
  "/%zz%4",
  "/a/..%2fb",
  "/a%2f..%2f..%2fc",
  "/%5c..%5ca",
  "/a/b/..?x=%2f/../y",
  "/a%2f?x=//",
  "/%2F",
  "/a/...//.b/..c",
  "/a/..;/b",
  "/a/..;x=1/b",
  "/a/..;",
  "/a/.;/b",
  "/a/.;",
  "/a/...;/b",
  "/a/..;;/..;/b",
  "/a/..%3b/b",
  "/c/%2e%2e;/d",
  "/..;/a",
  "/a/%252e%252e/b",
  "/%c0%ae%c0%ae/a",
  "/%c3%a9%0d%0a%7f%3f%23",
  "/a:b@c!$&'()*+,;=~",
  '/a[b]{c}|^`"<>',
  "http://b.example/a/../c",
];

const ACTIONS = ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"];
const ACTION = "path_with_escaped_slashes_action";

/** Listeners by name, with their settings. */
const SETTINGS: Readonly<Record<string, string>> = {
  normalized: "normalize_path: true",
  merged: "merge_slashes: true",
  ...Object.fromEntries(ACTIONS.flatMap((action) => [
    [action.toLowerCase(), `${ACTION}: ${action}`],
    [`${action.toLowerCase()}_all`, `${ACTION}: ${action}\nnormalize_path: true\nmerge_slashes: true`],
  ])),
};

export const paths: Group = {
  name: "paths",
  listeners: Object.keys(SETTINGS),
  upstreams: ["u"],
  yaml: bootstrap(
    Object.entries(SETTINGS).map(([name, manager]) =>
      httpListener(name, {
        // A path that is refused must not end the connection.
        manager: `stream_error_on_invalid_http_message: true\ngenerate_request_id: false\n${manager}`,
        routes: '- { name: all, match: { prefix: "/" }, route: { cluster: u, timeout: 0s } }',
        log:
          'log_format: { text_format_source: { inline_string: "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%\\n" } }',
      })
    ),
    [cluster("u")],
  ),
  exchanges: Object.keys(SETTINGS).map((name) => ({
    name,
    listener: name,
    client: PATHS.flatMap((path) => [`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, "response"] as const),
  })),
};
