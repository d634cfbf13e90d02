// test/host/api/overlay.test.ts: fields of our own tables are there, with their types and rules.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { create } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { applyOverlay } from "../../../host/api/overlay.ts";
import { TypeRegistry } from "../../../host/api/schema.ts";
import { NuncioError } from "../../../host/base/error.ts";
import { loadRegistry } from "../../../host/config/load.ts";

const registry = loadRegistry();

function field(typeName: string, name: string): [number, string, string, string | null] {
  const found = registry.requireMessage(typeName).field(name);
  assert.ok(found, `${typeName}.${name}`);
  return [found!.number, found!.kind, found!.typeName || found!.type, found!.oneof];
}

test("fields newer than the published protos are known", () => {
  const wasm = "envoy.extensions.wasm.v3";
  assert.equal(field(`${wasm}.PluginConfig`, "failure_policy"), [7, "one", `${wasm}.FailurePolicy`, null]);
  assert.equal(field(`${wasm}.PluginConfig`, "reload_config"), [8, "one", `${wasm}.ReloadConfig`, null]);
  assert.equal(field(`${wasm}.PluginConfig`, "allow_on_headers_stop_iteration"), [
    9,
    "one",
    "google.protobuf.BoolValue",
    null,
  ]);
  assert.equal(field(`${wasm}.VmConfig`, "capability_restriction_config"), [
    8,
    "one",
    `${wasm}.CapabilityRestrictionConfig`,
    null,
  ]);
  const route = "envoy.config.route.v3";
  assert.equal(field(`${route}.RouteMatch`, "cookies"), [17, "list", `${route}.CookieMatcher`, null]);
  assert.is(field(`${route}.RouteAction`, "host_rewrite")[3], "host_rewrite_specifier");
  assert.is(field(`${route}.DirectResponseAction`, "body_format")[0], 3);
  assert.ok(registry.message("envoy.extensions.clusters.dns.v3.DnsCluster"));
  assert.is(registry.enum(`${wasm}.FailurePolicy`)!.number("fail_open"), 3);
});

test("a field whose type has changed is that of today", () => {
  const typeName = "envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute";
  assert.equal(field(typeName, "rate_limits"), [3, "list", "envoy.config.route.v3.RateLimit", null]);
});

test("rules and maps of the tables come through", () => {
  const rate = registry.requireMessage("envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch");
  assert.equal(rate.field("key_matcher")!.rules, { message: { required: true } });
  const secrets = registry.requireMessage("envoy.extensions.transport_sockets.tls.v3.GenericSecret").field("secrets")!;
  assert.is(secrets.kind, "map");
  assert.is(secrets.keyType, "string");
  assert.ok(secrets.sensitive);
});

test("a line that fits nothing is refused", () => {
  const set = create(FileDescriptorSetSchema, { file: [{ name: "a.proto", package: "a", syntax: "proto3" }] });
  assert.throws(() => applyOverlay(set, ["file a.proto a\nmessage M\nnonsense"]), /cannot read/);
  assert.throws(() => applyOverlay(set, ["file a.proto a\nmessage M\na.Nope x = 1"]), /unknown type/);
  assert.throws(() => applyOverlay(set, ["file a.proto a\nmessage M\nbool x = 1\nbool x = 2"]), /already has/);
  assert.throws(() => applyOverlay(set, ["file a.proto b"]), /is of package a/);
});

test("a registry knows what it has, and says what it lacks", () => {
  const small = new TypeRegistry(
    'e a.E {"v":[["A",0],["B",1]]}\nm a.M {"f":[{"n":"e_f","i":1,"t":"enum","y":"a.E"}]}\n',
  );
  assert.is(small.size, 2);
  assert.equal([...small.messageNames()], ["a.M"]);
  assert.is(small.message("a.E"), null);
  assert.is(small.enum("a.M"), null);
  assert.is(small.message("a.M")!.field("eF")!.enum.number("b"), 1);
  assert.throws(() => small.requireMessage("a.N"), (error: unknown) => error instanceof NuncioError);
});

test.run();
