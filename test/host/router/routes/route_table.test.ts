// test/host/router/routes/route_table.test.ts: virtual hosts, TLS requirements, the levels of filter configuration.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { answer, ask, bodyOf, direct, infoOf, requestOf, tableOf, tableOfRoutes } from "../support.ts";

const host = (name: string, domains: string[], more: object = {}): object => ({
  name,
  domains,
  routes: [direct({ path: "/only" }, name)],
  ...more,
});
const HOSTS = [
  host("exact", ["A.Example", "a.example:81", "*.b.example", "[::1]"]),
  host("suf", ["*.example"]),
  host("suf2", ["*-x.example"]),
  host("pre", ["foo.*"]),
  host("pre2", ["foo.bar*"]),
  host("star", ["*"]),
];

test("exact, then the longest suffix, then the longest prefix, then the wildcard", () => {
  const table = tableOf({ virtual_hosts: HOSTS });
  const seen = "a.example=exact A.EXAMPLE=exact a.example:81=exact a.example:80=star x.b.example=exact " +
    "b.example=suf .example=star q.example=suf q-x.example=suf2 -x.example=suf foo.=star foo.q=pre foo.bar=pre " +
    "foo.barn=pre2 foo.b.example=exact zzz=star [::1]=exact [::1]:80=star zz:99=star";
  for (const row of seen.split(" ")) {
    const [name, expected] = row.split("=") as [string, string];
    assert.is(answer(table, { host: name, path: "/only" }), expected, name);
  }
});

test("ignore_port_in_host_matching", () => {
  const table = tableOf({ ignore_port_in_host_matching: true, virtual_hosts: HOSTS });
  for (const name of ["a.example:80", "[::1]:80", "[::1]"]) {
    assert.is(answer(table, { host: name, path: "/only" }), "exact", name);
  }
});

test("another virtual host is not tried when no route matches", () => {
  const table = tableOf({
    virtual_hosts: [host("a", ["a.example"]), { name: "s", domains: ["*"], routes: [direct({ prefix: "/" }, "s")] }],
  });
  assert.is(answer(table, { host: "a.example", path: "/other" }), null);
  assert.is(answer(table, { host: "b.example", path: "/other" }), "s");
});

test("without a wildcard an unknown host has no route", () => {
  const table = tableOf({ virtual_hosts: [host("a", ["a.example"])] });
  assert.is(ask(table, { host: "b.example", path: "/only" }), null);
});

test("require_tls sends plaintext to https, port and all", () => {
  const table = tableOf({
    virtual_hosts: [
      host("all", ["tls", "tls:80"], { require_tls: "ALL" }),
      host("ext", ["ext"], {
        require_tls: "EXTERNAL_ONLY",
      }),
    ],
  });
  const location = (asked: Parameters<typeof requestOf>[0]): string | null =>
    ask(table, asked)!.location(requestOf(asked), infoOf(asked));
  assert.is(ask(table, { host: "tls", path: "/a?b" })!.status, 301);
  assert.is(ask(table, { host: "tls", path: "/a?b" })!.kind, "redirect");
  assert.is(location({ host: "tls", path: "/a?b" }), "https://tls/a?b");
  assert.is(location({ host: "tls:80", path: "/a" }), "https://tls:80/a");
  assert.is(location({ host: "ext", path: "/a" }), "https://ext/a");
  assert.is(answer(table, { host: "tls", path: "/only", headers: [["x-forwarded-proto", "https"]] }), "all");
  assert.is(answer(table, { host: "ext", path: "/only", headers: [["x-envoy-internal", "true"]] }), "ext");
});

