// host/base/source.ts: a text with a name, its lines, and what may be shown of it.
// pure: no I/O, no clock, no runtime globals
/**
 * Diagnostics point into a `SourceText` by offset; lines and columns are computed when somebody asks.
 * Ranges that hold secrets are redacted once, here, so that no excerpt can show them.
 *
 * @module
 */

/** A range of a text, by UTF-16 offset; `end` is not part of it. */
export interface Span {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** Line and column, both from 1; columns count code points. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One line, made fit to be shown, with a marked range in it. */
export interface Excerpt {
  readonly line: number;
  readonly text: string;
  /** Columns of `text` from 0 that the range covers. */
  readonly from: number;
  readonly to: number;
}

/** A line of an excerpt is cut to this many columns around the marked range. */
const EXCERPT_COLUMNS = 120;
const ELLIPSIS = "…";
const REDACTED = "*";

export class SourceText {
  /** A file name as the user gave it, or something like `<--config-yaml>`. */
  readonly name: string;
  readonly text: string;
  #lineStarts: number[] | null = null;
  #redacted: [number, number][] = [];

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** Keeps a range out of every excerpt; its length stays, its characters do not. */
  redact(start: number, end: number): void {
    if (end > start) this.#redacted.push([start, end]);
  }

  /** True when a part of the range must not be shown. */
  isRedacted(start: number, end: number): boolean {
    return this.#redacted.some(([from, to]) => from < end && start < to);
  }

  get lineCount(): number {
    return this.#starts().length;
  }

  position(offset: number): Position {
    const line = this.#lineIndex(offset);
    const start = this.#starts()[line]!;
    return { line: line + 1, column: codePoints(this.text.slice(start, offset)) + 1 };
  }

  /** Offset of a line and column that count from 1; beyond the text it is the end of the text. */
  offset(line: number, column: number): number {
    const starts = this.#starts();
    if (line > starts.length) return this.text.length;
    const start = starts[line - 1]!;
    let offset = start;
    for (let i = 1; i < column && offset < this.text.length; i++) {
      offset += this.text.codePointAt(offset)! > 0xffff ? 2 : 1;
    }
    return Math.min(offset, this.text.length);
  }

  /** The line at `start` with the range marked, as far as it is on that line. */
  excerpt(start: number, end: number): Excerpt {
    const index = this.#lineIndex(start);
    const [from, to] = this.#lineRange(index);
    const marked: [number, number] = [Math.min(start, to), Math.max(Math.min(end, to), Math.min(start, to))];
    const before = this.#shown(from, marked[0]);
    const inside = this.#shown(marked[0], marked[1]);
    return { line: index + 1, ...cut(before, inside, this.#shown(marked[1], to)) };
  }

  /** A whole line as it may be shown, or null when there is none or it is blank. */
  lineText(line: number): string | null {
    if (line < 1 || line > this.lineCount) return null;
    const [from, to] = this.#lineRange(line - 1);
    const shown = this.#shown(from, to).trimEnd();
    return shown === "" ? null : cut("", "", shown).text;
  }

  #starts(): number[] {
    if (this.#lineStarts !== null) return this.#lineStarts;
    const starts = [0];
    for (let at = this.text.indexOf("\n"); at !== -1; at = this.text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.#lineStarts = starts;
    return starts;
  }

  #lineIndex(offset: number): number {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #lineRange(index: number): [number, number] {
    const starts = this.#starts();
    let end = index + 1 < starts.length ? starts[index + 1]! - 1 : this.text.length;
    if (end > starts[index]! && this.text.charCodeAt(end - 1) === 13) end--;
    return [starts[index]!, end];
  }

  #shown(start: number, end: number): string {
    let text = this.text.slice(start, end);
    for (const [from, to] of this.#redacted) {
      const a = Math.max(from, start) - start;
      const b = Math.min(to, end) - start;
      if (a < b) text = text.slice(0, a) + REDACTED.repeat(b - a) + text.slice(b);
    }
    return text.replace(CONTROL, controlPicture);
  }
}

/** Control characters and marks that reorder text: none of them may reach a terminal. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

function controlPicture(character: string): string {
  return character === "\t" ? " " : "\ufffd";
}

function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}

/** Cuts a line to the width of an excerpt, keeping the start of the marked part. */
function cut(before: string, inside: string, after: string): { text: string; from: number; to: number } {
  const characters = [...before, ...inside, ...after];
  const from = codePoints(before);
  const to = from + codePoints(inside);
  if (characters.length <= EXCERPT_COLUMNS) return { text: characters.join(""), from, to };
  const start = from < EXCERPT_COLUMNS - 40 ? 0 : from - 40;
  const end = Math.min(characters.length, start + EXCERPT_COLUMNS);
  const head = start > 0 ? ELLIPSIS : "";
  const tail = end < characters.length ? ELLIPSIS : "";
  const shift = start - head.length;
  return {
    text: head + characters.slice(start, end).join("") + tail,
    from: from - shift,
    to: Math.min(to, end) - shift,
  };
}
