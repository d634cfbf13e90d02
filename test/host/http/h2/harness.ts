// test/host/http/h2/harness.ts: HTTP/2 codecs with a peer that says and shows frames.
/**
 * @module
 */
import { ManualClock } from "../../../../host/base/clock.ts";
import { fromLatin1, latin1Slice } from "../../../../host/base/bytes.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import type { CodecError, StreamResetReason } from "../../../../host/http/codec.ts";
import { Http2ClientCodec } from "../../../../host/http/h2/client.ts";
import {
  ErrorCode,
  FrameType,
  headersFrames,
  PREFACE,
  SETTINGS_ACK,
  settingsFrame,
} from "../../../../host/http/h2/frame.ts";
import { FrameEvent, FrameReader } from "../../../../host/http/h2/frame_reader.ts";
import type { Http2Connection } from "../../../../host/http/h2/frame_writer.ts";
import { HpackDecoder } from "../../../../host/http/h2/hpack_decoder.ts";
import { HpackEncoder } from "../../../../host/http/h2/hpack_encoder.ts";
import { HTTP2_CLIENT_DEFAULTS, HTTP2_SERVER_DEFAULTS, type Http2Options } from "../../../../host/http/h2/options.ts";
import { Http2ServerCodec } from "../../../../host/http/h2/server.ts";
import { Http2Stats } from "../../../../host/http/h2/stats.ts";
import type { Http2Stream } from "../../../../host/http/h2/stream.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { lend, RecordedMessage, RecordingConnection } from "../h1/harness.ts";

/** Keeps what is written; `queuedBytes` is what the test says that the system has not taken. */
export class RecordingHttp2Connection extends RecordingConnection implements Http2Connection {
  queuedBytes = 0;
}

/** A request may be reset after it ended: its response is then of no use. */
class RecordedRequest extends RecordedMessage {
  override onResetStream(reason: StreamResetReason, details: string): void {
    if (this.reset !== null) throw new Error("a stream was reset twice");
    this.reset = reason;
    this.resetDetails = details;
  }
}

export type Fields = readonly (readonly [string, string])[];

/** Frames as lines of text, and blocks as a peer makes them. */
export class Peer {
  readonly #reader = new FrameReader();
  readonly #decoder = new HpackDecoder();
  readonly #encoder = new HpackEncoder();

  /** HEADERS, with CONTINUATION when `maxFrameSize` says so. */
  headers(streamId: number, fields: Fields, end: boolean, maxFrameSize = 16384): string {
    return headersFrames(streamId, this.block(fields), end, maxFrameSize);
  }

  block(fields: Fields): string {
    let text = this.#encoder.begin();
    for (const [name, value] of fields) text += this.#encoder.field(name, value);
    return text;
  }

  /** What frames say. */
  read(text: string): string[] {
    const bytes = fromLatin1(text);
    const lines: string[] = [];
    for (let from = 0;;) {
      const event = this.#reader.next(bytes, from);
      from = this.#reader.offset;
      if (event === FrameEvent.NeedMore) return lines;
      if (event === FrameEvent.TooLarge || event === FrameEvent.BadPadding) throw new Error("a malformed frame");
      lines.push(this.#line());
    }
  }

  #line(): string {
    const { type, flags, streamId, bytes, start, end } = this.#reader;
    const payload = latin1Slice(bytes, start, end);
    const uint32 = (at: number): number =>
      ((bytes[start + at]! << 24) | (bytes[start + at + 1]! << 16) | (bytes[start + at + 2]! << 8) |
        bytes[start + at + 3]!) >>> 0;
    const code = (at: number): string => Object.keys(ErrorCode)[uint32(at)] ?? "?";
    const endMark = (flags & 1) !== 0 ? " END" : "";
    switch (type) {
      case FrameType.Data:
        return `DATA ${streamId} ${payload.length > 40 ? `(${payload.length} bytes)` : payload}${endMark}`;
      case FrameType.Headers: {
        const fields: string[] = [];
        const ok = this.#decoder.decode(bytes, start, end, {
          onField: (field) => void fields.push(`${field.name.field.text}=${field.value}`),
        });
        return `HEADERS ${streamId} ${ok ? fields.join(" ") : "malformed"}${endMark}`;
      }
      case FrameType.RstStream:
        return `RST_STREAM ${streamId} ${code(0)}`;
      case FrameType.Settings:
        return (flags & 1) !== 0 ? "SETTINGS ACK" : `SETTINGS ${(end - start) / 6}`;
      case FrameType.Ping:
        return `PING ${payload}${(flags & 1) !== 0 ? " ACK" : ""}`;
      case FrameType.GoAway:
        return `GOAWAY ${uint32(0)} ${code(4)}`;
      case FrameType.WindowUpdate:
        return `WINDOW_UPDATE ${streamId} ${uint32(0)}`;
      default:
        return `${type} ${streamId} ${payload}`;
    }
  }
}

