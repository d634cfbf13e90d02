// test/conformance/differential/explore/routes.ts: random route tables, and requests that nearly match.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group, Http2Client } from "../exchange.ts";
import type { Chance } from "./chance.ts";
import { fieldLines, type Fields, listLines, typed } from "./fields.ts";

const SEGMENTS = [
  "a",
  "A",
  "b",
  "ab",
  "a.b",
  "c",
  "%61",
  "a%2Fb",
  "a;x",
  "",
  "..",
  ".",
  "%2e%2e",
  "a-b",
  "*",
  "1",
  "22",
];
const PATHS = ["/", "/a", "/a/", "/a/b", "/A", "/ab", "/a/b/c", "/b", "/a%2Fb", "/a.b", "/c", "/a;x", "//a", "/1/22"];
const REGEXES = ["/a.*", "/[ab]+", "/a|/b", "/(a|b)/(.*)", ".*b", "/a/b?", "(?i)/A.*", "/\\d+/.*", "/.{1,3}", "[^?]*"];
const TEMPLATES = ["/a/*", "/{x}", "/{x}/{y}", "/a/**", "/**.b", "/{x=a/*}/c", "/{x}/b", "/{x=**}"];
const DOMAINS = [
  "a.test",
  "A.Test",
  "*.test",
  "*.a.test",
  "a.*",
  "x.a.*",
  "*",
  "a.test:80",
  "*-b.test",
  "b.test",
  "[::1]",
  "a.test:8080",
];
const HOSTS = [
  "a.test",
  "A.TEST",
  "x.a.test",
  "b.test",
  "x-b.test",
  "a.test:80",
  "a.test:8080",
  "a.other",
  "x.a.b",
  "other",
  "[::1]",
  "[::1]:80",
  "test",
  ".test",
  "a.test.",
];
const NAMES = [
  "x-a",
  "x-b",
  "X-C",
  "cookie",
  "content-type",
  ":path",
  ":authority",
  ":method",
  "x-forwarded-proto",
  "user-agent",
];
const VALUES = [
  "1",
  "2",
  "-5",
  "10",
  "abc",
  "ABC",
  "a",
  "",
  "a,b",
  "a b",
  "1.5",
  " 7",
  "application/grpc",
  "GET",
  "/a",
];
const COMMANDS = [
  "%REQ(x-a)%",
  "%REQ(:PATH)%",
  "%REQ(X-B?:METHOD):3%",
  "%PROTOCOL%",
  "%ROUTE_NAME%",
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%%",
  "%UPSTREAM_CLUSTER%",
  "%RESPONSE_CODE%",
  "%REQ(x-none)%",
  "%RESP(x-up)%",
  "%REQ(x-a)%-%REQ(x-b)%",
  "%PATH(NQ)%",
  "%PATH(WQ:PATH)%",
  "%RESPONSE_FLAGS%",
  "%BYTES_RECEIVED%",
  "%REQUESTED_SERVER_NAME%",
  "%VIRTUAL_CLUSTER_NAME%",
];
const ACTIONS = ["APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS"];

function stringMatch(chance: Chance): Fields {
  const value = chance.of(VALUES.filter((each) => each !== ""));
  return {
    ...chance.of<Fields>([
      { exact: chance.of(VALUES) },
      { prefix: value },
      { suffix: value },
      { contains: value },
      { safe_regex: { regex: chance.of(["[0-9]+", "a.*", ".*b", "(?i)abc", "1|2", ""].slice(0, 5)) } },
    ]),
    ...chance.maybe(4, () => ({ ignore_case: true })),
  };
}

function headerMatch(chance: Chance): Fields {
  return {
    name: chance.of(NAMES),
    ...chance.of<() => Fields>([
      () => ({ present_match: chance.oneIn(2) }),
      () => ({ string_match: stringMatch(chance) }),
      () => ({ range_match: { start: String(chance.below(5) - 6), end: String(chance.below(12)) } }),
      () => ({}),
      () => ({ exact_match: chance.of(VALUES) }),
      () => ({ prefix_match: "a" }),
      () => ({ contains_match: "b" }),
    ])(),
    ...chance.maybe(3, () => ({ invert_match: true })),
    ...chance.maybe(4, () => ({ treat_missing_header_as_empty: true })),
  };
}

