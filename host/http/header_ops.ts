// host/http/header_ops.ts: header additions and removals that a configuration asks for.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * Removals come first. All values are computed before any is written; then overwrites are set, then the
 * rest is appended, whatever the order in the configuration.
 *
 * @see Envoy: source/common/router/header_parser.cc HeaderParser::evaluateHeaders
 * @module
 */
import type { HeaderMap } from "./header_map.ts";
import { INLINE_REQUEST_HEADERS, INLINE_RESPONSE_HEADERS, joinInline } from "../matching/inline_headers.ts";
import { toWireText } from "../base/wire_text.ts";
import type { StreamInfo } from "../observe/stream_info.ts";

/** Header mutations of one level. */
export interface HeaderOpsPlan {
  /** Lower-case names. */
  readonly remove: readonly string[];
  readonly add: readonly HeaderAddPlan[];
}

export interface HeaderAddPlan {
  /** Lower case. */
  readonly name: string;
  /** A format string in Unicode: `%…%` operators, `%%` for a percent sign. */
  readonly format: string;
  readonly action: "append" | "addIfAbsent" | "overwrite" | "overwriteIfExists";
  readonly keepEmptyValue: boolean;
}

/** What a format string is computed from. */
export interface HeaderFormatContext {
  readonly requestHeaders: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
  readonly info: StreamInfo;
}

/** A compiled format string. */
export interface HeaderFormatter {
  format(context: HeaderFormatContext): string;
}

/** Compiles a format string that the planner has checked; values that are absent become nothing, or else "-". */
export type CompileFormat = (format: string, omitEmptyValues?: boolean) => HeaderFormatter;

const Action = { Append: 0, AddIfAbsent: 1, Overwrite: 2, OverwriteIfExists: 3 } as const;
type Action = (typeof Action)[keyof typeof Action];

const ACTIONS = {
  append: Action.Append,
  addIfAbsent: Action.AddIfAbsent,
  overwrite: Action.Overwrite,
  overwriteIfExists: Action.OverwriteIfExists,
} as const;

interface Addition {
  readonly name: string;
  readonly action: Action;
  readonly keepEmptyValue: boolean;
  /** Appending joins values with a comma. */
  readonly isInline: boolean;
  /** The value when it is the same for all requests. */
  readonly literal: string;
  readonly formatter: HeaderFormatter | null;
}

/** The mutations of one level, compiled. */
export class HeaderOps {
  readonly #remove: readonly string[];
  readonly #add: readonly Addition[];
  readonly isEmpty: boolean;

  constructor(plan: HeaderOpsPlan, direction: "request" | "response", compileFormat: CompileFormat) {
    const inline = direction === "request" ? INLINE_REQUEST_HEADERS : INLINE_RESPONSE_HEADERS;
    this.#remove = plan.remove;
    this.#add = plan.add.map(({ name, format, action, keepEmptyValue }) => ({
      name,
      action: ACTIONS[action],
      keepEmptyValue,
      isInline: inline.has(name),
      literal: toWireText(format),
      formatter: format.includes("%") ? compileFormat(format) : null,
    }));
    this.isEmpty = this.#remove.length === 0 && this.#add.length === 0;
  }

  /** Changes `headers`, which is one of the two maps of the context. */
  apply(headers: HeaderMap, context: HeaderFormatContext): void {
    for (let i = 0; i < this.#remove.length; i++) headers.remove(this.#remove[i]!);
    const additions = this.#add;
    const count = additions.length;
    if (count === 0) return;
    if (count === 1) {
      const addition = additions[0]!;
      const value = valueOf(addition, headers, context);
      if (value !== null) write(addition, headers, value);
      return;
    }
    const values: (string | null)[] = [];
    for (let i = 0; i < count; i++) values.push(valueOf(additions[i]!, headers, context));
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (value !== null && additions[i]!.action >= Action.Overwrite) write(additions[i]!, headers, value);
    }
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (value !== null && additions[i]!.action < Action.Overwrite) write(additions[i]!, headers, value);
    }
  }
}

/** The value to write, or null when this addition does not apply. */
function valueOf(addition: Addition, headers: HeaderMap, context: HeaderFormatContext): string | null {
  const value = addition.formatter === null ? addition.literal : addition.formatter.format(context);
  if (value === "" && !addition.keepEmptyValue) return null;
  switch (addition.action) {
    case Action.AddIfAbsent:
      return headers.has(addition.name) ? null : value;
    case Action.OverwriteIfExists:
      return headers.has(addition.name) ? value : null;
    default:
      return value;
  }
}

function write(addition: Addition, headers: HeaderMap, value: string): void {
  const { name } = addition;
  if (addition.action >= Action.Overwrite) {
    // Envoy writes an overwritten header at the end.
    headers.remove(name);
    headers.add(name, value);
    return;
  }
  const old = addition.isInline ? headers.get(name) : null;
  if (old === null) headers.add(name, value);
  else headers.set(name, joinInline(old, value));
}
