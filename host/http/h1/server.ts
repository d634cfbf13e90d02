// host/http/h1/server.ts: the HTTP/1.1 server codec: bytes to one request after the other, responses to bytes.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk; see bench/micro/h1.bench.ts
/**
 * A request is dispatched when the response before it has ended. Until then what the client sends ahead is
 * held and the connection is not read, so that pipelining costs at most one read of memory.
 *
 * What follows the head of CONNECT or of an upgrade is held as well until the response is known: it belongs
 * to the tunnel if there is one; if there is none the connection closes after the response.
 *
 * @see Envoy: source/common/http/http1/codec_impl.cc ServerConnectionImpl
 * @see RFC 9112
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { CloseType } from "../../net/filter.ts";
import { connectionFormatter, type HeaderKeyFormatter } from "../header_key_formatter.ts";
import type { CodecError, Protocol, ServerCodec, ServerCodecCallbacks, StreamResetReason } from "../codec.ts";
import type { Http1Connection } from "./connection.ts";
import { truncated } from "./errors.ts";
import { BodyFraming } from "./message_head.ts";
import { HTTP1_SERVER_DEFAULTS } from "./options.ts";
import type { Http1ServerOptions } from "./options.ts";
import { createRequestParser, ParseEvent } from "./parser.ts";
import type { MessageParser } from "./parser.ts";
import { ServerStream } from "./server_stream.ts";
import type { ServerStreamOwner } from "./server_stream.ts";

/**
 * Server side of an HTTP/1.1 connection.
 *
 * @example
 * ```ts ignore
 * const codec = new Http1ServerCodec(connection, { onNewStream, onGoAway() {} });
 * const error = codec.dispatch(bytes);
 * if (error !== null) connection.writeLatin1(encodeErrorResponse(prepareLocalReply(error, false, false), null));
 * ```
 */
export class Http1ServerCodec implements ServerCodec, ServerStreamOwner {
  readonly connection: Http1Connection;
  readonly enableTrailers: boolean;
  readonly formatter: HeaderKeyFormatter | null;
  /** True once the connection must be closed after the response that is being made or was made last. */
  closeAfterResponse = false;
  /** Response headers left out so far because HTTP/1 cannot carry them. */
  droppedHeaders = 0;
  readonly #callbacks: ServerCodecCallbacks;
  readonly #parser: MessageParser;
  readonly #body = new ByteQueue();
  /** Input that cannot be dispatched yet. */
  readonly #held = new ByteQueue();
  #stream: ServerStream | null = null;
  /** Bytes of a head that is not whole yet. */
  #headBytes = 0;
  #protocol: Protocol = "HTTP/1.1";
  /** The connection is over for the codec: input is dropped. */
  #done = false;
  #running = false;
  #readPaused = false;
  #aboveHighWatermark = false;
  #flushesTunnel = false;

  constructor(
    connection: Http1Connection,
    callbacks: ServerCodecCallbacks,
    options: Http1ServerOptions = HTTP1_SERVER_DEFAULTS,
  ) {
    this.connection = connection;
    this.enableTrailers = options.enableTrailers;
    this.formatter = connectionFormatter(options.headerKeyFormat);
    this.#callbacks = callbacks;
    this.#parser = createRequestParser(options);
  }

  get protocol(): Protocol {
    return this.#protocol;
  }

  get hasBufferedInput(): boolean {
    return this.#held.length > 0;
  }

  get betweenMessages(): boolean {
    const stream = this.#stream;
    return stream === null || stream.requestEnded;
  }

  get inHead(): boolean {
    return this.#stream === null && !this.#done && this.#parser.inMessage;
  }

