// host/config/yaml.ts: YAML text to a tree with positions, scalars read as Envoy reads them.
/**
 * js-yaml gives events that refer to the source by offset, so one fast pass yields values and positions
 * alike. What a plain scalar means is decided here and not by a YAML schema: Envoy takes YAML 1.1 bools,
 * C-style integers of 32 bits, and leaves everything else as text for the field's type to judge.
 *
 * @see Envoy: source/common/protobuf/yaml_utility.cc
 * @module
 */
import {
  type Event,
  EVENT_ID,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from "js-yaml";
import type { DiagnosticList } from "../base/diagnostic.ts";
import type { SourceText } from "../base/source.ts";
import { type PaddedText, padFlowLines } from "./yaml_flow.ts";
import type { TreeEntry, TreeList, TreeMap, TreeNode, TreeScalar } from "./tree.ts";

const DEPTH_LIMIT = 256;
/** Aliases can make a small text huge; this is more than any honest configuration has. */
const NODE_LIMIT = 2_000_000;
/** A key with this tag is dropped with its value: a place for anchors. */
const IGNORE_TAG = "!ignore";

/** The first document of a YAML text; null when it is not YAML, which is reported. */
export function parseYaml(source: SourceText, diagnostics: DiagnosticList): TreeNode | null {
  return parseTree(source, diagnostics, "yaml");
}

/** JSON text, which has been found to be JSON: its numbers stay numbers. */
export function parseJsonTree(source: SourceText, diagnostics: DiagnosticList): TreeNode | null {
  return parseTree(source, diagnostics, "json");
}

type Syntax = "yaml" | "json";

function parseTree(source: SourceText, diagnostics: DiagnosticList, syntax: Syntax): TreeNode | null {
  const read = readEvents(source.text);
  if (!(read instanceof YAMLException)) return new TreeBuilder(source, read, null, diagnostics, syntax).build();
  const padded = read.reason === FLOW_INDENT_REASON ? padFlowLines(source.text) : null;
  const again = padded === null ? read : readEvents(padded.text);
  if (!(again instanceof YAMLException)) return new TreeBuilder(source, again, padded, diagnostics, syntax).build();
  redactSuspects(source);
  const position = again.mark?.position ?? 0;
  const at = Math.min(padded?.original(position) ?? position, source.text.length);
  diagnostics.add({
    code: "config/invalid-yaml",
    severity: "error",
    message: `this is not YAML: ${again.reason}`,
    span: { source, start: at, end: at },
    help: source.text[at] === "\t" ? ["indent with spaces; YAML does not allow tabs"] : undefined,
  });
  return null;
}

/** What js-yaml says of a flow collection whose lines are not indented. */
const FLOW_INDENT_REASON = "deficient indentation";

function readEvents(text: string): Event[] | YAMLException {
  try {
    return parseEvents(text, { maxDepth: DEPTH_LIMIT });
  } catch (error) {
    if (error instanceof YAMLException) return error;
    throw error;
  }
}

class TreeBuilder {
  readonly #source: SourceText;
  /** The text that the events refer to, and its padding. */
  readonly #text: string;
  readonly #padded: PaddedText | null;
  readonly #events: readonly Event[];
  readonly #diagnostics: DiagnosticList;
  readonly #anchors = new Map<string, { readonly node: TreeNode; readonly size: number }>();
  readonly #syntax: Syntax;
  #at = 0;
  #failed = false;
  /** Nodes so far, those of aliases counted every time. */
  #size = 0;

  constructor(
    source: SourceText,
    events: readonly Event[],
    padded: PaddedText | null,
    diagnostics: DiagnosticList,
    syntax: Syntax,
  ) {
    this.#source = source;
    this.#padded = padded;
    this.#text = padded?.text ?? source.text;
    this.#syntax = syntax;
    this.#events = events;
    this.#diagnostics = diagnostics;
  }

  build(): TreeNode | null {
    const end = this.#source.text.length;
    if (this.#events.length === 0) return { kind: "null", value: null, text: "", start: 0, end };
    this.#at = 1;
    const first = this.#events[1]!;
    const root: TreeNode = first.type === EVENT_ID.POP
      ? { kind: "null", value: null, text: "", start: 0, end }
      : this.#node();
    const next = this.#events[this.#at + 1];
    if (next !== undefined) {
      const place = this.#events[this.#at + 2];
      const start = place === undefined ? end : this.#original(startOf(place));
      this.#problem("warning", "config/extra-document", "only the first YAML document is read", start, start);
    }
    return this.#failed ? null : root;
  }

  /** An offset of the events as an offset of the source. */
  #original(offset: number): number {
    return this.#padded === null ? offset : this.#padded.original(offset);
  }

  #node(): TreeNode {
    const event = this.#events[this.#at++]!;
    const sizeBefore = this.#size++;
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const node = this.#scalar(event);
        this.#anchor(event, node, this.#size - sizeBefore);
        return node;
      }
      case EVENT_ID.SEQUENCE: {
        const items: TreeNode[] = [];
        while (this.#events[this.#at]!.type !== EVENT_ID.POP) items.push(this.#node());
        this.#at++;
        const node: TreeList = {
          kind: "list",
          items,
          start: this.#original(event.start),
          end: endOf(items.at(-1), this.#original(event.start)),
        };
        this.#anchor(event, node, this.#size - sizeBefore);
        return node;
      }
      case EVENT_ID.MAPPING: {
        const entries: TreeEntry[] = [];
        while (this.#events[this.#at]!.type !== EVENT_ID.POP) this.#entry(entries);
        this.#at++;
        const last = entries.at(-1)?.value;
        const node: TreeMap = {
          kind: "map",
          entries,
          start: this.#original(event.start),
          end: endOf(last, this.#original(event.start)),
        };
        this.#anchor(event, node, this.#size - sizeBefore);
        return node;
      }
      case EVENT_ID.ALIAS:
        return this.#alias(event.anchorStart, event.anchorEnd);
      default:
        return { kind: "null", value: null, text: "", start: 0, end: 0 };
    }
  }

  #entry(entries: TreeEntry[]): void {
    const event = this.#events[this.#at]!;
    const ignored = event.type === EVENT_ID.SCALAR && this.#tag(event) === IGNORE_TAG;
    const key = this.#node();
    const value = this.#node();
    if (ignored) return;
    if (key.kind === "list" || key.kind === "map") {
      this.#problem("error", "config/invalid-yaml", "a key must be a scalar, this is a collection", key.start, key.end);
      return;
    }
    entries.push({ key: key.kind === "null" ? "null" : key.text, keyStart: key.start, keyEnd: key.end, value });
  }

  #scalar(event: ScalarEvent): TreeScalar {
    if (event.valueStart < 0) {
      const at = this.#previousEnd();
      return { kind: "null", value: null, text: "", start: at, end: at };
    }
    const text = getScalarValue(this.#text, event);
    const start = this.#original(event.valueStart);
    const end = this.#original(event.valueEnd);
    const tag = this.#tag(event);
    // A tag makes a quoted scalar a plain one, whatever it says; "!" makes any scalar a string.
    if (event.style === SCALAR_STYLE.PLAIN || (tag !== "" && tag !== "!")) {
      if (this.#syntax === "json") return jsonScalar(text, start, end);
      return this.#tag(event) === "!"
        ? { kind: "string", value: text, text, start, end }
        : plainScalar(text, start, end);
    }
    const quote = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
    return { kind: "string", value: text, text, start: start - quote, end: end + quote };
  }

  /** Where an absent value would stand: behind the last thing read. */
  #previousEnd(): number {
    for (let i = this.#at - 2; i > 0; i--) {
      const event = this.#events[i]!;
      if (event.type === EVENT_ID.SCALAR && event.valueEnd >= 0) return this.#original(event.valueEnd);
    }
    return 0;
  }

  #tag(event: ScalarEvent): string {
    return event.tagStart < 0 ? "" : this.#text.slice(event.tagStart, event.tagEnd);
  }

  #anchor(event: { readonly anchorStart: number; readonly anchorEnd: number }, node: TreeNode, size: number): void {
    if (event.anchorStart < 0) return;
    this.#anchors.set(this.#text.slice(event.anchorStart, event.anchorEnd), { node, size });
  }

  #alias(start: number, end: number): TreeNode {
    const name = this.#text.slice(start, end);
    const anchor = this.#anchors.get(name);
    const at = this.#original(start);
    if (anchor !== undefined) {
      this.#size += anchor.size;
      if (this.#size <= NODE_LIMIT || this.#failed) return anchor.node;
      const message = "aliases make the configuration too large";
      this.#problem("error", "config/too-large", message, at - 1, at + name.length);
      return anchor.node;
    }
    this.#problem(
      "error",
      "config/invalid-yaml",
      `no anchor "${name}" stands before this alias`,
      at - 1,
      at + name.length,
    );
    return { kind: "null", value: null, text: "", start: at, end: at };
  }

  #problem(severity: "error" | "warning", code: string, message: string, start: number, end: number): void {
    if (severity === "error") this.#failed = true;
    this.#diagnostics.add({ code, severity, message, span: { source: this.#source, start, end } });
  }
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return Math.max(0, event.valueStart);
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) return event.start;
  return 0;
}

