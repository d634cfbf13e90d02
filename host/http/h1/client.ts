// host/http/h1/client.ts: the HTTP/1.1 client codec: one request at a time to bytes, bytes to its response.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk; see bench/micro/h1.bench.ts
/**
 * A connection is reusable only when both messages ended as their framing says, both sides want to go on,
 * and not a byte came that no request asked for: a response that nobody waits for would be the answer to
 * the next user's request.
 *
 * An error resets the open stream before `dispatch` returns it; the connection is then to be closed.
 *
 * @see Envoy: source/common/http/http1/codec_impl.cc ClientConnectionImpl
 * @see RFC 9112 §6.3, §9
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { CloseType } from "../../net/filter.ts";
import { StreamResetReason } from "../codec.ts";
import type {
  ClientCodec,
  ClientCodecCallbacks,
  CodecError,
  Protocol,
  RequestEncoder,
  ResponseDecoder,
  StreamCallbacks,
} from "../codec.ts";
import { connectionFormatter, type HeaderKeyFormatter } from "../header_key_formatter.ts";
import type { HeaderMap } from "../header_map.ts";
import { ClientStream } from "./client_stream.ts";
import type { ClientStreamOwner } from "./client_stream.ts";
import type { Http1Connection } from "./connection.ts";
import { codecError } from "./errors.ts";
import { BodyFraming } from "./message_head.ts";
import { HTTP1_CLIENT_DEFAULTS } from "./options.ts";
import type { Http1ClientOptions } from "./options.ts";
import { createResponseParser, ParseEvent } from "./parser.ts";
import type { MessageParser } from "./parser.ts";
import type { RequestFacts } from "./response_head.ts";

/** Informational responses read for one request, passed on or not; one that sends more is broken. */
const INFORMATIONAL_LIMIT = 10_000;

/** Client side of an HTTP/1.1 connection. */
export class Http1ClientCodec implements ClientCodec, ClientStreamOwner {
  readonly protocol: Protocol = "HTTP/1.1";
  readonly connection: Http1Connection;
  readonly enableTrailers: boolean;
  readonly formatter: HeaderKeyFormatter | null;
  readonly sendFullyQualifiedUrl: boolean;
  readonly request: RequestFacts = { isHead: false, isConnect: false, isUpgrade: false };
  reusable = true;
  cutsRequest = false;
  /** Request headers left out so far because HTTP/1 cannot carry them. */
  droppedHeaders = 0;
  readonly #callbacks: ClientCodecCallbacks;
  readonly #maxInformationalResponses: number;
  readonly #parser: MessageParser;
  readonly #body = new ByteQueue();
  #stream: ClientStream | null = null;
  #done = false;
  #aboveHighWatermark = false;

