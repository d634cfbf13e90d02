// host/observe/formatter.ts: format strings with %COMMANDS%, compiled to closures.
// hot: runs once per access-log line and per computed header; see bench/micro/formatter.bench.ts
/**
 * One engine for access logs, header values, local replies and `body_format`. A format that cannot be
 * compiled is reported with the position in the string, never printed as "-".
 *
 * @see Envoy: source/common/formatter/substitution_formatter.h
 * @module
 */
import { nearestName } from "../base/suggest.ts";
import { toWireText } from "../base/wire_text.ts";
import {
  type Command,
  CommandError,
  type Extract,
  type FormatInput,
  type FormatValue,
  type FormatWorld,
  JsonText,
} from "./formatter/command.ts";
import { EXPRESSION_COMMANDS } from "./formatter/expression_commands.ts";
import { HEADER_COMMANDS } from "./formatter/header_commands.ts";
import { METADATA_COMMANDS } from "./formatter/metadata_commands.ts";
import { RECORD_COMMANDS, STREAM_COMMANDS } from "./formatter/stream_commands.ts";

export { AccessLogType } from "./formatter/command.ts";
export type { Expressions, FormatInput, FormatWorld, HeaderSource } from "./formatter/command.ts";

/** Envoy's access-log line when a configuration gives none. */
export const DEFAULT_FORMAT: string =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% " +
  '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** A compiled format: the facts of a stream to wire text. */
export type Format = (input: FormatInput) => string;

/** Something in a format that cannot be compiled. */
export interface FormatProblem {
  /** `format/syntax`, `format/unknown-command`, `format/unsupported-command` or `format/bad-parameter`. */
  readonly code: string;
  readonly message: string;
  /** Offset in the format string. */
  readonly position: number;
  readonly help?: string | undefined;
}

export interface FormatOptions {
  /** Absent values become nothing instead of "-". */
  readonly omitEmptyValues?: boolean;
}

/** A piece of a format: text as it is, or what a command says. */
export type FormatPart = string | Extract;

const COMMANDS: Readonly<Record<string, Command>> = {
  ...STREAM_COMMANDS,
  ...HEADER_COMMANDS,
  ...METADATA_COMMANDS,
  ...RECORD_COMMANDS,
  ...EXPRESSION_COMMANDS,
};

/** Commands that Envoy knows and nuncio does not, with what they would need. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  CUSTOM_FLAGS: "custom flags",
  DOWNSTREAM_CX_RTT: "round-trip times of connections",
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: "sizes of decompressed heads",
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: "sizes of decompressed heads",
  DOWNSTREAM_DETECTED_CLOSE_TYPE: "the way in which a connection was closed",
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: "internal listeners",
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: "internal listeners",
  DOWNSTREAM_LOCAL_CLOSE_REASON: "the reason of a local close",
  ROUTE_RESOLUTION_COUNT: "counts of route resolutions",
  ROUTE_RESOLUTION_TIME_US: "times of route resolutions",
  TLS_JA3_FINGERPRINT: "JA3 fingerprints",
  TLS_JA4_FINGERPRINT: "JA4 fingerprints",
  UPSTREAM_CONNECTION_IDS_ATTEMPTED: "the list of attempts",
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: "sizes of decompressed heads",
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: "sizes of decompressed heads",
  UPSTREAM_DETECTED_CLOSE_TYPE: "the way in which a connection was closed",
  UPSTREAM_FILTER_STATE: "filter state of upstream connections",
  UPSTREAM_HOSTS_ATTEMPTED: "the list of attempts",
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: "the list of attempts",
  UPSTREAM_HOST_NAMES_ATTEMPTED: "the list of attempts",
  UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT: "the list of attempts",
  UPSTREAM_LOCAL_CLOSE_REASON: "the reason of a local close",
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID: "internal listeners",
};

/** Facts of TLS sessions and certificates that are not kept. */
const UNSUPPORTED_TLS =
  /^(?:DOWNSTREAM|UPSTREAM)_(?:TLS_(?:SESSION_ID|GROUP)|PEER_(?:ISSUER|SERIAL|FINGERPRINT_1|CHAIN_[A-Z0-9_]+|ISSUER_[A-Z0-9_]+|CERT_V_START|CERT_V_END)|(?:PEER|LOCAL)_(?:IP|EMAIL|OTHERNAME)_SAN)$/;

/** Names of all commands that compile, for documents and completion. */
export function commandNames(): string[] {
  return [...Object.keys(COMMANDS), "COALESCE"].sort();
}

const COMMAND = /%([A-Z0-9_]+)(?:\((.*?)\))?(?::([0-9]+))?%/y;

/** Takes a format apart. Parts are complete only without problems. */
export function parseFormat(
  format: string,
  world: FormatWorld,
): { readonly parts: FormatPart[]; readonly problems: FormatProblem[] } {
  const parts: FormatPart[] = [];
  const problems: FormatProblem[] = [];
  let literal = "";
  for (let position = 0; position < format.length;) {
    const percent = format.indexOf("%", position);
    literal += format.slice(position, percent < 0 ? undefined : percent);
    if (percent < 0) break;
    if (format[percent + 1] === "%") {
      literal += "%";
      position = percent + 2;
      continue;
    }
    COMMAND.lastIndex = percent;
    const match = COMMAND.exec(format);
    if (match === null) {
      problems.push({
        code: "format/syntax",
        message: `"%" at position ${percent} begins no command`,
        position: percent,
        help: "write %% for a percent sign, and a command as %NAME%, %NAME(PARAMETER)% or %NAME(PARAMETER):LENGTH%",
      });
      // What follows may pair up with this one: only the first is certain.
      break;
    }
    position = COMMAND.lastIndex;
    const extract = compileCommand(match[1]!, match[2] ?? "", match[3] === undefined ? null : Number(match[3]), world);
    if (typeof extract !== "function") {
      problems.push({ ...extract, position: percent });
      continue;
    }
    if (literal !== "") parts.push(toWireText(literal));
    literal = "";
    parts.push(extract);
  }
  if (literal !== "") parts.push(toWireText(literal));
  return { parts, problems };
}

