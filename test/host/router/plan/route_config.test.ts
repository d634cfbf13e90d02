// test/host/router/plan/route_config.test.ts: configurations that Envoy 1.40 took, and those that it refused.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { direct, planned } from "../support.ts";

const one = (route: object, more: object = {}): object => ({
  ...more,
  virtual_hosts: [{ name: "v", domains: ["*"], routes: [route] }],
});
const host = (name: string, domains: string[]): object => ({ name, domains, routes: [direct({ prefix: "/" }, "")] });
const to = (action: object): object => ({ match: { prefix: "/" }, route: { cluster: "c", ...action } });
const weighted = (...clusters: object[]): object => ({
  match: { prefix: "/" },
  route: { weighted_clusters: { clusters } },
});
const adding = (key: string, value: string, more: object = {}): object => ({
  ...to({}),
  request_headers_to_add: [{ header: { key, value }, ...more }],
});
const regex = (pattern: string): object => direct({ safe_regex: { regex: pattern } }, "");
const rewrite = (substitution: string): object => to({ regex_rewrite: { pattern: { regex: "a" }, substitution } });

/** Configurations that are refused, with a part of the message and the place. */
const template = (path_template: string): object => ({
  path_match_policy: {
    name: "t",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
      path_template,
    },
  },
});
const templateRewrite = (path_template_rewrite: string): object => ({
  name: "t",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig",
    path_template_rewrite,
  },
});

const LUA = {
  name: "lua",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig",
    source_code: { inline_string: "x" },
  },
};
const REQUEST_HEADER = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput";

/** A virtual host with a tree of one branch. */
function tree(input: string, fields: object, branch: object = {}): object {
  const extension = (type: string, more: object): object => ({
    name: "x",
    typed_config: { "@type": `type.googleapis.com/${type}`, ...more },
  });
  const predicate = { single_predicate: { input: extension(input, fields), value_match: { exact: "a" } } };
  const action = extension("envoy.config.route.v3.Route", to({}));
  const matcher_list = { matchers: [{ predicate, on_match: { action, ...branch } }] };
  return { virtual_hosts: [{ name: "v", domains: ["*"], matcher: { matcher_list } }] };
}

