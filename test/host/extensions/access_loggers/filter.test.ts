// test/host/extensions/access_loggers/filter.test.ts: which streams are worth a line.
import { Runtime } from "../../../../host/base/runtime.ts";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { module } from "../../../../host/extensions/access_log_filters/cel/module.ts";
import { compileAccessLogFilter } from "../../../../host/extensions/access_loggers/common/filter.ts";
import type { LineLoggerPlan } from "../../../../host/extensions/access_loggers/common/line_logger.ts";
import { planner } from "../../../../host/extensions/access_loggers/stdout/plan.ts";
import { StreamProperties } from "../../../../host/extensions/common/wasm/properties.ts";
import type { FactoryContext } from "../../../../host/extensions/define.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import type { ExtensionPlan } from "../../../../host/net/plan.ts";
import type { AccessLogEntry, AccessLogFilter } from "../../../../host/observe/access_log.ts";
import { type ProxiedStream, proxiedStream } from "../../observe/formatter_fixture.ts";
import { planAccessLog } from "./fixture.ts";

const TYPED =
  'typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog }';

/** Attributes of streams, without wasm. */
const wasm = {
  attributes: new StreamProperties({
    current: { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} },
  }),
};

function createAccessLogFilter(plan: ExtensionPlan): AccessLogFilter {
  return module.create(plan.plan, { clock: new ManualClock(), wasm } as unknown as FactoryContext);
}

const runtime = new Runtime();

function planned(filter: string): { filter: AccessLogFilter | null; problems: string[] } {
  const { plan, problems } = planAccessLog<LineLoggerPlan>(`name: x\nfilter: ${filter}\n${TYPED}`, planner);
  const world = { clock: new ManualClock(), random: new SeededRandom(7), runtime, createAccessLogFilter };
  return { filter: compileAccessLogFilter(plan?.filter ?? null, world), problems };
}

function filter(yaml: string): AccessLogFilter {
  const { filter, problems } = planned(yaml);
  assert.equal(problems.filter((problem) => !problem.startsWith("note")), []);
  return filter!;
}

function entry(status = 200): ProxiedStream {
  const stream = proxiedStream();
  stream.info.responseCode = status;
  return stream;
}

test("no filter: every stream", () => {
  assert.is(planAccessLog<LineLoggerPlan>(`name: x\n${TYPED}`, planner).plan!.filter, null);
});

test("status_code_filter compares", () => {
  const of = (op: string): AccessLogFilter =>
    filter(`{ status_code_filter: { comparison: { op: ${op}, value: { default_value: 400, runtime_key: x } } } }`);
  const seen = (op: string): boolean[] => [399, 400, 401, 0].map((status) => of(op)(entry(status)));
  assert.equal(seen("EQ"), [false, true, false, false]);
  assert.equal(seen("GE"), [false, true, true, false]);
  assert.equal(seen("LE"), [true, true, false, true]);
  assert.equal(seen("NE"), [true, false, true, true]);
});

test("duration_filter compares whole milliseconds", () => {
  const slow = filter("{ duration_filter: { comparison: { op: GE, value: { default_value: 6, runtime_key: x } } } }");
  const slower = filter("{ duration_filter: { comparison: { op: GE, value: { default_value: 7, runtime_key: x } } } }");
  assert.equal([slow(entry()), slower(entry())], [true, false]);
});

test("metadata_filter looks into dynamic metadata", () => {
  const of = (value: string, more = ""): AccessLogFilter =>
    filter(
      `{ metadata_filter: { matcher: { filter: ns, path: [ { key: a }, { key: b } ], value: ${value} }${more} } }`,
    );
  const seen = (value: string, found: unknown, more = ""): boolean => {
    const stream = entry();
    if (found !== undefined) stream.info.mergeDynamicMetadata("ns", { a: { b: found } });
    return of(value, more)(stream);
  };
  const rows: readonly (readonly [string, unknown, unknown])[] = [
    ["{ string_match: { prefix: x } }", "xy", "yx"],
    ["{ string_match: { exact: é } }", "é", "e"],
    ["{ bool_match: true }", true, false],
    ["{ double_match: { exact: 2 } }", 2, 3],
    ["{ double_match: { range: { start: 1, end: 3 } } }", 1, 3],
    ["{ null_match: {} }", null, 0],
    ["{ present_match: true }", null, undefined],
    ["{ list_match: { one_of: { bool_match: true } } }", [1, true], true],
    ["{ or_match: { value_matchers: [ { bool_match: true }, { null_match: {} } ] } }", null, false],
  ];
  for (const [value, yes, no] of rows) {
    assert.is(seen(value, yes), true, value);
    assert.is(seen(value, no, ", match_if_key_not_found: false"), false, value);
  }
  assert.is(seen("{ bool_match: true }", undefined), true, "what is not there matches unless said otherwise");
  assert.is(seen("{ bool_match: true }", undefined, ", match_if_key_not_found: false"), false);
});

