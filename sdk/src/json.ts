// sdk/src/json.ts: a JSON value, read leniently or strictly.
import { JsonParser } from "./json_parser";

/** What a JSON value is. */
export enum JsonKind {
  /** There is no such value. */
  Missing = 0,
  Null = 1,
  Bool = 2,
  Number = 3,
  String = 4,
  Array = 5,
  Object = 6,
}

/**
 * A JSON value. Written for configuration: reading something that is not there gives the fallback, and reading
 * something of the wrong type gives the fallback and says so in `Json.error`.
 *
 * ```ts
 * const json = Json.parse(text);
 * if (json === null) return this.refuse(Json.error);        // a syntax error, with line and column
 * this.limit = json.get("limit").i64(100);
 * this.names = json.get("names").strings();
 * json.onlyKeys(["limit", "names"]);
 * return Json.error.length == 0 || this.refuse(Json.error); // limit: expected an integer, found a string
 * ```
 */
export class Json {
  /** What is wrong with the text parsed last, or with how it was read; empty when all is well. */
  static error: string = "";

  /** The value's type. */
  readonly kind: JsonKind;
  /** Where the value stands, for messages: `rules[2].from`. */
  readonly path: string;
  private readonly content: string;
  private readonly keys: string[] = [];
  private readonly items: Json[] = [];

  /** For the parser. `content`: the characters of a string, the digits of a number, `true` or `false`. */
  constructor(kind: JsonKind, path: string, content: string = "") {
    this.kind = kind;
    this.path = path;
    this.content = content;
  }

  /** Reads JSON text; null when it is malformed, and `Json.error` says where and why. Empty text is `{}`. */
  static parse(text: string): Json | null {
    Json.error = "";
    const parser = new JsonParser(text);
    const value = parser.parse();
    if (parser.error.length == 0) return value;
    Json.error = parser.error;
    return null;
  }

  /** A string as JSON text, quotes included. */
  static quote(text: string): string {
    let quoted = '"';
    for (let i = 0; i < text.length; ++i) {
      const code = text.charCodeAt(i);
      if (code == 0x22 || code == 0x5c) quoted += "\\" + text.charAt(i);
      else if (code >= 0x20) quoted += text.charAt(i);
      else quoted += "\\u" + code.toString(16).padStart(4, "0");
    }
    return quoted + '"';
  }

  /** Whether there is such a value. */
  get exists(): bool {
    return this.kind != JsonKind.Missing;
  }

  /** Number of items of an array or members of an object, otherwise 0. */
  get length(): i32 {
    return this.items.length;
  }

  /** The member `key` of an object. */
  get(key: string): Json {
    const index = this.keys.indexOf(key);
    if (index >= 0) return this.items[index];
    if (this.exists && this.kind != JsonKind.Object) this.mismatch("an object");
    return new Json(JsonKind.Missing, memberPath(this.path, key));
  }

  /** Item `index` of an array, or the value of member `index` of an object. */
  at(index: i32): Json {
    if (index >= 0 && index < this.items.length) return this.items[index];
    return new Json(JsonKind.Missing, itemPath(this.path, index));
  }

  /** The key of member `index` of an object; empty when there is none. */
  keyAt(index: i32): string {
    return index >= 0 && index < this.keys.length ? this.keys[index] : "";
  }

  /** A string, or the fallback. */
  string(fallback: string = ""): string {
    return this.is(JsonKind.String, "a string") ? this.content : fallback;
  }

  /** A truth value, or the fallback. */
  bool(fallback: bool = false): bool {
    return this.is(JsonKind.Bool, "true or false") ? this.content == "true" : fallback;
  }

  /** A number, or the fallback. */
  f64(fallback: f64 = 0): f64 {
    return this.is(JsonKind.Number, "a number") ? F64.parseFloat(this.content) : fallback;
  }

  /** An integer (exact over the whole range of `i64`), or the fallback. */
  i64(fallback: i64 = 0): i64 {
    if (!this.is(JsonKind.Number, "an integer")) return fallback;
    if (!isInteger(this.content)) {
      this.mismatch("an integer");
      return fallback;
    }
    return I64.parseInt(this.content);
  }

  /** An integer that fits into 32 bits, or the fallback. */
  i32(fallback: i32 = 0): i32 {
    const value = this.i64(fallback);
    if (value >= i32.MIN_VALUE && value <= i32.MAX_VALUE) return <i32>value;
    this.mismatch("an integer of 32 bits");
    return fallback;
  }

  /** The strings of an array; empty when there is none. */
  strings(): string[] {
    const strings: string[] = [];
    if (!this.is(JsonKind.Array, "an array of strings")) return strings;
    for (let i = 0; i < this.items.length; ++i) strings.push(this.items[i].string());
    return strings;
  }

  /** Reports members of an object that are not in `known`: usually misspelled. */
  onlyKeys(known: string[]): void {
    for (let i = 0; i < this.keys.length; ++i) {
      if (known.indexOf(this.keys[i]) >= 0) continue;
      Json.report(memberPath(this.path, this.keys[i]) + ": unknown key, expected one of " + known.join(", "));
    }
  }

  /** For the parser: adds an item to an array. */
  push(value: Json): void {
    this.items.push(value);
  }

  /** For the parser: adds a member to an object; false when the key is there already. */
  put(key: string, value: Json): bool {
    if (this.keys.indexOf(key) >= 0) return false;
    this.keys.push(key);
    this.items.push(value);
    return true;
  }

  private is(kind: JsonKind, expected: string): bool {
    if (this.kind == kind) return true;
    if (this.exists) this.mismatch(expected);
    return false;
  }

  private mismatch(expected: string): void {
    const place = this.path.length != 0 ? this.path : "the configuration";
    Json.report(place + ": expected " + expected + ", found " + this.describe());
  }

  private static report(problem: string): void {
    Json.error = Json.error.length == 0 ? problem : Json.error + "; " + problem;
  }

  private describe(): string {
    switch (this.kind) {
      case JsonKind.Null: return "null";
      case JsonKind.Bool: return this.content;
      case JsonKind.Number: return this.content;
      case JsonKind.String: return "the string " + Json.quote(this.content);
      case JsonKind.Array: return "an array";
      case JsonKind.Object: return "an object";
      default: return "nothing";
    }
  }
}

/** The path of a member. */
export function memberPath(parent: string, key: string): string {
  return parent.length == 0 ? key : parent + "." + key;
}

/** The path of an item. */
export function itemPath(parent: string, index: i32): string {
  return parent + "[" + index.toString() + "]";
}

function isInteger(digits: string): bool {
  for (let i = 0; i < digits.length; ++i) {
    const code = digits.charCodeAt(i);
    if ((code < 0x30 || code > 0x39) && !(i == 0 && code == 0x2d)) return false;
  }
  return true;
}
