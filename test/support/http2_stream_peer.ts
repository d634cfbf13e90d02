// test/support/http2_stream_peer.ts: an HTTP/2 peer, of either side, whose streams can be read and written.
/**
 * Nothing is checked before it is sent, so that a test can send what a library would refuse to, and nothing is
 * hidden that was received. Settings, pings and windows are answered by themselves; `reading = false` of a stream
 * keeps its window closed. Runs on both runtimes.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import { type FrameEvents, FrameReader } from "./http2_frame_reader.ts";
import {
  data,
  ERROR_NAMES,
  type Fields,
  headers,
  ping,
  PREFACE,
  rstStream,
  settings as settingsFrame,
  SETTINGS_ACK,
  windowUpdate,
} from "./http2_frames.ts";

const INITIAL_WINDOW_SIZE = 4;
const ENABLE_CONNECT_PROTOCOL = 8;

/** Nothing that a test waits for takes longer. */
const LIMIT_MS = 15_000;
const FRAME_BYTES = 16_384;

/** One stream: what was received so far, and what can be sent. */
export class PeerStream {
  readonly id: number;
  readonly #peer: StreamPeer;
  /** Informational heads, then the final one. */
  readonly informational: Fields[] = [];
  head: Fields | null = null;
  /** The body as latin1 text. */
  body = "";
  /** Bytes of the body, those included that `keepBody` lets go. */
  bodyBytes = 0;
  keepBody = true;
  trailers: Fields | null = null;
  ended = false;
  /** Name of the error code of the RST_STREAM that came. */
  reset: string | null = null;
  sendWindow: number;
  /** The end of this side's message was sent, or waits for a window. */
  endSent = false;
  #reading = true;
  #unread = 0;
  /** What waits for a window: body bytes, then how it ends. */
  #queue = Buffer.alloc(0);
  #endsWith: "data" | Fields | null = null;

  constructor(peer: StreamPeer, id: number, sendWindow: number) {
    this.#peer = peer;
    this.id = id;
    this.sendWindow = sendWindow;
  }

  /** Value of a field of the final head; null when there is none. */
  field(name: string): string | null {
    return this.head?.find(([each]) => each === name)?.[1] ?? null;
  }

  get status(): string | null {
    return this.field(":status");
  }

  /** Nothing more comes. */
  get over(): boolean {
    return this.ended || this.reset !== null || this.#peer.closed;
  }

  headers(fields: Fields, end = false): this {
    if (end) this.endSent = true;
    this.#peer.write(headers(this.id, fields, end));
    return this;
  }

  data(body: string | Uint8Array, end = false): this {
    const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
    this.#queue = Buffer.concat([this.#queue, bytes]);
    if (end) {
      this.#endsWith = "data";
      this.endSent = true;
    }
    this.pump(end && bytes.length === 0);
    return this;
  }

  /** Ends the message with these fields. */
  end(trailers: Fields): this {
    this.#endsWith = trailers;
    this.endSent = true;
    this.pump();
    return this;
  }

  /** Resets it, with the error code of this name. */
  rst(code: string): void {
    this.#peer.write(rstStream(this.id, ERROR_NAMES.indexOf(code)));
  }

  /** Bytes that wait for the peer to open its window. */
  get unsent(): number {
    return this.#queue.length;
  }

