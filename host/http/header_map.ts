// host/http/header_map.ts: header fields in order, with pseudo-headers as plain fields.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/header_map.bench.ts
/**
 * Names are lower case; values are latin1 strings, one character a byte (RFC 9110 §5.5). Duplicates stay
 * separate entries in order of arrival, but for the names of which Envoy keeps one field. Pseudo-headers are not in
 * the list: they are fields, and stand first wherever entries are walked, as in Envoy's map.
 *
 * On a request `host` is another name of `:authority`, as in Envoy. Names and values that a codec parsed are
 * known to be fit for the wire; those that filters put are looked at when they are put, so that the HTTP/1
 * serializer need not look at every byte of every message (`isWireSafe`).
 *
 * A look-up is a scan, which for the ten to twenty fields of a real message is faster than hashing; a
 * 32-bit filter over name shapes answers most look-ups of absent names without the scan.
 *
 * @see Envoy: source/common/http/header_map_impl.h
 * @module
 */
import type { HeaderKeyFormatter } from "./header_key_formatter.ts";
import { INLINE_REQUEST_HEADERS, INLINE_RESPONSE_HEADERS, joinInline } from "../matching/inline_headers.ts";

/** A bit that depends on a name's length, first and last character. */
export function nameBit(name: string): number {
  const length = name.length;
  return 1 << ((length * 5 + name.charCodeAt(0) * 3 + name.charCodeAt(length - 1)) & 31);
}

/** Names, none of them of a pseudo-header, that are looked for together in message after message. */
export class HeaderNames {
  readonly names: readonly string[];
  /** Of each of them: what the map's own are compared with. */
  readonly bits: Int32Array;

  constructor(names: readonly string[]) {
    this.names = names;
    this.bits = Int32Array.from(names, nameBit);
  }
}

/** The order in which pseudo-headers come: that of Envoy's HTTP/1 codec, then `:protocol` and `:status`. */
const PSEUDO_NAMES = [":authority", ":path", ":method", ":scheme", ":protocol", ":status"] as const;

/** 1 for the bytes of a token in lower case (RFC 9110 §5.6.2). */
const NAME_CODES = new Uint8Array(128);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") NAME_CODES[character.charCodeAt(0)] = 1;

const NOT_WIRE_SAFE = /[\0\n\r\u0100-\uffff]/;

/** Whether a text can stand in a line of HTTP/1: every character one byte, and none of CR, LF, NUL. */
export function isWireSafeValue(value: string): boolean {
  // An expression costs more to start and less for each character.
  if (value.length > 16) return !NOT_WIRE_SAFE.test(value);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 13 ? code === 13 || code === 10 || code === 0 : code > 255) return false;
  }
  return true;
}

/** Whether HTTP/1 can carry this entry. */
export function isWireSafeField(name: string, value: string): boolean {
  if (name.length === 0) return false;
  for (let i = 0; i < name.length; i++) if (NAME_CODES[name.charCodeAt(i)] !== 1) return false;
  return isWireSafeValue(value);
}

/**
 * An ordered multimap of header fields.
 *
 * @example
 * ```ts
 * import { HeaderMap } from "./header_map.ts";
 * const headers = HeaderMap.of({ ":method": "GET", ":path": "/", "x-a": "1" });
 * headers.add("x-a", "2");
 * console.assert(headers.get("x-a") === "1" && headers.getJoined("x-a") === "1,2");
 * ```
 */
export class HeaderMap {
  /** `:authority`, `:path`, … ; null when absent. */
  authority: string | null = null;
  path: string | null = null;
  method: string | null = null;
  scheme: string | null = null;
  /** `:protocol` of an extended CONNECT (RFC 8441), and of an HTTP/1 upgrade. */
  protocol: string | null = null;
  /** `:status`; 0 when absent. */
  status = 0;
  /** How HTTP/1 spells the names of this message; null: as its connection does. */
  formatter: HeaderKeyFormatter | null = null;
  /** Name, value, name, value, …  */
  #list: string[] = [];
  #bits = 0;
  #wireSafe = true;

  /** A map with these entries; pseudo-headers go to their fields. */
  static of(entries: Iterable<readonly [string, string]> | Readonly<Record<string, string>>): HeaderMap {
    const map = new HeaderMap();
    const pairs = Symbol.iterator in entries ? entries : Object.entries(entries);
    for (const [name, value] of pairs as Iterable<readonly [string, string]>) map.add(name.toLowerCase(), value);
    return map;
  }

