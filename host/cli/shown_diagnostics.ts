// host/cli/shown_diagnostics.ts: what the command line says of a configuration.
/** @module */
import { DiagnosticList } from "../base/diagnostic.ts";
import { renderDiagnostic, renderText } from "../base/diagnostic_render.ts";
import type { Platform } from "../platform/mod.ts";

export interface ShownDiagnostics {
  readonly color: boolean;
  /** A code that nobody wants to hear of; null for none. */
  readonly hidden: string | null;
}

/** Everything; the exit code of who only asked for that. */
export function reportConfiguration(platform: Platform, diagnostics: DiagnosticList, shown: ShownDiagnostics): number {
  showAll(platform, diagnostics, shown);
  if (diagnostics.hasErrors) return 1;
  platform.stdout.write("configuration OK\n");
  return 0;
}

/** Everything, also what keeps a configuration from being served. */
export function showAll(platform: Platform, diagnostics: DiagnosticList, { color, hidden }: ShownDiagnostics): void {
  const rest = new DiagnosticList();
  for (const diagnostic of diagnostics.all) if (diagnostic.code !== hidden) rest.add(diagnostic);
  if (rest.total > 0) platform.stderr.write(renderText(rest, { color }) + "\n");
}

/** What is worth knowing of a configuration that serves. */
export function showWarnings(
  platform: Platform,
  diagnostics: DiagnosticList,
  { color, hidden }: ShownDiagnostics,
): void {
  for (const diagnostic of diagnostics.all) {
    if (diagnostic.severity !== "warning" || diagnostic.code === hidden) continue;
    platform.stderr.write(renderDiagnostic(diagnostic, { color }) + "\n\n");
  }
}