type CommandProblem = Omit<FormatProblem, "position">;

function compileCommand(
  name: string,
  parameter: string,
  limit: number | null,
  world: FormatWorld,
): Extract | CommandProblem {
  const bad = (message: string, help?: string): CommandProblem => ({ code: "format/bad-parameter", message, help });
  if (name === "COALESCE") return compileCoalesce(parameter, limit, world);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : null;
  if (command === null) return unknownCommand(name);
  if (command.parameter === "required" && parameter === "") {
    return bad(`${name} requires a parameter`, `write %${name}(…)%`);
  }
  if (command.parameter === "none" && parameter !== "") return bad(`${name} takes no parameter`);
  if (limit !== null && !command.length) return bad(`${name} takes no length`);
  const extract = command.compile(parameter, world);
  if (extract instanceof CommandError) return bad(extract.message, extract.help);
  return limit === null ? extract : truncated(extract, limit);
}

function unknownCommand(name: string): CommandProblem {
  const missing = Object.hasOwn(UNSUPPORTED, name)
    ? UNSUPPORTED[name]!
    : UNSUPPORTED_TLS.test(name)
    ? "this fact of TLS sessions"
    : null;
  if (missing !== null) {
    return { code: "format/unsupported-command", message: `${name} needs ${missing}, which nuncio does not have` };
  }
  const near = nearestName(name, commandNames());
  return {
    code: "format/unknown-command",
    message: `there is no command "${name}"`,
    help: near === null ? undefined : `a command with a similar name exists: ${near}`,
  };
}

/** `COALESCE({"operators": [NAME | {command, param, max_length}]})`: the first that has a value. */
function compileCoalesce(parameter: string, limit: number | null, world: FormatWorld): Extract | CommandProblem {
  const bad = (message: string): CommandProblem => ({ code: "format/bad-parameter", message });
  let json: unknown;
  try {
    json = JSON.parse(parameter);
  } catch (error) {
    return bad(`COALESCE takes JSON: ${(error as SyntaxError).message}`);
  }
  const operators = (json as { operators?: unknown } | null)?.operators;
  if (!Array.isArray(operators) || operators.length === 0) return bad('COALESCE needs a list "operators"');
  const extracts: Extract[] = [];
  for (const operator of operators as unknown[]) {
    const row = typeof operator === "string" ? { command: operator } : operator as Record<string, unknown> | null;
    const { command, param = "", max_length: length = null } = (row ?? {}) as Record<string, unknown>;
    if (typeof command !== "string" || typeof param !== "string" || (length !== null && typeof length !== "number")) {
      return bad("an operator of COALESCE is a command's name, or an object with command, param and max_length");
    }
    const extract = compileCommand(command, param, length, world);
    if (typeof extract !== "function") return extract;
    extracts.push(extract);
  }
  const first: Extract = (input) => {
    for (const extract of extracts) {
      const value = extract(input);
      if (value !== null && value !== "") return value;
    }
    return null;
  };
  return limit === null ? first : truncated(first, limit);
}

/** The first `limit` bytes of a text; structures and numbers are never cut. */
function truncated(extract: Extract, limit: number): Extract {
  return (input) => {
    const value = extract(input);
    return typeof value === "string" && value.length > limit ? value.slice(0, limit) : value;
  };
}

/** A value as a text format writes it. */
export function valueText(value: FormatValue, absent: string): string {
  if (typeof value === "string") return value;
  if (value === null) return absent;
  return value instanceof JsonText ? value.text : String(value);
}

/**
 * Compiles a text format.
 *
 * @example
 * ```ts
 * import { compileFormat, type FormatInput, type FormatWorld } from "./formatter.ts";
 * declare const world: FormatWorld, input: FormatInput;
 * const { format, problems } = compileFormat("%REQ(:METHOD)% %RESPONSE_CODE%", world);
 * if (problems.length === 0) format(input); // "GET 200"
 * ```
 */
export function compileFormat(
  text: string,
  world: FormatWorld,
  options: FormatOptions = {},
): { readonly format: Format; readonly problems: readonly FormatProblem[] } {
  const { parts, problems } = parseFormat(text, world);
  return { format: joinParts(parts, options.omitEmptyValues === true ? "" : "-"), problems };
}

/** Parts as one text. */
export function joinParts(parts: readonly FormatPart[], absent: string): Format {
  if (parts.every((part) => typeof part === "string")) {
    const constant = parts.join("");
    return () => constant;
  }
  return (input) => {
    let text = "";
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      if (typeof part === "string") {
        text += part;
        continue;
      }
      const value = part(input);
      text += typeof value === "string" ? value : valueText(value, absent);
    }
    return text;
  };
}
