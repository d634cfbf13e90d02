// host/http/h2/header_reader.ts: the fields of a header block to a header map, with all checks on the way.
// pure: no I/O, no clock, no runtime globals
// hot: runs per header; see bench/micro/h2.bench.ts
/**
 * Whatever this lets pass can be written as HTTP/1 without changing its meaning: a target or an authority
 * with a space, a value with a line end, a second length never come out of here.
 *
 * @see RFC 9113 §8.2, §8.3; RFC 8441 §4
 * @see Envoy: source/common/http/http2/codec_impl.cc onBeginHeaders, saveHeader
 * @module
 */
import { HeaderMap } from "../header_map.ts";
import { parseContentLength } from "../h1/message_head.ts";
import type { HeadersWithUnderscoresAction } from "../h1/options.ts";
import type { FieldSink } from "./hpack_decoder.ts";
import { FieldRole, type HpackField } from "./hpack_field.ts";

/** Which message a block belongs to. */
export const BlockKind = {
  Request: 0,
  Response: 1,
  RequestTrailers: 2,
  ResponseTrailers: 3,
  /** Nobody's: only the table has to be kept right. */
  Ignored: 4,
} as const;
export type BlockKind = (typeof BlockKind)[keyof typeof BlockKind];

export const BlockVerdict = {
  Good: 0,
  /** A field that must not be, or not there. */
  InvalidField: 1,
  /** Something is missing, or does not go with the rest. */
  MessagingRule: 2,
  TooLarge: 3,
  TooMany: 4,
  Underscore: 5,
} as const;
export type BlockVerdict = (typeof BlockVerdict)[keyof typeof BlockVerdict];

export interface HeaderLimits {
  readonly maxHeadersBytes: number;
  readonly maxHeadersCount: number;
  readonly headersWithUnderscoresAction: HeadersWithUnderscoresAction;
  readonly allowConnect: boolean;
  readonly disallowObsText: boolean;
}

const OBS_TEXT = /[\x80-\xff]/;

export class HeaderBlockReader implements FieldSink {
  headers: HeaderMap = new HeaderMap();
  /** -1: none. */
  contentLength = -1;
  /** Bytes of names and values. */
  fieldBytes = 0;
  /** Headers left out for their underscores, in all blocks since somebody set it to 0. */
  droppedUnderscores = 0;
  readonly #limits: HeaderLimits;
  #kind: BlockKind = BlockKind.Ignored;
  #verdict: BlockVerdict = BlockVerdict.Good;
  #count = 0;
  #sawRegular = false;
  #sawHost: string | null = null;
  #status = 0;
  #cookie: string | null = null;
  #cookieBit = 0;

  constructor(limits: HeaderLimits) {
    this.#limits = limits;
  }

  begin(kind: BlockKind): void {
    this.#kind = kind;
    this.#verdict = BlockVerdict.Good;
    this.#count = 0;
    this.fieldBytes = 0;
    this.contentLength = -1;
    this.#sawRegular = false;
    this.#sawHost = null;
    this.#status = 0;
    this.#cookie = null;
    if (kind !== BlockKind.Ignored) this.headers = new HeaderMap();
  }

