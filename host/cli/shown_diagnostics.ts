// host/cli/shown_diagnostics.ts: what the command line says of a configuration.
/** @module */
import { type Diagnostic, DiagnosticList } from "../base/diagnostic.ts";
import { renderDiagnostic, renderGithub, renderJson, renderText } from "../base/diagnostic_render.ts";
import type { Platform } from "../platform/mod.ts";

export interface ShownDiagnostics {
  /** `--diagnostics-format` */
  readonly format: "text" | "json" | "github";
  readonly color: boolean;
  /** A code that nobody wants to hear of; null for none. */
  readonly hidden: string | null;
}

type Output = Pick<Platform, "stdout" | "stderr">;

/** Everything; the exit code of who only asked for that. */
export function reportConfiguration(output: Output, diagnostics: DiagnosticList, shown: ShownDiagnostics): number {
  showAll(output, diagnostics, shown);
  if (diagnostics.hasErrors) return 1;
  output.stdout.write("configuration OK\n");
  return 0;
}

/** Everything, also what keeps a configuration from being served. */
export function showAll(output: Output, diagnostics: DiagnosticList, shown: ShownDiagnostics): void {
  const rest = those(diagnostics, ({ code }) => code !== shown.hidden);
  if (rest.total === 0) return;
  output.stderr.write(shown.format === "text" ? renderText(rest, shown) + "\n" : forPrograms(rest, shown));
}

/** What is worth knowing of a configuration that serves. */
export function showWarnings(output: Output, diagnostics: DiagnosticList, shown: ShownDiagnostics): void {
  const warnings = those(diagnostics, ({ code, severity }) => severity === "warning" && code !== shown.hidden);
  if (shown.format !== "text") return output.stderr.write(forPrograms(warnings, shown));
  for (const warning of warnings.all) output.stderr.write(renderDiagnostic(warning, shown) + "\n\n");
}

function forPrograms(diagnostics: DiagnosticList, { format }: ShownDiagnostics): string {
  return format === "json" ? renderJson(diagnostics) : renderGithub(diagnostics);
}

function those(diagnostics: DiagnosticList, wanted: (diagnostic: Diagnostic) => boolean): DiagnosticList {
  const list = new DiagnosticList();
  list.addAll(diagnostics.all.filter(wanted));
  return list;
}
