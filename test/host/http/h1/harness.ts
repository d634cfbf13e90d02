// test/host/http/h1/harness.ts: a connection that records, and recorders of streams, for the codec tests.
/**
 * @module
 */
import { concatBytes, fromLatin1, latin1Slice } from "../../../../host/base/bytes.ts";
import { READ_BUFFER_BYTES, takeReadBuffer } from "../../../../host/base/read_buffer.ts";
import type { ByteQueue } from "../../../../host/base/byte_queue.ts";
import type {
  CodecError,
  ResponseDecoder,
  ResponseEncoder,
  StreamCallbacks,
  StreamDecoder,
  StreamResetReason,
} from "../../../../host/http/codec.ts";
import type { Http1Connection } from "../../../../host/http/h1/connection.ts";
import { HTTP1_CLIENT_DEFAULTS, HTTP1_SERVER_DEFAULTS } from "../../../../host/http/h1/options.ts";
import type { Http1ClientOptions, Http1ServerOptions } from "../../../../host/http/h1/options.ts";
import { Http1ClientCodec } from "../../../../host/http/h1/client.ts";
import { Http1ServerCodec } from "../../../../host/http/h1/server.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import type { CloseType } from "../../../../host/net/filter.ts";

export function bytes(text: string): Uint8Array {
  return fromLatin1(text);
}

export function text(data: Uint8Array): string {
  return latin1Slice(data, 0, data.length);
}

export function textOf(queue: ByteQueue): string {
  return text(queue.toBytes());
}

/** Gives bytes as a socket does: in a read buffer, of which nothing is left when the call returns. */
export function lend(chunk: string | Uint8Array, callback: (data: Uint8Array) => void): void {
  const all = typeof chunk === "string" ? bytes(chunk) : chunk;
  for (let at = 0; at < all.length; at += READ_BUFFER_BYTES) {
    const data = all.subarray(at, at + READ_BUFFER_BYTES);
    const buffer = takeReadBuffer();
    buffer.bytes.set(data);
    buffer.lend();
    callback(buffer.bytes.subarray(0, data.length));
    buffer.bytes.fill(0x21, 0, data.length);
    buffer.endLend();
  }
}

/** Keeps what is written. */
export class RecordingConnection implements Http1Connection {
  readonly writes: Uint8Array[] = [];
  readDisables = 0;
  ended = false;
  closed: CloseType | null = null;
  corks = 0;

  get output(): string {
    let length = 0;
    for (const write of this.writes) length += write.length;
    return text(concatBytes(this.writes, length));
  }

  /** What was written since the last call. */
  take(): string {
    const output = this.output;
    this.writes.length = 0;
    return output;
  }

  write(data: Uint8Array): void {
    // Lent bytes may change afterwards.
    if (this.closed === null) this.writes.push(data.slice());
  }

  writeLatin1(line: string): void {
    for (let i = 0; i < line.length; i++) {
      if (line.charCodeAt(i) > 255) throw new Error(`character ${line.charCodeAt(i)} is no byte`);
    }
    if (this.closed === null) this.writes.push(fromLatin1(line));
  }

  cork(): void {
    this.corks++;
  }

  uncork(): void {
    this.corks--;
  }

  readDisable(disable: boolean): void {
    this.readDisables += disable ? 1 : -1;
    if (this.readDisables < 0) throw new Error("readDisable(false) without readDisable(true)");
  }

  end(): void {
    this.ended = true;
  }

  close(type: CloseType): void {
    this.closed ??= type;
  }
}

/** A message as it arrived. */
export class RecordedMessage implements ResponseDecoder, StreamCallbacks {
  headers: HeaderMap | null = null;
  readonly informational: HeaderMap[] = [];
  body = "";
  trailers: HeaderMap | null = null;
  ended = false;
  reset: StreamResetReason | null = null;
  resetDetails = "";
  dataCalls = 0;
  highs = 0;
  lows = 0;
  encoder: ResponseEncoder | null = null;
  onEnd: ((message: RecordedMessage) => void) | null = null;
  onHead: ((message: RecordedMessage) => void) | null = null;