  dispatch(bytes: Uint8Array): CodecError | null {
    if (this.#done) return null;
    // A call from within a callback, and input behind held input, wait for their turn.
    if (this.#held.length > 0 || this.#running) {
      this.#hold(bytes);
      return this.#running ? null : this.resumeInput();
    }
    return this.#run(bytes);
  }

  resumeInput(): CodecError | null {
    if (this.#running) return null;
    while (this.#held.length > 0 && this.#canDispatch()) {
      const error = this.#run(this.#held.shift()!);
      if (error !== null) return error;
    }
    if (this.#held.length === 0) this.#pauseReading(false);
    return null;
  }

  onEndOfInput(): CodecError | null {
    const stream = this.#stream;
    if (this.#done) return null;
    if (stream !== null && !stream.requestEnded && !stream.awaitsTunnel) {
      if (!this.#parser.untilClose) {
        this.#done = true;
        return truncated("the connection ended in a request body");
      }
      stream.requestEnded = true;
      stream.decoder!.onData(this.#body, true);
      this.#body.clear();
      return null;
    }
    if (stream === null && this.#parser.inMessage) {
      this.#done = true;
      return truncated("the connection ended in a request head");
    }
    return null;
  }

  shutdownNotice(): void {
    this.closeAfterResponse = true;
  }

  goAway(): void {
    this.closeAfterResponse = true;
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
    stream.decoder!.onBelowWriteBufferLowWatermark();
  }

  // From the stream.

  onResponseEnded(stream: ServerStream): void {
    if (this.#stream !== stream) return;
    if (!stream.requestEnded) this.closeAfterResponse = true;
    this.#release(stream);
    if (this.closeAfterResponse) this.#stop();
  }

  onTunnel(stream: ServerStream): void {
    stream.awaitsTunnel = false;
    this.closeAfterResponse = true;
    this.#parser.enterTunnel();
    if (this.#held.length === 0 || this.#running) return;
    // Not from within the encoder's caller, which does not expect data before it returned.
    this.#flushesTunnel = true;
    RESOLVED.then(() => {
      if (this.#flushesTunnel) this.#flushTunnel();
    });
  }

  onLocalReset(stream: ServerStream, _reason: StreamResetReason): void {
    if (this.#stream !== stream) return;
    const cut = stream.endsWithConnection;
    this.#release(stream);
    this.#stop();
    this.connection.close(cut ? CloseType.AbortReset : CloseType.FlushWrite);
  }

  #flushTunnel(): void {
    this.#flushesTunnel = false;
    // In a tunnel nothing can be wrong with a byte.
    this.resumeInput();
  }

  /** Whether the parser may go on: no request waits for its response. */
  #canDispatch(): boolean {
    const stream = this.#stream;
    return !this.#done && (stream === null || (!stream.requestEnded && !stream.awaitsTunnel));
  }

  #run(bytes: Uint8Array): CodecError | null {
    this.#running = true;
    const error = this.#parse(bytes);
    this.#running = false;
    if (error !== null) this.#stop();
    return error;
  }

  #parse(bytes: Uint8Array): CodecError | null {
    const parser = this.#parser;
    const body = this.#body;
    let from = 0;
    for (;;) {
      if (!this.#canDispatch()) {
        if (this.#done) this.#held.clear();
        else if (from < bytes.length) this.#holdFirst(bytes.subarray(from));
        return null;
      }
      const event = parser.next(bytes, from);
      if (this.#stream === null) this.#headBytes += parser.offset - from;
      else this.#stream.wireBytesReceived += parser.offset - from;
      from = parser.offset;
      switch (event) {
        case ParseEvent.NeedMore:
          if (body.length > 0) this.#giveBody(false);
          return null;
        case ParseEvent.Head:
          this.#openStream();
          break;
        case ParseEvent.Data: {
          const { dataStart, dataEnd } = parser;
          body.lend(dataStart === 0 && dataEnd === bytes.length ? bytes : bytes.subarray(dataStart, dataEnd));
          if (parser.ended) this.#giveBody(true);
          break;
        }
        case ParseEvent.End:
          this.#endRequest();
          break;
        case ParseEvent.Error:
          if (body.length > 0) this.#giveBody(false);
          return this.#done ? null : parser.error;
      }
    }
  }

  #openStream(): void {
    const head = this.#parser.head;
    const headers = head.headers;
    this.#protocol = head.version === 10 ? "HTTP/1.0" : "HTTP/1.1";
    if (!head.keepAlive) this.closeAfterResponse = true;
    const stream = new ServerStream(this, head);
    this.#stream = stream;
    stream.wireBytesReceived = this.#headBytes;
    stream.headerBytesReceived = head.fieldBytes;
    this.#headBytes = 0;
    stream.decoder = this.#callbacks.onNewStream(stream);
    if (this.#aboveHighWatermark) this.#tellAboveHighWatermark();
    const end = head.framing === BodyFraming.None && !stream.awaitsTunnel;
    stream.requestEnded = end;
    stream.decoder.onHeaders(headers, end);
  }

  #giveBody(end: boolean): void {
    const stream = this.#stream!;
    if (end) stream.requestEnded = true;
    stream.decoder!.onData(this.#body, end);
    this.#body.clear();
  }

  #endRequest(): void {
    const trailers = this.#parser.trailers;
    if (trailers === null) return this.#giveBody(true);
    if (this.#body.length > 0) this.#giveBody(false);
    // The callback may have reset the stream.
    const stream = this.#stream;
    if (stream === null) return;
    stream.requestEnded = true;
    stream.decoder!.onTrailers(trailers);
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#pauseReading(true);
  }

  #holdFirst(bytes: Uint8Array): void {
    this.#held.prepend(bytes);
    this.#pauseReading(true);
  }

  #pauseReading(paused: boolean): void {
    if (this.#readPaused === paused) return;
    this.#readPaused = paused;
    this.connection.readDisable(paused);
  }

  #tellAboveHighWatermark(): void {
    const stream = this.#stream;
    if (stream === null || stream.toldAboveHighWatermark || stream.decoder === null) return;
    stream.toldAboveHighWatermark = true;
    stream.decoder.onAboveWriteBufferHighWatermark();
  }

  #release(stream: ServerStream): void {
    this.#stream = null;
    this.#parser.head.release();
    for (; stream.readDisables > 0; stream.readDisables--) this.connection.readDisable(false);
  }

  #stop(): void {
    this.#done = true;
    this.#held.clear();
    this.#pauseReading(false);
  }
}

const RESOLVED: Promise<void> = Promise.resolve();
