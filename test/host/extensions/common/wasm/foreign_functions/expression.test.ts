// test/host/extensions/common/wasm/foreign_functions/expression.test.ts: expr_create, expr_evaluate, expr_delete.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../../../../host/http/header_map.ts";
import {
  MAX_EXPRESSION_BYTES,
  MAX_EXPRESSIONS,
} from "../../../../../../host/extensions/common/wasm/foreign_functions/expression.ts";
import { prepareForeignFunctions } from "../../../../../../host/extensions/common/wasm/foreign_functions/mod.ts";
import type { PropertyValue, WasmModule } from "../../../../../../host/wasm/mod.ts";
import { Caller, Status } from "./fake_call.ts";

const CALLS = { info: { imports: [{ name: "proxy_call_foreign_function" }] } } as unknown as WasmModule;
const CALLS_NOTHING = { info: { imports: [{ name: "proxy_log" }] } } as unknown as WasmModule;

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** The result in hexadecimal digits, or the status, of one expression. */
function evaluate(text: string, properties: Readonly<Record<string, PropertyValue>> = {}): string | Status {
  const caller = new Caller();
  for (const [path, value] of Object.entries(properties)) caller.properties.set(path, value);
  return caller.answer("expr_evaluate", caller.result("expr_create", text));
}

function utf8(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

test("the evaluator is loaded for modules that call foreign functions", async () => {
  await prepareForeignFunctions([CALLS_NOTHING]);
  assert.is(new Caller().call("expr_create", "1"), Status.InternalFailure);
  await prepareForeignFunctions([CALLS_NOTHING, CALLS]);
  assert.is(new Caller().answer("expr_create", "1"), "00000000");
});

test("tokens count what could be parsed, and are not those of others", () => {
  const caller = new Caller();
  const steps: [string, string | Uint8Array, string | Status][] = [
    ["expr_create", "1", "00000000"],
    ["expr_create", "1 +", Status.BadArgument],
    ["expr_create", "", Status.BadArgument],
    ["expr_create", "none()", Status.BadArgument],
    ["expr_create", "2", "02000000"],
    ["expr_evaluate", u32(2), "0200000000000000"],
    ["expr_evaluate", u32(1), Status.NotFound],
    ["expr_delete", u32(0), Status.Ok],
    ["expr_delete", u32(0), Status.Ok],
    ["expr_evaluate", u32(0), Status.NotFound],
    ["expr_evaluate", "x", Status.BadArgument],
    ["expr_evaluate", "", Status.BadArgument],
    ["expr_delete", "xxxxx", Status.BadArgument],
    ["expr_create", "3", "03000000"],
  ];
  for (const [name, args, expected] of steps) assert.is(caller.answer(name, args), expected, `${name} ${args}`);
  assert.is(new Caller().call("expr_evaluate", u32(3)), Status.NotFound);
});

test("results of every type in their encoding", () => {
  const rows: [string, string | Status][] = [
    ["-2", "feffffffffffffff"],
    ["2u", "0200000000000000"],
    ["1.5", "000000000000f83f"],
    ["1 < 2", "01"],
    ["'é'", "c3a9"],
    ["b'\\xff'", "ff"],
    ["duration('1.5s')", "002f685900000000"],
    ["timestamp('1970-01-01T00:00:01Z')", "00ca9a3b00000000"],
    ["['a', 1]", "02000000 0100000000000000 0800000000000000 610000 01000000000000000000".replaceAll(" ", "")],
    ["{'a': true}", "01000000 0100000001000000 61000100".replaceAll(" ", "")],
    ["{1: 'a'}", "01000000 0800000001000000 010000000000000000 6100".replaceAll(" ", "")],
    ["[]", "00000000"],
    ["{}", "00000000"],
    ["[['a']]", "01000000 0f00000000000000 01000000 0100000000000000 610000 0000".replaceAll(" ", "")],
    ["google.protobuf.StringValue{value: 'a'}", "61"],
    ["null", Status.SerializationFailure],
    ["[null]", Status.SerializationFailure],
    ["type(1)", Status.SerializationFailure],
    ["1 / 0", Status.InternalFailure],
    ["1 + 'a'", Status.InternalFailure],
    ["none", Status.InternalFailure],
    ["9223372036854775807 + 1", Status.InternalFailure],
  ];
  for (const [text, expected] of rows) assert.is(evaluate(text), expected, text);
});

test("attributes are read as their types", () => {
  const headers = HeaderMap.of([["a", "1"], ["a", "2"], ["b", "\xc3\xa9"]]);
  const properties: Record<string, PropertyValue> = {
    "request": { kind: "opaque" },
    "request.path": { kind: "latin1", value: "/p" },
    "request.size": { kind: "int", value: 5 },
    "request.time": { kind: "timestamp", value: 1_000_000_001n },
    "request.duration": { kind: "duration", value: 5n },
    "request.headers": { kind: "headers", value: headers },
    "connection": { kind: "opaque" },
    "connection.id": { kind: "uint", value: 7 },
    "connection.mtls": { kind: "bool", value: true },
    "xds": { kind: "opaque" },
    "xds.node": { kind: "message", value: { field: () => null, encode: () => Uint8Array.of(1, 2) } },
    "xds.node.id": { kind: "string", value: "n" },
    "xds.node.metadata": {
      kind: "map",
      value: new Map<string, PropertyValue>([
        ["n", { kind: "double", value: 2 }],
        ["l", { kind: "list", value: [{ kind: "string", value: "x" }, { kind: "null" }] }],
      ]),
    },
    "filter_state.wasm.own": { kind: "bytes", value: new TextEncoder().encode("mine") },
    "node": { kind: "message", value: { field: () => null, encode: () => Uint8Array.of() } },
    "node.id": { kind: "string", value: "n" },
    "plugin_name": { kind: "bytes", value: new TextEncoder().encode("p") },
  };
  const rows: [string, string | Status][] = [
    ["request.path", utf8("/p")],
    ["request['path'].startsWith('/')", "01"],
    ["request.size + 1", "0600000000000000"],
    ["request.time > timestamp(1)", "01"],
    ["request.duration == duration('5ns')", "01"],
    ["request.headers.a", utf8("1,2")],
    ["request.headers['B'] == 'é'", "01"],
    ["'a' in request.headers && !('c' in request.headers)", "01"],
    ["request.headers.exists(name, name == 'b')", "01"],
    ["size(request.headers)", "0200000000000000"],
    ["request.headers", "02000000 0100000003000000 0100000002000000 6100312c3200 6200c3a900".replaceAll(" ", "")],
    ["request.headers.c", Status.InternalFailure],
    ["has(request.path) && !has(request.none) && !has(request.headers.c)", "01"],
    ["type(connection.id) == uint && connection.mtls", "01"],
    ["xds.node.id + xds.node.metadata.l[0]", utf8("nx")],
    ["xds.node.metadata['n'] * 2.0", "0000000000001040"],
    ["xds.node.metadata.l[1] == null", "01"],
    ["xds.node", "0102"],
    ["node.id", utf8("n")],
    ["string(own)", utf8("mine")],
    ["own == b'mine' && plugin_name == b'p'", "01"],
    ["request", Status.SerializationFailure],
    ["request.none", Status.InternalFailure],
    ["constructor", Status.InternalFailure],
    ["__proto__", Status.InternalFailure],
  ];
  for (const [text, expected] of rows) assert.is(evaluate(text, properties), expected, text);
});

test("regular expressions are RE2's", () => {
  assert.is(evaluate("'abc'.matches('b')"), "01");
  assert.is(evaluate("'abc'.matches('^b')"), "00");
  assert.is(evaluate("'abc'.matches('(')"), Status.InternalFailure);
  assert.is(evaluate("'abc'.matches('(?=b)')"), Status.InternalFailure);
});

test("expressions are limited in size, depth and number", () => {
  const caller = new Caller();
  assert.is(caller.call("expr_create", `'${"a".repeat(MAX_EXPRESSION_BYTES)}'`), Status.BadArgument);
  assert.match(caller.explained.at(-1)!, /at most 8192 bytes/);
  assert.is(caller.call("expr_create", `${"(".repeat(4000)}1${")".repeat(4000)}`), Status.BadArgument);
  caller.charged = 0;
  for (let i = 0; i < MAX_EXPRESSIONS; i++) caller.result("expr_create", "1");
  assert.is(caller.call("expr_create", "1"), Status.BadArgument);
  assert.match(caller.explained.at(-1)!, /at most 1000 expressions/);
  caller.call("expr_delete", u32(0));
  caller.result("expr_create", "1");
  assert.ok(caller.charged >= 2_000_000);
});

test("comprehensions end, and are paid for", () => {
  const list = `[${Array.from({ length: 100 }, (_, i) => i).join()}]`;
  const caller = new Caller();
  const run = (text: string): string | Status => caller.answer("expr_evaluate", caller.result("expr_create", text));
  assert.is(run(`${list}.all(x, ${list}.exists(y, y == x))`), "01");
  const charged = caller.charged;
  assert.ok(charged > 100 * 100);
  assert.is(
    run(`${list}.all(a, ${list}.all(b, ${list}.all(c, ${list}.all(d, a + b + c + d >= 0))))`),
    Status.InternalFailure,
  );
  assert.match(caller.explained.at(-1)!, /takes more than 1000000 steps/);
  // What is caught by an or does not begin again.
  assert.is(
    run(`${list}.all(z, ${list}.all(a, ${list}.all(b, ${list}.all(c, ${list}.all(d, a + b + c + d >= 0)))) || true)`),
    Status.InternalFailure,
  );
  const long: PropertyValue = { kind: "list", value: Array.from({ length: 1001 }, () => ({ kind: "int", value: 1 })) };
  assert.is(evaluate("xs.all(x, x > 0)", { "filter_state.wasm.xs": long }), Status.InternalFailure);
  const text: PropertyValue = { kind: "string", value: "a".repeat(65_537) };
  assert.is(evaluate("size(text)", { "filter_state.wasm.text": text }), Status.InternalFailure);
  assert.is(evaluate("size('aé😀')", {}), "0300000000000000");
  assert.is(evaluate("'aé😀'.size()", {}), "0300000000000000");
  assert.is(evaluate("b'a' + b'b'", {}), "6162");
  const pattern = `'${"a".repeat(100)}'`;
  const wide: PropertyValue = { kind: "string", value: "a".repeat(65_536) };
  const matches = `wide.matches(${pattern})`;
  assert.is(evaluate(matches, { "filter_state.wasm.wide": wide }), "01");
  const sum = Array(100).fill("wide").join(" + ");
  assert.is(evaluate(`size(${sum})`, { "filter_state.wasm.wide": wide }), Status.InternalFailure);
  assert.is(evaluate(Array(20).fill(matches).join(" && "), { "filter_state.wasm.wide": wide }), Status.InternalFailure);
});

test.run();
