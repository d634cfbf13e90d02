// test/host/observe/formatter_json.test.ts: JSON formats, against lines that the real Envoy wrote.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FormatInput } from "../../../host/observe/formatter.ts";
import { compileJsonFormat } from "../../../host/observe/formatter_json.ts";
import { formatWorld, proxiedStream } from "./formatter_fixture.ts";

function line(template: unknown, input: FormatInput = proxiedStream(), omitEmptyValues = false): string {
  const { format, problems } = compileJsonFormat(template, formatWorld(), { omitEmptyValues });
  assert.equal(problems, []);
  return format(input);
}

test("keys are sorted, one command keeps its type, constants stay", () => {
  assert.is(
    line({
      z: "%RESPONSE_CODE%",
      a: "%REQ(X-NONE)%",
      mix: "x %RESPONSE_CODE% %REQ(X-NONE)%",
      nest: { b: "%DURATION%", a: "%PROTOCOL%", l: ["%BYTES_SENT%", 1.5, true, null, "lit"] },
      meta: "%UPSTREAM_METADATA(envoy.lb:o)%",
      pct: "100%%",
      "": {},
      e: [],
    }),
    '{"":{},"a":null,"e":[],"meta":{"a":[1,null,"x"],"z":1},"mix":"x 200 -",' +
      '"nest":{"a":"HTTP/1.1","b":6,"l":[5,1.5,true,null,"lit"]},"pct":"100%","z":200}',
  );
});

test("strings are escaped piece by piece; bytes that are no UTF-8 become escapes", () => {
  const input = proxiedStream();
  const value = (text: string): string => {
    input.requestHeaders.set("x", text);
    return line({ a: "%REQ(x)%", "é": "é%REQ(x)%" }, input);
  };
  assert.is(value('a\tb"\\/<'), '{"a":"a\\tb\\"\\\\/<","\xc3\xa9":"\xc3\xa9a\\tb\\"\\\\/<"}');
  assert.is(value("gr\xc3\xb6\xc3\x9fe"), '{"a":"gr\xc3\xb6\xc3\x9fe","\xc3\xa9":"\xc3\xa9gr\xc3\xb6\xc3\x9fe"}');
  assert.is(value("a\xff\xfeb"), '{"a":"a\\u00ff\\u00feb","\xc3\xa9":"\xc3\xa9a\\u00ff\\u00feb"}');
});

test("omit_empty_values leaves absent values out, and objects that have none left", () => {
  const template = {
    a: "%PROTOCOL%",
    b: "%REQ(nope)%",
    c: "x%REQ(nope)%",
    d: { e: "%REQ(nope)%" },
    f: "%RESPONSE_FLAGS%",
    n: null,
    l: ["%REQ(nope)%", "a"],
  };
  assert.is(line(template, proxiedStream(), true), '{"a":"HTTP/1.1","c":"x","f":"-","l":["a"]}');
  assert.is(line({ b: "%REQ(nope)%" }, proxiedStream(), true), "{}");
});

test("a template without commands is one constant", () => {
  assert.is(line({ b: [1, { c: "x" }], a: true }), '{"a":true,"b":[1,{"c":"x"}]}');
});

test("problems say where in the template they are", () => {
  const { problems } = compileJsonFormat({ a: { b: ["ok", "x %FOO%"] } }, formatWorld());
  assert.equal(problems.map(({ path, position, code }) => ({ path, position, code })), [
    { path: ["a", "b", 1], position: 2, code: "format/unknown-command" },
  ]);
});

test.run();