  constructor(
    connection: Http1Connection,
    callbacks: ClientCodecCallbacks,
    options: Http1ClientOptions = HTTP1_CLIENT_DEFAULTS,
  ) {
    this.connection = connection;
    this.enableTrailers = options.enableTrailers;
    this.formatter = connectionFormatter(options.headerKeyFormat);
    this.sendFullyQualifiedUrl = options.sendFullyQualifiedUrl;
    this.#callbacks = callbacks;
    this.#maxInformationalResponses = options.maxInformationalResponses;
    this.#parser = createResponseParser(options, this.request);
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  newStream(decoder: ResponseDecoder & StreamCallbacks): RequestEncoder {
    const stream = new ClientStream(this, decoder);
    this.#stream = stream;
    if (this.#aboveHighWatermark) this.#tellAboveHighWatermark();
    return stream;
  }

  dispatch(bytes: Uint8Array): CodecError | null {
    if (this.#done || bytes.length === 0) return null;
    const stream = this.#stream;
    if (stream === null || !stream.headersSent) {
      return this.#fail(codecError("the peer sent bytes that no request asked for"));
    }
    return this.#parse(stream, bytes);
  }

  onConnectionClosed(reason: StreamResetReason, details: string): boolean {
    const stream = this.#stream;
    const parser = this.#parser;
    this.reusable = false;
    if (stream === null || this.#done) {
      this.#done = true;
      return false;
    }
    // Only a regular end of the connection can be the end of a body.
    const isEnd = reason === StreamResetReason.ConnectionTermination;
    if (isEnd && parser.untilClose) {
      this.#finishResponse(stream, null);
      this.#done = true;
      return false;
    }
    this.#done = true;
    this.#release(stream);
    // A message that was cut is no message, as in Envoy.
    const cut = isEnd && parser.inMessage;
    stream.decoder.onResetStream(cut ? StreamResetReason.ProtocolError : reason, details);
    return cut;
  }

  goAway(): void {
    this.reusable = false;
  }

  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {
    this.#aboveHighWatermark = true;
    this.#tellAboveHighWatermark();
  }

  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {
    this.#aboveHighWatermark = false;
    const stream = this.#stream;
    if (stream === null || !stream.toldAboveHighWatermark) return;
    stream.toldAboveHighWatermark = false;
    stream.decoder.onBelowWriteBufferLowWatermark();
  }

  // From the stream.

  onLocalReset(stream: ClientStream): void {
    if (this.#stream !== stream) return;
    this.#done = true;
    this.reusable = false;
    this.#release(stream);
    this.connection.close(CloseType.NoFlush);
  }

  onRequestFailed(stream: ClientStream, reason: StreamResetReason, details: string): void {
    if (this.#stream !== stream) return;
    this.onLocalReset(stream);
    stream.decoder.onResetStream(reason, details);
  }

  #parse(stream: ClientStream, bytes: Uint8Array): CodecError | null {
    const parser = this.#parser;
    const body = this.#body;
    let from = 0;
    // There are bytes behind the response.
    let isExcess = false;
    for (;;) {
      // The stream is over, be it that a callback ended it.
      if (this.#stream !== stream) {
        return isExcess ? this.#fail(codecError("the peer sent bytes that no request asked for")) : null;
      }
      const event = parser.next(bytes, from);
      stream.wireBytesReceived += parser.offset - from;
      from = parser.offset;
      switch (event) {
        case ParseEvent.NeedMore:
          if (body.length > 0) {
            stream.decoder.onData(body, false);
            body.clear();
          }
          return null;
        case ParseEvent.Head: {
          isExcess = this.#isWhole() && from < bytes.length;
          const error = this.#onHead(stream);
          if (error !== null) return this.#fail(error);
          break;
        }
        case ParseEvent.Data: {
          const { dataStart, dataEnd } = parser;
          body.lend(dataStart === 0 && dataEnd === bytes.length ? bytes : bytes.subarray(dataStart, dataEnd));
          if (parser.ended) {
            isExcess = dataEnd < bytes.length;
            this.#finishResponse(stream, null);
          }
          break;
        }
        case ParseEvent.End:
          isExcess = from < bytes.length;
          this.#finishResponse(stream, parser.trailers);
          break;
        case ParseEvent.Error:
          if (body.length > 0) {
            stream.decoder.onData(body, false);
            body.clear();
          }
          return this.#fail(parser.error!);
      }
    }
  }

  /** Whether the head that was just read is a whole response. */
  #isWhole(): boolean {
    const { framing, headers } = this.#parser.head;
    return framing === BodyFraming.None && headers.status >= 200;
  }

  #onHead(stream: ClientStream): CodecError | null {
    const head = this.#parser.head;
    const headers = head.headers;
    stream.headerBytesReceived += head.fieldBytes;
    if (headers.status < 200 && headers.status !== 101) {
      if (++stream.informationalResponses > INFORMATIONAL_LIMIT) return codecError("too many informational responses");
      if (stream.informationalResponses <= this.#maxInformationalResponses) stream.decoder.on1xxHeaders(headers);
      return null;
    }
    if (!head.keepAlive) this.reusable = false;
    if (head.announcesClose) this.#callbacks.onGoAway(0);
    if (head.framing === BodyFraming.None) {
      this.#endResponse(stream);
      stream.decoder.onHeaders(headers, true);
      this.#callbacks.onStreamClosed();
      return null;
    }
    if (head.framing === BodyFraming.Raw) {
      stream.decoder.onHeaders(headers, false);
      if (this.#stream === stream) stream.openTunnel();
    } else {
      stream.decoder.onHeaders(headers, false);
    }
    return null;
  }

  /** The response is whole: its last bytes or its trailers are given. */
  #finishResponse(stream: ClientStream, trailers: HeaderMap | null): void {
    const body = this.#body;
    if (trailers !== null && body.length > 0) {
      stream.decoder.onData(body, false);
      body.clear();
      if (this.#stream !== stream) return;
    }
    this.#endResponse(stream);
    if (trailers !== null) stream.decoder.onTrailers(trailers);
    else {
      stream.decoder.onData(body, true);
      body.clear();
    }
    this.#callbacks.onStreamClosed();
  }

  #endResponse(stream: ClientStream): void {
    // The rest of a request that was answered early would have to be sent before the next one.
    if (!stream.requestEnded) {
      this.reusable = false;
      this.cutsRequest = true;
    }
    this.#release(stream);
  }

  #fail(error: CodecError): CodecError {
    const stream = this.#stream;
    this.#done = true;
    this.reusable = false;
    if (stream !== null) {
      this.#release(stream);
      stream.decoder.onResetStream(StreamResetReason.ProtocolError, error.details);
    }
    return { status: 0, body: "", details: error.details, message: error.message };
  }

  #release(stream: ClientStream): void {
    this.#stream = null;
    stream.responseEnded = true;
    stream.abandon();
    for (; stream.readDisables > 0; stream.readDisables--) this.connection.readDisable(false);
  }

  #tellAboveHighWatermark(): void {
    const stream = this.#stream;
    if (stream === null || stream.toldAboveHighWatermark) return;
    stream.toldAboveHighWatermark = true;
    stream.decoder.onAboveWriteBufferHighWatermark();
  }
}
