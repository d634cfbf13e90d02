// host/wasm/demangle.ts: names of compiled functions as their authors wrote them.
// pure: no I/O, no clock, no runtime globals
/**
 * Rust's two schemes, and of C++'s the plain names; its templates and operators stay as they are. Names come
 * from modules: depth and length are bounded, and what cannot be read is left alone.
 *
 * @see https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
 * @see https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling
 * @module
 */

const MAX_DEPTH = 50;
const MAX_LENGTH = 1000;

/** A function's name for people. */
export function demangle(name: string): string {
  if (name.length > MAX_LENGTH) return name;
  try {
    if (name.startsWith("_R")) return new RustName(name).read();
    if (name.startsWith("_ZN") && /17h[0-9a-f]{16}E$/.test(name)) return legacyRust(name);
    if (name.startsWith("_Z")) return cplusplus(name);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  return name;
}

/** Never leaves this file. */
class Unreadable extends Error {}

/** `5hello` at `at`: the identifier, and where it ends. */
function lengthPrefixed(text: string, at: number): { readonly part: string; readonly end: number } {
  const digits = /^[1-9][0-9]{0,3}/.exec(text.slice(at, at + 4))?.[0];
  if (digits === undefined) throw new Unreadable();
  const start = at + digits.length;
  const end = start + Number(digits);
  if (end > text.length) throw new Unreadable();
  return { part: text.slice(start, end), end };
}

/** `_ZN4core9panicking5panic17h0123456789abcdefE` is `core::panicking::panic`. */
function legacyRust(name: string): string {
  const parts: string[] = [];
  for (let at = 3; name[at] !== "E";) {
    const { part, end } = lengthPrefixed(name, at);
    parts.push(legacyPart(part));
    at = end;
  }
  return parts.slice(0, -1).join("::");
}

const LEGACY_ESCAPES: Readonly<Record<string, string>> = {
  SP: "@",
  BP: "*",
  RF: "&",
  LT: "<",
  GT: ">",
  LP: "(",
  RP: ")",
  C: ",",
};

function legacyPart(part: string): string {
  // An underscore keeps an identifier from beginning with an escape.
  return part.replace(/^_(?=\$)/, "").replace(/\$(?:u([0-9a-f]{1,6})|([A-Z]{1,2}))\$|\.\./g, (all, code, short) => {
    if (all === "..") return "::";
    if (typeof short === "string") return LEGACY_ESCAPES[short] ?? all;
    const point = parseInt(code as string, 16);
    return point >= 0x20 && point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}

/** `_ZN5proxy7ContextD2Ev` is `proxy::Context::~Context`; parameters are left out. */
function cplusplus(name: string): string {
  const parts: string[] = [];
  let at = 2;
  const isNested = name[at] === "N";
  if (isNested) at++;
  while (isNested && /[rVKRO]/.test(name[at] ?? "")) at++;
  const isDone = (): boolean => isNested ? name[at] === "E" : parts.length > (parts[0] === "std" ? 1 : 0);
  while (!isDone()) {
    const next = name.slice(at, at + 2);
    if (next === "St" && parts.length === 0) {
      parts.push("std");
      at += 2;
    } else if (/^C[123]$/.test(next) && parts.length > 0) {
      parts.push(parts.at(-1)!);
      at += 2;
    } else if (/^D[012]$/.test(next) && parts.length > 0) {
      parts.push(`~${parts.at(-1)!}`);
      at += 2;
    } else {
      const { part, end } = lengthPrefixed(name, at);
      parts.push(part === "_GLOBAL__N_1" ? "(anonymous namespace)" : part);
      at = end;
    }
  }
  return parts.join("::");
}

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: "i8",
  b: "bool",
  c: "char",
  d: "f64",
  e: "str",
  f: "f32",
  h: "u8",
  i: "isize",
  j: "usize",
  l: "i32",
  m: "u32",
  n: "i128",
  o: "u128",
  p: "_",
  s: "i16",
  t: "u16",
  u: "()",
  v: "...",
  x: "i64",
  y: "u64",
  z: "!",
};

/** A name of Rust's newer scheme. */
class RustName {
  readonly #text: string;
  #at = 2;
  #depth = 0;
  #length = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): string {
    return this.#path();
  }

  #next(): string {
    // Back references can make a short name endless.
    if (++this.#length > MAX_LENGTH) throw new Unreadable();
    const char = this.#text[this.#at++];
    if (char === undefined) throw new Unreadable();
    return char;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new Unreadable();
    const result = read();
    this.#depth--;
    return result;
  }

  #path(): string {
    return this.#nested(() => {
      const tag = this.#next();
      switch (tag) {
        case "C":
          return this.#identifier().name;
        case "N": {
          const namespace = this.#next();
          const path = this.#path();
          const { name, number } = this.#identifier();
          if (namespace === "C") return `${path}::{closure#${number}}`;
          if (namespace === "S") return `${path}::{shim:${name}#${number}}`;
          return name === "" ? path : `${path}::${name}`;
        }
        case "M":
          this.#implPath();
          return `<${this.#type()}>`;
        case "X":
          this.#implPath();
          return `<${this.#type()} as ${this.#path()}>`;
        case "Y":
          return `<${this.#type()} as ${this.#path()}>`;
        case "I": {
          const path = this.#path();
          return `${path}<${this.#list(() => this.#genericArgument())}>`;
        }
        case "B":
          return this.#backReference(() => this.#path());
        default:
          throw new Unreadable();
      }
    });
  }

  #implPath(): void {
    if (this.#take("s")) this.#base62();
    this.#path();
  }

  /** A name, and which of equal ones it is. */
  #identifier(): { readonly name: string; readonly number: number } {
    const number = this.#take("s") ? this.#base62() + 1 : 0;
    return { name: this.#plainIdentifier(), number };
  }

  #plainIdentifier(): string {
    this.#take("u");
    if (this.#take("0")) {
      this.#take("_");
      return "";
    }
    const digits = /^[1-9][0-9]{0,3}/.exec(this.#text.slice(this.#at, this.#at + 4))?.[0];
    if (digits === undefined) throw new Unreadable();
    this.#at += digits.length;
    this.#take("_");
    const start = this.#at;
    this.#at += Number(digits);
    if (this.#at > this.#text.length) throw new Unreadable();
    return this.#text.slice(start, this.#at);
  }

  /** `_` is 0, and `0_` is 1. */
  #base62(): number {
    if (this.#take("_")) return 0;
    let value = 0;
    for (let char = this.#next(); char !== "_"; char = this.#next()) {
      const digit = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(char);
      if (digit < 0) throw new Unreadable();
      value = value * 62 + digit;
    }
    return value + 1;
  }

  #backReference<T>(read: () => T): T {
    const start = this.#at - 1;
    // Counted from behind `_R`.
    const target = this.#base62() + 2;
    if (target >= start) throw new Unreadable();
    const back = this.#at;
    this.#at = target;
    const result = this.#nested(read);
    this.#at = back;
    return result;
  }

  /** Items up to `E`, with commas. */
  #list(read: () => string): string {
    const items: string[] = [];
    while (!this.#take("E")) items.push(read());
    return items.filter((item) => item !== "").join(", ");
  }

  #genericArgument(): string {
    if (this.#take("L")) {
      this.#base62();
      return "";
    }
    return this.#take("K") ? this.#constant() : this.#type();
  }

  #constant(): string {
    if (this.#take("p")) return "_";
    if (this.#take("B")) return this.#backReference(() => this.#constant());
    this.#type();
    const sign = this.#take("n") ? "-" : "";
    let digits = "";
    for (let char = this.#next(); char !== "_"; char = this.#next()) digits += char;
    if (!/^[0-9a-f]{0,16}$/.test(digits)) throw new Unreadable();
    return `${sign}${BigInt(`0x${digits === "" ? "0" : digits}`)}`;
  }

  #type(): string {
    return this.#nested(() => {
      const tag = this.#next();
      const basic = BASIC_TYPES[tag];
      if (basic !== undefined) return basic;
      switch (tag) {
        case "A":
          return `[${this.#type()}; ${this.#constant()}]`;
        case "S":
          return `[${this.#type()}]`;
        case "T":
          return `(${this.#list(() => this.#type())})`;
        case "R":
        case "Q":
          if (this.#take("L")) this.#base62();
          return `&${tag === "Q" ? "mut " : ""}${this.#type()}`;
        case "P":
          return `*const ${this.#type()}`;
        case "O":
          return `*mut ${this.#type()}`;
        case "F":
          return this.#functionType();
        case "D":
          return this.#dynType();
        case "B":
          return this.#backReference(() => this.#type());
        default:
          this.#at--;
          return this.#path();
      }
    });
  }

  #functionType(): string {
    if (this.#take("G")) this.#base62();
    this.#take("U");
    if (this.#take("K") && !this.#take("C")) this.#plainIdentifier();
    const parameters = this.#list(() => this.#type());
    const result = this.#type();
    return `fn(${parameters})${result === "()" ? "" : ` -> ${result}`}`;
  }

  #dynType(): string {
    if (this.#take("G")) this.#base62();
    const traits: string[] = [];
    while (!this.#take("E")) {
      let trait = this.#path();
      while (this.#take("p")) {
        const name = this.#plainIdentifier();
        trait += `<${name} = ${this.#type()}>`;
      }
      traits.push(trait);
    }
    if (this.#take("L")) this.#base62();
    return `dyn ${traits.join(" + ")}`;
  }
}
