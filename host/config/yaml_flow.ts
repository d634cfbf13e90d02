// host/config/yaml_flow.ts: lets `{…}` and `[…]` close at any column, as Envoy's YAML reader does.
/**
 * YAML wants the lines of a flow collection indented deeper than the block around it; yaml-cpp does not
 * care, so people close braces at the margin. Such lines are padded and the text is read again; offsets of
 * the padded text are mapped back. Padding is white space at the start of a line inside of a flow
 * collection, which never is part of a value.
 *
 * @module
 */

/** A text with padding, and the way back to the offsets of the original. */
export class PaddedText {
  readonly text: string;
  /** Where padding ends in the padded text, and how much there has been up to then. */
  readonly #ends: readonly number[];
  readonly #totals: readonly number[];

  constructor(text: string, ends: readonly number[], totals: readonly number[]) {
    this.text = text;
    this.#ends = ends;
    this.#totals = totals;
  }

  /** The offset in the original of an offset in the padded text. */
  original(offset: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? offset : offset - this.#totals[low - 1]!;
  }
}

/** Pads every line that begins inside of a flow collection; null when there is none. */
export function padFlowLines(text: string): PaddedText | null {
  let padded = "";
  const ends: number[] = [];
  const totals: number[] = [];
  let total = 0;
  let depth = 0;
  let quote = "";
  let padding = "";
  let blockScalarIndent = -1;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline + 1;
    const line = text.slice(start, end);
    const isBlank = line.trim() === "";
    const indent = line.length - line.trimStart().length;
    start = end;
    if (blockScalarIndent >= 0 && (isBlank || indent > blockScalarIndent)) {
      padded += line;
      continue;
    }
    blockScalarIndent = -1;
    if (depth > 0) {
      padded += padding;
      total += padding.length;
      ends.push(padded.length);
      totals.push(total);
    }
    padded += line;
    const from = depth > 0 ? 0 : valueStart(line);
    if (depth === 0) {
      if (/^[|>][-+0-9]*\s*(#.*)?$/.test(line.slice(from).trimEnd())) {
        blockScalarIndent = indent;
        continue;
      }
      if (!"{[".includes(line.charAt(from) || " ")) continue;
      padding = " ".repeat(from + 1);
    }
    ({ depth, quote } = scanFlow(line, from, depth, quote));
  }
  return ends.length === 0 ? null : new PaddedText(padded, ends, totals);
}

/** Where the value of a block line begins: behind indicators, keys, tags and anchors. */
function valueStart(line: string): number {
  const match = /^\s*(?:[-?]\s+)*(?:(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'{[][^#{["']*?)\s*:\s+)?(?:[!&]\S*\s+)*/.exec(
    line,
  );
  return match === null ? 0 : match[0].length;
}

function scanFlow(
  line: string,
  from: number,
  depthBefore: number,
  quoteBefore: string,
): { depth: number; quote: string } {
  let depth = depthBefore;
  let quote = quoteBefore;
  for (let i = from; i < line.length; i++) {
    const character = line.charAt(i);
    if (quote !== "") {
      if (quote === '"' && character === "\\") i++;
      else if (quote === "'" && character === "'" && line.charAt(i + 1) === "'") i++;
      else if (character === quote) quote = "";
    } else if (character === "#" && (i === 0 || /\s/.test(line.charAt(i - 1)))) break;
    else if ((character === '"' || character === "'") && /[\s,:[{]/.test(line.charAt(i - 1) || " ")) quote = character;
    else if (character === "{" || character === "[") depth++;
    else if ((character === "}" || character === "]") && --depth === 0) break;
  }
  return { depth, quote };
}
