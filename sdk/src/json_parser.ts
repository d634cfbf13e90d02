// sdk/src/json_parser.ts: JSON text to values, strictly by RFC 8259.
import { itemPath, Json, JsonKind, memberPath } from "./json";

const MAX_DEPTH: i32 = 64;

/** Reads one JSON text. Stops at the first error, which `error` describes with line and column. */
export class JsonParser {
  error: string = "";
  private offset: i32 = 0;

  constructor(private readonly text: string) {}

  parse(): Json {
    this.skipSpace();
    if (this.offset == this.text.length) return new Json(JsonKind.Object, "");
    const value = this.value("", 0);
    this.skipSpace();
    if (this.error.length == 0 && this.offset < this.text.length) this.fail("the end");
    return value;
  }

  private value(path: string, depth: i32): Json {
    const code = this.peek();
    if (depth > MAX_DEPTH) this.problem("nested more than " + MAX_DEPTH.toString() + " deep");
    else if (code == 0x7b) return this.object(path, depth);
    else if (code == 0x5b) return this.array(path, depth);
    else if (code == 0x22) return new Json(JsonKind.String, path, this.string());
    else if (code == 0x2d || isDigit(code)) return new Json(JsonKind.Number, path, this.number());
    else if (this.skipWord("true")) return new Json(JsonKind.Bool, path, "true");
    else if (this.skipWord("false")) return new Json(JsonKind.Bool, path, "false");
    else if (this.skipWord("null")) return new Json(JsonKind.Null, path);
    else this.fail("a value");
    return new Json(JsonKind.Missing, path);
  }

  private object(path: string, depth: i32): Json {
    const object = new Json(JsonKind.Object, path);
    ++this.offset;
    this.skipSpace();
    if (this.skip(0x7d)) return object;
    while (this.error.length == 0) {
      this.skipSpace();
      if (this.peek() != 0x22) {
        this.fail("a key in double quotes");
        break;
      }
      const start = this.offset;
      const key = this.string();
      this.skipSpace();
      if (!this.skip(0x3a)) {
        this.fail("':' after the key");
        break;
      }
      this.skipSpace();
      if (!object.put(key, this.value(memberPath(path, key), depth + 1)) && this.error.length == 0) {
        this.offset = start;
        this.problem("the key " + Json.quote(key) + " comes twice");
        break;
      }
      this.skipSpace();
      if (this.skip(0x7d)) break;
      if (!this.skip(0x2c)) this.fail("',' or '}'");
    }
    return object;
  }

  private array(path: string, depth: i32): Json {
    const array = new Json(JsonKind.Array, path);
    ++this.offset;
    this.skipSpace();
    if (this.skip(0x5d)) return array;
    while (this.error.length == 0) {
      this.skipSpace();
      array.push(this.value(itemPath(path, array.length), depth + 1));
      this.skipSpace();
      if (this.skip(0x5d)) break;
      if (!this.skip(0x2c)) this.fail("',' or ']'");
    }
    return array;
  }

  private string(): string {
    let text = "";
    let start = ++this.offset;
    while (this.offset < this.text.length) {
      const code = this.text.charCodeAt(this.offset);
      if (code == 0x22) {
        text += this.text.substring(start, this.offset++);
        return text;
      }
      if (code < 0x20) {
        this.problem("a control character in a string; write it as an escape");
        return "";
      }
      if (code != 0x5c) {
        ++this.offset;
        continue;
      }
      text += this.text.substring(start, this.offset++) + this.escape();
      if (this.error.length != 0) return "";
      start = this.offset;
    }
    this.fail("'\"' that ends the string");
    return "";
  }

  /** What an escape stands for; the backslash is passed already. */
  private escape(): string {
    const code = this.peek();
    ++this.offset;
    switch (code) {
      case 0x22: return '"';
      case 0x5c: return "\\";
      case 0x2f: return "/";
      case 0x62: return "\b";
      case 0x66: return "\f";
      case 0x6e: return "\n";
      case 0x72: return "\r";
      case 0x74: return "\t";
      case 0x75: {
        let unit: i32 = 0;
        for (let i = 0; i < 4; ++i) {
          const digit = hexDigit(this.peek());
          if (digit < 0) {
            this.fail("four hexadecimal digits after \\u");
            return "";
          }
          unit = unit * 16 + digit;
          ++this.offset;
        }
        return String.fromCharCode(unit);
      }
      default: {
        --this.offset;
        this.fail("an escape: one of \" \\ / b f n r t u");
        return "";
      }
    }
  }

  private number(): string {
    const start = this.offset;
    this.skip(0x2d);
    if (!this.skip(0x30)) this.digits();
    if (this.skip(0x2e)) this.digits();
    if (this.peek() == 0x65 || this.peek() == 0x45) {
      ++this.offset;
      if (!this.skip(0x2b)) this.skip(0x2d);
      this.digits();
    }
    return this.text.substring(start, this.offset);
  }

  private digits(): void {
    if (!isDigit(this.peek())) this.fail("a digit");
    while (isDigit(this.peek())) ++this.offset;
  }

  /** The character here, or -1 at the end. */
  private peek(): i32 {
    return this.offset < this.text.length ? this.text.charCodeAt(this.offset) : -1;
  }

  private skip(code: i32): bool {
    if (this.peek() != code) return false;
    ++this.offset;
    return true;
  }

  private skipWord(word: string): bool {
    if (this.text.substr(this.offset, word.length) != word) return false;
    this.offset += word.length;
    return true;
  }

  private skipSpace(): void {
    let code = this.peek();
    while (code == 0x20 || code == 0x0a || code == 0x0d || code == 0x09) {
      ++this.offset;
      code = this.peek();
    }
  }

  private fail(expected: string): void {
    const found = this.offset < this.text.length ? "'" + this.text.charAt(this.offset) + "'" : "the end";
    this.problem("expected " + expected + ", found " + found);
  }

  private problem(message: string): void {
    if (this.error.length != 0) return;
    let line = 1;
    let column = 1;
    for (let i = 0; i < this.offset; ++i) {
      ++column;
      if (this.text.charCodeAt(i) == 0x0a) {
        ++line;
        column = 1;
      }
    }
    this.error = "line " + line.toString() + ", column " + column.toString() + ": " + message;
  }
}

function isDigit(code: i32): bool {
  return code >= 0x30 && code <= 0x39;
}

function hexDigit(code: i32): i32 {
  if (isDigit(code)) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
