// test/conformance/differential/cases/route_trees.ts: virtual hosts whose routes are found by a tree of matchers.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(name: string, target: string, fields = ""): Exchange {
  return { name, client: `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n` };
}

const TYPE = "type.googleapis.com/";

/** An extension as one line of YAML. */
function extension(type: string, fields = ""): string {
  return `{ name: x, typed_config: { "@type": ${TYPE}${type}, ${fields} } }`;
}

/** An action: a route that answers with its name. */
function answer(name: string, match = "prefix: /"): string {
  return `{ action: ${extension("envoy.config.route.v3.Route", route(name, match))} }`;
}

function route(name: string, match: string): string {
  return `name: ${name}, match: { ${match} }, direct_response: { status: 200, body: { inline_string: ${name} } }`;
}

function header(name: string): string {
  return extension("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", `header_name: ${name}`);
}

function single(name: string, match: string): string {
  return `{ single_predicate: { input: ${header(name)}, ${match} } }`;
}

function value(name: string, match: string): string {
  return single(name, `value_match: { ${match} }`);
}

const INPUTS = "envoy.extensions.matching.input_matchers.";

const LIST = `matcher_list:
  matchers:
  - { predicate: ${value("x-one", "exact: A, ignore_case: true")}, on_match: ${answer("one")} }
  - { predicate: { and_matcher: { predicate: [ ${value("x-two", "prefix: a")}, ${
  value("x-three", "suffix: z")
} ] } }, on_match: ${answer("and")} }
  - { predicate: { or_matcher: { predicate: [ ${value("x-four", "contains: mid")}, ${
  value("x-five", 'safe_regex: { google_re2: {}, regex: "a+" }')
} ] } }, on_match: ${answer("or")} }
  - { predicate: { and_matcher: { predicate: [ { not_matcher: ${value("x-six", "exact: bad")} }, ${
  value("x-seven", "exact: good")
} ] } }, on_match: ${answer("not")} }
  - { predicate: ${value("x-path", "exact: a")}, on_match: ${answer("below", "path: /below")} }
  - { predicate: ${value("x-path", "exact: a")}, on_match: ${answer("never")} }
  - predicate: ${value("x-deep", "prefix: d")}
    on_match: { matcher: { matcher_list: { matchers: [ { predicate: ${value("x-deep", "exact: deep")}, on_match: ${
  answer("deep")
} } ] } } }
  - { predicate: ${value("x-deep", "prefix: d")}, on_match: ${answer("after")} }
  - predicate: ${value("x-list", "exact: l")}
    on_match: { action: ${
  extension(
    "envoy.config.route.v3.RouteList",
    `routes: [ { ${route("list_path", "path: /list")} }, { ${route("list_rest", "prefix: /list/")} } ]`,
  )
} }
  - { predicate: ${
  single(
    "x-share",
    `custom_match: ${extension(`${INPUTS}consistent_hashing.v3.ConsistentHashing`, "threshold: 5, modulo: 10")}`,
  )
}, on_match: ${answer("share")} }
  - { predicate: ${
  single(
    "x-ip",
    `custom_match: ${
      extension(`${INPUTS}ip.v3.Ip`, "stat_prefix: s, cidr_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ]")
    }`,
  )
}, on_match: ${answer("ip")} }
  - { predicate: ${
  single(
    "x-fraction",
    `custom_match: ${
      extension(
        `${INPUTS}runtime_fraction.v3.RuntimeFraction`,
        "seed: 3, runtime_fraction: { default_value: { numerator: 50 } }",
      )
    }`,
  )
}, on_match: ${answer("fraction")} }
  - { predicate: { single_predicate: { input: ${
  extension("envoy.extensions.matching.common_inputs.environment_variable.v3.Config", "name: NOT_SET_ANYWHERE")
}, value_match: { exact: x } } }, on_match: ${answer("environment")} }
  - { predicate: { single_predicate: { input: ${
  extension("envoy.extensions.matching.common_inputs.network.v3.FilterStateInput", "key: k")
}, value_match: { exact: x } } }, on_match: ${answer("state")} }
on_no_match: ${answer("otherwise")}`;

const EXACT = `matcher_tree:
  input: ${header("x-map")}
  exact_match_map:
    map:
      one: ${answer("exact_one")}
      deep: { matcher: { matcher_list: { matchers: [ { predicate: ${value("x-deep", "exact: deep")}, on_match: ${
  answer("exact_deep")
} } ] } } }
on_no_match: ${answer("exact_otherwise")}`;

const PREFIX = `matcher_tree:
  input: ${header("x-map")}
  prefix_match_map:
    map:
      a: ${answer("prefix_a")}
      abc: ${answer("prefix_abc")}
      abcd: { matcher: { matcher_list: { matchers: [ { predicate: ${value("x-deep", "exact: deep")}, on_match: ${
  answer("prefix_deep")
} } ] } } }
on_no_match: ${answer("prefix_otherwise")}`;

const range = (address: string, length: number): string => `{ address_prefix: "${address}", prefix_len: ${length} }`;
const deeper = `{ matcher: { matcher_list: { matchers: [ { predicate: ${value("x-deep", "exact: deep")}, on_match: ${
  answer("ip_deep")
} } ] } } }`;

const ADDRESS = `matcher_tree:
  input: ${header("x-map")}
  custom_match: ${
  extension(
    "xds.type.matcher.v3.IPMatcher",
    `range_matchers: [
      { ranges: [ ${range("10.0.0.0", 8)} ], on_match: ${answer("ip_wide")} },
      { ranges: [ ${range("10.1.0.0", 16)} ], exclusive: true, on_match: ${answer("ip_narrow")} },
      { ranges: [ ${range("10.1.1.0", 24)}, ${range("2001:db8::", 32)} ], on_match: ${deeper} } ]`,
  )
}
on_no_match: ${answer("ip_otherwise")}`;

