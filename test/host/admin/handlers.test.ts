// test/host/admin/handlers.test.ts: what each endpoint answers, against the real Envoy's answers.
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CLUSTERS, withAdmin } from "./fake_view.ts";

test("/ready", () =>
  withAdmin(async ({ get, server }) => {
    for (
      const [state, status] of [["LIVE", 200], ["DRAINING", 503], ["INITIALIZING", 503], [
        "PRE_INITIALIZING",
        503,
      ]] as const
    ) {
      server.state = state;
      const answer = await get("/ready");
      assert.equal([answer.status, answer.body], [status, `${state}\n`]);
    }
  }));

test("/server_info and /hot_restart_version", () =>
  withAdmin(async ({ get }) => {
    const { headers, body } = await get("/server_info");
    assert.is(headers["content-type"], "application/json");
    assert.is(
      body,
      `{
 "version": "abc/0.1.0/Clean/RELEASE/OpenSSL",
 "state": "LIVE",
 "uptime_current_epoch": "9s",
 "uptime_all_epochs": "9s",
 "hot_restart_version": "11.104",
 "command_line_options": {
  "concurrency": 1
 },
 "node": {
  "id": "n1"
 }
}
`,
    );
    assert.is((await get("/hot_restart_version")).body, "11.104");
  }));

test("/clusters", () =>
  withAdmin(async ({ get }) => {
    const { body } = await get("/clusters");
    assert.is(
      body,
      `none::observability_name::none
none::outlier::success_rate_average::-1
none::outlier::success_rate_ejection_threshold::-1
none::outlier::local_origin_success_rate_average::-1
none::outlier::local_origin_success_rate_ejection_threshold::-1
none::default_priority::max_connections::1024
none::default_priority::max_pending_requests::1024
none::default_priority::max_requests::1024
none::default_priority::max_retries::3
none::high_priority::max_connections::1024
none::high_priority::max_pending_requests::1024
none::high_priority::max_requests::1024
none::high_priority::max_retries::3
none::added_via_api::false
none::127.0.0.1:9::cx_active::0
none::127.0.0.1:9::cx_connect_fail::1
none::127.0.0.1:9::cx_total::1
none::127.0.0.1:9::rq_active::0
none::127.0.0.1:9::rq_error::1
none::127.0.0.1:9::rq_pending_active::0
none::127.0.0.1:9::rq_success::0
none::127.0.0.1:9::rq_timeout::0
none::127.0.0.1:9::rq_total::0
none::127.0.0.1:9::hostname::
none::127.0.0.1:9::health_flags::/failed_active_hc
none::127.0.0.1:9::weight::1
none::127.0.0.1:9::region::
none::127.0.0.1:9::zone::
none::127.0.0.1:9::sub_zone::
none::127.0.0.1:9::canary::false
none::127.0.0.1:9::priority::0
none::127.0.0.1:9::success_rate::-1
none::127.0.0.1:9::local_origin_success_rate::-1
${body.slice(body.indexOf("a::observability_name"))}`,
    );
    const a = (await get("/clusters?filter=^a$")).body;
    assert.ok(a.startsWith("a::observability_name::a\na::default_priority::max_connections::1024\n"), a);
    assert.ok(a.includes("\na::[::1]:18090::cx_active::0\n"), a);
    assert.ok(
      a.includes(
        "\na::[::1]:18090::region::r1\na::[::1]:18090::zone::z1\na::[::1]:18090::sub_zone::s1\na::[::1]:18090::canary::true\n",
      ),
      a,
    );
    const bad = await get("/clusters?filter=(");
    assert.equal([bad.status, bad.body], [400, "Invalid re2 regex: missing closing ): (\n"]);
  }));

test("/clusters?format=json", () =>
  withAdmin(async ({ get }) => {
    const { body } = await get("/clusters?format=json&filter=none");
    const gauges = ["cx_active", "rq_active", "rq_pending_active"].map((name) => ({ type: "GAUGE", name }));
    assert.equal(JSON.parse(body), {
      cluster_statuses: [{
        name: "none",
        host_statuses: [{
          address: { socket_address: { address: "127.0.0.1", port_value: 9 } },
          stats: [
            { value: "1", name: "cx_connect_fail" },
            { value: "1", name: "cx_total" },
            { value: "1", name: "rq_error" },
            { name: "rq_success" },
            { name: "rq_timeout" },
            { name: "rq_total" },
            ...gauges,
          ],
          health_status: { failed_active_health_check: true, eds_health_status: "HEALTHY" },
          weight: 1,
          locality: {},
        }],
        circuit_breakers: {
          thresholds: [
            { max_connections: 1024, max_pending_requests: 1024, max_requests: 1024, max_retries: 3 },
            { priority: "HIGH", max_connections: 1024, max_pending_requests: 1024, max_requests: 1024, max_retries: 3 },
          ],
        },
        observability_name: "none",
      }],
    });
    const a = JSON.parse((await get("/clusters?format=json&filter=^a")).body).cluster_statuses[0].host_statuses[0];
    assert.equal(a.address, { socket_address: { address: "::1", port_value: 18090 } });
    assert.equal([a.hostname, a.locality], ["one.example", { region: "r1", zone: "z1", sub_zone: "s1" }]);
  }));

