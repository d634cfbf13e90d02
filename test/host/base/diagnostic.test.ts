// test/host/base/diagnostic.test.ts: the frame, the list, the other renderings.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Diagnostic, DiagnosticList, quoted } from "../../../host/base/diagnostic.ts";
import { renderDiagnostic, renderGithub, renderJson, renderText } from "../../../host/base/diagnostic_render.ts";
import { SourceText } from "../../../host/base/source.ts";

const yaml = `static_resources:
  listeners:
  - name: a
    filter_chains:
    - filters:
      - name: x
        typed_config:
          "@type": t/x
          a: 1
          stat_prefix: web
          rout_config: {}
`;
const source = new SourceText("bad.yaml", yaml);

function problem(text: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = yaml.indexOf(text);
  return {
    code: "config/unknown-field",
    severity: "error",
    message: `HttpConnectionManager has no field "${text}"`,
    span: { source, start, end: start + text.length },
    ...more,
  };
}

test("a frame shows the place, the line before, what to do and the object", () => {
  const at = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config";
  const text = renderDiagnostic(
    problem("rout_config", { help: ["a field with a similar name exists: route_config"], at, notes: ["seen twice"] }),
  );
  assert.is(
    text,
    `error[config/unknown-field]: HttpConnectionManager has no field "rout_config"
  --> bad.yaml:11:11
     |
  10 |           stat_prefix: web
  11 |           rout_config: {}
     |           ^^^^^^^^^^^
     |
     = help: a field with a similar name exists: route_config
     = at: static_resources.listeners[0].filter_chains[0].filters[0].typed_config
     = note: seen twice`,
  );
});

test("a frame without a place has no excerpt, and a stack stands between help and object", () => {
  const text = renderDiagnostic({
    code: "wasm/trap",
    severity: "warning",
    message: "trapped",
    help: ["rebuild it"],
    stack: ["check", "onRequestHeaders"],
    at: "filter 2",
  });
  assert.is(
    text,
    "warning[wasm/trap]: trapped\n     = help: rebuild it\n     = stack: check ← onRequestHeaders\n     = at: filter 2",
  );
});

test("an empty range gets one caret", () => {
  const text = renderDiagnostic(problem("rout_config", { span: { source, start: 0, end: 0 } }));
  assert.match(text, /\n {3}1 \| static_resources:\n {5}\| \^\n/);
});

test("colours change nothing but colours", () => {
  const plain = renderDiagnostic(problem("rout_config", { help: ["x"], at: "y" }));
  const ansi = renderDiagnostic(problem("rout_config", { help: ["x"], at: "y" }), { color: true });
  assert.ok(ansi.includes("\x1b[1;31m"));
  // deno-lint-ignore no-control-regex
  assert.is(ansi.replace(/\x1b\[[0-9;]*m/g, ""), plain);
});

test("what a terminal obeys never reaches it", () => {
  const evil = new SourceText("e\x1bvil.yaml", "a: \x1b[2J\u202ex\ty");
  const text = renderDiagnostic({
    code: "config/x",
    severity: "error",
    message: "bad \x1b[31m\nvalue",
    span: { source: evil, start: 3, end: 4 },
    at: "a\x07",
  });
  // deno-lint-ignore no-control-regex
  assert.not.match(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  assert.match(text, "bad \\u001b[31m\\nvalue");
  assert.match(text, "a: \ufffd[2J\ufffdx y");
});

test("the same problem at the same place counts once", () => {
  const list = new DiagnosticList();
  list.add(problem("rout_config"));
  list.add(problem("rout_config"));
  list.add(problem("stat_prefix"));
  list.add(problem("stat_prefix", { severity: "warning" }));
  assert.is(list.summary(), "2 errors, 1 warning");
  assert.is(list.all.length, 3);
});

test("twenty are shown in the order of the text, all are counted, errors come before warnings", () => {
  const long = new SourceText("long.yaml", "x\n".repeat(100));
  const list = new DiagnosticList();
  for (let i = 39; i >= 0; i--) {
    const span = { source: long, start: i * 2, end: i * 2 + 1 };
    list.add({ code: "config/x", severity: i % 4 === 0 ? "error" : "warning", message: `m${i}`, span });
  }
  const shown = list.shown();
  assert.is(shown.length, 20);
  assert.is(shown.filter((d) => d.severity === "error").length, 10);
  const starts = shown.map((d) => d.span!.start);
  assert.equal(starts, [...starts].sort((a, b) => a - b));
  assert.match(renderText(list), "20 more not shown\n\n10 errors, 30 warnings\n");
  assert.is(renderText(new DiagnosticList()), "");
});

test("JSON has one object a line with positions from 1", () => {
  const list = new DiagnosticList();
  list.add(problem("rout_config", { help: ["h"], at: "p" }));
  list.add({ code: "config/y", severity: "note", message: "m" });
  const [first, second] = renderJson(list).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(first, {
    code: "config/unknown-field",
    severity: "error",
    message: 'HttpConnectionManager has no field "rout_config"',
    source: "bad.yaml",
    line: 11,
    column: 11,
    end_line: 11,
    end_column: 22,
    help: ["h"],
    at: "p",
  });
  assert.equal(second, { code: "config/y", severity: "note", message: "m" });
});

test("GitHub annotations escape what would end them", () => {
  const list = new DiagnosticList();
  list.add(problem("rout_config", { message: "50% of a,b\nc", at: "p:1" }));
  assert.is(
    renderGithub(list),
    "::error file=bad.yaml,line=11,col=11,endLine=11,endColumn=22,title=config/unknown-field::50%25 of a,b%0Ac%0Aat: p:1\n",
  );
});

test("quoted user text is bounded", () => {
  assert.is(quoted('a"b\n'), '"a\\"b\\n"');
  assert.is(quoted("x".repeat(100), 5), '"xxxxx…"');
});

test.run();
