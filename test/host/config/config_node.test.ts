// test/host/config/config_node.test.ts: reading by field, what is remembered of it, and what is reported.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Message } from "../../../host/api/message.ts";
import { decodeMessage } from "../../../host/api/wire.ts";
import { DiagnosticList } from "../../../host/base/diagnostic.ts";
import { renderText } from "../../../host/base/diagnostic_render.ts";
import { isBug } from "../../../host/base/error.ts";
import { Coverage, renderCoverage } from "../../../host/config/coverage.ts";
import { loadBootstrap, loadRegistry, nodeOfMessage } from "../../../host/config/load.ts";
import type { ConfigNode } from "../../../host/config/node.ts";
import { unreadFields } from "../../../host/config/unread.ts";

const registry = loadRegistry();

const YAML = `static_resources:
  listeners:
  - name: web
    address: { socket_address: { address: 127.0.0.1, port_value: 10000 } }
    per_connection_buffer_limit_bytes: 1024
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          codec_type: http1
          stream_idle_timeout: 1.5s
          route_config: { virtual_hosts: [{ name: v, domains: [a, b], routes: [{ match: { prefix: / }, route: { cluster: up } }] }] }
          http_filters:
          - name: guard
            typed_config:
              "@type": type.googleapis.com/xds.type.v3.TypedStruct
              type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              value:
                config:
                  name: guard
                  configuration:
                    "@type": type.googleapis.com/xds.type.v3.TypedStruct
                    type_url: type.googleapis.com/any.Thing
                    value: { a: 1 }
                  vm_config: { environment_variables: { key_values: { A: "1", B: "2" } } }
  clusters:
  - name: up
    metadata: { filter_metadata: { envoy.lb: { canary: true, weights: [1, 2] } } }
    outlier_detection: { max_ejection_time: 300s }
    health_checks: [{ timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: /, expected_statuses: { start: 200, end: 9007199254740993 } } }]
`;

function load(yaml: string = YAML): { root: ConfigNode; diagnostics: DiagnosticList; coverage: Coverage } {
  const result = loadBootstrap({ registry, yaml });
  assert.ok(result.root, renderText(result.diagnostics));
  return { root: result.root!, diagnostics: result.diagnostics, coverage: result.coverage };
}

function hcmOf(root: ConfigNode): ConfigNode {
  return root.message("static_resources")!.messages("listeners")[0]!.messages("filter_chains")[0]!
    .messages("filters")[0]!.any("typed_config")!;
}

test("every kind of field reads as what it is", () => {
  const { root } = load();
  const listener = root.message("static_resources")!.messages("listeners")[0]!;
  assert.is(listener.path, "static_resources.listeners[0]");
  assert.is(listener.string("name"), "web");
  assert.is(listener.number("per_connection_buffer_limit_bytes", 7), 1024);
  assert.is(listener.number("tcp_backlog_size", 7), 7);
  assert.is(listener.bool("enable_reuse_port", true), true);
  assert.is(listener.has("transparent"), false);
  const hcm = hcmOf(root);
  assert.is(hcm.typeName, "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager");
  assert.is(hcm.enum("codec_type"), "HTTP1");
  assert.is(hcm.enum("server_header_transformation"), "OVERWRITE");
  assert.is(hcm.durationMs("stream_idle_timeout", null), 1500);
  assert.is(hcm.durationMs("drain_timeout", 5000), 5000);
  assert.is(hcm.durationMs("request_timeout", null), null);
  assert.is(hcm.oneof("route_specifier"), "route_config");
  assert.is(hcm.oneof("strip_port_mode"), null);
  assert.equal(hcm.message("route_config")!.messages("virtual_hosts")[0]!.strings("domains"), ["a", "b"]);
  assert.is(hcm.message("common_http_protocol_options"), null);
  const cluster = root.message("static_resources")!.messages("clusters")[0]!;
  assert.equal(cluster.message("metadata")!.json("filter_metadata"), { "envoy.lb": { canary: true, weights: [1, 2] } });
  assert.is(cluster.enum("type"), "STATIC");
});

test("a TypedStruct reads as the message that it names, but a plugin's own configuration is left alone", () => {
  const { root } = load();
  const wasm = hcmOf(root).messages("http_filters")[0]!.any("typed_config")!;
  assert.is(wasm.typeName, "envoy.extensions.filters.http.wasm.v3.Wasm");
  const config = wasm.message("config")!;
  const configuration = config.any("configuration")!;
  assert.is(configuration.typeName, "xds.type.v3.TypedStruct");
  assert.equal(configuration.json("value"), { a: 1 });
  const environment = config.message("vm_config")!.message("environment_variables")!;
  assert.equal(environment.stringMap("key_values"), [["A", "1"], ["B", "2"]]);
});

test("a message that came as bytes reads the same, without positions", () => {
  const { root } = load();
  const diagnostics = new DiagnosticList();
  const message = decodeMessage(registry.requireMessage(root.typeName), root.toBinary());
  const again = nodeOfMessage(message, diagnostics)!;
  assert.equal(again.toBinary(), root.toBinary());
  const wasm = hcmOf(again).messages("http_filters")[0]!.any("typed_config")!;
  assert.is(wasm.typeName, "envoy.extensions.filters.http.wasm.v3.Wasm");
  assert.is(wasm.message("config")!.string("name"), "guard");
  wasm.error("config/test", "wrong", { field: "config" });
  assert.is(diagnostics.all[0]!.span, undefined);
  assert.match(diagnostics.all[0]!.at!, "http_filters[0].typed_config.value.config");
});