  onHeaders(headers: HeaderMap, end: boolean): void {
    this.#alive();
    if (this.headers !== null) throw new Error("headers came twice");
    this.headers = headers;
    this.onHead?.(this);
    if (end) this.#end();
  }

  on1xxHeaders(headers: HeaderMap): void {
    this.#alive();
    this.informational.push(headers);
  }

  onData(data: ByteQueue, end: boolean): void {
    this.#alive();
    if (this.headers === null) throw new Error("data came before headers");
    this.dataCalls++;
    this.body += textOf(data);
    if (end) this.#end();
  }

  onTrailers(trailers: HeaderMap): void {
    this.#alive();
    this.trailers = trailers;
    this.#end();
  }

  onResetStream(reason: StreamResetReason, details: string): void {
    this.#alive();
    this.reset = reason;
    this.resetDetails = details;
  }

  onAboveWriteBufferHighWatermark(): void {
    this.highs++;
  }

  onBelowWriteBufferLowWatermark(): void {
    this.lows++;
  }

  /** All that was seen, in a form that compares. */
  summary(): unknown {
    return {
      headers: this.headers?.entries() ?? null,
      informational: this.informational.map((headers) => headers.entries()),
      body: this.body,
      trailers: this.trailers?.entries() ?? null,
      ended: this.ended,
      reset: this.reset,
    };
  }

  #alive(): void {
    if (this.ended || this.reset !== null) throw new Error("a callback came after the end");
  }

  #end(): void {
    this.ended = true;
    this.onEnd?.(this);
  }
}

/** A server codec whose requests are recorded. */
export class ServerHarness {
  readonly connection: RecordingConnection = new RecordingConnection();
  readonly requests: RecordedMessage[] = [];
  readonly codec: Http1ServerCodec;
  error: CodecError | null = null;
  /** Called when a request is whole; by default nobody answers. */
  onRequest: ((request: RecordedMessage) => void) | null = null;
  onRequestHead: ((request: RecordedMessage) => void) | null = null;

  constructor(options: Partial<Http1ServerOptions> = {}) {
    this.codec = new Http1ServerCodec(this.connection, {
      onNewStream: (encoder: ResponseEncoder): StreamDecoder & StreamCallbacks => {
        const request = new RecordedMessage();
        request.encoder = encoder;
        request.onEnd = this.onRequest;
        request.onHead = this.onRequestHead;
        this.requests.push(request);
        return request;
      },
      onGoAway() {},
    }, { ...HTTP1_SERVER_DEFAULTS, ...options });
  }

  /** Answers every whole request at once with an empty 200. */
  answering(): this {
    this.onRequest = (request) => request.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200" }), true);
    return this;
  }

  feed(...chunks: (string | Uint8Array)[]): this {
    for (const chunk of chunks) {
      lend(chunk, (data) => this.error ??= this.codec.dispatch(data));
    }
    return this;
  }

  get request(): RecordedMessage {
    return this.requests[this.requests.length - 1]!;
  }
}

/** A client codec. */
export class ClientHarness {
  readonly connection: RecordingConnection = new RecordingConnection();
  readonly codec: Http1ClientCodec;
  error: CodecError | null = null;
  streamsClosed = 0;

  constructor(options: Partial<Http1ClientOptions> = {}) {
    this.codec = new Http1ClientCodec(this.connection, {
      onGoAway() {},
      onStreamClosed: () => {
        this.streamsClosed++;
      },
      onMaxStreamsChanged() {},
    }, { ...HTTP1_CLIENT_DEFAULTS, ...options });
  }

  /** Sends a request without a body. */
  send(entries: Record<string, string> = {}, end = true): RecordedMessage {
    const message = new RecordedMessage();
    const encoder = this.codec.newStream(message);
    const headers = HeaderMap.of({ ":authority": "a.b", ":path": "/", ":method": "GET", ...entries });
    const failure = encoder.encodeHeaders(headers, end);
    if (typeof failure === "string") throw new Error(failure);
    this.encoder = encoder;
    return message;
  }

  encoder: ReturnType<Http1ClientCodec["newStream"]> | null = null;

  feed(...chunks: (string | Uint8Array)[]): this {
    for (const chunk of chunks) {
      lend(chunk, (data) => this.error ??= this.codec.dispatch(data));
    }
    return this;
  }
}
