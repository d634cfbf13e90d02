// test/host/extensions/filters/network/http_connection_manager_plan.test.ts: what a connection manager refuses at load.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loaded } from "../../../../support/loaded_configuration.ts";

const HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

/** Problems of a connection manager with these fields, as `severity: message (help)`. */
async function problems(fields: string, route = "cluster: u"): Promise<string[]> {
  const yaml = `static_resources:
  clusters: [{ name: u }]
  listeners:
    - name: l
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": ${HCM}
                stat_prefix: a
                route_config:
                  virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { prefix: "/" }, route: { ${route} } }] }]
                http_filters: [{ name: router, typed_config: { "@type": ${ROUTER} } }]
                ${fields}
`;
  const { diagnostics } = await loaded({ yaml });
  return diagnostics.all.filter(({ severity }) => severity !== "note").map(({ severity, message, help }) =>
    `${severity}: ${message}${help === undefined ? "" : ` (${help})`}`
  );
}

/** One of the problems says this. What stands in a message that is refused is not known either. */
async function refused(fields: string, expected: RegExp): Promise<void> {
  const found = await problems(fields);
  assert.ok(found.some((each) => expected.test(each)), found.join("\n"));
}

test("a connection manager without any of this has no problem", async () => {
  assert.equal(await problems(""), []);
});

test("ports of hosts are removed in one way", async () => {
  await refused("strip_any_host_port: true\n                strip_matching_host_port: true", /are both set \(keep one/);
});

test("rules for paths and headers that have no effect in Envoy say what to use", async () => {
  await refused(
    "path_normalization_options: {}",
    /^error: it has no effect in Envoy.*\(use normalize_path, merge_slashes/,
  );
  await refused(
    `typed_header_validation_config:
                  name: v
                  typed_config: { "@type": type.googleapis.com/google.protobuf.Empty }`,
    /^error: there are no header validators .*headers_with_underscores_action\)$/,
  );
});

test("a header formatter that is not known", async () => {
  await refused(
    `http_protocol_options:
                  header_key_format:
                    stateful_formatter: { name: x, typed_config: { "@type": ${ROUTER} } }`,
    /^error: header formatter .*Router is not known \(use envoy\.extensions\.http\.header_formatters\.preserve_case/,
  );
});

test("upgrades that cannot be", async () => {
  await refused("upgrade_configs: [{ upgrade_type: CONNECT-UDP }]", /^error: upgrade_type CONNECT-UDP: .*\(remove it/);
  await refused("upgrade_configs: [{ upgrade_type: a }, { upgrade_type: A }]", /^error: upgrade_type A is there twice/);
  assert.equal(await problems("upgrade_configs: [{ upgrade_type: CONNECT }]"), []);
  const route = async (configs: string) => (await problems("", `cluster: u, upgrade_configs: [${configs}]`)).join("\n");
  assert.match(await route("{ upgrade_type: connect-udp }"), "error: upgrade_type CONNECT-UDP: there are no tunnels");
  assert.match(await route("{ upgrade_type: a }, { upgrade_type: A }"), "error: upgrade_type A is there twice");
  assert.match(
    await route("{ upgrade_type: a, connect_config: {} }"),
    "error: connect_config is for CONNECT, not for a",
  );
  assert.match(
    await route("{ upgrade_type: CONNECT, connect_config: { proxy_protocol_config: {} } }"),
    "error: the PROXY protocol cannot be sent to upstreams so far",
  );
  assert.is(await route("{ upgrade_type: CONNECT, connect_config: { allow_post: true } }"), "");
});

test.run();