const DOMAIN = `matcher_tree:
  input: ${header("x-map")}
  custom_match: ${
  extension(
    "xds.type.matcher.v3.ServerNameMatcher",
    `domain_matchers: [
      { domains: [ one.example, "*.two.example" ], on_match: ${answer("domain")} },
      { domains: [ "*.example" ], on_match: ${answer("wide")} },
      { domains: [ "*.deep.example" ], on_match: ${deeper} } ]`,
  )
}
on_no_match: ${answer("domain_otherwise")}`;

function host(name: string, matcher: string): string {
  const lines = matcher.split("\n").map((line) => `    ${line}`).join("\n");
  return `- name: ${name}\n  domains: [ "${name}.example" ]\n  matcher:\n${lines}\n`;
}

function at(exchange: Exchange, name: string): Exchange {
  return { ...exchange, client: (exchange.client as string).replace("a.example", `${name}.example`) };
}

export const routeTrees: Group = {
  name: "route_trees",
  listeners: ["main"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      virtualHosts: `- name: list
  domains: [ "*" ]
  matcher:
${LIST.split("\n").map((line) => `    ${line}`).join("\n")}
` + host("exact", EXACT) + host("prefix", PREFIX) + host("address", ADDRESS) + host("domain", DOMAIN) +
        host("none", `on_no_match: ${answer("none")}`),
    }),
  ], [cluster("u")]),
  exchanges: [
    get("a header of a list", "/", "X-One: a\r\n"),
    get("both of two", "/", "X-Two: abc\r\nX-Three: xyz\r\n"),
    get("one of two, where both must be", "/", "X-Two: abc\r\n"),
    get("one of two", "/", "X-Five: aaa\r\n"),
    get("a value of two that come together", "/", "X-One: a\r\nX-One: b\r\n"),
    get("not the value", "/", "X-Six: good\r\nX-Seven: good\r\n"),
    get("not the value of an absent header", "/", "X-Seven: good\r\n"),
    get("the value that must not be", "/", "X-Six: bad\r\nX-Seven: good\r\n"),
    get("a route whose own match says no", "/", "X-Path: a\r\n"),
    get("a route whose own match says yes", "/below", "X-Path: a\r\n"),
    get("a tree below", "/", "X-Deep: deep\r\n"),
    get("a tree below that has no answer", "/", "X-Deep: dull\r\n"),
    get("the first route of a list of routes", "/list", "X-List: l\r\n"),
    get("the second route of a list of routes", "/list/x", "X-List: l\r\n"),
    get("no route of a list of routes", "/other", "X-List: l\r\n"),
    get("a share of all values", "/", "X-Share: one\r\n"),
    get("a share of all values, another", "/", "X-Share: two\r\n"),
    get("an address", "/", "X-Ip: 10.1.2.3\r\n"),
    get("an address of another block", "/", "X-Ip: 11.1.2.3\r\n"),
    get("no address", "/", "X-Ip: ten\r\n"),
    get("a fraction of all values", "/", "X-Fraction: one\r\n"),
    get("a fraction of all values, another", "/", "X-Fraction: two\r\n"),
    get("a fraction of all values, a third", "/", "X-Fraction: three\r\n"),
    get("a fraction of all values, a fourth", "/", "X-Fraction: four\r\n"),
    get("nothing of a list", "/"),
    at(get("a map's entry", "/", "X-Map: one\r\n"), "exact"),
    at(get("a map's entry in capitals", "/", "X-Map: ONE\r\n"), "exact"),
    at(get("no header for a map", "/"), "exact"),
    at(get("a map's tree", "/", "X-Map: deep\r\nX-Deep: deep\r\n"), "exact"),
    at(get("a map's tree that has no answer", "/", "X-Map: deep\r\n"), "exact"),
    at(get("the longest prefix", "/", "X-Map: abcx\r\n"), "prefix"),
    at(get("a shorter prefix", "/", "X-Map: ab\r\n"), "prefix"),
    at(get("a prefix whose tree has no answer", "/", "X-Map: abcde\r\n"), "prefix"),
    at(get("a prefix whose tree has an answer", "/", "X-Map: abcde\r\nX-Deep: deep\r\n"), "prefix"),
    at(get("no prefix", "/", "X-Map: b\r\n"), "prefix"),
    at(get("a wide range", "/", "X-Map: 10.2.0.1\r\n"), "address"),
    at(get("a narrow range", "/", "X-Map: 10.1.2.1\r\n"), "address"),
    at(get("a range whose tree has no answer", "/", "X-Map: 10.1.1.1\r\n"), "address"),
    at(get("a range whose tree has an answer", "/", "X-Map: 10.1.1.1\r\nX-Deep: deep\r\n"), "address"),
    at(get("a range of version 6", "/", "X-Map: 2001:db8::1\r\nX-Deep: deep\r\n"), "address"),
    at(get("no range", "/", "X-Map: 192.0.2.1\r\n"), "address"),
    at(get("a text that is no address", "/", "X-Map: x\r\n"), "address"),
    at(get("a whole domain", "/", "X-Map: one.example\r\n"), "domain"),
    at(get("a domain in capitals", "/", "X-Map: ONE.example\r\n"), "domain"),
    at(get("the longest wildcard", "/", "X-Map: a.b.two.example\r\n"), "domain"),
    at(get("a wildcard whose tree has no answer", "/", "X-Map: a.deep.example\r\n"), "domain"),
    at(get("a domain of no wildcard", "/", "X-Map: a.test\r\n"), "domain"),
    at(get("a tree of nothing but its end", "/"), "none"),
  ],
};