const REFUSED: readonly [string, object, string, string][] = [
  [
    "two wildcards",
    { virtual_hosts: [host("a", ["*"]), host("b", ["*"])] },
    "single wildcard",
    "virtual_hosts[1].domains",
  ],
  [
    "a domain twice",
    { virtual_hosts: [host("a", ["x", "X"])] },
    'unique values for domains are permitted, "x"',
    "domains[1]",
  ],
  [
    "a suffix twice",
    { virtual_hosts: [host("a", ["*.x"]), host("b", ["*.X"])] },
    '"*.x" is there twice',
    "virtual_hosts[1]",
  ],
  ["lookahead", one(regex("(?=a)b")), "no lookahead", "match.safe_regex.regex"],
  ["backreference", one(regex("(a)\\1")), "no backreferences", "match.safe_regex.regex"],
  ["repetition", one(regex("a{1001}")), "repeat count", "match.safe_regex.regex"],
  [
    "a bad regex in a header matcher",
    one(direct({ prefix: "/", headers: [{ name: "x", string_match: { safe_regex: { regex: "[" } } }] }, "")),
    "missing closing ]",
    "headers[0].string_match.safe_regex.regex",
  ],
  [
    "ignore_case with a regex",
    one(
      direct(
        { prefix: "/", headers: [{ name: "x", string_match: { safe_regex: { regex: "a" }, ignore_case: true } }] },
        "",
      ),
    ),
    "ignore_case has no effect for safe_regex",
    "string_match.ignore_case",
  ],
  [
    "unknown cluster",
    one({ match: { prefix: "/" }, route: { cluster: "zz" } }),
    "route: unknown cluster 'zz'",
    "route.cluster",
  ],
  [
    "unknown weighted cluster",
    one(weighted({ name: "zz", weight: 1 })),
    "route: unknown cluster 'zz'",
    "clusters[0].name",
  ],
  ["no weight", one(weighted({ name: "c", weight: 0 })), "sum of the weights is 0", "weighted_clusters.clusters"],
  [
    "too much weight",
    one(weighted({ name: "c", weight: 4294967295 }, { name: "d", weight: 1 })),
    "4294967296, more than 4294967295",
    "weighted_clusters.clusters",
  ],
  [
    "two names for a cluster",
    one(weighted({ name: "c", cluster_header: "x", weight: 1 })),
    "both name and cluster_header",
    "clusters[0]",
  ],
  ["no name for a cluster", one(weighted({ weight: 1 })), "neither name nor cluster_header", "clusters[0]"],
  ["unknown command", one(adding("x", "%NOPE%")), "NOPE", "header.value"],
  ["unterminated command", one(adding("x", "50%")), "%", "header.value"],
  ["host added", one(adding("Host", "x")), '"host" may not be modified', "header.key"],
  [":path added", one(adding(":path", "x")), '":path" may not be modified', "header.key"],
  [
    "host removed",
    one({ ...to({}), request_headers_to_remove: ["host"] }),
    '"host" may not be removed',
    "request_headers_to_remove",
  ],
  [
    ":path removed",
    one({ ...to({}), request_headers_to_remove: [":path"] }),
    '":path" may not be removed',
    "request_headers_to_remove",
  ],
  [
    "two path rewrites",
    one(to({ prefix_rewrite: "/a", regex_rewrite: { pattern: { regex: "a" }, substitution: "b" } })),
    "prefix_rewrite and regex_rewrite are set",
    "route.regex_rewrite",
  ],
  [
    "a template that is none",
    one({ match: template("a"), route: { cluster: "c" } }),
    "must begin with a slash",
    "path_template",
  ],
  [
    "a redirect's prefix rewrite of what a template matches",
    one({ match: template("/{a}"), redirect: { prefix_rewrite: "/b" } }),
    "knows no prefix",
    "redirect.prefix_rewrite",
  ],
  [
    "a template rewrite of what a template does not match",
    one(to({ path_rewrite_policy: templateRewrite("/x") })),
    "needs a route with path_match_policy",
    "path_rewrite_policy",
  ],
  [
    "a template rewrite with a variable that there is not",
    one({ match: template("/{a}"), route: { cluster: "c", path_rewrite_policy: templateRewrite("/{b}") } }),
    'no variable "b"',
    "path_template_rewrite",
  ],
  [
    "a prefix rewrite of what a template matches",
    one({ match: template("/{a}"), route: { cluster: "c", prefix_rewrite: "/x" } }),
    "knows no prefix",
    "prefix_rewrite",
  ],
  ["a rewrite to no format", one(to({ path_rewrite: "/%NOTHING%" })), "NOTHING", "path_rewrite"],
  [
    "a virtual cluster of everything",
    { virtual_hosts: [{ name: "v", domains: ["*"], routes: [to({})], virtual_clusters: [{ name: "x" }] }] },
    "needs headers",
    "virtual_clusters",
  ],
  [
    "a tree that looks at the query",
    tree("envoy.type.matcher.v3.HttpRequestQueryParamMatchInput", { query_param: "q" }),
    "can only be matched by request headers",
    "input.typed_config",
  ],
  [
    "a tree that goes on after an action",
    tree(REQUEST_HEADER, { header_name: "x" }, { keep_matching: true }),
    "keep_matching is not supported",
    "keep_matching",
  ],
  [
    "a tree beside routes",
    { virtual_hosts: [{ name: "v", domains: ["*"], routes: [to({})], matcher: {} }] },
    "both matcher and routes",
    "matcher",
  ],
  [
    "a plugin that there is not",
    one({ match: { prefix: "/" }, route: { cluster_specifier_plugin: "none" } }),
    "no cluster specifier plugin 'none'",
    "cluster_specifier_plugin",
  ],
  [
    "a plugin of another kind",
    one({ match: { prefix: "/" }, route: { inline_cluster_specifier_plugin: { extension: LUA } } }),
    "is no cluster specifier here",
    "typed_config",
  ],
  [
    "a route specifier",
    one({ ...to({}), route_specifiers: [LUA] }),
    "there are no route specifiers",
    "route_specifiers",
  ],
  [
    "a retry option",
    one(to({ retry_policy: { retry_on: "5xx", retry_options_predicates: [LUA] } })),
    "there are no such predicates",
    "retry_options_predicates",
  ],
  [
    "append twice",
    one(adding("x", "v", { append: true, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" })),
    "both append and append_action",
    "append",
  ],
  [
    "a large body",
    one({ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "x".repeat(4097) } } }),
    "response body size is 4097 bytes; maximum is 4096",
    "direct_response.body",
  ],
];

for (const [name, config, message, place] of REFUSED) {
  test(`refused: ${name}`, () => {
    const errors = planned(config).problems.filter(({ severity }) => severity === "error");
    assert.is(errors.length, 1, errors.map((error) => error.message).join("; "));
    assert.ok(errors[0]!.message.includes(message), errors[0]!.message);
    assert.ok((errors[0]!.at ?? "").includes(place), errors[0]!.at);
  });
}

const TAKEN: readonly [string, object][] = [
  [
    "an unknown cluster without validate_clusters",
    one({ match: { prefix: "/" }, route: { cluster: "zz" } }, {
      validate_clusters: false,
    }),
  ],
  ["two virtual hosts of one name", { virtual_hosts: [host("a", ["x"]), host("a", ["y"])] }],
  [
    "append false beside the default action",
    one(adding("x", "v", { append: false, append_action: "APPEND_IF_EXISTS_OR_ADD" })),
  ],
  ["case_sensitive with a regex", one(direct({ safe_regex: { regex: "a" }, case_sensitive: false }, ""))],
  ["an empty value", one(adding("x", ""))],
  ["a prefix with a query", one(direct({ prefix: "/a?b" }, ""))],
  ["asterisks inside of domains", { virtual_hosts: [host("a", ["a*b", "*.*"])] }],
  [
    "a large body that is allowed",
    one(direct({ prefix: "/" }, "x".repeat(5000)), {
      max_direct_response_body_size_bytes: 5000,
    }),
  ],
  [
    "a runtime key",
    one(direct({
      prefix: "/",
      runtime_fraction: { runtime_key: "k", default_value: { numerator: 1 } },
    }, "")),
  ],
];

for (const [name, config] of TAKEN) {
  test(`taken: ${name}`, () => {
    const errors = planned(config).problems.filter(({ severity }) => severity === "error");
    assert.equal(errors.map(({ message }) => message), []);
  });
}

test("a substitution that names no group is said to have no effect", () => {
  for (const substitution of ["\\1", "\\x"]) {
    const { plan, problems } = planned(one(rewrite(substitution)));
    assert.equal(problems.map(({ severity }) => severity), ["warning"]);
    const action = plan.virtualHosts[0]!.routes[0]!.action;
    assert.equal(action.kind === "cluster" && action.pathRewrite, { kind: "regex", pattern: "a", substitution: [0] });
  }
});

test("a mistyped cluster gets a suggestion", () => {
  const { plan, problems } = planned(one({ match: { prefix: "/" }, route: { cluster: "C" } }));
  assert.is(plan.virtualHosts[0]!.routes.length, 1);
  assert.ok(JSON.stringify(problems[0]!.help).includes("did you mean 'c'?"), JSON.stringify(problems[0]!.help));
});

test("what concerns nobody here is taken, and said to have no effect", () => {
  const { problems } = planned(one({
    ...to({ cors: { allow_methods: "GET" }, retry_policy_typed_config: LUA.typed_config }),
    decorator: { operation: "x" },
  }));
  assert.equal(
    problems.filter(({ code }) => code === "config/accepted-without-effect").map(({ at }) => at?.split(".").pop()),
    ["cors", "retry_policy_typed_config", "decorator"],
  );
  assert.not(problems.some(({ severity }) => severity === "error"));
});

test("all problems are reported at once", () => {
  const { problems } = planned({
    virtual_hosts: [{
      name: "v",
      domains: ["*", "*"],
      routes: [regex("["), { match: { prefix: "/" }, route: { cluster: "zz" } }, adding("host", "%X%")],
    }],
  });
  assert.is(problems.length, 5, problems.map(({ message }) => message).join("; "));
});

test.run();
