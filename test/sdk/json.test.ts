// test/sdk/json.test.ts: the SDK's JSON reader against the runtime's, and its messages.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SourceFilter } from "./support.ts";

/** Logs what it read, as JSON, or why it could not. */
const filter = await SourceFilter.build(`
import { Config, Json, JsonKind, log, registerService, RootContext } from "nuncio/sdk";

function write(json: Json): string {
  let text = "";
  switch (json.kind) {
    case JsonKind.Null: return "null";
    case JsonKind.Bool: return json.bool() ? "true" : "false";
    case JsonKind.Number: return json.f64().toString();
    case JsonKind.String: return Json.quote(json.string());
    case JsonKind.Array: {
      for (let i = 0; i < json.length; ++i) text += (i > 0 ? "," : "") + write(json.at(i));
      return "[" + text + "]";
    }
    case JsonKind.Object: {
      for (let i = 0; i < json.length; ++i) {
        text += (i > 0 ? "," : "") + Json.quote(json.keyAt(i)) + ":" + write(json.get(json.keyAt(i)));
      }
      return "{" + text + "}";
    }
    default: return "missing";
  }
}

class Root extends RootContext {
  onConfigure(config: Config): bool {
    const json = config.json();
    if (json === null) return this.refuse(Json.error);
    log.info(write(json));
    return true;
  }
}
registerService<Root>("write");

/** Reads values as the test's configuration asks for them, and logs them. */
class Reader extends RootContext {
  onConfigure(config: Config): bool {
    const json = config.json()!;
    log.info([
      json.get("i64").i64(-1).toString(),
      json.get("i32").i32(-1).toString(),
      json.get("f64").f64(-1).toString(),
      json.get("bool").bool(true).toString(),
      json.get("string").string("fallback"),
      json.get("strings").strings().join("|"),
      json.get("deep").get("er").at(1).string("nothing"),
      json.get("deep").exists.toString(),
      json.at(99).exists.toString(),
    ].join(" "));
    if (json.length > 0) json.onlyKeys(["i64", "i32", "f64", "bool", "string", "strings", "deep"]);
    return Json.error.length == 0 || this.refuse(Json.error);
  }
}
registerService<Reader>("read");
`);
test.after(() => filter.dispose());

async function parse(text: string): Promise<{ value: unknown } | { error: string }> {
  const host = await filter.load({ rootId: "write", config: text });
  return host.configured ? { value: JSON.parse(host.messages("info")[0]!) } : { error: host.messages("critical")[0]! };
}

test("reads what JSON.parse reads", async () => {
  const documents = [
    "{}",
    "[]",
    " \t\r\n[ ] ",
    '""',
    "0",
    "-0.5e-3",
    "1E5",
    "123456789",
    "true",
    "null",
    '{"a":{"b":[1,2,{"c":null}]},"d":"e"}',
    '["\\u00e9\\ud83d\\ude00","\\"\\\\\\/\\b\\f\\n\\r\\t","é→😀"]',
    '{"":1," ":2}',
    `${"[".repeat(60)}${"]".repeat(60)}`,
    `"${"x".repeat(10_000)}"`,
    `[${Array.from({ length: 500 }, (_, i) => `{"k${i}":${i}}`).join(",")}]`,
  ];
  for (const text of documents) assert.equal(await parse(text), { value: JSON.parse(text) }, text.slice(0, 60));
});

test("refuses what JSON.parse refuses", async () => {
  const documents = [
    "{",
    "[1,]",
    '{"a":1,}',
    "{a:1}",
    '{"a" 1}',
    '{"a":}',
    "[1 2]",
    "01",
    "1.",
    ".5",
    "1e",
    "+1",
    "--1",
    "nul",
    "True",
    "'a'",
    '"a',
    '"\\x"',
    '"\\u12g4"',
    '"a\nb"',
    "{} {}",
    "1 2",
    "//",
    "\u00a0{}",
  ];
  for (const text of documents) {
    assert.throws(() => JSON.parse(text), undefined, text);
    assert.ok("error" in await parse(text), text);
  }
});

test("says where and what", async () => {
  const cases: [text: string, error: string][] = [
    ["{", "line 1, column 2: expected a key in double quotes, found the end"],
    ['{\n  "a": 1,\n  b: 2\n}', "line 3, column 3: expected a key in double quotes, found 'b'"],
    ['{"a": nope}', "line 1, column 7: expected a value, found 'n'"],
    ["[1 2]", "line 1, column 4: expected ',' or ']', found '2'"],
    ['{"a":1 "b":2}', "line 1, column 8: expected ',' or '}', found '\"'"],
    ['{"a":1,"a":2}', 'line 1, column 8: the key "a" comes twice'],
    ['"abc', "line 1, column 5: expected '\"' that ends the string, found the end"],
    ['"\\q"', "line 1, column 3: expected an escape: one of \" \\ / b f n r t u, found 'q'"],
    ["{} x", "line 1, column 4: expected the end, found 'x'"],
    ["[".repeat(80), "line 1, column 66: nested more than 64 deep"],
  ];
  for (const [text, error] of cases) assert.equal(await parse(text), { error }, text);
});

test("empty configuration is an empty object", async () => {
  assert.equal(await parse(""), { value: {} });
  assert.equal(await parse("  \n"), { value: {} });
});

async function read(config: Record<string, unknown> | string): Promise<[values: string | undefined, problem: string]> {
  const host = await filter.load({ rootId: "read", config });
  return [host.messages("info")[0], host.messages("critical")[0] ?? ""];
}

test("values, and fallbacks for what is missing", async () => {
  assert.equal(await read({}), ["-1 -1 -1.0 true fallback  nothing false false", ""]);
  const all = { i32: -2147483648, f64: 0.1, bool: false, string: "", strings: ["a", "b"], deep: { er: ["x", "y"] } };
  // Beyond 2^53 a double would be off by one.
  const text = JSON.stringify(all).replace("{", '{"i64":9007199254740993,');
  assert.equal(await read(text), ["9007199254740993 -2147483648 0.1 false  a|b y true false", ""]);
});

test("wrong types and unknown keys are all reported, with their paths", async () => {
  const [, problem] = await read({
    i64: 1.5,
    i32: 2147483648,
    f64: "1",
    bool: 0,
    string: null,
    strings: ["a", 1],
    deep: [],
    other: 1,
  });
  assert.equal(problem.split("; "), [
    "i64: expected an integer, found 1.5",
    "i32: expected an integer of 32 bits, found 2147483648",
    'f64: expected a number, found the string "1"',
    "bool: expected true or false, found 0",
    "string: expected a string, found null",
    "strings[1]: expected a string, found 1",
    "deep: expected an object, found an array",
    "other: unknown key, expected one of i64, i32, f64, bool, string, strings, deep",
  ]);
});

test.run();