function match(chance: Chance): Fields {
  const path = chance.of<() => Fields>([
    () => ({ prefix: chance.of(PATHS) }),
    () => ({ prefix: "/" }),
    () => ({ path: chance.of(PATHS) }),
    () => ({ safe_regex: { regex: chance.of(REGEXES) } }),
    () => ({
      path_separated_prefix: chance.of(PATHS.filter((each) => !each.endsWith("/") && /^[/\w.-]+$/.test(each))),
    }),
    () => ({
      path_match_policy: typed("t", "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", {
        path_template: chance.of(TEMPLATES),
      }),
    }),
  ])();
  return {
    ...path,
    ...chance.maybe(4, () => ({ case_sensitive: false })),
    ...chance.maybe(3, () => ({ headers: chance.list(1, 2, () => headerMatch(chance)) })),
    ...chance.maybe(4, () => ({
      query_parameters: chance.list(1, 2, () => ({
        name: chance.of(["q", "r", "Q"]),
        ...chance.of<() => Fields>([
          () => ({ present_match: chance.oneIn(2) }),
          () => ({ string_match: stringMatch(chance) }),
          () => ({}),
        ])(),
      })),
    })),
    ...chance.maybe(9, () => ({ grpc: {} })),
    ...chance.maybe(9, () => ({
      cookies: [{ name: chance.of(["s", "t"]), string_match: stringMatch(chance), invert_match: chance.oneIn(3) }],
    })),
  };
}

function headerValue(chance: Chance): Fields {
  return {
    header: {
      key: chance.of(["x-a", "x-b", "x-new", "x-new", "user-agent", "X-Up", "cookie"]),
      value: chance.of([...COMMANDS, "plain", "two", ""]),
    },
    ...chance.maybe(2, () => ({ append_action: chance.of(ACTIONS) })),
    ...chance.maybe(4, () => ({ keep_empty_value: true })),
  };
}

function mutations(chance: Chance): Fields {
  return {
    ...chance.maybe(4, () => ({ request_headers_to_add: chance.list(1, 3, () => headerValue(chance)) })),
    ...chance.maybe(
      6,
      () => ({ request_headers_to_remove: chance.list(1, 2, () => chance.of(["x-a", "x-b", "user-agent"])) }),
    ),
    ...chance.maybe(4, () => ({ response_headers_to_add: chance.list(1, 3, () => headerValue(chance)) })),
    ...chance.maybe(
      6,
      () => ({ response_headers_to_remove: chance.list(1, 2, () => chance.of(["x-up", "server", "x-new"])) }),
    ),
  };
}

function regexRewrite(chance: Chance): Fields {
  return {
    pattern: { regex: chance.of(["/a", "a", "^/(.)(.*)$", "b+", "[ab]", "(/)([^/]*)"]) },
    substitution: chance.of(["/z", "", "\\1", "\\0\\0", "x\\\\y", "/\\1-"].slice(0, 6)),
  };
}

function routeAction(chance: Chance): Fields {
  const path = chance.of<() => Fields>([
    () => ({}),
    () => ({}),
    () => ({ prefix_rewrite: chance.of(["/", "/z", "/z/", ""]) }),
    () => ({ regex_rewrite: regexRewrite(chance) }),
    () => ({ path_rewrite: chance.of(["/p", "/%REQ(x-a)%", "/p?z=1"]) }),
  ])();
  const host = chance.of<() => Fields>([
    () => ({}),
    () => ({}),
    () => ({ host_rewrite_literal: "new.test" }),
    () => ({ host_rewrite_header: "x-a" }),
    () => ({ auto_host_rewrite: true }),
    () => ({ host_rewrite_path_regex: { pattern: { regex: "^/([^/?]+).*$" }, substitution: "\\1.test" } }),
    () => ({ host_rewrite: "%REQ(:METHOD)%.test" }),
  ])();
  const target = chance.of<() => Fields>([
    () => ({ cluster: chance.of(["u", "v"]) }),
    () => ({ cluster: chance.of(["u", "v"]) }),
    () => ({ cluster_header: "x-a" }),
    () => ({
      weighted_clusters: {
        clusters: [
          {
            name: "u",
            weight: 1,
            ...mutations(chance),
            ...chance.maybe(3, () => ({ host_rewrite_literal: "w.test" })),
          },
          { name: "v", weight: 0 },
        ],
      },
    }),
  ])();
  return {
    route: {
      ...target,
      ...path,
      ...host,
      ...chance.maybe(4, () => ({ append_x_forwarded_host: true })),
      ...chance.maybe(5, () => ({ timeout: chance.of(["0s", "3s"]) })),
      ...chance.maybe(8, () => ({ cluster_not_found_response_code: "NOT_FOUND" })),
      ...chance.maybe(8, () => ({ priority: "HIGH" })),
      ...chance.maybe(8, () => ({ max_stream_duration: { grpc_timeout_header_max: "2s", max_stream_duration: "4s" } })),
      ...chance.maybe(8, () => ({ retry_policy: { retry_on: "5xx" } })),
    },
  };
}

