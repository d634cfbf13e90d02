// test/host/router/expressions.test.ts: expressions in rate limits and in trees that choose clusters.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { StreamProperties } from "../../../host/extensions/common/wasm/properties.ts";
import {
  CHECK_EXPRESSIONS,
  StreamExpressions,
} from "../../../host/extensions/common/expressions/stream_expressions.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { rateLimitDescriptors } from "../../../host/router/routes/rate_limit.ts";
import { RouteTable } from "../../../host/router/routes/route_table.ts";
import { type Asked, infoOf, planned, requestOf } from "./support.ts";

const node = { id: "", cluster: "", locality: { region: "", zone: "", subZone: "" }, metadata: {} };
const expressions = new StreamExpressions(new StreamProperties({ current: node as never }), new ManualClock());

const typed = (type: string, more: object = {}): object => ({
  name: "x",
  typed_config: { "@type": `type.googleapis.com/${type}`, ...more },
});
const ident = (name: string): object => ({ ident_expr: { name } });
const text = (string_value: string): object => ({ const_expr: { string_value } });
const select = (operand: object, field: string, test_only = false): object => ({
  select_expr: { operand, field, test_only },
});
const call = (name: string, ...args: object[]): object => ({ call_expr: { function: name, args } });
const REQUEST_PATH = select(ident("request"), "path");

function config(action: object): object {
  return { virtual_hosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: action }] }] };
}

function tableOf(action: object): RouteTable {
  const { plan, problems } = planned(config(action), undefined, CHECK_EXPRESSIONS);
  assert.equal(problems.filter(({ severity }) => severity === "error").map(({ message }) => message), []);
  return new RouteTable(structuredClone(plan), {
    compileFormat: () => ({ format: () => "" }),
    compileBody: () => () => "",
    stats: StatsStore.create(),
    expressions,
  });
}