/** What a request has at least. */
export const GET: Fields = [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "a.b"]];
export const POST: Fields = [[":method", "POST"], ...GET.slice(1)];

/** A codec, its connection and its peer. */
class Side {
  readonly clock: ManualClock = new ManualClock();
  readonly connection: RecordingHttp2Connection = new RecordingHttp2Connection();
  readonly peer: Peer = new Peer();
  error: CodecError | null = null;
  readonly #store: StatsStore = StatsStore.create(1);
  readonly stats: Http2Stats = new Http2Stats(this.#store.scope("s"));

  get timing(): { clock: ManualClock; random: SeededRandom } {
    return { clock: this.clock, random: new SeededRandom(1) };
  }

  stat(name: string): number {
    return this.#store.valueOf(`s.http2.${name}`) ?? -1;
  }

  /** Frames written since the last call. */
  frames(): string[] {
    return this.peer.read(this.connection.take());
  }
}

/** A server codec whose requests are recorded. */
export class ServerSide extends Side {
  readonly requests: RecordedMessage[] = [];
  readonly codec: Http2ServerCodec;
  goAways = 0;
  onRequest: ((request: RecordedMessage) => void) | null = null;
  onRequestHead: ((request: RecordedMessage) => void) | null = null;

  /** The beginning of the connection is over unless `begun` is false. */
  constructor(options: Partial<Http2Options> = {}, begun = true) {
    super();
    this.codec = new Http2ServerCodec(
      this.connection,
      {
        onNewStream: (encoder) => {
          const request = new RecordedRequest();
          request.encoder = encoder;
          request.onEnd = this.onRequest;
          request.onHead = this.onRequestHead;
          this.requests.push(request);
          return request;
        },
        onGoAway: () => {
          this.goAways++;
        },
      },
      { ...HTTP2_SERVER_DEFAULTS, ...options },
      this.stats,
      this.timing,
    );
    if (begun) {
      this.feed(PREFACE + settingsFrame([]) + SETTINGS_ACK);
      this.frames();
    }
  }

  /** Answers every whole request at once with an empty 200. */
  answering(): this {
    this.onRequest = (request) => request.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200" }), true);
    return this;
  }

  feed(...chunks: string[]): this {
    for (const chunk of chunks) lend(chunk, (data) => this.error ??= this.codec.dispatch(data));
    return this;
  }

  /** Sends a request's head. */
  ask(streamId: number, fields: Fields = GET, end = true): RecordedMessage {
    this.feed(this.peer.headers(streamId, fields, end));
    return this.request;
  }

  get request(): RecordedMessage {
    return this.requests[this.requests.length - 1]!;
  }

  get stream(): Http2Stream {
    return this.request.encoder as Http2Stream;
  }
}

/** A client codec. */
export class ClientSide extends Side {
  readonly codec: Http2ClientCodec;
  streamsClosed = 0;
  goAways = 0;
  maxStreams: number | null = null;

  constructor(options: Partial<Http2Options> = {}, begun = true) {
    super();
    this.codec = new Http2ClientCodec(
      this.connection,
      {
        onGoAway: () => {
          this.goAways++;
        },
        onStreamClosed: () => {
          this.streamsClosed++;
        },
        onMaxStreamsChanged: (count) => {
          this.maxStreams = count;
        },
      },
      { ...HTTP2_CLIENT_DEFAULTS, ...options },
      this.stats,
      this.timing,
    );
    if (begun) {
      this.connection.take();
      this.feed(settingsFrame([]) + SETTINGS_ACK);
      this.frames();
    }
  }

  /** Sends a request. */
  send(entries: Record<string, string> = {}, end = true): { response: RecordedMessage; stream: Http2Stream } {
    const response = new RecordedMessage();
    const stream = this.codec.newStream(response) as Http2Stream;
    const headers = HeaderMap.of({
      ":authority": "a.b",
      ":path": "/",
      ":method": end ? "GET" : "POST",
      ":scheme": "http",
      ...entries,
    });
    const problem = stream.encodeHeaders(headers, end);
    if (problem !== null) throw new Error(problem);
    return { response, stream };
  }

  feed(...chunks: string[]): this {
    for (const chunk of chunks) lend(chunk, (data) => this.error ??= this.codec.dispatch(data));
    return this;
  }
}