function endOf(last: TreeNode | undefined, start: number): number {
  return last === undefined ? start + 2 : Math.max(last.end, start);
}

const NULL = /^(~|null|Null|NULL|)$/;
const TRUE = /^(y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
/** C's integer syntax: decimal, hexadecimal, octal by a leading zero. */
const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
const MAX_INT32 = 2 ** 31 - 1;
const MIN_INT32 = -(2 ** 31);

/** A scalar without quotes, as Envoy's YAML reader takes it. */
function plainScalar(text: string, start: number, end: number): TreeScalar {
  if (NULL.test(text)) return { kind: "null", value: null, text, start, end };
  if (TRUE.test(text)) return { kind: "bool", value: true, text, start, end };
  if (FALSE.test(text)) return { kind: "bool", value: false, text, start, end };
  const match = INTEGER.exec(text);
  if (match !== null) {
    const digits = match[2]!;
    const octal = digits.length > 1 && /^0[0-7]/.test(digits);
    const magnitude = BigInt(octal ? `0o${digits.slice(1)}` : digits);
    const value = match[1] === "-" ? -magnitude : magnitude;
    if (value >= MIN_INT32 && value <= MAX_INT32) return { kind: "number", value: Number(value), text, start, end };
    // Beyond 32 bits Envoy hands the number on as text, so it even fits a string field.
    if (BigInt.asIntN(64, value) === value) return { kind: "string", value: String(value), text, start, end };
  }
  return { kind: "string", value: text, text, start, end };
}

function jsonScalar(text: string, start: number, end: number): TreeScalar {
  if (text === "null") return { kind: "null", value: null, text, start, end };
  if (text === "true" || text === "false") return { kind: "bool", value: text === "true", text, start, end };
  return { kind: "number", value: Number(text), text, start, end };
}

/** Before the structure is known, secrets are guessed by what they look like. */
export function redactSuspects(source: SourceText): void {
  for (const match of source.text.matchAll(PRIVATE_KEY)) source.redact(match.index, match.index + match[0].length);
  for (const match of source.text.matchAll(SECRET_VALUE)) {
    const end = match.index + match[0].length;
    source.redact(end - match[1]!.length, end);
  }
}

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*$)/g;
const SECRET_VALUE =
  /\b(?:password|passwd|secret|token|private_key|inline_string|inline_bytes)["']?[ \t]*:[ \t]*([^\s{[|>&*!][^\n]*)/gi;