test("/listeners", () =>
  withAdmin(async ({ get }) => {
    assert.is(
      (await get("/listeners")).body,
      "web::127.0.0.1:18080\nboth::0.0.0.0:80\nboth::[::]:80\nsock::/run/a.sock\n",
    );
    const json = await get("/listeners?format=json");
    assert.is(json.headers["content-type"], "application/json");
    assert.equal(JSON.parse(json.body).listener_statuses, [
      { name: "web", local_address: { socket_address: { address: "127.0.0.1", port_value: 18080 } } },
      {
        name: "both",
        local_address: { socket_address: { address: "0.0.0.0", port_value: 80 } },
        additional_local_addresses: [{ socket_address: { address: "::", port_value: 80 } }],
      },
      { name: "sock", local_address: { pipe: { path: "/run/a.sock" } } },
    ]);
  }));

test("/stats: forms, filters, and what is wrong with a request", () =>
  withAdmin(async ({ get, server }) => {
    server.stats.counter("cluster.a.upstream_rq_200").add(8);
    server.stats.counter("cluster.b+c.idle");
    assert.is((await get("/stats?filter=^cluster")).body, "cluster.a.upstream_rq_200: 8\ncluster.b+c.idle: 0\n");
    assert.is((await get("/stats?usedonly&filter=^cluster")).body, "cluster.a.upstream_rq_200: 8\n");
    assert.is((await get("/stats?filter=b\\+c")).body, "cluster.b+c.idle: 0\n");
    assert.is((await get("/stats?filter=b%5C%2Bc&type=Counters")).body, "cluster.b+c.idle: 0\n");
    assert.not.ok((await get("/stats?filter=^cluster&invert_filter")).body.includes("cluster."));
    const json = await get("/stats?format=json&filter=_200");
    assert.equal([json.headers["content-type"], json.body], [
      "application/json",
      '{"stats":[{"name":"cluster.a.upstream_rq_200","value":8}]}',
    ]);
    const prometheus =
      '# TYPE envoy_cluster_upstream_rq counter\nenvoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="a"} 8\n';
    for (const path of ["/stats/prometheus?filter=_200", "/stats?format=prometheus&filter=_200"]) {
      const answer = await get(path);
      assert.equal([answer.headers["content-type"], answer.body], ["text/plain; charset=UTF-8", prometheus]);
    }
    const html = await get("/stats?format=html&filter=cluster");
    assert.is(html.headers["content-type"], "text/html; charset=UTF-8");
    for (
      const [path, body] of [
        ["/stats?format=xml", "usage: /stats?format=(html|active-html|json|prometheus|text)\n\n"],
        ["/stats?filter=(", "Invalid re2 regex: missing closing ): (\n"],
        ["/stats?type=Foo", "invalid &type= param"],
        ["/stats?histogram_buckets=zzz", "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n"],
        [
          "/stats/prometheus?histogram_buckets=detailed",
          "usage: /stats/prometheus?histogram_buckets=(cumulative|summary)\n",
        ],
      ]
    ) {
      const answer = await get(path!);
      assert.equal([answer.status, answer.body], [400, body]);
    }
  }));

test("/stats: hosts of clusters that show them come after everything else that is counted", () =>
  withAdmin(async ({ get, server }) => {
    server.stats.counter("cluster.z").inc();
    server.tracked = CLUSTERS.map((cluster) => ({ ...cluster, tracksEndpoints: cluster.name === "a" }));
    const endpoint = "cluster.a.endpoint.[__1]_18090";
    assert.is(
      (await get("/stats?usedonly&filter=^cluster")).body,
      `cluster.z: 1
${endpoint}.cx_connect_fail: 0
${endpoint}.cx_total: 1
${endpoint}.rq_error: 0
${endpoint}.rq_success: 8
${endpoint}.rq_timeout: 0
${endpoint}.rq_total: 8
${endpoint}.cx_active: 0
${endpoint}.rq_active: 0
${endpoint}.rq_pending_active: 0
${endpoint}.healthy: 1
`,
    );
    assert.is(
      (await get("/stats/prometheus?filter=rq_success")).body,
      `# TYPE envoy_cluster_endpoint_rq_success counter
envoy_cluster_endpoint_rq_success{envoy_cluster_name="a",envoy_endpoint_address="[::1]:18090",envoy_endpoint_hostname="one.example"} 8
`,
    );
  }));

