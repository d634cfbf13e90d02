// test/host/config/yaml.test.ts: trees, their positions, and flow collections at any column.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DiagnosticList } from "../../../host/base/diagnostic.ts";
import { SourceText } from "../../../host/base/source.ts";
import type { TreeNode } from "../../../host/config/tree.ts";
import { parseYaml } from "../../../host/config/yaml.ts";
import { padFlowLines } from "../../../host/config/yaml_flow.ts";

function parse(text: string): TreeNode {
  const diagnostics = new DiagnosticList();
  const tree = parseYaml(new SourceText("t.yaml", text), diagnostics);
  assert.ok(tree, diagnostics.all.map(({ message }) => message).join("; "));
  return tree!;
}

/** Plain values, for comparing. */
function plain(node: TreeNode): unknown {
  if (node.kind === "list") return node.items.map(plain);
  if (node.kind === "map") return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
  return node.value;
}

/** Every scalar and key stands in the text where the tree says. */
function checkPositions(text: string, node: TreeNode): void {
  if (node.kind === "list") return node.items.forEach((item) => checkPositions(text, item));
  if (node.kind === "map") {
    for (const { key, keyStart, keyEnd, value } of node.entries) {
      assert.ok(text.slice(keyStart, keyEnd).includes(key), `${key} at ${keyStart}`);
      checkPositions(text, value);
    }
    return;
  }
  assert.ok(text.slice(node.start, node.end).includes(/^\w*/.exec(node.text)![0]), `${node.text} at ${node.start}`);
}

const MARGIN = [
  ["a: {\n  b: 1,\n  c: [x, z\n]\n}\nd: 2\n", { a: { b: 1, c: ["x", "z"] }, d: 2 }],
  ["- {\na: 'it''s }',\nb: \"]\\\"}\" # } ]\n}\n- z\n", [{ a: "it's }", b: ']"}' }, "z"]],
  ["a: !tag &x [\n1,\n2\n]\nb: *x\n", { a: [1, 2], b: [1, 2] }],
  ["code: |\n  }\n  ]\n  { [\nlist: [\n1]\n", { code: "}\n]\n{ [\n", list: [1] }],
  ["text: it's {not\n  flow} [at all\nlist: [\n1]\n", { text: "it's {not flow} [at all", list: [1] }],
  ["a: [\n\n# comment }\n'one\n\ntwo'\n]\n", { a: ["one\ntwo"] }],
  ["a: {b: {c: [{\nd: 1}]}}\n", { a: { b: { c: [{ d: 1 }] } } }],
  ["\"k: {\": {\nx: w}\n'l': [\nz]\n", { "k: {": { x: "w" }, l: ["z"] }],
] as const;

for (const [text, value] of MARGIN) {
  test(`flow lines may stand at the margin: ${JSON.stringify(text)}`, () => {
    const tree = parse(text);
    assert.equal(plain(tree), value);
    checkPositions(text, tree);
    const windows = text.replaceAll("\n", "\r\n");
    assert.equal(plain(parse(windows)), JSON.parse(JSON.stringify(value)));
    checkPositions(windows, parse(windows));
  });
}

test("padding maps every offset back", () => {
  const text = "a: [\n1,\n2\n]\n";
  const padded = padFlowLines(text)!;
  for (const [at, character] of [...padded.text].entries()) {
    if (character !== " ") assert.is(text[padded.original(at)], character);
  }
  assert.is(padFlowLines("a: 1\nb: [2]\n"), null);
});

test("a mistake in padded text is reported where it stands in the original", () => {
  const text = "a: {\nb: 1,\nc: [}\n}\n";
  const diagnostics = new DiagnosticList();
  assert.is(parseYaml(new SourceText("t", text), diagnostics), null);
  const span = diagnostics.all[0]!.span!;
  assert.is(span.source.position(span.start).line, 3);
});

test("secrets of a broken text are guessed and kept out of the excerpt", () => {
  const text = 'password: hunter2\nkey: "-----BEGIN RSA PRIVATE KEY-----\n  hunter2\n a: [\n';
  const diagnostics = new DiagnosticList();
  const source = new SourceText("t", text);
  parseYaml(source, diagnostics);
  assert.ok(diagnostics.hasErrors);
  for (let line = 1; line <= source.lineCount; line++) assert.not.match(source.lineText(line) ?? "", "hunter2");
});

test("positions are those of the text, quotes and blocks included", () => {
  const text = "a: 'x'\nb: \"y\"\nc: |\n  z\nd:\n- 1\n- {e: f}\n";
  checkPositions(text, parse(text));
  const tree = parse("a: 'x'");
  assert.ok(tree.kind === "map");
  const value = tree.kind === "map" ? tree.entries[0]!.value : tree;
  assert.equal([value.start, value.end], [3, 6]);
});

test.run();
