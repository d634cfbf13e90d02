// test/host/builder/proxy.test.ts: what is built is what one would have written.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NuncioError } from "../../../host/base/error.ts";
import { ProxyBuilder, validateConfiguration } from "../../../host/mod.ts";

/** As it goes to the loader. */
function built(builder: ProxyBuilder): unknown {
  return JSON.parse(JSON.stringify(builder));
}

test("a cluster with everything", () => {
  const builder = new ProxyBuilder().cluster("app", (app) =>
    app.endpoint("127.0.0.1:1", { weight: 3 })
      .endpoint("[::1]:2", { zone: "z" })
      .endpoint("unix:/run/app.sock", { zone: "z", hostname: "app" })
      .endpoint("127.0.0.1:3", { priority: 1, region: "r" })
      .loadBalancing({ policy: "least_request", choiceCount: 3 })
      .http2()
      .connectTimeoutMs(250)
      .httpHealthCheck({ path: "/health", intervalMs: 1500 })
      .outlierDetection({ consecutive5xx: 3 })
      .circuitBreakers({ maxRetries: 5 })
      .set({ dns_lookup_family: "V4_ONLY" }));
  const HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const socket = (address: string, port_value: number) => ({ socket_address: { address, port_value } });
  assert.equal(built(builder), {
    static_resources: {
      listeners: [],
      clusters: [{
        name: "app",
        type: "STATIC",
        load_assignment: {
          cluster_name: "app",
          endpoints: [
            { lb_endpoints: [{ endpoint: { address: socket("127.0.0.1", 1) }, load_balancing_weight: 3 }] },
            {
              locality: { zone: "z" },
              lb_endpoints: [
                { endpoint: { address: socket("::1", 2) } },
                { endpoint: { address: { pipe: { path: "/run/app.sock" } }, hostname: "app" } },
              ],
            },
            {
              locality: { region: "r" },
              priority: 1,
              lb_endpoints: [{ endpoint: { address: socket("127.0.0.1", 3) } }],
            },
          ],
        },
        connect_timeout: "0.25s",
        per_connection_buffer_limit_bytes: 32768,
        load_balancing_policy: {
          policies: [{
            typed_extension_config: {
              name: "envoy.load_balancing_policies.least_request",
              typed_config: {
                "@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
                choice_count: 3,
              },
            },
          }],
        },
        typed_extension_protocol_options: {
          [HTTP]: {
            "@type": `type.googleapis.com/${HTTP}`,
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        health_checks: [{
          interval: "1.5s",
          no_traffic_interval: "1.5s",
          timeout: "1s",
          healthy_threshold: 1,
          unhealthy_threshold: 3,
          http_health_check: { path: "/health" },
        }],
        outlier_detection: { consecutive_5xx: 3 },
        circuit_breakers: { thresholds: [{ priority: "DEFAULT", max_retries: 5 }] },
        dns_lookup_family: "V4_ONLY",
      }],
    },
  });
});

test("a name has to be resolved; a cluster without endpoints says its type itself", () => {
  const types = (builder: ProxyBuilder) =>
    (built(builder) as { static_resources: { clusters: { type?: string }[] } }).static_resources.clusters
      .map((each) => each.type);
  const builder = new ProxyBuilder()
    .cluster("a", (a) => a.endpoint("127.0.0.1:1").endpoint("app.internal:80"))
    .cluster("b", (b) => b.set({ type: "ORIGINAL_DST" }));
  assert.equal(types(builder), ["STRICT_DNS", "ORIGINAL_DST"]);
});

/** Routes of a listener that has nothing else. */
function routes(builder: ProxyBuilder): unknown {
  type Http = { typed_config: { route_config: { virtual_hosts: { routes: unknown }[] } } };
  const { static_resources: { listeners } } = built(builder) as {
    static_resources: { listeners: { filter_chains: { filters: Http[] }[] }[] };
  };
  return listeners[0]!.filter_chains[0]!.filters[0]!.typed_config.route_config.virtual_hosts[0]!.routes;
}

test("routes: matches and actions", () => {
  const builder = new ProxyBuilder().listener("web", ":80", (web) =>
    web.http((http) =>
      http
        .route(
          { path: "/a", method: "GET", headers: { "x-a": /[0-9]+/ }, query: { q: "1" }, grpc: true },
          (route) => route.to({ one: 1, two: 3 }).timeoutMs(0).retry({ on: "5xx", retries: 2, perTryTimeoutMs: 100 }),
        )
        .route(
          { regex: /\/v[0-9]+/ },
          (route) => route.to("app").rewritePrefix("/").rewriteHost("h").mirror("shadow", 2.5).hashHeader("x-user"),
        )
        .route({ pathSeparatedPrefix: "/p" }, (route) => route.redirect({ https: true, host: "h", status: 308 }))
        .route(
          "/",
          (route) =>
            route.reply(503, "later").setResponseHeader("retry-after", "1").setRequestHeader("a", "b")
              .filter("f", false).filter("g", true).set({ name: "all" }),
        )
    ));
  const exact = (name: string, text: string) => ({ name, string_match: { exact: text } });
  const CONFIG = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
  assert.equal(routes(builder), [
    {
      match: {
        path: "/a",
        headers: [exact(":method", "GET"), { name: "x-a", string_match: { safe_regex: { regex: "[0-9]+" } } }],
        query_parameters: [exact("q", "1")],
        grpc: {},
      },
      route: {
        weighted_clusters: { clusters: [{ name: "one", weight: 1 }, { name: "two", weight: 3 }] },
        timeout: "0s",
        retry_policy: { retry_on: "5xx", num_retries: 2, per_try_timeout: "0.1s" },
      },
    },
    {
      match: { safe_regex: { regex: "\\/v[0-9]+" } },
      route: {
        cluster: "app",
        prefix_rewrite: "/",
        host_rewrite_literal: "h",
        request_mirror_policies: [
          { cluster: "shadow", runtime_fraction: { default_value: { numerator: 25000, denominator: "MILLION" } } },
        ],
        hash_policy: [{ header: { header_name: "x-user" } }],
      },
    },
    {
      match: { path_separated_prefix: "/p" },
      redirect: { https_redirect: true, host_redirect: "h", response_code: "PERMANENT_REDIRECT" },
    },
    {
      match: { prefix: "/" },
      direct_response: { status: 503, body: { inline_string: "later" } },
      response_headers_to_add: [
        { header: { key: "retry-after", value: "1" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
      ],
      request_headers_to_add: [{ header: { key: "a", value: "b" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }],
      typed_per_filter_config: {
        f: { "@type": CONFIG, disabled: true },
        g: { "@type": CONFIG, config: {} },
      },
      name: "all",
    },
  ]);
});

test("what is built loads, with the best practices for the edge; parts asked for again get more", async () => {
  const builder = new ProxyBuilder()
    .admin("127.0.0.1:0")
    .cluster("fast", (fast) => fast.endpoint("127.0.0.1:1").loadBalancing({ policy: "peak_ewma" }))
    .cluster(
      "app",
      (app) =>
        app.endpoint("127.0.0.1:1").endpoint("localhost:2").loadBalancing({ policy: "ring_hash", minimumRingSize: 64 })
          .http2().circuitBreakers({ maxConnections: 1, maxPendingRequests: 2, maxRequests: 3 }),
    )
    .listener(
      "web",
      "[::1]:0",
      (web) =>
        web.http((http) =>
          http.webSockets().streamIdleTimeoutMs(0).accessLog("/dev/null", "%REQ(:PATH)%\n").accessLog("/dev/stdout")
            .host(["a.example", "*.a.example"], (host) => host.route("/", (route) => route.to("app")))
            .route("/one", (route) => route.redirect({ prefix: "/two" }))
        ).http((http) => http.route("/two", (route) => route.reply(200))),
    )
    .listener(
      "tcp",
      "127.0.0.1:0",
      (tcp) => tcp.tcp("app", { idle_timeout: "1s" }).set({ traffic_direction: "INBOUND" }),
    )
    .set({ node: { id: "n" } });
  const { problems, text } = await validateConfiguration(builder);
  assert.equal(problems, [], text);
  const json = JSON.stringify(builder);
  for (const field of ["use_remote_address", "UNESCAPE_AND_REDIRECT", "REJECT_REQUEST"]) assert.match(json, field);
  assert.is(json.split('"stat_prefix":"web"').length, 2);
});

test("problems are shown where the builder put them", async () => {
  const builder = new ProxyBuilder().listener(
    "web",
    "127.0.0.1:0",
    (web) => web.http((http) => http.route("/", (route) => route.to("nowhere").set({ route: { timout: "1s" } }))),
  );
  const { problems, text } = await validateConfiguration(builder);
  assert.equal(problems.map((each) => each.code), ["config/unknown-field"]);
  assert.match(text, "the built configuration");
  assert.match(text, "timeout");
});

test("addresses that are none", () => {
  for (const address of ["127.0.0.1", "host:", "::1:80", "[::1]", "h:70000", ""]) {
    assert.throws(
      () => new ProxyBuilder().admin(address),
      (error: unknown) => error instanceof NuncioError && error.code === "config/bad-address",
    );
  }
});

test.run();
