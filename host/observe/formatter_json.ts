// host/observe/formatter_json.ts: JSON formats: a template whose strings are formats.
// hot: runs once per access-log line; see bench/micro/formatter.bench.ts
/**
 * Keys are sorted. A string that is one command keeps the command's type; any other is text. What does
 * not depend on the stream is serialised once, when the format is compiled.
 *
 * @see Envoy: source/common/formatter/substitution_formatter.cc JsonFormatterImpl
 * @module
 */
import { toWireText } from "../base/wire_text.ts";
import { type FormatInput, type FormatValue, type FormatWorld, jsonString, JsonText } from "./formatter/command.ts";
import { type Format, type FormatOptions, type FormatProblem, joinParts, parseFormat, valueText } from "./formatter.ts";

/** A problem in a template, with the path of the string that it is in. */
export interface JsonFormatProblem extends FormatProblem {
  readonly path: readonly (string | number)[];
}

/** Writes a value, or gives null when it is to be left out. */
type Write = (input: FormatInput) => string | null;

/** JSON that is always the same, or a writer. */
type Node = string | Write;

/** Compiles a template (a Struct as plain JSON) to one line, without its newline. */
export function compileJsonFormat(
  template: unknown,
  world: FormatWorld,
  options: FormatOptions = {},
): { readonly format: Format; readonly problems: readonly JsonFormatProblem[] } {
  const compiler = new Compiler(world, options.omitEmptyValues === true);
  const node = compiler.compile(template, []);
  return {
    format: typeof node === "string" ? () => node : (input) => node(input) ?? "{}",
    problems: compiler.problems,
  };
}

class Compiler {
  readonly problems: JsonFormatProblem[] = [];
  readonly #world: FormatWorld;
  readonly #omit: boolean;

  constructor(world: FormatWorld, omit: boolean) {
    this.#world = world;
    this.#omit = omit;
  }

  compile(value: unknown, path: readonly (string | number)[]): Node {
    if (typeof value === "string") return this.#text(value, path);
    if (Array.isArray(value)) {
      return this.#sequence("[", value.map((item, i) => ["", this.compile(item, [...path, i])]), "]");
    }
    if (typeof value === "object" && value !== null) {
      const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
      const nodes = entries.map(([key, field]): [string, Node] => [
        jsonString(toWireText(key)) + ":",
        this.compile(field, [...path, key]),
      ]);
      return this.#sequence("{", nodes, "}");
    }
    return JSON.stringify(value) ?? "null";
  }

  #text(text: string, path: readonly (string | number)[]): Node {
    const { parts, problems } = parseFormat(text, this.#world);
    for (const problem of problems) this.problems.push({ ...problem, path });
    const [only] = parts;
    if (parts.length === 1 && typeof only === "function") {
      const omit = this.#omit;
      return (input) => {
        const value = only(input);
        return value === null && omit ? null : valueJson(value);
      };
    }
    const absent = this.#omit ? "" : "-";
    // Each part for itself: bytes that are no UTF-8 change how all that is with them is escaped.
    const escaped = parts.map((part) =>
      typeof part === "string" ? jsonText(part) : (input: FormatInput) => jsonText(valueText(part(input), absent))
    );
    const format = joinParts(escaped, "");
    return escaped.every((part) => typeof part === "string")
      ? `"${escaped.join("")}"`
      : (input) => `"${format(input)}"`;
  }

  /** An object or a list: `open`, entries with their prefixes, `close`. */
  #sequence(open: string, entries: readonly (readonly [string, Node])[], close: string): Node {
    if (this.#omit) return this.#omitting(open, entries, close);
    // Neighbouring constants become one.
    const parts: Node[] = [open];
    const push = (node: Node): void => {
      const last = parts.length - 1;
      const before = parts[last]!;
      if (typeof node === "string" && typeof before === "string") parts[last] = before + node;
      else parts.push(node);
    };
    entries.forEach(([prefix, node], i) => {
      push((i === 0 ? "" : ",") + prefix);
      push(node);
    });
    push(close);
    if (parts.length === 1) return parts[0]!;
    return (input) => {
      let text = "";
      for (const part of parts) text += typeof part === "string" ? part : part(input) ?? "null";
      return text;
    };
  }

  /** Absent values are left out, and objects that have nothing left. */
  #omitting(open: string, entries: readonly (readonly [string, Node])[], close: string): Node {
    return (input) => {
      let text = "";
      for (const [prefix, node] of entries) {
        const value = typeof node === "string" ? node : node(input);
        if (value !== null && value !== "null") text += (text === "" ? "" : ",") + prefix + value;
      }
      return text === "" && open === "{" ? null : open + text + close;
    };
  }
}

/** Text as JSON, without its quotes. */
function jsonText(text: string): string {
  return jsonString(text).slice(1, -1);
}

/** A value as JSON. */
function valueJson(value: FormatValue): string {
  if (typeof value === "string") return jsonString(value);
  if (value instanceof JsonText) return value.text;
  return value === null ? "null" : String(value);
}
