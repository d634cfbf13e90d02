// host/base/diagnostic_render.ts: diagnostics as plain text, ANSI, JSON and GitHub annotations.
// pure: no I/O, no clock, no runtime globals
/**
 * The text form is a frame as rustc draws it: where, the line before, the line, what to do, which object.
 * It serves configuration errors, NACK details and traps of filters alike.
 *
 * @module
 */
import { type Diagnostic, type DiagnosticList, type Severity, SHOWN_LIMIT } from "./diagnostic.ts";

export interface RenderOptions {
  /** ANSI colours. */
  readonly color?: boolean;
  readonly limit?: number;
}

const MIN_GUTTER = 4;
const RESET = "\x1b[0m";
const BOLD = "\x1b[1m";
const BLUE = "\x1b[1;34m";
const SEVERITY_COLOR: Record<Severity, string> = { error: "\x1b[1;31m", warning: "\x1b[1;33m", note: "\x1b[1;36m" };

/** The frame of one diagnostic, without a final newline. */
export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions = {}): string {
  const paint = options.color === true ? (code: string, text: string) => code + text + RESET : plainText;
  const { severity, code, span } = diagnostic;
  const lines = [
    paint(SEVERITY_COLOR[severity], `${severity}[${code}]`) + paint(BOLD, `: ${oneLine(diagnostic.message)}`),
  ];
  let gutter = MIN_GUTTER;
  if (span !== undefined) {
    const { line, column } = span.source.position(span.start);
    gutter = Math.max(MIN_GUTTER, String(line).length);
    const bar = paint(BLUE, `${" ".repeat(gutter)} |`);
    const numbered = (n: number, text: string) => `${paint(BLUE, `${String(n).padStart(gutter)} |`)} ${text}`;
    lines.push(`${paint(BLUE, "  -->")} ${oneLine(span.source.name)}:${line}:${column}`, bar);
    const before = span.source.lineText(line - 1);
    if (before !== null) lines.push(numbered(line - 1, before));
    const { text, from, to } = span.source.excerpt(span.start, span.end);
    lines.push(numbered(line, text.trimEnd()));
    const carets = "^".repeat(Math.max(1, to - from));
    lines.push(`${bar} ${" ".repeat(from)}${paint(SEVERITY_COLOR[severity], carets)}`, bar);
  }
  const fact = (label: string, text: string) =>
    lines.push(`${" ".repeat(gutter)} ${paint(BLUE, "=")} ${paint(BOLD, `${label}:`)} ${oneLine(text)}`);
  for (const help of diagnostic.help ?? []) fact("help", help);
  if (diagnostic.stack !== undefined && diagnostic.stack.length !== 0) fact("stack", diagnostic.stack.join(" ← "));
  if (diagnostic.at !== undefined && diagnostic.at !== "") fact("at", diagnostic.at);
  for (const note of diagnostic.notes ?? []) fact("note", note);
  return lines.join("\n");
}

function plainText(_code: string, text: string): string {
  return text;
}

/** Frames of all that are to be shown, then the counts; empty when there is nothing. */
export function renderText(list: DiagnosticList, options: RenderOptions = {}): string {
  if (list.total === 0) return "";
  const shown = list.shown(options.limit);
  const parts = shown.map((diagnostic) => renderDiagnostic(diagnostic, options));
  const rest = list.total - shown.length;
  if (rest > 0) parts.push(`${rest} more not shown`);
  return `${parts.join("\n\n")}\n\n${list.summary()}\n`;
}

/** A diagnostic as plain data, for `--log-json` and tools. */
export interface DiagnosticJson {
  code: string;
  severity: Severity;
  message: string;
  source?: string;
  line?: number;
  column?: number;
  end_line?: number;
  end_column?: number;
  help?: readonly string[];
  notes?: readonly string[];
  at?: string;
  stack?: readonly string[];
}

function toDiagnosticJson(diagnostic: Diagnostic): DiagnosticJson {
  const { code, severity, message, span } = diagnostic;
  const json: DiagnosticJson = { code, severity, message };
  if (span !== undefined) {
    const start = span.source.position(span.start);
    const end = span.source.position(span.end);
    json.source = span.source.name;
    json.line = start.line;
    json.column = start.column;
    json.end_line = end.line;
    json.end_column = end.column;
  }
  if (diagnostic.help !== undefined && diagnostic.help.length !== 0) json.help = diagnostic.help;
  if (diagnostic.notes !== undefined && diagnostic.notes.length !== 0) json.notes = diagnostic.notes;
  if (diagnostic.at !== undefined && diagnostic.at !== "") json.at = diagnostic.at;
  if (diagnostic.stack !== undefined && diagnostic.stack.length !== 0) json.stack = diagnostic.stack;
  return json;
}

/** One JSON object a line. Everything that is kept, not only what a person would be shown. */
export function renderJson(list: DiagnosticList): string {
  return list.all.map((diagnostic) => JSON.stringify(toDiagnosticJson(diagnostic)) + "\n").join("");
}

const GITHUB_COMMAND: Record<Severity, string> = { error: "error", warning: "warning", note: "notice" };

/** Workflow commands that put the diagnostics into a pull request. */
export function renderGithub(list: DiagnosticList, limit: number = SHOWN_LIMIT): string {
  let out = "";
  for (const diagnostic of list.shown(limit)) {
    const { code, severity, message, source, line, column, end_line, end_column, help, at } = toDiagnosticJson(
      diagnostic,
    );
    const properties = [`title=${githubProperty(code)}`];
    if (source !== undefined) {
      properties.unshift(
        `file=${githubProperty(source)}`,
        `line=${line}`,
        `col=${column}`,
        `endLine=${end_line}`,
        `endColumn=${end_column}`,
      );
    }
    const text = [message, ...(help ?? []), ...(at === undefined ? [] : [`at: ${at}`])].join("\n");
    out += `::${GITHUB_COMMAND[severity]} ${properties.join(",")}::${githubData(text)}\n`;
  }
  return out;
}

function githubData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function githubProperty(text: string): string {
  return githubData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** A text of others on one line, with nothing in it that a terminal obeys. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escapeControl);
}

function escapeControl(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return " ";
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
