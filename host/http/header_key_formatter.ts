// host/http/header_key_formatter.ts: the spelling of header names on HTTP/1 connections.
// pure: no I/O, no clock, no runtime globals
/**
 * Names are lower case inside the proxy. Where a peer minds, `header_key_format` gives them capitals again:
 * by rule (`Content-Type`), or as the message had them when it came in. A message that keeps its spelling
 * carries a formatter with it, which goes before that of the connection.
 *
 * A head is spelled when it is written, line by line; a connection without formatters pays one comparison.
 *
 * @see Envoy: source/common/http/http1/header_formatter.cc, source/extensions/http/header_formatters/preserve_case
 * @module
 */

/** Spells the names of one message, or of all of a connection. */
export interface HeaderKeyFormatter {
  format(name: string): string;
  /** The reason phrase that a response came with and is to leave with; empty for that of its status. */
  readonly reasonPhrase: string;
}

/** `header_key_format` as plain data. */
export type HeaderKeyFormat =
  | { readonly kind: "properCase" }
  | {
    readonly kind: "preserveCase";
    readonly forwardReasonPhrase: boolean;
    /** Names that the message did not come with get capitals by rule. */
    readonly properCaseOfOthers: boolean;
  };

/** Capitals after every character that is no letter or digit: `X-Foo_Bar`. */
export const PROPER_CASE: HeaderKeyFormatter = {
  reasonPhrase: "",
  format: (name) => name.replace(/(?<![a-z0-9])[a-z]/g, (letter) => letter.toUpperCase()),
};

/** The formatter of connections with this format; null when each message brings its own, or none is asked for. */
export function connectionFormatter(format: HeaderKeyFormat | null): HeaderKeyFormatter | null {
  return format !== null && format.kind === "properCase" ? PROPER_CASE : null;
}

/** Remembers the spelling of a head that came in; null when the format does not ask for it. */
export function spellingOf(head: string, format: HeaderKeyFormat): HeaderKeyFormatter | null {
  return format.kind === "preserveCase" ? new PreservedCase(head, format) : null;
}

class PreservedCase implements HeaderKeyFormatter {
  readonly reasonPhrase: string;
  readonly #spellings = new Map<string, string>();
  readonly #properCaseOfOthers: boolean;

  constructor(head: string, format: HeaderKeyFormat & { readonly kind: "preserveCase" }) {
    const [first, ...lines] = head.split("\r\n");
    this.#properCaseOfOthers = format.properCaseOfOthers;
    this.reasonPhrase = format.forwardReasonPhrase && first!.startsWith("HTTP/") ? first!.slice(REASON_START) : "";
    for (const line of lines) {
      const spelling = line.slice(0, Math.max(0, line.indexOf(":")));
      const name = spelling.toLowerCase();
      // Of several spellings the first one counts.
      if (!this.#spellings.has(name)) this.#spellings.set(name, spelling);
    }
  }

  format(name: string): string {
    return this.#spellings.get(name) ?? (this.#properCaseOfOthers ? PROPER_CASE.format(name) : name);
  }
}

/** Where the reason phrase stands in a status line. */
const REASON_START = "HTTP/1.1 200 ".length;

/** Spells the names of a head that is about to be written. */
export function spellHead(head: string, formatter: HeaderKeyFormatter): string {
  const lines = head.split("\r\n");
  if (formatter.reasonPhrase !== "") lines[0] = lines[0]!.slice(0, REASON_START) + formatter.reasonPhrase;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    if (colon > 0) lines[i] = formatter.format(line.slice(0, colon)) + line.slice(colon);
  }
  return lines.join("\r\n");
}