test("the most specific level configures a filter, and may switch it off or on", () => {
  const wrapped = (fields: object): object => ({
    "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
    ...fields,
  });
  const cors = { "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy" };
  const rbac = { "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute" };
  const table = tableOf({
    typed_per_filter_config: { one: cors, two: cors, off: wrapped({ disabled: true }) },
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      typed_per_filter_config: { two: rbac, off: wrapped({ config: cors }) },
      routes: [
        direct({ path: "/route" }, "", { typed_per_filter_config: { one: rbac, off: wrapped({ disabled: true }) } }),
        direct({ path: "/plain" }, ""),
      ],
    }],
  });
  const CORS = "envoy.extensions.filters.http.cors.v3.CorsPolicy";
  const RBAC = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
  const route = ask(table, "/route")!;
  assert.is(route.perFilterConfig("one"), RBAC);
  assert.is(route.perFilterConfig("two"), RBAC);
  assert.equal(route.perFilterConfigs("two"), [CORS, RBAC]);
  assert.is(route.perFilterConfig("three"), null);
  assert.is(route.filterDisabled("off"), true);
  assert.is(route.filterDisabled("one"), false);
  assert.is(route.filterDisabled("three"), null);
  const plain = ask(table, "/plain")!;
  assert.is(plain.perFilterConfig("one"), CORS);
  assert.is(plain.filterDisabled("off"), false);
  assert.is(plain.perFilterConfig("off"), CORS);
});

test("a route knows its names, metadata and times", () => {
  const table = tableOf({
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      include_request_attempt_count: true,
      metadata: { filter_metadata: { a: { host: true } } },
      routes: [{
        name: "r",
        match: { prefix: "/a" },
        metadata: { filter_metadata: { a: { b: [1, "x"] } } },
        route: {
          cluster: "c",
          timeout: "2.5s",
          idle_timeout: "0s",
          cluster_not_found_response_code: "NOT_FOUND",
          max_stream_duration: {
            max_stream_duration: "9s",
            grpc_timeout_header_max: "0s",
            grpc_timeout_header_offset: "0.1s",
          },
        },
      }, { match: { prefix: "/" }, route: { cluster: "c" } }],
    }],
  });
  const route = ask(table, "/a")!;
  assert.equal([route.name, route.virtualHostName, route.clusterName, route.kind], ["r", "v", "c", "cluster"]);
  assert.equal(Object.fromEntries(route.metadata), { a: { b: [1, "x"] } });
  assert.equal(Object.fromEntries(route.virtualHostMetadata), { a: { host: true } });
  assert.equal([route.timeoutMs, route.idleTimeoutMs], [2500, 0]);
  assert.equal(route.streamDuration, { maxMs: 9000, grpcTimeoutHeaderMaxMs: 0, grpcTimeoutHeaderOffsetMs: 100 });
  assert.is(route.clusterNotFoundStatus, 404);
  assert.equal([route.includeRequestAttemptCount, route.includeAttemptCountInResponse], [true, false]);
  const plain = ask(table, "/")!;
  assert.equal([plain.timeoutMs, plain.idleTimeoutMs, plain.streamDuration], [15_000, null, null]);
  assert.is(plain.clusterNotFoundStatus, 503);
});

test("CONNECT has no path: only a route that asks for it takes it, in its order", () => {
  const connect = (name: string, headers: object[] = []) => ({
    match: { connect_matcher: {}, headers },
    direct_response: { status: 200, body: { inline_string: name } },
  });
  const table = tableOfRoutes([
    { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "path" } } },
    connect("chosen", [{ name: "x-a", present_match: true }]),
    connect("any"),
  ]);
  const tunnel = (headers: [string, string][] = [], method = "CONNECT"): string | null => {
    const request = requestOf({ method, headers });
    request.path = null;
    const entry = table.route(request, infoOf(), 0);
    return entry === null ? null : bodyOf(entry);
  };
  assert.equal([tunnel(), tunnel([["x-a", "1"]]), tunnel([], "GET")], ["any", "chosen", null]);
  assert.is(answer(table, "/x"), "path");
  assert.is(ask(table, { path: "/x", method: "CONNECT" })!.virtualHostName, "v");
});

test("what a route says of upgrades", () => {
  const table = tableOfRoutes([{
    match: { prefix: "/" },
    route: {
      cluster: "c",
      upgrade_configs: [{ upgrade_type: "WebSocket" }, { upgrade_type: "other", enabled: false }],
    },
  }]);
  const entry = ask(table, "/")!;
  assert.equal(["websocket", "other", "connect"].map((type) => entry.allowsUpgrade(type)), [true, false, null]);
});

test.run();
