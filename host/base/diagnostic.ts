// host/base/diagnostic.ts: problems as values: collected, counted, rendered in one way everywhere.
// pure: no I/O, no clock, no runtime globals
/**
 * Whatever a person wrote (configuration, a flag, a filter) is answered with diagnostics, many at once,
 * each with a code that `nuncio explain` knows. Wording: lower case, no final period, no question; the
 * message says what is there and what was expected, a help line starts with an imperative.
 *
 * @see docs/reference/errors.md
 * @module
 */
import type { Span } from "./source.ts";

export type Severity = "error" | "warning" | "note";

export interface Diagnostic {
  /** `area/kebab-name`. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** The place; may be computed on demand, so it is read late. */
  readonly span?: Span | undefined;
  readonly help?: readonly string[] | undefined;
  readonly notes?: readonly string[] | undefined;
  /** The object's path in Envoy's terms, for example `static_resources.clusters[0]`. */
  readonly at?: string | undefined;
  /** Function names, innermost first (traps of filters). */
  readonly stack?: readonly string[] | undefined;
}

/** Diagnostics are shown up to this many; all of them are counted. */
export const SHOWN_LIMIT = 20;
/** Kept in memory up to this many. */
const KEPT_LIMIT = 2000;
const SEVERITY_RANK: Record<Severity, number> = { error: 0, warning: 1, note: 2 };

/** Collects diagnostics; the same problem at the same place counts once. */
export class DiagnosticList {
  readonly #items: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 };

  add(diagnostic: Diagnostic): void {
    const place = diagnostic.at ?? (diagnostic.span === undefined ? "" : spanKey(diagnostic.span));
    const key = `${diagnostic.severity}\0${diagnostic.code}\0${place}\0${diagnostic.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#counts[diagnostic.severity]++;
    if (this.#items.length < KEPT_LIMIT) this.#items.push(diagnostic);
  }

  addAll(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) this.add(diagnostic);
  }

  get hasErrors(): boolean {
    return this.#counts.error !== 0;
  }

  count(severity: Severity): number {
    return this.#counts[severity];
  }

  get total(): number {
    return this.#counts.error + this.#counts.warning + this.#counts.note;
  }

  /** All that are kept, in the order in which they were added. */
  get all(): readonly Diagnostic[] {
    return this.#items;
  }

  /** What a person is shown: in the order of the text, and errors never crowded out by the rest. */
  shown(limit: number = SHOWN_LIMIT): Diagnostic[] {
    const ranked = this.#items.map((diagnostic, order) => ({ diagnostic, order }));
    if (ranked.length > limit) {
      ranked.sort((a, b) =>
        SEVERITY_RANK[a.diagnostic.severity] - SEVERITY_RANK[b.diagnostic.severity] || a.order - b.order
      );
      ranked.length = limit;
    }
    return ranked.sort((a, b) => compareSpans(a.diagnostic.span, b.diagnostic.span) || a.order - b.order)
      .map(({ diagnostic }) => diagnostic);
  }

  /** For example `3 errors, 1 warning`. */
  summary(): string {
    const parts: string[] = [];
    for (const severity of ["error", "warning", "note"] as const) {
      const count = this.#counts[severity];
      if (count !== 0) parts.push(`${count} ${severity}${count === 1 ? "" : "s"}`);
    }
    return parts.length === 0 ? "no problems" : parts.join(", ");
  }
}

function spanKey(span: Span): string {
  return `${span.source.name}:${span.start}`;
}

/** By source and offset; what has no place comes last. */
function compareSpans(a: Span | undefined, b: Span | undefined): number {
  if (a === undefined || b === undefined) return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0);
  if (a.source !== b.source) return a.source.name < b.source.name ? -1 : a.source.name > b.source.name ? 1 : 0;
  return a.start - b.start;
}

/** Text of a user, quoted for a message: control characters escaped, the length bounded. */
export function quoted(text: string, limit: number = 80): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return JSON.stringify(cut);
}