  /** Number of entries, pseudo-headers included. */
  get size(): number {
    return (this.#list.length >> 1) + this.pseudoCount;
  }

  /** Number of entries in the list: all but the pseudo-headers. */
  get fieldCount(): number {
    return this.#list.length >> 1;
  }

  get pseudoCount(): number {
    return (this.authority === null ? 0 : 1) + (this.path === null ? 0 : 1) + (this.method === null ? 0 : 1) +
      (this.scheme === null ? 0 : 1) + (this.protocol === null ? 0 : 1) + (this.status === 0 ? 0 : 1);
  }

  /** Name of list entry `index`. */
  fieldName(index: number): string {
    return this.#list[index * 2]!;
  }

  fieldValue(index: number): string {
    return this.#list[index * 2 + 1]!;
  }

  /** False once an entry was put that HTTP/1 cannot carry: CR, LF or NUL in its value, a name that is no token. */
  get isWireSafe(): boolean {
    return this.#wireSafe;
  }

  /**
   * Appends a parsed entry without looking at it: a lower-case token that is no pseudo-header, its
   * `nameBit`, and a value of legal bytes.
   */
  append(name: string, value: string, bit: number): void {
    this.#list.push(name, value);
    this.#bits |= bit;
  }

  /** As `append`, for a name of which there is one field: a further value is joined to the first one. */
  appendInline(name: string, value: string, bit: number): void {
    if ((this.#bits & bit) !== 0) {
      const list = this.#list;
      for (let i = 0; i < list.length; i += 2) {
        if (list[i] !== name) continue;
        list[i + 1] = joinInline(list[i + 1]!, value);
        return;
      }
    }
    this.#list.push(name, value);
    this.#bits |= bit;
  }

  /** Bytes of all names and values, as Envoy counts them. */
  get byteSize(): number {
    let size = 0;
    for (const text of this.#list) size += text.length;
    for (const name of PSEUDO_NAMES) {
      const value = this.#getPseudo(name);
      if (value !== null) size += name.length + value.length;
    }
    return size;
  }

  /** The first value, or null. */
  get(name: string): string | null {
    if (name.charCodeAt(0) === 58 || this.#isAuthority(name)) return this.#getPseudo(name);
    if ((this.#bits & nameBit(name)) === 0) return null;
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return list[i + 1]!;
    return null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** All values joined by ",", or null: what matchers see. */
  getJoined(name: string, separator = ","): string | null {
    if (name.charCodeAt(0) === 58 || this.#isAuthority(name)) return this.#getPseudo(name);
    if ((this.#bits & nameBit(name)) === 0) return null;
    const list = this.#list;
    let joined: string | null = null;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) joined = joined === null ? list[i + 1]! : joined + separator + list[i + 1]!;
    }
    return joined;
  }

  /** All values in order. */
  getAll(name: string): string[] {
    if (name.charCodeAt(0) === 58 || this.#isAuthority(name)) {
      const value = this.#getPseudo(name);
      return value === null ? [] : [value];
    }
    const values: string[] = [];
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) values.push(list[i + 1]!);
    return values;
  }

  /**
   * Appends an entry. The name must be lower case. A pseudo-header is set instead; of a name of which there is
   * one field (`matching/inline_headers.ts`) the value is joined to the one that is there.
   */
  add(name: string, value: string): void {
    if (name.charCodeAt(0) === 58 || this.#isAuthority(name)) {
      this.#setPseudo(name, value);
      return;
    }
    if (this.#wireSafe) this.#wireSafe = isWireSafeField(name, value);
    const bit = nameBit(name);
    if ((this.#bits & bit) !== 0 && this.#isInline(name)) {
      this.appendInline(name, value, bit);
      return;
    }
    this.#list.push(name, value);
    this.#bits |= bit;
  }

  /** Overwrites the first entry of this name and removes the others; appends when there is none. */
  set(name: string, value: string): void {
    if (name.charCodeAt(0) === 58 || this.#isAuthority(name)) {
      this.#setPseudo(name, value);
      return;
    }
    if (this.#wireSafe) this.#wireSafe = isWireSafeField(name, value);
    this.setOwn(name, value);
  }

  /** As `set`, for the proxy's own words: a name that is no pseudo-header, a value that is fit for the wire. */
  setOwn(name: string, value: string): void {
    const bit = nameBit(name);
    if ((this.#bits & bit) !== 0) {
      const list = this.#list;
      for (let i = 0; i < list.length; i += 2) {
        if (list[i] !== name) continue;
        list[i + 1] = value;
        this.#removeFrom(name, i + 2);
        return;
      }
    }
    this.#list.push(name, value);
    this.#bits |= bit;
  }

  /** Removes every entry of this name; false when there was none. */
  remove(name: string): boolean {
    if (name.charCodeAt(0) === 58 || this.#isAuthority(name)) return this.#removePseudo(name);
    if ((this.#bits & nameBit(name)) === 0) return false;
    return this.#removeFrom(name, 0);
  }

  /** Removes every entry of these names. */
  removeAll({ names, bits }: HeaderNames): void {
    const own = this.#bits;
    for (let i = 0; i < bits.length; i++) if ((own & bits[i]!) !== 0) this.#removeFrom(names[i]!, 0);
  }

  /** Removes list entries that `matches` says yes to, in one pass. */
  removeWhere(matches: (name: string, value: string) => boolean): void {
    const list = this.#list;
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (matches(list[i]!, list[i + 1]!)) continue;
      list[kept++] = list[i]!;
      list[kept++] = list[i + 1]!;
    }
    list.length = kept;
  }

  /** Calls back for every entry, pseudo-headers first. */
  forEach(callback: (name: string, value: string) => void): void {
    for (const name of PSEUDO_NAMES) {
      const value = this.#getPseudo(name);
      if (value !== null) callback(name, value);
    }
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) callback(list[i]!, list[i + 1]!);
  }

  /** All entries, pseudo-headers first. */
  entries(): [string, string][] {
    const all: [string, string][] = [];
    this.forEach((name, value) => all.push([name, value]));
    return all;
  }

  /** Removes everything, pseudo-headers too. */
  clear(): void {
    this.#list = [];
    this.#bits = 0;
    this.#wireSafe = true;
    this.authority =
      this.path =
      this.method =
      this.scheme =
      this.protocol =
        null;
    this.status = 0;
  }

  clone(): HeaderMap {
    const copy = new HeaderMap();
    copy.assign(this);
    return copy;
  }

  /** Makes it the same as another one. */
  assign(other: HeaderMap): void {
    this.authority = other.authority;
    this.path = other.path;
    this.method = other.method;
    this.scheme = other.scheme;
    this.protocol = other.protocol;
    this.status = other.status;
    this.formatter = other.formatter;
    this.#list = other.#list.slice();
    this.#bits = other.#bits;
    this.#wireSafe = other.#wireSafe;
  }

  /** Whether further values of `name` are joined to the first one; it depends on what message this is. */
  #isInline(name: string): boolean {
    if (this.method !== null) return INLINE_REQUEST_HEADERS.has(name);
    return this.status !== 0 && INLINE_RESPONSE_HEADERS.has(name);
  }

  /** Whether `name` is the old name of a request's `:authority`. */
  #isAuthority(name: string): boolean {
    return this.method !== null && name === "host";
  }

  #removeFrom(name: string, start: number): boolean {
    const list = this.#list;
    let kept = start;
    for (let i = start; i < list.length; i += 2) {
      if (list[i] === name) continue;
      if (kept !== i) {
        list[kept] = list[i]!;
        list[kept + 1] = list[i + 1]!;
      }
      kept += 2;
    }
    if (kept === list.length) return false;
    list.length = kept;
    return true;
  }

  #getPseudo(name: string): string | null {
    switch (name) {
      case "host":
      case ":authority":
        return this.authority;
      case ":path":
        return this.path;
      case ":method":
        return this.method;
      case ":scheme":
        return this.scheme;
      case ":protocol":
        return this.protocol;
      case ":status":
        return this.status === 0 ? null : String(this.status);
      default:
        return null;
    }
  }

  #setPseudo(name: string, value: string): void {
    switch (name) {
      case "host":
      case ":authority":
        this.authority = value;
        break;
      case ":path":
        this.path = value;
        break;
      case ":method":
        this.method = value;
        break;
      case ":scheme":
        this.scheme = value;
        break;
      case ":protocol":
        this.protocol = value;
        break;
      case ":status":
        // A status that is no three-digit number leaves the old one: nothing else could be sent.
        if (/^[1-9][0-9]{2}$/.test(value)) this.status = Number(value);
        break;
    }
  }

  #removePseudo(name: string): boolean {
    if (this.#getPseudo(name) === null) return false;
    switch (name) {
      case "host":
      case ":authority":
        this.authority = null;
        break;
      case ":path":
        this.path = null;
        break;
      case ":method":
        this.method = null;
        break;
      case ":scheme":
        this.scheme = null;
        break;
      case ":protocol":
        this.protocol = null;
        break;
      case ":status":
        this.status = 0;
        break;
    }
    return true;
  }
}
