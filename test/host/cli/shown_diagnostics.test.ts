// test/host/cli/shown_diagnostics.test.ts: what the command line says of a configuration, and to whom.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DiagnosticList } from "../../../host/base/diagnostic.ts";
import {
  reportConfiguration,
  showAll,
  type ShownDiagnostics,
  showWarnings,
} from "../../../host/cli/shown_diagnostics.ts";

const TEXT: ShownDiagnostics = { format: "text", color: false, hidden: null };

function list(...severities: readonly ("error" | "warning" | "note")[]): DiagnosticList {
  const all = new DiagnosticList();
  for (const severity of severities) all.add({ code: `config/${severity}`, severity, message: `a ${severity}` });
  return all;
}

function said(act: (output: Parameters<typeof showAll>[0]) => unknown): string {
  let text = "";
  const write = (name: string) => ({ isTerminal: false, write: (part: string) => void (text += `${name}: ${part}`) });
  act({ stdout: write("out"), stderr: write("err") } as Parameters<typeof showAll>[0]);
  return text;
}

test("a configuration without errors is fine, with one it is not", () => {
  assert.is(said((output) => assert.is(reportConfiguration(output, list(), TEXT), 0)), "out: configuration OK\n");
  const text = said((output) => assert.is(reportConfiguration(output, list("error", "note"), TEXT), 1));
  assert.is(text, "err: error[config/error]: a error\n\nnote[config/note]: a note\n\n1 error, 1 note\n\n");
});

test("what serves is shown with its warnings alone, but for those that nobody wants", () => {
  const diagnostics = list("warning", "note");
  assert.is(said((output) => showWarnings(output, diagnostics, TEXT)), "err: warning[config/warning]: a warning\n\n");
  assert.is(said((output) => showWarnings(output, diagnostics, { ...TEXT, hidden: "config/warning" })), "");
  assert.is(said((output) => showAll(output, list("warning"), { ...TEXT, hidden: "config/warning" })), "");
});

test("programs get lines of JSON, workflows annotations", () => {
  const diagnostics = list("warning", "note");
  assert.is(
    said((output) => showWarnings(output, diagnostics, { ...TEXT, format: "json" })),
    'err: {"code":"config/warning","severity":"warning","message":"a warning"}\n',
  );
  assert.is(
    said((output) => showAll(output, diagnostics, { ...TEXT, format: "github" })),
    "err: ::warning title=config/warning::a warning\n::notice title=config/note::a note\n",
  );
});

test.run();
