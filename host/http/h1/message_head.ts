// host/http/h1/message_head.ts: what a head says about its message, besides the header map.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message; see bench/micro/h1.bench.ts
/**
 * @see RFC 9112 §6, §9.3; RFC 9110 §7.6.1
 * @module
 */
import { latin1Slice } from "../../base/bytes.ts";
import { HeaderMap } from "../header_map.ts";
import { scan } from "./head_scan.ts";

/** How the body of a message is delimited. */
export const BodyFraming = {
  None: 0,
  Length: 1,
  Chunked: 2,
  /** Up to the end of the connection. */
  UntilClose: 3,
  /** No HTTP any more: a tunnel. */
  Raw: 4,
} as const;
export type BodyFraming = (typeof BodyFraming)[keyof typeof BodyFraming];

/** The headers between two messages; nobody puts anything there. */
const NO_HEADERS = new HeaderMap();

/** The facts of the message that a parser is at; one object per parser, written anew by each head. */
export class MessageHead {
  headers: HeaderMap = NO_HEADERS;
  /** 11 or 10. */
  version = 11;
  framing: BodyFraming = BodyFraming.None;
  /** With `BodyFraming.Length`. */
  contentLength = 0;
  /** Whether the connection may be used again after this message. */
  keepAlive = true;
  /** The peer said that it closes the connection after this message. */
  announcesClose = false;
  /** Bytes of the fields as Envoy counts them: name, value, colon and line end. */
  fieldBytes = 0;
  /** The protocol that the request asks to switch to. */
  upgrade: string | null = null;

  /** Forgets the headers: who still needs them has them. */
  release(): void {
    this.headers = NO_HEADERS;
    this.upgrade = null;
  }

  reset(headers: HeaderMap, version: number): void {
    this.headers = headers;
    this.version = version >= 11 ? 11 : 10;
    this.framing = BodyFraming.None;
    this.contentLength = 0;
    this.keepAlive = version >= 11;
    this.upgrade = null;
  }
}

/** Bytes of the fields that were scanned last. */
export function scannedFieldBytes(): number {
  const { names, spans, fieldCount } = scan;
  let bytes = fieldCount * 3;
  for (let i = 0; i < fieldCount; i++) bytes += names[i]!.text.length + spans[i * 2 + 1]! - spans[i * 2]!;
  return bytes;
}

/** What a `connection` header says. */
export const ConnectionOption = { Close: 1, KeepAlive: 2, Upgrade: 4, Other: 8 } as const;

/** The options of one `connection` value, as bits. */
export function connectionOptions(value: string): number {
  if (value === "keep-alive") return ConnectionOption.KeepAlive;
  if (value === "close") return ConnectionOption.Close;
  let options = 0;
  for (const part of value.split(",")) {
    switch (part.trim().toLowerCase()) {
      case "":
        break;
      case "close":
        options |= ConnectionOption.Close;
        break;
      case "keep-alive":
        options |= ConnectionOption.KeepAlive;
        break;
      case "upgrade":
        options |= ConnectionOption.Upgrade;
        break;
      default:
        options |= ConnectionOption.Other;
    }
  }
  return options;
}

/** Whether a comma-separated list has this lower-case token; parameters after `;` do not count. */
export function hasToken(list: string, token: string): boolean {
  if (list === token) return true;
  for (const part of list.split(",")) {
    const end = part.indexOf(";");
    if ((end < 0 ? part : part.slice(0, end)).trim().toLowerCase() === token) return true;
  }
  return false;
}

/** The value of a `content-length`, or -1: digits only, and no more than a number can hold exactly. */
export function parseContentLength(text: string): number {
  const length = text.length;
  if (length === 0 || length > 32) return -1;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}

/** The text of a head, from which values are sliced. */
export function headText(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice(bytes, start, end);
}
