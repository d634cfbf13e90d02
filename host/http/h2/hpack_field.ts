// host/http/h2/hpack_field.ts: one header field as HPACK carries it, looked at once.
// pure: no I/O, no clock, no runtime globals
// hot: runs per header; see bench/micro/h2.bench.ts
/**
 * What a field's name means to the codec, and whether its name and value are legal, is found out when the
 * field is read for the first time. A field that the dynamic table holds is not looked at again.
 *
 * @see RFC 9113 §8.2, §8.3
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import { isAuthority, isTarget, isToken, TOKEN_LOWER } from "../h1/characters.ts";
import { FieldKind, FieldName, fieldNameAt, hashStep } from "../h1/name_table.ts";

/** What a name is to the codec. */
export const FieldRole = {
  Plain: 0,
  Authority: 1,
  Path: 2,
  Method: 3,
  Scheme: 4,
  Protocol: 5,
  Status: 6,
  /** `host`, which gives way to `:authority`. */
  Host: 7,
  ContentLength: 8,
  Te: 9,
  Cookie: 10,
  /** Headers that HTTP/2 must not have (RFC 9113 §8.2.2). */
  ConnectionSpecific: 11,
  /** A pseudo-header that does not exist. */
  UnknownPseudo: 12,
  /** Not a token in lower case. */
  BadName: 13,
} as const;
export type FieldRole = (typeof FieldRole)[keyof typeof FieldRole];

/** What the codec knows of a name. */
export class HpackName {
  readonly field: FieldName;
  readonly role: FieldRole;

  constructor(field: FieldName, role: FieldRole) {
    this.field = field;
    this.role = role;
  }
}

/** What an entry takes of a table besides its texts (RFC 7541 §4.1). */
export const FIELD_OVERHEAD_BYTES = 32;

export class HpackField {
  readonly name: HpackName;
  /** Without white space around it. */
  readonly value: string;
  /** The value may be one of this name. */
  readonly legal: boolean;
  /** As HPACK counts it. */
  readonly tableBytes: number;

  constructor(name: HpackName, value: string) {
    const role = name.role;
    this.name = name;
    this.tableBytes = name.field.text.length + value.length + FIELD_OVERHEAD_BYTES;
    this.value = isSpace(value.charCodeAt(0)) || isSpace(value.charCodeAt(value.length - 1)) ? trim(value) : value;
    // White space around what frames and routes a message is not repaired (RFC 9113 §8.2.1).
    this.legal = role >= FieldRole.Authority && role <= FieldRole.Host
      ? isLegalSpecial(role, value)
      : role === FieldRole.ContentLength
      ? value === this.value
      : isLegalValue(value);
  }
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

function trim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

const STATUS = /^[1-5][0-9][0-9]$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;

/** What ends up in a start line or says where a request goes has fewer characters to choose from. */
function isLegalSpecial(role: FieldRole, value: string): boolean {
  switch (role) {
    case FieldRole.Authority:
      return value !== "" && isAuthority(value);
    case FieldRole.Host:
      return isAuthority(value);
    case FieldRole.Path:
      return isTarget(value);
    case FieldRole.Method:
      return isToken(value);
    case FieldRole.Scheme:
      return SCHEME.test(value);
    case FieldRole.Status:
      return STATUS.test(value);
    default:
      return value !== "" && isTarget(value);
  }
}

const NOT_LEGAL = /[^\t\x20-\x7e\x80-\xff]/;

function isLegalValue(value: string): boolean {
  if (value.length > 16) return !NOT_LEGAL.test(value);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return false;
  }
  return true;
}

const PSEUDO: Readonly<Record<string, FieldRole>> = {
  ":authority": FieldRole.Authority,
  ":path": FieldRole.Path,
  ":method": FieldRole.Method,
  ":scheme": FieldRole.Scheme,
  ":protocol": FieldRole.Protocol,
  ":status": FieldRole.Status,
};

const pseudoNames = new Map<string, HpackName>();
for (const [text, role] of Object.entries(PSEUDO)) {
  pseudoNames.set(text, new HpackName(new FieldName(text, FieldKind.Plain, 0), role));
}

/** Of each `FieldName`, so that a name met again needs no new object. */
const names = new WeakMap<FieldName, HpackName>();

/** The name that bytes `start` to `end` are. */
export function hpackNameAt(bytes: Uint8Array, start: number, end: number): HpackName {
  if (bytes[start] === 0x3a) {
    const text = latin1Slice(bytes, start, end);
    return pseudoNames.get(text) ?? new HpackName(new FieldName(text, FieldKind.Plain, 0), FieldRole.UnknownPseudo);
  }
  let hash = 0;
  for (let i = start; i < end; i++) {
    const code = bytes[i]!;
    // Upper case becomes another byte here, what no name may have becomes 0, as NUL does.
    if (TOKEN_LOWER[code] !== code || code === 0) return badName(bytes, start, end);
    hash = hashStep(hash, code);
  }
  if (start === end) return badName(bytes, start, end);
  const field = fieldNameAt(bytes, start, end, hash);
  let name = names.get(field);
  if (name === undefined) {
    name = new HpackName(field, roleOf(field));
    names.set(field, name);
  }
  return name;
}

function badName(bytes: Uint8Array, start: number, end: number): HpackName {
  const text = latin1Slice(bytes, start, end);
  return new HpackName(new FieldName(text === "" ? " " : text, FieldKind.Plain, 0), FieldRole.BadName);
}

function roleOf(field: FieldName): FieldRole {
  switch (field.kind) {
    case FieldKind.Plain:
      return field.text === "cookie" ? FieldRole.Cookie : FieldRole.Plain;
    case FieldKind.Host:
      return FieldRole.Host;
    case FieldKind.ContentLength:
      return FieldRole.ContentLength;
    case FieldKind.Te:
      return FieldRole.Te;
    default:
      return FieldRole.ConnectionSpecific;
  }
}