test("/stats: histograms in the mode that is asked for", () =>
  withAdmin(async ({ get, server }) => {
    server.stats.histogram("h").record(3);
    server.stats.flush();
    assert.match((await get("/stats?filter=^h$")).body, /^h: P0\(3\.05,3\.05\) /);
    assert.match(
      (await get("/stats?filter=^h$&histogram_buckets=cumulative")).body,
      /^h: B0\.5\(0,0\) B1\(0,0\) B5\(1,1\)/,
    );
    assert.match((await get("/stats/prometheus?filter=^h$&histogram_buckets=summary")).body, /# TYPE envoy_h summary/);
  }));

test("/reset_counters", () =>
  withAdmin(async ({ post, server }) => {
    server.stats.counter("c").add(3);
    assert.is((await post("/reset_counters")).body, "OK\n");
    assert.is(server.stats.valueOf("c"), 0);
  }));

test("/config_dump: sections in order, clusters by name, routes out of listeners, no secrets", () =>
  withAdmin(async ({ get }) => {
    const { body, headers } = await get("/config_dump");
    assert.is(headers["content-type"], "application/json");
    assert.ok(
      body.startsWith('{\n "configs": [\n  {\n   "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",\n'),
    );
    const { configs } = JSON.parse(body);
    const admin = "type.googleapis.com/envoy.admin.v3.";
    assert.equal(
      configs.map((section: Record<string, string>) => section["@type"]),
      ["Bootstrap", "Clusters", "Listeners", "ScopedRoutes", "Routes", "Secrets"].map((name) =>
        `${admin}${name}ConfigDump`
      ),
    );
    assert.equal(configs[1].static_clusters.map((row: { cluster: { name: string } }) => row.cluster.name), [
      "a",
      "none",
    ]);
    assert.equal(configs[4].static_route_configs[0], {
      route_config: {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        name: "local",
        virtual_hosts: [],
      },
      last_updated: "2026-11-21T14:05:34.547Z",
    });
    assert.not.match(body, /hunter2|BEGIN PRIVATE/);
    assert.is(configs[5].static_secrets[0].secret.generic_secret.secret.inline_string, "[redacted]");
    const eds = JSON.parse((await get("/config_dump?include_eds")).body).configs[6];
    assert.is(eds.static_endpoint_configs[0].endpoint_config.cluster_name, "a");
  }));

test("/config_dump?resource, mask, name_regex", () =>
  withAdmin(async ({ get }) => {
    const configs = async (query: string): Promise<unknown> =>
      JSON.parse((await get(`/config_dump?${query}`)).body).configs;
    const row = (name: string): unknown => ({
      "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster",
      cluster: { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", name },
    });
    assert.equal(await configs("resource=static_clusters&mask=cluster.name"), [row("a"), row("none")]);
    assert.equal(await configs("resource=static_clusters&mask=cluster.name&name_regex=^n"), [row("none")]);
    assert.equal(await configs("resource=dynamic_listeners"), []);
    assert.equal(await configs("mask=bootstrap.node.id"), [
      { "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", bootstrap: { node: { id: "n1" } } },
    ]);
    for (
      const [query, status, body] of [
        ["resource=foo", 404, "foo not found in config dump"],
        ["resource=constructor", 404, "constructor not found in config dump"],
        ["resource=bootstrap", 400, "bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field"],
        ["resource=static_clusters&mask=foo.bar", 400, 'FieldMask paths: "foo.bar"\n could not be successfully used.'],
        ["name_regex=(", 400, "Invalid re2 regex: missing closing ): (\n"],
      ] as const
    ) {
      const answer = await get(`/config_dump?${query}`);
      assert.equal([answer.status, answer.body], [status, body]);
    }
  }));

test("/logging shows and sets levels", () =>
  withAdmin(async ({ post, server }) => {
    const { body } = await post("/logging");
    assert.ok(body.startsWith("active loggers:\n  a2a: info\n  admin: info\n"), body);
    assert.ok(body.endsWith("  ip_tagging: info\n\n"), body);
    assert.match((await post("/logging?wasm=trace")).body, /\n {2}wasm: trace\n/);
    await post("/logging?paths=upstream:debug,http:warn");
    assert.equal([server.logs.levels()["upstream"], server.logs.levels()["http"], server.logs.levels()["main"]], [
      "debug",
      "warning",
      "info",
    ]);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    await post("/logging", "paths=&level=error", form);
    assert.equal(new Set(Object.values(server.logs.levels())), new Set(["error"]));
    for (
      const [query, message] of [
        ["foo=trace", "unknown logger name"],
        ["wasm=blah", "unknown logger level"],
        ["level=nope", "unknown logger level"],
        ["a=1&b=2", "invalid number of parameters"],
        ["paths=upstream", "empty logger name or empty logger level"],
        ["toString=info", "unknown logger name"],
      ] as const
    ) {
      const answer = await post(`/logging?${query}`);
      assert.is(answer.status, 400);
      assert.ok(
        answer.body.startsWith(`error: ${message}\n\nusage: /logging?<name>=<level> (change single level)\n`),
        answer.body,
      );
    }
    assert.equal(new Set(Object.values(server.logs.levels())), new Set(["error"]), "a refused request changes nothing");
  }));

test("/drain_listeners, /healthcheck, /reopen_logs", () =>
  withAdmin(async ({ get, post, server }) => {
    assert.is((await post("/drain_listeners")).body, "OK\n");
    await post("/drain_listeners?graceful&inboundonly");
    await post("/drain_listeners?skip_exit");
    await post("/reopen_logs");
    await post("/healthcheck/fail");
    assert.equal((await get("/ready")).body, "DRAINING\n");
    await post("/healthcheck/ok");
    assert.equal(server.calls, [
      'drain {"graceful":false,"inboundOnly":false,"skipExit":false}',
      'drain {"graceful":true,"inboundOnly":true,"skipExit":false}',
      'drain {"graceful":false,"inboundOnly":false,"skipExit":true}',
      "reopen",
      "fail true",
      "fail false",
    ]);
  }));

test("/memory, /certs, /runtime, /runtime_modify, /init_dump", () =>
  withAdmin(async ({ server, get, post }) => {
    assert.is(
      (await get("/memory")).body,
      `{
 "allocated": "110",
 "heap_size": "310",
 "pageheap_unmapped": "0",
 "pageheap_free": "200",
 "total_thread_cache": "0",
 "total_physical_bytes": "1000"
}
`,
    );
    assert.equal(JSON.parse((await get("/certs")).body).certificates.length, 1);
    assert.equal(JSON.parse((await get("/runtime")).body), {
      entries: {
        "a.b": { final_value: "2.5", layer_values: ["1", "2.5"] },
        d: { final_value: "true", layer_values: ["true", ""] },
        f: { final_value: '{"numerator":5}', layer_values: ["", '{"numerator":5}'] },
      },
      layers: ["first", "second"],
    });
    const modify = await post("/runtime_modify?a=b");
    assert.equal([modify.status, modify.body], [503, "No admin layer specified"]);
    server.hasAdminLayer = true;
    assert.equal((await post("/runtime_modify?a=b&c=")).body, "OK\n");
    assert.is(server.calls.at(-1), "modify runtime a=b c=");
    assert.is((await post("/runtime_modify")).status, 400);
    assert.equal(JSON.parse((await get("/init_dump?mask=listener")).body), {
      unready_targets_dumps: [{ name: "listener-init-target web", target_names: ["rds"] }],
    });
    assert.is((await get("/init_dump?mask=x")).body, "{}\n");
  }));

test("/filters", () =>
  withAdmin(async ({ get }) => {
    assert.equal(JSON.parse((await get("/filters")).body), {
      filters: [{
        name: "guard",
        root_id: "",
        vm_id: "vm",
        file: "/etc/guard.wasm",
        source: "/etc/guard.wasm",
        image_digest: null,
        signed_by: null,
        abi_version: "0.2.1",
        version: 2,
        sha256: "bb",
        previous_sha256: "aa",
        last_error: null,
        trace: "lengths",
        vms: 2,
        memory_bytes: 196608,
        streams: 3,
        timers: 2,
        http_calls: 6,
        grpc_calls: 4,
        dns_lookups: 2,
        calls: 2000,
        fuel_spent: 10000,
        shared_data: { keys: 2, bytes: 128 },
        queues: [{ name: "jobs", messages: 4 }],
        workers: [
          {
            worker: 0,
            version: 2,
            vms: 1,
            memory_bytes: 65536,
            streams: 3,
            failure: null,
            last_failure: null,
            instances: [instanceJson("serving", 3)],
          },
          {
            worker: 1,
            version: 2,
            vms: 1,
            memory_bytes: 131072,
            streams: 0,
            failure: "unreachable",
            last_failure: {
              time: "2026-01-02T00:00:00.000Z",
              message: "unreachable",
              notes: ["its last words: oh"],
              backtrace: ["work (filter.ts:8:5)"],
            },
            instances: [instanceJson("failed", 0)],
          },
        ],
      }],
    });
  }));

function instanceJson(state: string, streams: number): unknown {
  return {
    state,
    sha256: "bb",
    contexts: streams + 2,
    memory_bytes: 65536,
    memory_limit_bytes: 268435456,
    calls: 1000,
    fuel_spent: 5000,
    roots: [
      {
        name: "guard",
        root_id: "",
        draining: false,
        streams,
        tick_period_ms: 500,
        http_calls: 3,
        grpc_calls: 2,
        dns_lookups: 1,
      },
      {
        name: "other",
        root_id: "r",
        draining: true,
        streams: 0,
        tick_period_ms: 0,
        http_calls: 7,
        grpc_calls: 0,
        dns_lookups: 0,
      },
    ],
  };
}

test("every field of /filters is in its page of the reference", () =>
  withAdmin(async ({ get }) => {
    const page = readFileSync(new URL("../../../docs/reference/admin_filters.md", import.meta.url), "utf8");
    const rows = Array.from(page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm), ([, names]) => names!);
    const documented = new Set(rows.flatMap((names) => Array.from(names.matchAll(/\w+/g), ([name]) => name)));
    const found = new Set(Array.from((await get("/filters")).body.matchAll(/"(\w+)":/g), ([, name]) => name!));
    assert.equal([...found].filter((name) => !documented.has(name)), []);
    assert.equal([...documented].filter((name) => !found.has(name)), []);
  }));

test("/filters/trace", () =>
  withAdmin(async ({ post, server }) => {
    for (const [enable, mode] of [["true", "lengths"], ["lengths", "lengths"], ["values", "values"], ["off", "off"]]) {
      const { status, body } = await post(`/filters/trace?name=guard&enable=${enable}`);
      assert.is(status, 200);
      assert.is(JSON.parse(body).filters[0].changed, mode !== "lengths");
      assert.is(server.calls.at(-1), `trace ${mode}`);
      assert.not.match(body, "help");
    }
    for (const query of ["name=guard", "name=guard&enable=maybe", "name=guard&enable=constructor", "enable=true"]) {
      assert.is((await post(`/filters/trace?${query}`)).status, 400, query);
    }
    assert.is((await post("/filters/trace?name=gaurd&enable=true")).status, 404);
    assert.is((await post("/filters/trace?name=bad&enable=true")).status, 422);
    server.logs.setLevel("wasm", "warning");
    const { help } = JSON.parse((await post("/filters/trace?name=guard&enable=true")).body);
    assert.match(help, /logging\?wasm=info.*warning/);
    assert.not.match((await post("/filters/trace?name=guard&enable=false")).body, "help");
  }));

test("/stats has what is counted elsewhere until somebody asks, and a reset forgets it", () =>
  withAdmin(async ({ get, post, server }) => {
    server.lateCalls = 5;
    assert.match((await get("/stats?filter=late")).body, "late.calls: 5\n");
    assert.match((await get("/stats/prometheus?filter=late")).body, "{} 10\n");
    await post("/reset_counters");
    assert.match((await get("/stats?filter=late")).body, "late.calls: 5\n");
  }));

test("/filters/reload and /filters/rollback", () =>
  withAdmin(async ({ post }) => {
    const reload = await post("/filters/reload?name=guard");
    assert.is(reload.status, 200);
    assert.equal(JSON.parse(reload.body), {
      filters: [{ name: "guard", changed: true, old_sha256: "bb", new_sha256: "cc" }],
    });
    assert.is(JSON.parse((await post("/filters/rollback?name=guard")).body).filters[0].new_sha256, "aa");
    const bad = await post("/filters/reload?name=bad");
    assert.is(bad.status, 422);
    assert.equal(JSON.parse(bad.body), { filters: [{ name: "bad", error: "on_configure returned false" }] });
    const unknown = await post("/filters/reload?name=gaurd");
    assert.is(unknown.status, 404);
    assert.equal(JSON.parse(unknown.body), {
      error: 'there is no filter named "gaurd"',
      help: "a filter with a similar name exists: guard",
      known: ["guard"],
    });
    assert.is((await post("/filters/reload")).status, 400);
  }));

test.run();