test("extension_filter: an expression that is true", () => {
  const of = (expression: string): string =>
    `{ extension_filter: { name: cel, typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter, expression: ${
      JSON.stringify(expression)
    } } } }`;
  const seen = (expression: string, status = 200): boolean => filter(of(expression))(entry(status));
  assert.equal([200, 404].map((status) => seen("response.code >= 400", status)), [false, true]);
  assert.is(seen("request.method == 'POST' && source.address != ''"), true);
  assert.is(seen("request.headers['x-none'] == 'a'"), false, "an expression that fails takes nothing");
  assert.is(seen("'true'"), false, "nor does one that is no boolean");
  assert.match(planned(of("response.code >")).problems.join(), "the expression cannot be compiled");
});

test("and, or", () => {
  const code = (op: string, value: number): string =>
    `{ status_code_filter: { comparison: { op: ${op}, value: { default_value: ${value}, runtime_key: x } } } }`;
  const both = filter(`{ and_filter: { filters: [ ${code("GE", 400)}, ${code("LE", 499)} ] } }`);
  const either = filter(`{ or_filter: { filters: [ ${code("EQ", 200)}, ${code("EQ", 503)} ] } }`);
  assert.equal([200, 404, 503].map((status) => both(entry(status))), [false, true, false]);
  assert.equal([200, 404, 503].map((status) => either(entry(status))), [true, false, true]);
});

test("header_filter looks at the request", () => {
  const wanted = filter("{ header_filter: { header: { name: X-Dup, string_match: { exact: '2' } } } }");
  assert.is(wanted(entry()), true);
  const other = entry();
  other.requestHeaders.remove("x-dup");
  assert.is(wanted(other), false);
  assert.is(wanted({ ...entry(), requestHeaders: null }), false);
});

test("response_flag_filter: one of these flags, or any flag", () => {
  const some = filter("{ response_flag_filter: { flags: [UF, UH] } }");
  const any = filter("{ response_flag_filter: {} }");
  const stream = entry();
  assert.equal([some(stream), any(stream)], [false, false]);
  stream.info.setFlag("URX");
  assert.equal([some(stream), any(stream)], [false, true]);
  stream.info.setFlag("UF");
  assert.equal([some(stream), any(stream)], [true, true]);
});

test("grpc_status_filter: by trailers, headers or the HTTP status; unknown without an answer", () => {
  const unavailable = filter("{ grpc_status_filter: { statuses: [UNAVAILABLE, UNKNOWN] } }");
  const others = filter("{ grpc_status_filter: { statuses: [UNAVAILABLE, UNKNOWN], exclude: true } }");
  const trailers = (status: string): AccessLogEntry => ({
    ...entry(),
    responseTrailers: HeaderMap.of({ "grpc-status": status }),
  });
  const all = [entry(503), entry(0), trailers("14"), trailers("0"), entry(401)];
  assert.equal(all.map(unavailable), [true, true, true, false, false]);
  assert.equal(all.map(others), [false, false, false, true, true]);
});

test("not_health_check_filter and log_type_filter", () => {
  const stream = entry();
  const health = filter("{ not_health_check_filter: {} }");
  assert.is(health(stream), true);
  stream.info.healthCheck = true;
  assert.is(health(stream), false);
  const end = filter("{ log_type_filter: { types: [DownstreamEnd] } }");
  const notEnd = filter("{ log_type_filter: { types: [DownstreamEnd], exclude: true } }");
  assert.equal([end(stream), notEnd(stream)], [true, false]);
});

test("a runtime key takes the place of a limit and of a share, while it has a number", () => {
  const status = filter(
    "{ status_code_filter: { comparison: { op: GE, value: { default_value: 400, runtime_key: a } } } }",
  );
  const share = filter(
    "{ runtime_filter: { runtime_key: b, percent_sampled: { numerator: 0, denominator: MILLION } } }",
  );
  const passes = () => [status(entry(300)), share(entry())];
  assert.equal(passes(), [false, false]);
  runtime.replace(
    new Map([
      ["a", { text: "300", number: 300, fraction: null }],
      ["b", { text: "1000000", number: 1_000_000, fraction: null }],
    ]),
  );
  assert.equal(passes(), [true, true]);
  runtime.replace(new Map([["a", { text: "no", number: null, fraction: null }]]));
  assert.equal(passes(), [false, false]);
});

test("runtime_filter takes a share, by the request id or by chance", () => {
  const { filter: half, problems } = planned(
    "{ runtime_filter: { runtime_key: k, percent_sampled: { numerator: 50 } } }",
  );
  assert.equal(problems, []);
  const withId = (id: string): AccessLogEntry => {
    const stream = entry();
    stream.requestHeaders.set("x-request-id", id);
    return stream;
  };
  assert.is(half!(withId("00000031-b0a9-41c5-b43f-79e44e2262fc")), true, "0x31 = 49");
  assert.is(half!(withId("00000032-b0a9-41c5-b43f-79e44e2262fc")), false, "0x32 = 50");
  const stream = entry();
  let taken = 0;
  for (let i = 0; i < 1000; i++) if (half!(stream)) taken++;
  assert.ok(taken > 400 && taken < 600, String(taken));
});

test("a filter that is not available is an error, not a log without filter", () => {
  const { problems } = planned("{ traceable_filter: {} }");
  assert.equal(problems, ["error access_log/unsupported-filter: access logs have no traceable_filter here"]);
});

test.run();