test("rules hold for bytes too", () => {
  const diagnostics = new DiagnosticList();
  const cluster = new Message(registry.requireMessage("envoy.config.cluster.v3.Cluster"));
  assert.is(nodeOfMessage(cluster, diagnostics), null);
  assert.is(diagnostics.all[0]!.code, "config/required");
});

test("what nobody has read is reported where it stands, and only that", () => {
  const { root, diagnostics } = load();
  const resources = root.message("static_resources")!;
  resources.messages("listeners").forEach((listener) =>
    listener.accept("per_connection_buffer_limit_bytes", "no need")
  );
  const cluster = resources.messages("clusters")[0]!;
  cluster.string("name");
  cluster.has("outlier_detection");
  const unread = unreadFields(root);
  const paths = unread.map(({ at }) => at);
  assert.ok(paths.includes("static_resources.listeners[0].filter_chains"));
  assert.ok(paths.includes("static_resources.clusters[0].outlier_detection.max_ejection_time"), paths.join("\n"));
  assert.ok(paths.includes("static_resources.clusters[0].health_checks"));
  assert.not(paths.includes("static_resources.clusters[0].name"));
  assert.not(paths.includes("static_resources.listeners[0].per_connection_buffer_limit_bytes"));
  assert.ok(unread.every(({ severity, code }) => severity === "error" && code === "config/not-implemented"));
  assert.ok(unreadFields(root, { lenient: true }).every(({ severity }) => severity === "warning"));
  assert.is(unread[0]!.span!.source.position(unread[0]!.span!.start).line, 3);
  const [note] = diagnostics.all;
  assert.is(note!.severity, "note");
  assert.match(note!.message, "Listener.per_connection_buffer_limit_bytes is accepted and has no effect here: no need");
});

test("a message taken whole is read whole", () => {
  const { root } = load();
  root.toBinary();
  assert.equal(unreadFields(root), []);
});

test("planners report at nodes, fields and items", () => {
  const { root, diagnostics } = load();
  const host = hcmOf(root).message("route_config")!.messages("virtual_hosts")[0]!;
  host.error("config/unknown-cluster", "no such cluster", { field: "domains", index: 1, help: "add it" });
  host.warn("config/conflict", "odd");
  const text = renderText(diagnostics);
  const lines = YAML.slice(0, YAML.indexOf("b], routes")).split("\n");
  assert.match(text, `--> --config-yaml:${lines.length}:${lines.at(-1)!.length + 1}\n`);
  assert.match(text, "virtual_hosts[0].domains[1]");
  assert.match(text, "= help: add it");
  assert.is(diagnostics.summary(), "1 error, 1 warning");
});

test("numbers beyond 2^53 are refused, not rounded", () => {
  const { root, diagnostics } = load();
  const check = root.message("static_resources")!.messages("clusters")[0]!.messages("health_checks")[0]!;
  const statuses = check.message("http_health_check")!.messages("expected_statuses")[0]!;
  assert.is(statuses.number("start"), 200);
  statuses.number("end");
  assert.is(diagnostics.all[0]!.code, "config/number-too-large");
});

test("a field that the type has not is a bug of the planner", () => {
  const { root } = load();
  assert.throws(() => root.string("static_resource"), (error: unknown) => isBug(error));
  assert.throws(() => root.oneof("nope"), (error: unknown) => isBug(error));
});

test("coverage says who reads what", () => {
  const { root, coverage } = load();
  const listener = root.message("static_resources")!.messages("listeners")[0]!;
  listener.string("name");
  listener.accept("tcp_backlog_size", "the system decides");
  listener.refuse("freebind", "no runtime can");
  assert.equal([...coverage.dump().get("envoy.config.listener.v3.Listener")!], [
    ["name", { state: "read", reason: "" }],
    ["tcp_backlog_size", { state: "accepted", reason: "the system decides" }],
    ["freebind", { state: "refused", reason: "no runtime can" }],
  ]);
  const page = renderCoverage(coverage, registry);
  assert.match(page, "| `name` | read |");
  assert.match(page, "| `tcp_backlog_size` | accepted: the system decides |");
  assert.match(page, "| `freebind` | refused: no runtime can |");
  assert.match(page, "| `transparent` | not implemented |");
});

test("coverage of several configurations adds up; who reads a field wins over who accepts it", () => {
  const typeName = "envoy.config.listener.v3.Listener";
  const first = new Coverage();
  first.has(typeName, "name");
  first.accept(typeName, "name", "of no use");
  assert.is(first.dump().get(typeName)!.get("name")!.state, "accepted");
  const second = new Coverage();
  second.read(typeName, "name");
  second.has(typeName, "metadata");
  second.refuse(typeName, "freebind", "no runtime can");
  const all = new Coverage();
  for (const each of [second, first]) all.add(each);
  const states = [...all.dump().get(typeName)!].map(([field, { state }]) => [field, state]);
  assert.equal(states, [["name", "read"], ["metadata", "read"], ["freebind", "refused"]]);
});

test("a field that is refused is an error where it is set, and not where it is false", () => {
  const yaml = (freebind: boolean) =>
    `static_resources: { listeners: [{ freebind: ${freebind}, socket_options: [{ int_value: 1 }] }] }`;
  const messages = [true, false].map((freebind) => {
    const { root, diagnostics } = load(yaml(freebind));
    const listener = root.message("static_resources")!.messages("listeners")[0]!;
    listener.refuse("freebind", "no runtime can");
    listener.refuse("socket_options", "no runtime has them");
    listener.refuse("udp_listener_config", "there is no UDP");
    return diagnostics.all.map(({ code, message }) => `${code}: ${message}`);
  });
  const options = "config/unsupported: no runtime has them";
  assert.equal(messages, [["config/unsupported: no runtime can", options], [options]]);
});

test.run();
