// host/http/h1/client_stream.ts: one request and its response on a client connection: the request's side.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/h1.bench.ts
/**
 * @see Envoy: source/common/http/http1/codec_impl.cc RequestEncoderImpl
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { StreamResetReason } from "../codec.ts";
import type { RequestEncoder, ResponseDecoder, StreamCallbacks, StreamMeter } from "../codec.ts";
import { type HeaderKeyFormatter, spellHead } from "../header_key_formatter.ts";
import type { HeaderMap } from "../header_map.ts";
import { isTarget, isToken } from "./characters.ts";
import type { Http1Connection } from "./connection.ts";
import { BodyFraming } from "./message_head.ts";
import type { RequestFacts } from "./response_head.ts";
import { appendFields, BodyResult, BodyWriter, declaredLength, written } from "./serializer.ts";

/** The codec as its stream knows it. */
export interface ClientStreamOwner {
  readonly connection: Http1Connection;
  readonly enableTrailers: boolean;
  /** Spells the names of messages that do not bring their own spelling. */
  readonly formatter: HeaderKeyFormatter | null;
  readonly sendFullyQualifiedUrl: boolean;
  /** What the response parser has to know of the request. */
  readonly request: RequestFacts;
  reusable: boolean;
  droppedHeaders: number;
  onLocalReset(stream: ClientStream): void;
  /** The request cannot be completed. */
  onRequestFailed(stream: ClientStream, reason: StreamResetReason, details: string): void;
}

export class ClientStream implements RequestEncoder, StreamMeter {
  readonly #owner: ClientStreamOwner;
  readonly decoder: ResponseDecoder & StreamCallbacks;
  headersSent = false;
  requestEnded = false;
  responseEnded = false;
  readDisables = 0;
  wireBytesReceived = 0;
  headerBytesReceived = 0;
  headerBytesSent = 0;
  #headBytesSent = 0;
  toldAboveHighWatermark = false;
  informationalResponses = 0;
  /** Nothing more is written. */
  #over = false;
  #awaitsTunnel = false;
  /** What was written for a tunnel that is not open yet. */
  #early: ByteQueue | null = null;
  #earlyEnd = false;
  readonly #body = new BodyWriter();

  constructor(owner: ClientStreamOwner, decoder: ResponseDecoder & StreamCallbacks) {
    this.#owner = owner;
    this.decoder = decoder;
  }

  get meter(): StreamMeter {
    return this;
  }

  get wireBytesSent(): number {
    return this.#headBytesSent + this.#body.bytesWritten;
  }