function redirect(chance: Chance): Fields {
  return {
    redirect: {
      ...chance.of<() => Fields>([
        () => ({}),
        () => ({ https_redirect: true }),
        () => ({ scheme_redirect: chance.of(["ftp", "http", "HTTPS"]) }),
      ])(),
      ...chance.of<() => Fields>([
        () => ({}),
        () => ({ path_redirect: chance.of(["/r", "/r?z=1", "/r#f", "r"]) }),
        () => ({ prefix_rewrite: chance.of(["/r", "/", ""]) }),
        () => ({ regex_rewrite: regexRewrite(chance) }),
      ])(),
      ...chance.maybe(3, () => ({ host_redirect: chance.of(["new.test", "new.test:81"]) })),
      ...chance.maybe(3, () => ({ port_redirect: chance.of([80, 443, 8443]) })),
      ...chance.maybe(3, () => ({ strip_query: true })),
      ...chance.maybe(
        3,
        () => ({ response_code: chance.of(["FOUND", "SEE_OTHER", "TEMPORARY_REDIRECT", "PERMANENT_REDIRECT"]) }),
      ),
    },
  };
}

function directResponse(chance: Chance): Fields {
  return {
    direct_response: {
      status: chance.of([200, 201, 301, 404, 418, 503]),
      ...chance.maybe(2, () => ({ body: { inline_string: chance.of(["text", ""]) } })),
    },
  };
}

function route(chance: Chance, index: number): Fields {
  return {
    name: `r${index}`,
    match: match(chance),
    ...chance.of([routeAction, routeAction, routeAction, redirect, directResponse])(chance),
    ...mutations(chance),
    ...chance.maybe(9, () => ({ stat_prefix: "s" })),
    ...chance.maybe(12, () => ({ request_body_buffer_limit: "4" })),
  };
}

function virtualHosts(chance: Chance): Fields[] {
  const free = new Set(DOMAINS);
  const taken = new Set<string>();
  return chance.list(1, 4, (index) => {
    const domains = [...free].filter(() => chance.oneIn(4)).filter((domain) => {
      if (taken.has(domain.toLowerCase())) return false;
      taken.add(domain.toLowerCase());
      return true;
    });
    for (const domain of domains) free.delete(domain);
    return {
      name: `v${index}`,
      domains: domains.length > 0 ? domains : [`only-${index}.test`],
      routes: chance.list(1, 7, (i) => route(chance, index * 10 + i)),
      ...mutations(chance),
      ...chance.maybe(8, () => ({ require_tls: chance.of(["ALL", "EXTERNAL_ONLY"]) })),
      ...chance.maybe(4, () => ({ include_request_attempt_count: true })),
      ...chance.maybe(4, () => ({ include_attempt_count_in_response: true })),
      ...chance.maybe(6, () => ({ include_is_timeout_retry_header: true })),
      ...chance.maybe(4, () => ({
        virtual_clusters: [{ name: "vc", headers: [headerMatch(chance)] }],
      })),
    };
  });
}

/** The manager's options on which paths and trust depend. */
function manager(chance: Chance): Fields {
  return {
    ...chance.maybe(3, () => ({ normalize_path: true })),
    ...chance.maybe(3, () => ({ merge_slashes: true })),
    ...chance.maybe(
      3,
      () => ({
        path_with_escaped_slashes_action: chance.of([
          "REJECT_REQUEST",
          "UNESCAPE_AND_FORWARD",
          "UNESCAPE_AND_REDIRECT",
        ]),
      }),
    ),
    ...chance.maybe(3, () => ({ use_remote_address: true, ...chance.maybe(2, () => ({ xff_num_trusted_hops: 1 })) })),
    ...chance.maybe(3, () => chance.of<Fields>([{ strip_any_host_port: true }, { strip_matching_host_port: true }])),
    ...chance.maybe(8, () => ({ strip_trailing_host_dot: true })),
    ...chance.maybe(6, () => ({ via: "proxy" })),
    ...chance.maybe(6, () => ({ server_header_transformation: chance.of(["APPEND_IF_ABSENT", "PASS_THROUGH"]) })),
    ...chance.maybe(6, () => ({ preserve_external_request_id: true })),
    ...chance.maybe(6, () => ({ always_set_request_id_in_response: true })),
    ...chance.maybe(6, () => ({ scheme_header_transformation: { scheme_to_overwrite: "https" } })),
  };
}

function target(chance: Chance): string {
  const path = chance.oneIn(3) ? chance.of(PATHS) : `/${chance.list(0, 4, () => chance.of(SEGMENTS)).join("/")}`;
  const query = chance.oneIn(3)
    ? `?${
      chance.list(1, 3, () =>
        `${chance.of(["q", "r", "Q", "%71"])}${chance.of(["=", ""])}${chance.of(VALUES).replaceAll(" ", "+")}`).join(
          "&",
        )
    }`
    : "";
  return `${path}${query}${chance.oneIn(20) ? "#f" : ""}`;
}