function errorsOf(action: object): string[] {
  const { problems } = planned(config(action), undefined, CHECK_EXPRESSIONS);
  return problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

const EXPR = "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor";
const limited = (...descriptors: object[]): object => ({
  cluster: "c",
  rate_limits: [{ actions: descriptors.map((each) => ({ extension: typed(EXPR, each) })) }],
});

/** The entries of the only descriptor, or null when it was dropped. */
function entries(action: object, asked: Asked = {}): string[] | null {
  const headers = requestOf(asked), info = infoOf(asked);
  const route = tableOf(action).route(headers, info, 0);
  const found = rateLimitDescriptors({ headers, info, route, serviceCluster: "" }, { stage: 0, onStreamDone: false });
  return found[0]?.entries.map(({ key, value }) => `${key}=${value}`) ?? null;
}

test("rate limits: a text, and what became of one", () => {
  const path = { descriptor_key: "path", text: "request.path" };
  const isA = { descriptor_key: "is_a", parsed: call("_==_", REQUEST_PATH, text("/a")) };
  assert.equal(entries(limited(path, isA), { path: "/a" }), ["path=/a", "is_a=true"]);
  assert.equal(entries(limited(path, isA), { path: "/b" }), ["path=/b", "is_a=false"]);
});

test("rate limits: an expression without a value", () => {
  const method = { descriptor_key: "m", text: "request.method" };
  const header = { descriptor_key: "h", text: "request.headers['x-a']" };
  assert.is(entries(limited(method, header)), null);
  assert.equal(entries(limited(method, { ...header, skip_if_error: true })), ["m=GET"]);
  assert.equal(entries(limited(method, header), { headers: [["x-a", ""]] }), ["m=GET", "h="]);
});

test("rate limits: what cannot be used", () => {
  assert.match(errorsOf(limited({ descriptor_key: "a", text: "1 +" }))[0]!, "cannot be compiled");
  assert.match(errorsOf(limited({ descriptor_key: "a", parsed: call("none") }))[0]!, "there is no function none");
  assert.match(errorsOf(limited({ descriptor_key: "a" }))[0]!, "there is no expression");
  assert.match(errorsOf(limited({ descriptor_key: "a", parsed: {} }))[0]!, "an expression of no kind");
  const entry = { struct_expr: { entries: [{ value: text("b") }] } };
  for (
    const [parsed, problem] of [
      [entry, "the expression has no map_key"],
      [{ list_expr: { elements: [{ select_expr: { field: "a" } }] } }, "the expression has no operand"],
      [call("_==_", { comprehension_expr: {} }), "the expression has no iter_range"],
    ] as const
  ) {
    const errors = errorsOf(limited({ descriptor_key: "a", parsed }));
    assert.match(errors[0]!, problem);
    assert.not.match(errors.join(), "Cannot read properties");
  }
});

const CEL_INPUT = "xds.type.matcher.v3.HttpAttributesCelMatchInput";
const SPECIFIERS = "envoy.extensions.router.cluster_specifiers.matcher.v3.";
const to = (cluster: string): object => ({ action: typed(`${SPECIFIERS}ClusterAction`, { cluster }) });
const cel = (expr_match: object): object => ({
  custom_match: typed("xds.type.matcher.v3.CelMatcher", { expr_match }),
});

function tree(test: object, input: object = typed(CEL_INPUT)): object {
  const matchers = [{ predicate: { single_predicate: { input, ...test } }, on_match: to("d") }];
  const cluster_matcher = { matcher_list: { matchers }, on_no_match: to("e") };
  const extension = typed(`${SPECIFIERS}MatcherClusterSpecifier`, { cluster_matcher });
  return { inline_cluster_specifier_plugin: { extension } };
}

function clusterOf(action: object, asked: Asked): string | null {
  return tableOf(action).route(requestOf(asked), infoOf(asked), 0)!.clusterName;
}

test("trees: all that an expression is made of", () => {
  const list = { list_expr: { elements: [text("/a"), text("/b")] } };
  const map = { struct_expr: { entries: [{ map_key: text("k"), value: list }] } };
  const inList = call("@in", REQUEST_PATH, call("_[_]", map, text("k")));
  const hasCookie = select(select(ident("request"), "headers"), "cookie", true);
  const action = tree(cel({ cel_expr_parsed: { expr: call("_&&_", inList, hasCookie) } }));
  const headers = [["cookie", "c"]] as const;
  assert.is(clusterOf(action, { path: "/a", headers }), "d");
  assert.is(clusterOf(action, { path: "/a" }), "e");
  assert.is(clusterOf(action, { path: "/c", headers }), "e");
});

test("trees: a comprehension, constants of all types, a checked expression", () => {
  const constants = ["int64_value", "uint64_value", "double_value"].map((kind) => ({ const_expr: { [kind]: 1 } }));
  const others = [{ const_expr: { bool_value: true } }, { const_expr: { bytes_value: "YQ==" } }, {
    const_expr: { null_value: 0 },
  }];
  const size = call("size", { list_expr: { elements: [...constants, ...others] } });
  const isSix = call("_==_", size, { const_expr: { int64_value: 6 } });
  const exists = {
    comprehension_expr: {
      iter_var: "x",
      iter_range: { list_expr: { elements: [text("/a"), text("/b")] } },
      accu_var: "found",
      accu_init: { const_expr: { bool_value: false } },
      loop_condition: { const_expr: { bool_value: true } },
      loop_step: call("_||_", ident("found"), call("_==_", ident("x"), REQUEST_PATH)),
      result: call("_&&_", ident("found"), isSix),
    },
  };
  const type_map = { 1: { primitive: "BOOL" } };
  for (const kind of ["checked_expr", "cel_expr_checked"]) {
    const action = tree(cel({ [kind]: { expr: { id: 1, ...exists }, type_map } }));
    assert.is(clusterOf(action, { path: "/b" }), "d", kind);
    assert.is(clusterOf(action, { path: "/c" }), "e", kind);
  }
});

test("trees: a value that is not true takes nothing", () => {
  for (const expr of [text("true"), call("_/_", ...[1, 0].map((int64_value) => ({ const_expr: { int64_value } })))]) {
    assert.is(clusterOf(tree(cel({ parsed_expr: { expr } })), { path: "/" }), "e");
  }
});

test("trees: expressions and their input go together", () => {
  const header = typed("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", { header_name: "a" });
  const expression = cel({ parsed_expr: { expr: REQUEST_PATH } });
  assert.match(errorsOf(tree({ value_match: { exact: "a" } }))[0]!, "goes with");
  assert.match(errorsOf(tree(expression, header))[0]!, "goes with");
  assert.match(errorsOf(tree(cel({ parsed_expr: { expr: call("none") } })))[0]!, "there is no function none");
});

test("trees: an expression that is not there", () => {
  for (const kind of ["parsed_expr", "checked_expr", "cel_expr_parsed", "cel_expr_checked"]) {
    assert.equal(errorsOf(tree(cel({ [kind]: {} }))), ["there is no expression"], kind);
  }
});

test.run();
