// host/matching/regex.ts: RE2 regular expressions over wire text.
// pure: no I/O, no clock, no runtime globals
// hot: runs per route and header; see bench/micro/route.bench.ts
/**
 * Users' patterns run on RE2 (linear time, no lookaround, no backreferences), never on the engine of the
 * runtime. The shapes that most configurations use (`/api/.*`, `(.*)\.png`, plain text) are recognised and
 * answered by string comparison; every other pattern is at least guarded by its literal prefix.
 *
 * As in Envoy, one character is one byte: a pattern is turned into wire text, and `.` takes half of an `é`.
 *
 * @see Envoy: source/common/common/regex.cc
 * @module
 */
import { RE2JS } from "re2js";
import { toWireText } from "../base/wire_text.ts";

/** What is wrong with a pattern, or null. */
export function regexProblem(pattern: string): string | null {
  try {
    RE2JS.compile(toWireText(pattern));
    return null;
  } catch (error) {
    const reason = (error as Error).message.replace(/^error parsing regexp: /, "");
    if (/\(\?(?:=|!|<=|<!)/.test(pattern)) return `${reason}: RE2 has no lookahead and no lookbehind`;
    if (/\\[1-9]/.test(pattern)) return `${reason}: RE2 has no backreferences`;
    return reason;
  }
}

/** What a recognised pattern means. */
interface Shape {
  readonly kind: "exact" | "prefix" | "suffix" | "contains" | "any" | "none";
  readonly literal: string;
  /** Fewest characters that stand for a `.*` or `.+` next to the literal. */
  readonly restMin: number;
  /** What every whole match starts with. */
  readonly guard: string;
}

/** A compiled pattern. The pattern must be one that `regexProblem` has nothing against. */
export class Regex {
  readonly pattern: string;
  readonly #shape: Shape;
  #re2: RE2JS | null = null;

  constructor(pattern: string) {
    this.pattern = pattern;
    this.#shape = recognise(toWireText(pattern));
  }

  /** True when the whole text matches. */
  matches(text: string): boolean {
    const shape = this.#shape;
    const literal = shape.literal;
    switch (shape.kind) {
      case "none":
        return text.startsWith(shape.guard) && this.#engine().testExact(text);
      case "exact":
        return text === literal;
      case "prefix":
        if (!text.startsWith(literal)) return false;
        break;
      case "suffix":
        if (!text.endsWith(literal)) return false;
        break;
      case "contains":
        if (!text.includes(literal)) return false;
        break;
    }
    // What is left is for the dot, which takes anything but a newline.
    return text.length >= literal.length + shape.restMin && !text.includes("\n");
  }

  /** True when some part of the text matches. */
  test(text: string): boolean {
    return this.#engine().test(text);
  }

  /** The text with every match replaced, as RE2's GlobalReplace does it. */
  replaceAll(text: string, substitution: Substitution): string {
    const matcher = this.#engine().matcher(text);
    let result = "";
    let end = 0;
    let matched = false;
    while (matcher.find()) {
      const start = matcher.start();
      // An empty match right behind a match does not count.
      if (matched && start === end && matcher.end() === start) continue;
      matched = true;
      result += text.slice(end, start);
      for (const part of substitution) {
        if (typeof part === "string") result += part;
        else result += matcher.group(part) ?? "";
      }
      end = matcher.end();
    }
    return matched ? result + text.slice(end) : text;
  }

  #engine(): RE2JS {
    return this.#re2 ??= RE2JS.compile(toWireText(this.pattern));
  }
}

/** Wire text and numbers of groups, in order. */
export type Substitution = readonly (string | number)[];

/** Reads RE2's rewrite syntax: `\0` to `\9` are groups, `\\` is a backslash. A string says what is wrong. */
export function parseSubstitution(text: string, pattern: string): Substitution | string {
  const groups = RE2JS.compile(toWireText(pattern)).groupCount();
  const parts: (string | number)[] = [];
  let literal = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\\") {
      literal += text[i]!;
      continue;
    }
    const next = text[++i];
    if (next === "\\") {
      literal += "\\";
    } else if (next !== undefined && next >= "0" && next <= "9") {
      const group = Number(next);
      if (group > groups) return `\\${group} names a group, but the pattern has ${groups}`;
      if (literal !== "") parts.push(toWireText(literal));
      literal = "";
      parts.push(group);
    } else {
      return "a backslash must be followed by a digit or a backslash";
    }
  }
  if (literal !== "") parts.push(toWireText(literal));
  return parts;
}

const META = new Set("\\.+*?()[]{}|^$");
const ESCAPABLE = new Set("\\.+*?()[]{}|^$/-_,:;=@#%&!~<>\"'` ");
const ANYTHING = ["(.*)", ".*", "(.+)", ".+"];

function recognise(pattern: string): Shape {
  let body = pattern.startsWith("^") ? pattern.slice(1) : pattern;
  if (body.endsWith("$") && !body.endsWith("\\$")) body = body.slice(0, -1);
  const head = ANYTHING.find((any) => body.startsWith(any));
  const { literal, end } = literalRun(body, head === undefined ? 0 : head.length);
  const tail = body.slice(end);
  // Alternatives make it unclear what every match starts with.
  const guard = pattern.includes("|") || head !== undefined ? "" : literal;
  const none: Shape = { kind: "none", literal: "", restMin: 0, guard };
  if (head === undefined) {
    if (tail === "") return { kind: "exact", literal, restMin: 0, guard };
    return ANYTHING.includes(tail) ? { kind: "prefix", literal, restMin: minimum(tail), guard } : none;
  }
  if (tail === "") return { kind: literal === "" ? "any" : "suffix", literal, restMin: minimum(head), guard };
  // `.+x.+` needs a character on each side of some x: left to the engine.
  const contains = (tail === ".*" || tail === "(.*)") && (head === ".*" || head === "(.*)");
  return contains ? { kind: "contains", literal, restMin: 0, guard } : none;
}

function minimum(any: string): number {
  return any.includes("+") ? 1 : 0;
}

/** The literal text at `start`, up to the first operator; a quantified character is no part of it. */
function literalRun(pattern: string, start: number): { readonly literal: string; readonly end: number } {
  let literal = "";
  let end = start;
  while (end < pattern.length) {
    let next = pattern[end]!;
    let length = 1;
    if (next === "\\") {
      next = pattern[end + 1] ?? "";
      if (!ESCAPABLE.has(next)) break;
      length = 2;
    } else if (META.has(next)) {
      break;
    }
    const after = pattern[end + length];
    if (after === "*" || after === "+" || after === "?" || after === "{") break;
    literal += next;
    end += length;
  }
  return { literal, end };
}
