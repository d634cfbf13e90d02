// host/http/h1/server_stream.ts: one request and its response on a server connection: the response's side.
// pure: no I/O, no clock, no runtime globals
// hot: runs per response; see bench/micro/h1.bench.ts
/**
 * @see Envoy: source/common/http/http1/codec_impl.cc ResponseEncoderImpl
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { ResponseEncoder, StreamCallbacks, StreamDecoder, StreamMeter, StreamResetReason } from "../codec.ts";
import { type HeaderKeyFormatter, spellHead } from "../header_key_formatter.ts";
import type { HeaderMap } from "../header_map.ts";
import type { Http1Connection } from "./connection.ts";
import { BodyFraming } from "./message_head.ts";
import type { MessageHead } from "./message_head.ts";
import { appendFields, BodyResult, BodyWriter, declaredLength, statusLine, written } from "./serializer.ts";

/** The codec as its stream knows it. */
export interface ServerStreamOwner {
  readonly connection: Http1Connection;
  readonly enableTrailers: boolean;
  /** Spells the names of messages that do not bring their own spelling. */
  readonly formatter: HeaderKeyFormatter | null;
  /** The connection closes after this response. */
  closeAfterResponse: boolean;
  droppedHeaders: number;
  onResponseEnded(stream: ServerStream): void;
  /** The response opened a tunnel. */
  onTunnel(stream: ServerStream): void;
  onLocalReset(stream: ServerStream, reason: StreamResetReason): void;
}

export class ServerStream implements ResponseEncoder, StreamMeter {
  readonly #owner: ServerStreamOwner;
  readonly #version: number;
  readonly #isHead: boolean;
  readonly isConnect: boolean;
  readonly upgrade: string | null;
  /** Who gets the request; set right after `onNewStream`. */
  decoder: (StreamDecoder & StreamCallbacks) | null = null;
  requestEnded = false;
  /** The client waits to hear whether there will be a tunnel. */
  awaitsTunnel: boolean;
  readDisables = 0;
  wireBytesReceived = 0;
  headerBytesReceived = 0;
  headerBytesSent = 0;
  #headBytesSent = 0;
  /** The decoder was told that the connection is above its high watermark. */
  toldAboveHighWatermark = false;
  #headersSent = false;
  /** The response ended or the stream was reset: nothing more is written. */
  #over = false;
  readonly #body = new BodyWriter();

  constructor(owner: ServerStreamOwner, head: MessageHead) {
    this.#owner = owner;
    this.#version = head.version;
    const method = head.headers.method;
    this.#isHead = method === "HEAD";
    this.isConnect = method === "CONNECT";
    this.upgrade = head.upgrade;
    this.awaitsTunnel = this.isConnect || head.upgrade !== null;
  }

  get meter(): StreamMeter {
    return this;
  }

  get wireBytesSent(): number {
    return this.#headBytesSent + this.#body.bytesWritten;
  }

  encode1xxHeaders(headers: HeaderMap): void {
    // HTTP/1.0 knows no informational responses (RFC 9110 §15.2).
    const status = headers.status;
    if (this.#over || this.#headersSent || this.#version === 10) return;
    if (status < 100 || status > 199 || status === 101) return;
    let text = appendFields(statusLine(status, 11), headers, -1, false, false);
    this.#owner.droppedHeaders += written.dropped;
    const formatter = headers.formatter ?? this.#owner.formatter;
    if (formatter !== null) text = spellHead(text, formatter);
    this.#headBytesSent += text.length + 2;
    this.#owner.connection.writeLatin1(text + "\r\n");
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.#over || this.#headersSent) return;
    this.#headersSent = true;
    const owner = this.#owner;
    let status = headers.status === 0 ? 500 : headers.status;
    // A 101 that the client did not ask for would make it read a response as something else.
    if (status < 200 && (status !== 101 || this.upgrade === null)) status = 502;
    const opensTunnel = status === 101 || (this.isConnect && status < 300);
    const version = this.#version;
    const declared = declaredLength(headers);
    let framing: BodyFraming = BodyFraming.None;
    let length = -1;
    let framingLine = "";
    if (opensTunnel) {
      framing = BodyFraming.Raw;
    } else if (status === 204) {
      // Neither a body nor a header that announces one (RFC 9110 §8.6).
    } else if (status === 304) {
      length = declared;
    } else if (this.#isHead) {
      length = declared;
      if (declared < 0 && version === 11) framingLine = "transfer-encoding: chunked\r\n";
    } else if (end) {
      length = 0;
      framingLine = "content-length: 0\r\n";
    } else if (declared >= 0) {
      length = declared;
      framing = BodyFraming.Length;
      framingLine = "";
    } else if (version === 11) {
      framing = BodyFraming.Chunked;
      framingLine = "transfer-encoding: chunked\r\n";
    } else {
      framing = BodyFraming.UntilClose;
      owner.closeAfterResponse = true;
    }
    this.#body.begin(framing, length);
    const firstLine = statusLine(status, version);
    let text = appendFields(firstLine, headers, length, status === 101, false);
    if (written.dropped > 0) owner.droppedHeaders += written.dropped;
    if (written.close) owner.closeAfterResponse = true;
    else if (opensTunnel) {
      if (status === 101 && !written.upgrade) text += `connection: upgrade\r\nupgrade: ${this.upgrade}\r\n`;
    } else {
      // With a request that is not read to its end nothing can follow.
      if (end && !this.requestEnded) owner.closeAfterResponse = true;
      if (owner.closeAfterResponse) text += "connection: close\r\n";
      else if (version === 10) text += "connection: keep-alive\r\n";
    }
    text += written.contentLength ? "\r\n" : framingLine + "\r\n";
    this.headerBytesSent = text.length - firstLine.length - 2;
    const formatter = headers.formatter ?? owner.formatter;
    if (formatter !== null) text = spellHead(text, formatter);
    this.#headBytesSent += text.length;
    owner.connection.writeLatin1(text);
    if (opensTunnel) owner.onTunnel(this);
    if (end) this.#end();
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.#over || !this.#headersSent) {
      data.clear();
      return;
    }
    this.#check(this.#body.write(this.#owner.connection, data, end));
    if (end) this.#end();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#over || !this.#headersSent) return;
    const owner = this.#owner;
    this.#check(this.#body.writeTrailers(owner.connection, trailers, owner.enableTrailers));
    this.#end();
  }

  resetStream(reason: StreamResetReason): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.onLocalReset(this, reason);
  }

  readDisable(disable: boolean): void {
    if (this.#over && this.requestEnded) return;
    if (disable) this.readDisables++;
    else if (this.readDisables > 0) this.readDisables--;
    else return;
    this.#owner.connection.readDisable(disable);
  }

  /** True when a cut response would look whole to the client. */
  get endsWithConnection(): boolean {
    const framing = this.#body.framing;
    return this.#headersSent && (framing === BodyFraming.UntilClose || framing === BodyFraming.Raw);
  }

  /** The connection is gone: nothing more is written. */
  abandon(): void {
    this.#over = true;
  }

  #check(result: BodyResult): void {
    // Too long: the client has its whole response, but who made it counts wrong. Too short: closing is the
    // only way to say so.
    if (result !== BodyResult.Written) this.#owner.closeAfterResponse = true;
  }

  #end(): void {
    this.#over = true;
    this.#owner.onResponseEnded(this);
  }
}
