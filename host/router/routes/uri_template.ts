// host/router/routes/uri_template.ts: paths with `*`, `**` and `{variables}`, as regular expressions.
// pure: no I/O, no clock, no runtime globals
/**
 * `*` stands for one segment, `**` for the rest of the path, `{name}` for a segment that a rewrite can name,
 * `{name=a/*}` for what the template behind `=` stands for. A suffix may follow the last of them.
 *
 * @see Envoy: source/extensions/path/uri_template_lib
 * @module
 */
import type { Substitution } from "../../matching/regex.ts";

/** A template that can be used. */
export interface UriTemplate {
  /** Takes whole paths; its groups are the variables, in order. */
  readonly pattern: string;
  readonly variables: readonly string[];
}

/** A template, or a text that says what is wrong with it. */
export function parseUriTemplate(text: string): UriTemplate | string {
  if (!/^\/[\x21-\x7e]*$/.test(text)) return "it must begin with a slash, and all of it must be visible ASCII";
  return new TemplateParser(text).parse();
}

/** What a path is rewritten to, or a text that says what is wrong with the rewrite. */
export function parseUriTemplateRewrite(text: string, { variables }: UriTemplate): Substitution | string {
  if (!text.startsWith("/")) return "it must begin with a slash";
  if (text.includes("//")) return "it has an empty segment";
  const parts: (string | number)[] = [];
  for (const [index, part] of text.split("{").entries()) {
    const brace = index === 0 ? -1 : part.indexOf("}");
    if (index > 0) {
      if (brace === -1) return "a brace is not closed";
      const name = part.slice(0, brace);
      if (!VARIABLE_NAME.test(name)) return `"${name}" is no name of a variable`;
      const group = variables.indexOf(name) + 1;
      if (group === 0) return `the path template has no variable "${name}"`;
      parts.push(group);
    }
    const literal = part.slice(brace + 1);
    if (literal === "") continue;
    if (!REWRITE_LITERAL.test(literal)) return `"${literal}" has characters that a path has not`;
    parts.push(literal);
  }
  return parts;
}

const CHARACTERS = "a-zA-Z0-9\\-._~%!$&'()+,;:@=";
const LITERAL = new RegExp(`^[${CHARACTERS}]+$`);
const REWRITE_LITERAL = new RegExp(`^[${CHARACTERS}/]+$`);
const VARIABLE_NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;
// A star is a character of paths, but not of templates.
const ONE_SEGMENT = `[${CHARACTERS}*]+`;
const ALL_SEGMENTS = `[${CHARACTERS}*/]*`;
const MAX_VARIABLES = 5;
const MAX_NAME_LENGTH = 16;

class TemplateProblem extends Error {}

class TemplateParser {
  readonly #text: string;
  #position = 1;
  readonly #variables: string[] = [];
  #seenAllSegments = false;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): UriTemplate | string {
    try {
      return { pattern: this.#path(), variables: this.#variables };
    } catch (error) {
      if (error instanceof TemplateProblem) return error.message;
      throw error;
    }
  }

  #path(): string {
    const text = this.#text;
    let pattern = "/";
    while (this.#position < text.length) {
      pattern += text[this.#position] === "{" ? this.#variable() : this.#globOrLiteral(text.length);
      if (this.#position === text.length) break;
      if (text[this.#position] === "/") {
        this.#position++;
        pattern += "/";
        continue;
      }
      // What follows a glob or a variable directly is the end of the path.
      pattern += this.#literal(text.length);
      if (this.#position < text.length) throw new TemplateProblem("a suffix must be the end of the template");
    }
    return pattern;
  }

  #variable(): string {
    const text = this.#text;
    const close = text.indexOf("}", this.#position);
    if (close === -1) throw new TemplateProblem("a brace is not closed");
    const equals = text.slice(0, close).indexOf("=", this.#position);
    const name = text.slice(this.#position + 1, equals === -1 ? close : equals);
    this.#declare(name);
    let inner = "";
    if (equals === -1) {
      inner = this.#glob(false);
    } else {
      this.#position = equals + 1;
      if (this.#position === close) throw new TemplateProblem(`the variable "${name}" stands for nothing`);
      while (this.#position < close) {
        inner += this.#globOrLiteral(close);
        if (this.#position === close) break;
        if (text[this.#position] !== "/" || this.#position + 1 === close) {
          throw new TemplateProblem(`what the variable "${name}" stands for is no path`);
        }
        this.#position++;
        inner += "/";
      }
    }
    this.#position = close + 1;
    return `(${inner})`;
  }

  #declare(name: string): void {
    if (!VARIABLE_NAME.test(name)) throw new TemplateProblem(`"${name}" is no name of a variable`);
    if (name.length > MAX_NAME_LENGTH) {
      throw new TemplateProblem(`the name "${name}" has more than ${MAX_NAME_LENGTH} characters`);
    }
    if (this.#variables.includes(name)) throw new TemplateProblem(`the variable "${name}" is there twice`);
    if (this.#variables.push(name) > MAX_VARIABLES) {
      throw new TemplateProblem(`there are more than ${MAX_VARIABLES} variables`);
    }
  }

  #globOrLiteral(end: number): string {
    const text = this.#text;
    if (text[this.#position] !== "*") return this.#literal(end);
    const isAll = text.startsWith("**", this.#position);
    this.#position += isAll ? 2 : 1;
    return this.#glob(isAll);
  }

  #glob(isAll: boolean): string {
    if (this.#seenAllSegments) throw new TemplateProblem("nothing that stands for segments may follow **");
    this.#seenAllSegments = isAll;
    return isAll ? ALL_SEGMENTS : ONE_SEGMENT;
  }

  #literal(end: number): string {
    const slash = this.#text.indexOf("/", this.#position);
    const stop = slash === -1 || slash > end ? end : slash;
    const literal = this.#text.slice(this.#position, stop);
    if (!LITERAL.test(literal)) throw new TemplateProblem(`"${literal}" is no segment of a path`);
    this.#position = stop;
    return literal.replace(/[$()+.]/g, "\\$&");
  }
}