  onField(field: HpackField): void {
    const kind = this.#kind;
    if (kind === BlockKind.Ignored || this.#verdict !== BlockVerdict.Good) return;
    const { name, value } = field;
    const known = name.field;
    const limits = this.#limits;
    this.fieldBytes += known.text.length + value.length;
    if (++this.#count > limits.maxHeadersCount) return void (this.#verdict = BlockVerdict.TooMany);
    if (this.fieldBytes > limits.maxHeadersBytes) return void (this.#verdict = BlockVerdict.TooLarge);
    if (!field.legal || (limits.disallowObsText && OBS_TEXT.test(value))) {
      this.#verdict = BlockVerdict.InvalidField;
      return;
    }
    const role = name.role;
    if (role === FieldRole.Plain) {
      this.#sawRegular = true;
      const headers = this.headers;
      if (kind === BlockKind.Request) {
        if (known.hasUnderscore && limits.headersWithUnderscoresAction !== "ALLOW") {
          if (limits.headersWithUnderscoresAction === "DROP_HEADER") this.droppedUnderscores++;
          else this.#verdict = BlockVerdict.Underscore;
          return;
        }
        if (known.inlineInRequest) return headers.appendInline(known.text, value, known.bit);
      } else if (kind === BlockKind.Response && known.inlineInResponse) {
        return headers.appendInline(known.text, value, known.bit);
      }
      headers.append(known.text, value, known.bit);
      return;
    }
    if (role <= FieldRole.Status) this.#onPseudo(role, value);
    else this.#onSpecial(field);
  }

  /** The whole block was read. */
  finish(): BlockVerdict {
    if (this.#verdict !== BlockVerdict.Good) return this.#verdict;
    if (this.#cookie !== null) this.headers.append("cookie", this.#cookie, this.#cookieBit);
    if (this.#kind === BlockKind.Request) return this.#finishRequest();
    if (this.#kind === BlockKind.Response) {
      if (this.#status === 0) return BlockVerdict.MessagingRule;
      this.headers.status = this.#status;
    }
    return BlockVerdict.Good;
  }

  #onPseudo(role: FieldRole, value: string): void {
    const headers = this.headers;
    const isRequest = this.#kind === BlockKind.Request;
    let good = !this.#sawRegular;
    switch (role) {
      case FieldRole.Authority:
        good &&= isRequest && headers.authority === null;
        headers.authority = value;
        break;
      case FieldRole.Path:
        good &&= isRequest && headers.path === null;
        headers.path = value;
        break;
      case FieldRole.Method:
        good &&= isRequest && headers.method === null;
        headers.method = value;
        break;
      case FieldRole.Scheme:
        good &&= isRequest && headers.scheme === null;
        headers.scheme = value;
        break;
      case FieldRole.Protocol:
        good &&= isRequest && headers.protocol === null && this.#limits.allowConnect;
        headers.protocol = value;
        break;
      case FieldRole.Status:
        good &&= this.#kind === BlockKind.Response && this.#status === 0;
        this.#status = Number(value);
        break;
    }
    if (!good) this.#verdict = BlockVerdict.InvalidField;
  }

  #onSpecial(field: HpackField): void {
    this.#sawRegular = true;
    const { name, value } = field;
    const known = name.field;
    switch (name.role) {
      case FieldRole.Host:
        // One that disagrees with `:authority` would be the second opinion on where the request goes.
        if (this.#sawHost !== null) break;
        this.#sawHost = value;
        if (this.#kind !== BlockKind.Request) this.headers.append(known.text, value, known.bit);
        return;
      case FieldRole.ContentLength: {
        // Trailers cannot say how long the body was that came before them.
        if (this.#kind === BlockKind.RequestTrailers) return void (this.#verdict = BlockVerdict.MessagingRule);
        const length = parseContentLength(value);
        if (length < 0 || this.contentLength >= 0) break;
        this.contentLength = length;
        this.headers.append(known.text, value.charCodeAt(0) === 48 ? String(length) : value, known.bit);
        return;
      }
      case FieldRole.Te:
        if (value !== "trailers") break;
        this.headers.append(known.text, value, known.bit);
        return;
      case FieldRole.Cookie:
        this.#cookie = this.#cookie === null ? value : this.#cookie + "; " + value;
        this.#cookieBit = known.bit;
        return;
    }
    this.#verdict = BlockVerdict.InvalidField;
  }

  #finishRequest(): BlockVerdict {
    const headers = this.headers;
    const { method, path, scheme, protocol } = headers;
    if (headers.authority === null) headers.authority = this.#sawHost;
    if (method === null || headers.authority === null) return BlockVerdict.MessagingRule;
    if (method === "CONNECT" && protocol === null) {
      return scheme === null && path === null ? BlockVerdict.Good : BlockVerdict.MessagingRule;
    }
    if (protocol !== null && method !== "CONNECT") return BlockVerdict.MessagingRule;
    if (scheme === null || path === null) return BlockVerdict.MessagingRule;
    if (path.charCodeAt(0) !== 47 && (path !== "*" || method !== "OPTIONS")) return BlockVerdict.MessagingRule;
    if (protocol !== null) {
      // Inside the proxy an upgrade looks as it does in HTTP/1.
      headers.method = "GET";
      headers.add("upgrade", protocol);
      headers.add("connection", "upgrade");
    }
    return BlockVerdict.Good;
  }
}