  set reading(reading: boolean) {
    this.#reading = reading;
    if (!reading || this.#unread === 0) return;
    this.#peer.write(windowUpdate(this.id, this.#unread));
    this.#unread = 0;
  }

  /** Settles when the condition holds; rejects when nothing that could change it comes any more, or in time. */
  until(condition: (stream: this) => boolean): Promise<this> {
    return this.#peer.until(() => condition(this), `stream ${this.id} of ${this.describe()}`).then(() => this);
  }

  /** Settles when the final head is there, or will never be. */
  gotHead(): Promise<this> {
    return this.until((stream) => stream.head !== null || stream.over);
  }

  /** Settles when the message is over, in whatever way. */
  done(): Promise<this> {
    return this.until((stream) => stream.over);
  }

  describe(): string {
    return JSON.stringify([this.head, this.body.slice(0, 100), this.bodyBytes, this.trailers, this.ended, this.reset]);
  }

  // From the peer.

  onData(bytes: Uint8Array): void {
    this.bodyBytes += bytes.length;
    if (this.keepBody) this.body += Buffer.from(bytes).toString("latin1");
    if (this.#reading) this.#peer.write(windowUpdate(this.id, bytes.length));
    else this.#unread += bytes.length;
  }

  pump(emptyEnd = false): void {
    const peer = this.#peer;
    while (this.#queue.length > 0 || emptyEnd) {
      const length = Math.min(this.#queue.length, FRAME_BYTES, this.sendWindow, peer.sendWindow);
      if (length <= 0 && !emptyEnd) return;
      const last = length === this.#queue.length && this.#endsWith === "data";
      const payload = this.#queue.subarray(0, length);
      this.#queue = this.#queue.subarray(length);
      this.sendWindow -= length;
      peer.sendWindow -= length;
      peer.write(data(this.id, payload.toString("latin1"), last));
      emptyEnd = false;
      if (last) this.#endsWith = null;
    }
    if (this.#endsWith === null || this.#endsWith === "data") return;
    peer.write(headers(this.id, this.#endsWith, true));
    this.#endsWith = null;
  }
}

export class StreamPeer implements FrameEvents {
  readonly socket: Socket;
  readonly streams: Map<number, PeerStream> = new Map();
  readonly #isServer: boolean;
  readonly #wakes = new Set<() => void>();
  #nextId = 1;
  #initialWindow = 65_535;
  sendWindow = 65_535;
  /** What the other side set, by identifier; null before it did. */
  settings: Map<number, number> | null = null;
  /** `LAST CODE` of each GOAWAY. */
  readonly goAways: string[] = [];
  /** The connection ended. */
  closed = false;
  /** Server: a request's head is there. */
  onRequest: ((stream: PeerStream) => void) | null = null;

  constructor(socket: Socket, isServer: boolean, settings: readonly (readonly [number, number])[]) {
    this.socket = socket;
    this.#isServer = isServer;
    socket.setNoDelay(true);
    const reader = new FrameReader(this, isServer ? PREFACE.length : 0);
    socket.on("data", (bytes: Uint8Array) => {
      reader.read(bytes);
      this.#wake();
    });
    const end = () => {
      this.closed = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
    this.write((isServer ? "" : PREFACE) + settingsFrame(settings));
    // Connections are not what is tested with windows: streams are.
    this.write(windowUpdate(0, 0x3fffffff));
  }

  /** A client. */
  static connect(port: number, settings: readonly (readonly [number, number])[] = []): Promise<StreamPeer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new StreamPeer(socket, false, settings));
      });
    });
  }

  /** A server on an accepted socket; takes extended CONNECT unless told otherwise. */
  static accept(
    socket: Socket,
    onRequest: (stream: PeerStream) => void,
    settings: readonly (readonly [number, number])[] = [[ENABLE_CONNECT_PROTOCOL, 1]],
  ): StreamPeer {
    const peer = new StreamPeer(socket, true, settings);
    peer.onRequest = onRequest;
    return peer;
  }

  /** Client: opens a stream. */
  request(fields: Fields, end = true): PeerStream {
    const stream = this.#stream(this.#nextId);
    this.#nextId += 2;
    return stream.headers(fields, end);
  }

  close(): void {
    this.socket.destroy();
  }

  write(text: string): void {
    if (!this.socket.destroyed && !this.socket.writableEnded) this.socket.write(text, "latin1");
  }

  async until(condition: () => boolean, what = "something"): Promise<void> {
    let late = false;
    let wake: () => void = () => {};
    const timer = setTimeout(() => {
      late = true;
      wake();
    }, LIMIT_MS);
    const look = () => wake();
    this.#wakes.add(look);
    while (!condition() && !late && !this.closed) await new Promise<void>((resolve) => wake = resolve);
    this.#wakes.delete(look);
    clearTimeout(timer);
    if (!condition()) throw new Error(`${late ? "too late" : "the connection ended"}: ${what}`);
  }

  #stream(id: number): PeerStream {
    let stream = this.streams.get(id);
    if (stream === undefined) {
      stream = new PeerStream(this, id, this.#initialWindow);
      this.streams.set(id, stream);
    }
    return stream;
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }

  // From the reader.

  onData(id: number, payload: Buffer, end: boolean): void {
    const stream = this.#stream(id);
    if (payload.length > 0) stream.onData(payload);
    if (end) stream.ended = true;
  }

  onReset(id: number, code: string): void {
    this.#stream(id).reset = code;
  }

  onPing(payload: string, ack: boolean): void {
    if (!ack) this.write(ping(payload, true));
  }

  onGoAway(text: string): void {
    this.goAways.push(text);
  }

  onSettings(settings: readonly (readonly [number, number])[]): void {
    this.settings ??= new Map();
    for (const [id, value] of settings) {
      this.settings.set(id, value);
      if (id !== INITIAL_WINDOW_SIZE) continue;
      for (const stream of this.streams.values()) stream.sendWindow += value - this.#initialWindow;
      this.#initialWindow = value;
    }
    this.write(SETTINGS_ACK);
    for (const stream of this.streams.values()) stream.pump();
  }

  onWindowUpdate(id: number, increment: number): void {
    if (id !== 0) {
      const stream = this.#stream(id);
      stream.sendWindow += increment;
      stream.pump();
      return;
    }
    this.sendWindow += increment;
    for (const stream of this.streams.values()) stream.pump();
  }

  onHeaders(id: number, fields: Fields, end: boolean): void {
    const isNew = !this.streams.has(id);
    const stream = this.#stream(id);
    const status = fields.find(([name]) => name === ":status")?.[1];
    if (stream.head !== null) stream.trailers = fields;
    else if (status?.startsWith("1") === true) stream.informational.push(fields);
    else stream.head = fields;
    if (end) stream.ended = true;
    if (this.#isServer && isNew) this.onRequest?.(stream);
  }
}
