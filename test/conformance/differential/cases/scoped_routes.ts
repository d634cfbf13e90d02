// test/conformance/differential/cases/scoped_routes.ts: route configurations that headers choose.
/** @module */
import { bootstrap, cluster, httpListener, indent } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(name: string, fields = "", path = "/"): Exchange {
  return { name, client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n` };
}

function scope(name: string, key: readonly string[], more = ""): string {
  const fragments = key.map((each) => `{ string_key: "${each}" }`).join(", ");
  return `- name: ${name}
  key: { fragments: [ ${fragments} ] }
  route_configuration:
    name: routes_${name}
${indent(more, 4)}    virtual_hosts:
    - name: v
      domains: [ "*" ]
      routes:
      - { name: ${name}, match: { path: / }, direct_response: { status: 200, body: { inline_string: ${name} } } }
      - { name: forward, match: { path: /forward }, route: { cluster: u } }
`;
}

/** A listener whose routes are these scopes. */
function scoped(name: string, fragments: string, scopes: string): string {
  const listener = httpListener(name, { manager: "use_remote_address: true" });
  const at = listener.indexOf("        route_config:");
  const end = listener.indexOf("        http_filters:");
  return listener.slice(0, at) + `        scoped_routes:
          name: scopes
          scope_key_builder: { fragments: [ ${fragments} ] }
          scoped_route_configurations_list:
            scoped_route_configurations:
${indent(scopes, 12)}` + listener.slice(end);
}

export const scopedRoutes: Group = {
  name: "scoped_routes",
  listeners: ["main", "elements"],
  upstreams: ["u"],
  yaml: bootstrap([
    scoped(
      "main",
      "{ header_value_extractor: { name: X-Scope, index: 0 } }",
      scope("one", ["1"], "internal_only_headers: [ x-inner ]") + scope("two", ["2"]) + scope("late", ["2"]) +
        scope("empty", [""]),
    ),
    scoped(
      "elements",
      '{ header_value_extractor: { name: X-List, element_separator: ";", index: 1 } }, ' +
        '{ header_value_extractor: { name: X-Pairs, element_separator: ",", element: { separator: "=", key: k } } }',
      scope("pair", ["b", "v"]) + scope("bare", ["b", ""]),
    ),
  ], [cluster("u")]),
  exchanges: [
    get("a scope", "X-Scope: 1\r\n"),
    get("two scopes with one key: the later", "X-Scope: 2\r\n"),
    get("a scope that there is not", "X-Scope: 3\r\n"),
    get("no header for a scope"),
    get("an empty header for a scope", "X-Scope:\r\n"),
    get("a header twice: the first", "X-Scope: 1\r\nX-Scope: 2\r\n"),
    get("a scope without a route for the path", "X-Scope: 1\r\n", "/none"),
    get("a scope that forwards", "X-Scope: 1\r\nX-Inner: 1\r\n", "/forward"),
    { ...get("elements of headers", "X-List: a;b;c\r\nX-Pairs: j=w,k=v=x,k=z\r\n"), listener: "elements" },
    { ...get("an element with its value", "X-List: a;b\r\nX-Pairs: k=v\r\n"), listener: "elements" },
    { ...get("an element without a value", "X-List: a;b\r\nX-Pairs: k\r\n"), listener: "elements" },
    { ...get("an element that is not there", "X-List: a\r\nX-Pairs: k=v\r\n"), listener: "elements" },
    { ...get("a key that is not there", "X-List: a;b\r\nX-Pairs: j=v\r\n"), listener: "elements" },
  ],
};