function overHttp2(
  chance: Chance,
  method: string,
  authority: string,
  path: string,
  fields: readonly string[],
): Http2Client {
  const ask: [string, string][] = [
    [":method", method],
    [":scheme", chance.of(["http", "http", "https", "ftp"])],
    [":authority", authority],
    [":path", path],
    ...fields.map((field): [string, string] => {
      const colon = field.indexOf(": ");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 2).trim()];
    }),
  ];
  return { http2: [{ ask }, "response"] };
}

function request(chance: Chance, index: number): Exchange {
  const method = chance.of(["GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "PUT"]);
  const host = chance.of(HOSTS);
  const absolute = chance.oneIn(12) ? `${chance.of(["http", "https"])}://${chance.of(HOSTS)}` : "";
  const fields = [
    `Host: ${host}`,
    ...chance.some([...NAMES, "x-b"], 5).filter((name) => !name.startsWith(":") && name !== "cookie")
      .map((name) =>
        `${name}: ${name === "x-forwarded-proto" ? chance.of(["http", "https", "ftp"]) : chance.of(VALUES)}`
      ),
    ...(chance.oneIn(5) ? [`Cookie: ${chance.of(["s=1", "t=a; s=abc", "s", 's="1"', "; s=2"])}`] : []),
    ...(chance.oneIn(6) ? [`x-a: ${chance.of(["u", "v", "none", "u,v"])}`] : []),
    ...(chance.oneIn(10) ? ["content-type: application/grpc"] : []),
    ...(chance.oneIn(10)
      ? [`x-forwarded-for: ${chance.of(["10.0.0.1", "8.8.8.8", "8.8.8.8, 10.0.0.1", "junk"])}`]
      : []),
    ...(chance.oneIn(10) ? [`x-request-id: ${chance.of(["3e1a5c1e-0000-4000-8000-000000000001", "mine"])}`] : []),
    ...(chance.oneIn(10)
      ? [
        `${
          chance.of([
            "x-envoy-upstream-rq-timeout-ms",
            "x-envoy-max-retries",
            "x-envoy-upstream-alt-stat-name",
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-retry-on",
            "x-envoy-internal",
            "x-envoy-original-path",
            "x-envoy-decorator-operation",
            "x-envoy-force-trace",
            "x-envoy-ip-tags",
            "x-envoy-attempt-count",
          ])
        }: ${chance.of(["3000", "1", "5xx"])}`,
      ]
      : []),
    ...(chance.oneIn(12) ? [`grpc-timeout: ${chance.of(["1S", "5S", "3000m", "x", "0S"])}`] : []),
    ...(method === "POST" || method === "PUT" ? ["Content-Length: 2"] : []),
  ];
  const path = target(chance);
  const body = method === "POST" || method === "PUT" ? "hi" : "";
  const http1 = [
    `${method} ${absolute}${path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n${body}`,
    method === "HEAD" ? "response to HEAD" as const : "response" as const,
  ];
  return {
    name: `request ${index}`,
    // A body may come together with its head, or behind it, when the stream is over already.
    client: body === "" && chance.oneIn(4) ? overHttp2(chance, method, host, path, fields.slice(1)) : http1,
    upstreams: { u: { http: [ANSWER] }, v: { http: [ANSWER] } },
    anyConnection: true,
  };
}

const ANSWER = "HTTP/1.1 200 OK\r\nx-up: 1\r\nserver: up\r\nx-new: up\r\ncontent-length: 0\r\n\r\n";

/** One table, and requests for it. */
export function exploreRoutes(chance: Chance, seed: number): Group {
  return {
    name: `routes_${seed}`,
    listeners: ["main"],
    upstreams: ["u", "v"],
    yaml: bootstrap([
      httpListener("main", {
        virtualHosts: listLines(virtualHosts(chance)),
        routeConfig: fieldLines({
          ...mutations(chance),
          ...chance.maybe(4, () => ({ most_specific_header_mutations_wins: true })),
          ...chance.maybe(6, () => ({ ignore_port_in_host_matching: true })),
          ...chance.maybe(6, () => ({ ignore_path_parameters_in_path_matching: true })),
          ...chance.maybe(6, () => ({ internal_only_headers: ["x-b"] })),
        }),
        manager: fieldLines(manager(chance)),
        router: fieldLines({
          ...chance.maybe(6, () => ({ suppress_envoy_headers: true })),
          ...chance.maybe(6, () => ({ respect_expected_rq_timeout: true })),
        }),
      }),
    ], [cluster("u"), cluster("v")]),
    exchanges: chance.list(60, 60, (index) => request(chance, index)),
  };
}
