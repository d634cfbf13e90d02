// test/conformance/differential/cases/cluster_specifiers.ts: clusters that a tree of matchers chooses.
/**
 * Envoy 1.40 ends with a segmentation fault where such a tree looks at anything but headers; what those inputs
 * give is tested beside them.
 *
 * @module
 */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(name: string, target: string, fields = ""): Exchange {
  return { name, client: `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n` };
}

const TYPE = "type.googleapis.com/";
const SPECIFIERS = "envoy.extensions.router.cluster_specifiers.matcher.v3.";

function extension(type: string, fields: string, name = "x"): string {
  return `{ name: ${name}, typed_config: { "@type": ${TYPE}${type}, ${fields} } }`;
}

function to(name: string): string {
  return `{ action: ${extension(`${SPECIFIERS}ClusterAction`, `cluster: ${name}`)} }`;
}

/** A plugin that sends to `v` what has the header, and the rest elsewhere. */
function plugin(name: string, direction: "Request" | "Response", otherwise: string): string {
  const input = extension(`envoy.type.matcher.v3.Http${direction}HeaderMatchInput`, "header_name: x-to");
  const predicate = `{ single_predicate: { input: ${input}, value_match: { exact: there } } }`;
  const end = otherwise === "" ? "" : `, on_no_match: ${to(otherwise)}`;
  const matcher = `{ matcher_list: { matchers: [ { predicate: ${predicate}, on_match: ${to("v")} } ] }${end} }`;
  return `{ extension: ${extension(`${SPECIFIERS}MatcherClusterSpecifier`, `cluster_matcher: ${matcher}`, name)} }`;
}

export const clusterSpecifiers: Group = {
  name: "cluster_specifiers",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      routeConfig: `cluster_specifier_plugins:
- ${plugin("named", "Request", "u")}
- ${plugin("response", "Response", "u")}
- ${plugin("nowhere", "Request", "")}
- ${plugin("unknown", "Request", "no_such_cluster")}`,
      routes: `- { name: named, match: { prefix: /named }, route: { cluster_specifier_plugin: named } }
- { name: inline, match: { prefix: /inline }, route: { inline_cluster_specifier_plugin: ${
        plugin("x", "Request", "u")
      } } }
- { name: response, match: { prefix: /response }, route: { cluster_specifier_plugin: response } }
- { name: nowhere, match: { prefix: /nowhere }, route: { cluster_specifier_plugin: nowhere } }
- { name: unknown, match: { prefix: /unknown }, route: { cluster_specifier_plugin: unknown, cluster_not_found_response_code: NOT_FOUND } }`,
    }),
  ], [cluster("u"), cluster("v")]),
  exchanges: [
    get("a cluster by a plugin", "/named", "X-To: there\r\n"),
    get("another cluster by it", "/named", "X-To: here\r\n"),
    get("a cluster by a plugin of the route itself", "/inline", "X-To: there\r\n"),
    get("another cluster by that", "/inline"),
    get("a cluster by a response that there is not", "/response", "X-To: there\r\n"),
    get("no cluster for a request", "/nowhere"),
    get("a cluster that there is not", "/unknown"),
  ],
};