  /**
   * Sends the head. Returns null, or what is missing in the map, or wrong with it; then nothing was sent.
   */
  encodeHeaders(headers: HeaderMap, end: boolean): string | null {
    if (this.#over || this.headersSent) return null;
    const owner = this.#owner;
    const { authority, path, protocol } = headers;
    let method = headers.method;
    if (method === null) return "missing required header: :method";
    if (!isToken(method)) return ":method is no token";
    let isConnect = false;
    // An extended CONNECT (RFC 8441) is an upgrade in HTTP/1.1.
    if (method === "CONNECT") {
      if (protocol !== null) method = "GET";
      else isConnect = true;
    }
    if (authority !== null && authority !== "" && !isTarget(authority)) {
      return ":authority has a character that is not allowed in it";
    }
    let text: string;
    if (isConnect) {
      if (authority === null || authority === "") return "missing required header: :authority";
      text = "CONNECT " + authority;
    } else {
      if (path === null || path === "") return "missing required header: :path";
      if (!isTarget(path)) return ":path has a character that is not allowed in it";
      text = method + " " + (owner.sendFullyQualifiedUrl ? fullyQualified(headers) : path);
    }
    const isUpgrade = protocol !== null && !isConnect;
    if (isUpgrade && !isToken(protocol.replaceAll("/", "")) && !/^[\x21-\x7e, ]+$/.test(protocol)) {
      return ":protocol has a character that is not allowed in it";
    }
    this.headersSent = true;
    const facts = owner.request;
    facts.isHead = method === "HEAD";
    facts.isConnect = isConnect;
    facts.isUpgrade = isUpgrade;
    this.#awaitsTunnel = isConnect || isUpgrade;

    const declared = declaredLength(headers);
    let framing: BodyFraming = BodyFraming.None;
    let length = -1;
    let framingLine = "";
    if (this.#awaitsTunnel) {
      framing = BodyFraming.Raw;
    } else if (end) {
      length = 0;
      if (!isUsuallyBodiless(method)) framingLine = "content-length: 0\r\n";
    } else if (declared >= 0) {
      length = declared;
      framing = BodyFraming.Length;
    } else {
      framing = BodyFraming.Chunked;
      framingLine = "transfer-encoding: chunked\r\n";
    }
    this.#body.begin(framing, length);
    text += " HTTP/1.1\r\n";
    const firstLineBytes = text.length;
    text = appendFields(text + "host: " + (authority ?? "") + "\r\n", headers, length, isUpgrade, true);
    if (written.dropped > 0) owner.droppedHeaders += written.dropped;
    if (written.close) owner.reusable = false;
    if (isUpgrade && !written.upgrade) text += `connection: upgrade\r\nupgrade: ${protocol}\r\n`;
    if (this.#awaitsTunnel) owner.reusable = false;
    if (!written.contentLength) text += framingLine;
    const formatter = headers.formatter ?? owner.formatter;
    if (formatter !== null) text = spellHead(text, formatter);
    this.headerBytesSent = text.length - firstLineBytes;
    this.#headBytesSent = text.length + 2;
    owner.connection.writeLatin1(text + "\r\n");
    if (end) {
      if (this.#awaitsTunnel) this.#earlyEnd = true;
      else this.#end();
    }
    return null;
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.#over || !this.headersSent) {
      data.clear();
      return;
    }
    if (this.#awaitsTunnel) {
      this.#keepEarly(data, end);
      return;
    }
    const result = this.#body.write(this.#owner.connection, data, end);
    if (result !== BodyResult.Written) this.#failBody(result);
    else if (end) this.#end();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#over || !this.headersSent || this.#awaitsTunnel) return;
    const owner = this.#owner;
    const result = this.#body.writeTrailers(owner.connection, trailers, owner.enableTrailers);
    if (result !== BodyResult.Written) this.#failBody(result);
    else this.#end();
  }

  /** The codec sees for itself whether the tunnel was accepted; to be told so again changes nothing. */
  enableTunnel(): void {}

  resetStream(_reason: StreamResetReason): void {
    if (this.#over && this.responseEnded) return;
    this.#over = true;
    this.#owner.onLocalReset(this);
  }

  readDisable(disable: boolean): void {
    if (this.responseEnded) return;
    if (disable) this.readDisables++;
    else if (this.readDisables > 0) this.readDisables--;
    else return;
    this.#owner.connection.readDisable(disable);
  }

  /** The upstream accepted: what was kept goes out. */
  openTunnel(): void {
    if (!this.#awaitsTunnel) return;
    this.#awaitsTunnel = false;
    const early = this.#early;
    this.#early = null;
    if (early !== null) {
      this.#body.write(this.#owner.connection, early, false);
      if (!this.#over) this.decoder.onBelowWriteBufferLowWatermark();
    }
    if (this.#earlyEnd && !this.#over) this.#end();
  }

  /** Nothing more is written; what was kept for a tunnel is forgotten. */
  abandon(): void {
    this.#over = true;
    this.#early = null;
  }

  #keepEarly(data: ByteQueue, end: boolean): void {
    if (end) this.#earlyEnd = true;
    if (data.length === 0) return;
    const first = this.#early === null;
    this.#early ??= new ByteQueue();
    data.moveTo(this.#early);
    // Nothing of this is sent before the upstream has accepted, so no more of it should come.
    if (first) this.decoder.onAboveWriteBufferHighWatermark();
  }

  #failBody(result: BodyResult): void {
    this.#owner.onRequestFailed(
      this,
      StreamResetReason.ProtocolError,
      result === BodyResult.TooLong
        ? "http1.body_longer_than_content_length"
        : "http1.body_shorter_than_content_length",
    );
  }

  #end(): void {
    this.#over = true;
    this.requestEnded = true;
    // The end of one half of a tunnel is the end of one half of the connection.
    if (this.#body.framing === BodyFraming.Raw) this.#owner.connection.end();
  }
}

/** Requests of these methods get no `content-length: 0` (RFC 9110 §8.6). */
function isUsuallyBodiless(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "DELETE" || method === "TRACE" || method === "CONNECT";
}

function fullyQualified(headers: HeaderMap): string {
  const path = headers.path!;
  if (path.charCodeAt(0) !== 47 || headers.authority === null) return path;
  return (headers.scheme === "https" ? "https://" : "http://") + headers.authority + path;
}
