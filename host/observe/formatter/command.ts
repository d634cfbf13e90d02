// host/observe/formatter/command.ts: what a command of a format string is, and what it is given.
// pure: no I/O, no clock, no runtime globals
/**
 * A command compiles to an `Extract`: a closure from the facts of a stream to a value. Text and JSON
 * formats are two ways to write the same values.
 *
 * Strings are wire text, one character a byte, as header values are: who writes a line writes latin1.
 *
 * @see Envoy: envoy/formatter/substitution_formatter_base.h
 * @module
 */
import { fromLatin1 } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { ExpressionSource } from "../../base/expression_tree.ts";
import type { Random } from "../../base/random.ts";
import { isAscii, toWireText } from "../../base/wire_text.ts";
import type { StreamInfo } from "../stream_info.ts";

/** Header fields as a format reads them; names are lower case. */
export interface HeaderSource {
  /** The first value. */
  get(name: string): string | null;
  /** Bytes of all names and values. */
  readonly byteSize: number;
}

/** When a line is written. */
export const AccessLogType = {
  NotSet: "NotSet",
  TcpUpstreamConnected: "TcpUpstreamConnected",
  TcpPeriodic: "TcpPeriodic",
  TcpConnectionEnd: "TcpConnectionEnd",
  TcpConnectionStart: "TcpConnectionStart",
  DownstreamStart: "DownstreamStart",
  DownstreamPeriodic: "DownstreamPeriodic",
  DownstreamEnd: "DownstreamEnd",
  DownstreamTunnelSuccessfullyEstablished: "DownstreamTunnelSuccessfullyEstablished",
  UpstreamPoolReady: "UpstreamPoolReady",
  UpstreamPeriodic: "UpstreamPeriodic",
  UpstreamEnd: "UpstreamEnd",
} as const;
export type AccessLogType = (typeof AccessLogType)[keyof typeof AccessLogType];

/** What a format is applied to. A `FilterStream` is one. */
export interface FormatInput {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderSource | null;
  readonly responseHeaders: HeaderSource | null;
  readonly responseTrailers: HeaderSource | null;
  readonly localReplyBody?: string | undefined;
  readonly accessLogType?: AccessLogType | undefined;
}

/** What formats need to know of the world. */
export interface FormatWorld {
  readonly hostname: string;
  /** An environment variable. */
  environment(name: string): string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Null or absent where no configuration has expressions. */
  expressions?: Expressions | null;
}

/**
 * Expressions over the facts of streams. The Common Expression Language takes a while to load, so that it is there
 * only where a configuration has expressions.
 *
 * @see https://cel.dev
 */
export interface Expressions {
  /** An expression, or what is wrong with it. */
  compile(source: ExpressionSource): StreamExpression | string;
}

/** An expression that was compiled. */
export interface StreamExpression {
  /** Its value as wire text; null when there is none, as when it fails. */
  text(facts: FormatInput): string | null;
  /** Likewise, with its type. */
  value(facts: FormatInput): FormatValue;
}

/** A value of a command: wire text, a number, a boolean, plain JSON in Unicode, or null for "absent". */
export type FormatValue = string | number | boolean | JsonText | null;

/** A structured value: JSON in wire text, keys sorted. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Extract = (input: FormatInput) => FormatValue;

/** Says that a command cannot be compiled. */
export class CommandError {
  readonly message: string;
  readonly help: string | undefined;

  constructor(message: string, help?: string) {
    this.message = message;
    this.help = help;
  }
}

/** One row of the command table. */
export interface Command {
  /** Whether `(…)` must, may or may not follow. */
  readonly parameter: "none" | "optional" | "required";
  /** Whether `:N` may follow. */
  readonly length: boolean;
  compile(parameter: string, world: FormatWorld): Extract | CommandError;
}

// What JSON cannot hold as it is, in a text that is not UTF-8.
// deno-lint-ignore no-control-regex
const NOT_PLAIN = /[\x00-\x1f"\\\x7f-\xff]/g;
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/g;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Wire text as a JSON string, in wire text; bytes that are no UTF-8 become escapes of their own. */
export function jsonString(wire: string): string {
  if (!isAscii(wire)) {
    try {
      strictUtf8.decode(fromLatin1(wire));
    } catch {
      // Each byte that is no plain character by its number, those included that JSON has a shorter form for.
      return `"${wire.replace(NOT_PLAIN, (c) => "\\u00" + c.charCodeAt(0).toString(16).padStart(2, "0"))}"`;
    }
  }
  return JSON.stringify(wire).replaceAll("\x7f", "\\u007f");
}

/** Text that a filter made up, without the control characters that could forge a line or a header. */
export function withoutControls(wire: string): string {
  return wire.replace(CONTROL, (c) => "\\x" + c.charCodeAt(0).toString(16).padStart(2, "0"));
}

/** Plain JSON as a value: scalars as themselves, the rest as JSON with sorted keys. */
export function fromJson(value: unknown): FormatValue {
  switch (typeof value) {
    case "string":
      return withoutControls(toWireText(value));
    case "number":
    case "boolean":
      return value;
    case "object":
      return value === null ? null : new JsonText(toWireText(sortedJson(value)));
    default:
      return null;
  }
}

/** JSON with the keys of every object in order. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, field]) => field !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${sortedJson(field)}`).join(",")}}`;
}
