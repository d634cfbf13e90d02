// host/observe/log_line.ts: log lines for people: the terminal's form, and spdlog patterns.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: `--log-format`, https://github.com/gabime/spdlog/wiki/3.-Custom-formatting
 * @module
 */

/** Envoy's levels, from the least to the most severe. */
export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error", "critical", "off"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line as pino made it. */
export interface LogLine {
  readonly level: LogLevel;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly component: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const OWN_KEYS = new Set(["level", "time", "component", "msg"]);
const COLORS: Readonly<Record<LogLevel, string>> = {
  trace: "90",
  debug: "36",
  info: "32",
  warning: "33",
  error: "31",
  critical: "41;97",
  off: "0",
};

/** Line ends, terminal controls, and characters that turn the direction of text. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text that stays on its line and leaves the terminal alone. */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    if (c === "\r") return "\\r";
    const code = c.charCodeAt(0);
    return code < 0x100 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16);
  });
}

/** `14:19:45.674 info    upstream  message  cluster=a err="…"` */
export function prettyLine(line: LogLine, color: boolean): string {
  const paint = (code: string, text: string): string => color ? `\x1b[${code}m${text}\x1b[0m` : text;
  let text = `${paint("90", line.time.slice(11, 23))} ${paint(COLORS[line.level], line.level.padEnd(8))} ` +
    `${paint("1", printable(line.component).padEnd(8))} ${printable(line.msg)}`;
  for (const [name, value] of Object.entries(line)) {
    if (OWN_KEYS.has(name)) continue;
    text += ` ${paint("90", `${printable(name)}=`)}${fieldText(value)}`;
  }
  return text + "\n";
}

/** A word as it is, anything else as JSON. */
function fieldText(value: unknown): string {
  if (typeof value === "string") return /^[\w./:@+-]+$/.test(value) ? value : printable(JSON.stringify(value));
  const error = value as { type?: unknown; message?: unknown; stack?: unknown } | null;
  // pino's form of an Error: its stack is worth lines of its own.
  if (typeof error === "object" && error !== null && typeof error.stack === "string") {
    return `${printable(String(error.message))}\n${error.stack.split("\n").slice(1).map(printable).join("\n")}`;
  }
  return printable(JSON.stringify(value) ?? "");
}

const SHORT_LEVELS: Readonly<Record<LogLevel, string>> = {
  trace: "T",
  debug: "D",
  info: "I",
  warning: "W",
  error: "E",
  critical: "C",
  off: "O",
};

/** What the flags of a pattern stand for; times are UTC. */
const FLAGS: Readonly<Record<string, (line: LogLine) => string>> = {
  v: (line) => message(line),
  _: (line) => printable(message(line)),
  j: (line) => JSON.stringify(message(line)).slice(1, -1),
  n: (line) => printable(line.component),
  l: (line) => line.level,
  L: (line) => SHORT_LEVELS[line.level],
  Y: (line) => line.time.slice(0, 4),
  m: (line) => line.time.slice(5, 7),
  d: (line) => line.time.slice(8, 10),
  H: (line) => line.time.slice(11, 13),
  M: (line) => line.time.slice(14, 16),
  S: (line) => line.time.slice(17, 19),
  e: (line) => line.time.slice(20, 23),
  f: (line) => line.time.slice(20, 23) + "000",
  F: (line) => line.time.slice(20, 23) + "000000",
  T: (line) => line.time.slice(11, 19),
  D: (line) => `${line.time.slice(5, 7)}/${line.time.slice(8, 10)}/${line.time.slice(2, 4)}`,
  E: (line) => String(Math.floor(Date.parse(line.time) / 1000)),
  z: () => "+00:00",
  t: (line) => String(line["worker"] ?? "main"),
  P: (line) => String(line["pid"] ?? 0),
  // Source positions: the component says where.
  g: (line) => printable(line.component),
  s: (line) => printable(line.component),
  "#": () => "0",
  "@": (line) => printable(line.component),
  "!": () => "",
  "^": () => "",
  $: () => "",
  "%": () => "%",
};

function message(line: LogLine): string {
  let text = printable(line.msg);
  for (const [name, value] of Object.entries(line)) {
    if (!OWN_KEYS.has(name) && name !== "worker" && name !== "pid") text += ` ${printable(name)}=${fieldText(value)}`;
  }
  return text;
}

/** Compiles an spdlog pattern. A flag that is not known stays as it is. */
export function compileLogPattern(pattern: string): (line: LogLine) => string {
  const parts: (string | ((line: LogLine) => string))[] = [];
  const flag = /%([-=]?\d*!?)(.)/gs;
  let end = 0;
  for (const match of pattern.matchAll(flag)) {
    parts.push(pattern.slice(end, match.index));
    end = match.index + match[0].length;
    const write = FLAGS[match[2]!];
    const width = Number(/\d+/.exec(match[1]!)?.[0] ?? 0);
    const left = match[1]!.startsWith("-");
    if (write === undefined) parts.push(match[0]);
    else parts.push((line) => left ? write(line).padEnd(width) : write(line).padStart(width));
  }
  parts.push(pattern.slice(end) + "\n");
  return (line) => parts.map((part) => typeof part === "string" ? part : part(line)).join("");
}
