// test/host/router/routes/cluster_tree.test.ts: clusters that a tree chooses by what is known of a request.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask, type Asked, infoOf, planned, requestOf, tableOf } from "../support.ts";

const extension = (type: string, more: object = {}): object => ({
  name: "x",
  typed_config: { "@type": `type.googleapis.com/${type}`, ...more },
});
const SPECIFIERS = "envoy.extensions.router.cluster_specifiers.matcher.v3.";
const to = (cluster: string): object => ({ action: extension(`${SPECIFIERS}ClusterAction`, { cluster }) });

/** Routes what has `value` in an input to `d`, and the rest to `e`. */
function tableBy(input: string, value: string, more: object = {}) {
  const predicate = { single_predicate: { input: extension(input, more), value_match: { exact: value } } };
  const cluster_matcher = { matcher_list: { matchers: [{ predicate, on_match: to("d") }] }, on_no_match: to("e") };
  const plugin = { extension: extension(`${SPECIFIERS}MatcherClusterSpecifier`, { cluster_matcher }) };
  const route = { match: { prefix: "/" }, route: { inline_cluster_specifier_plugin: plugin } };
  return tableOf({ virtual_hosts: [{ name: "v", domains: ["*"], routes: [route] }] });
}

const NETWORK = "envoy.extensions.matching.common_inputs.network.v3.";
const address = (text: string, port: number) => ({ address: text, port, text: `${text}:${port}` });
const asked: Asked = {
  path: "/?q=a%20b",
  client: address("192.0.2.7", 4000),
  server: address("192.0.2.1", 8080),
};
const ROWS: readonly (readonly [string, string, object?])[] = [
  ["envoy.type.matcher.v3.HttpRequestQueryParamMatchInput", "a b", { query_param: "q" }],
  [`${NETWORK}SourceIPInput`, "192.0.2.7"],
  [`${NETWORK}SourcePortInput`, "4000"],
  [`${NETWORK}DirectSourceIPInput`, "192.0.2.7"],
  [`${NETWORK}DestinationIPInput`, "192.0.2.1"],
  [`${NETWORK}DestinationPortInput`, "8080"],
  ["envoy.extensions.matching.common_inputs.environment_variable.v3.Config", "value", { name: "SET" }],
];

for (const [input, value, more] of ROWS) {
  test(input, () => {
    assert.is(ask(tableBy(input, value, more), asked)!.clusterName, "d");
    assert.is(ask(tableBy(input, "other", more), asked)!.clusterName, "e");
  });
}

test("what no request has, or not yet", () => {
  for (const input of ["envoy.type.matcher.v3.HttpResponseLocalReplyMatchInput", `${NETWORK}NetworkNamespaceInput`]) {
    const isYet = !input.includes("LocalReply");
    for (const value of ["true", "false"]) {
      assert.is(ask(tableBy(input, value), asked)!.clusterName, isYet ? "e" : "", input);
    }
  }
});

test("a server name", () => {
  const table = tableBy(`${NETWORK}ServerNameInput`, "sni.example");
  const info = infoOf();
  info.connection.requestedServerName = "sni.example";
  assert.is(table.route(requestOf({}), info, 0)!.clusterName, "d");
  assert.is(ask(table, "/")!.clusterName, "e");
});

test("an optional plugin that there is not routes nothing", () => {
  const lua = "envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig";
  const plugin = { is_optional: true, extension: extension(lua, { source_code: { inline_string: "x" } }) };
  const config = {
    cluster_specifier_plugins: [plugin],
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      routes: [{ match: { prefix: "/" }, route: { cluster_specifier_plugin: "x" } }],
    }],
  };
  assert.is(ask(tableOf(config), "/"), null);
  assert.match(planned(config).problems.map(({ message }) => message).join("; "), "its routes lead nowhere");
});

test.run();
