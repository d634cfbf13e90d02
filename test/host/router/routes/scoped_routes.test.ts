// test/host/router/routes/scoped_routes.test.ts: what cannot be a scope.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import { unreadFields } from "../../../../host/config/unread.ts";
import { planScopedRoutes } from "../../../../host/router/plan/scoped_routes.ts";
import { formatWorld } from "../../observe/formatter_fixture.ts";

const registry = loadRegistry();
const ROUTES = {
  virtual_hosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "c" } }] }],
};
const INDEX = { header_value_extractor: { name: "X-Scope", index: 0 } };

/** Messages of what is wrong, with their severity. */
function problems(fragments: readonly object[], scopes: readonly object[], more: object = {}): string[] {
  const { root, diagnostics } = loadBootstrap({
    registry,
    yaml: JSON.stringify({
      name: "s",
      scope_key_builder: { fragments },
      ...(scopes.length > 0 && { scoped_route_configurations_list: { scoped_route_configurations: scopes } }),
      ...more,
    }),
    typeName: "envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes",
  });
  if (root === null) return diagnostics.all.map(({ message }) => message);
  planScopedRoutes(root, {
    clusters: new Set(["c"]),
    validateClustersByDefault: true,
    env: () => undefined,
    formatProblem: () => null,
    formatWorld: formatWorld(),
    planFilterConfig: () => null,
    readDataSource: () => null,
  });
  return [...diagnostics.all, ...unreadFields(root)].map(({ severity, message }) => `${severity}: ${message}`);
}

function scope(name: string, key: readonly string[], more: object = { route_configuration: ROUTES }): object {
  return { name, key: { fragments: key.map((string_key) => ({ string_key })) }, ...more };
}

test("scopes that can be used", () => {
  assert.equal(problems([INDEX], [scope("a", ["1"]), scope("b", ["2"])]), []);
});

test("two scopes with one key", () => {
  assert.equal(problems([INDEX], [scope("a", ["1"]), scope("b", ["1"])]), [
    "warning: scope 'a' has the same key: its routes are not used",
  ]);
});

test("routes that are elsewhere", () => {
  const [first, second] = problems([INDEX], [scope("a", ["1"], { route_configuration_name: "r" })]);
  assert.match(first!, "come by RDS");
  assert.match(second!, "has no route_configuration");
  const config_source = { ads: {} };
  assert.match(problems([INDEX], [], { scoped_rds: { scoped_rds_config_source: config_source } })[0]!, "so far");
});

test("an element that there cannot be", () => {
  const second = { header_value_extractor: { name: "X", index: 1 } };
  assert.match(problems([second], [scope("a", ["1"])])[0]!, "only the element 0");
  assert.match(
    problems([{ header_value_extractor: { name: "X" } }], [scope("a", ["1"])])[0]!,
    "neither index nor element",
  );
});

test.run();
