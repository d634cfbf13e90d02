// test/support/http2_stream_peer.ts: an HTTP/2 peer, of either side, whose streams can be read and written.
/**
 * Nothing is checked before it is sent, so that a test can send what a library would refuse to, and nothing is
 * hidden that was received. Settings, pings and windows are answered by themselves; `reading = false` of a stream
 * keeps its window closed. Runs on both runtimes.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import { HpackDecoder } from "../../host/http/h2/hpack_decoder.ts";
import {
  data,
  ERROR_NAMES,
  type Fields,
  Frame,
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
const HEADER_BYTES = 9;

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

export class StreamPeer {
  readonly socket: Socket;
  readonly streams: Map<number, PeerStream> = new Map();
  readonly #isServer: boolean;
  readonly #decoder = new HpackDecoder();
  readonly #wakes = new Set<() => void>();
  #input = Buffer.alloc(0);
  #prefaceRead: boolean;
  /** A block that goes on in CONTINUATION. */
  #block: { stream: number; end: boolean; bytes: Buffer } | null = null;
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
    this.#prefaceRead = !isServer;
    socket.setNoDelay(true);
    socket.on("data", (data: Uint8Array) => this.#onBytes(data));
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

  #onBytes(data: Uint8Array): void {
    this.#input = this.#input.length === 0 ? Buffer.from(data) : Buffer.concat([this.#input, data]);
    if (!this.#prefaceRead) {
      if (this.#input.length < PREFACE.length) return;
      this.#input = this.#input.subarray(PREFACE.length);
      this.#prefaceRead = true;
    }
    while (this.#input.length >= HEADER_BYTES) {
      const length = this.#input.readUIntBE(0, 3);
      if (this.#input.length < HEADER_BYTES + length) break;
      const [type, flags] = [this.#input[3]!, this.#input[4]!];
      const id = this.#input.readUInt32BE(5);
      const payload = this.#input.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#input = this.#input.subarray(HEADER_BYTES + length);
      this.#onFrame(type, flags, id, payload);
    }
    this.#wake();
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    const end = (flags & 1) !== 0;
    switch (type) {
      case Frame.Settings:
        return end ? undefined : this.#onSettings(payload);
      case Frame.Ping:
        if (end) return;
        return this.write(ping(payload.toString("latin1"), true));
      case Frame.WindowUpdate:
        return this.#onWindowUpdate(id, payload.readUInt32BE(0));
      case Frame.Headers:
      case Frame.Continuation: {
        const block = this.#block;
        const bytes = block === null ? payload : Buffer.concat([block.bytes, payload]);
        const ends = block === null ? end : block.end;
        this.#block = (flags & 4) !== 0 ? null : { stream: id, end: ends, bytes };
        if (this.#block === null) this.#onBlock(id, ends, bytes);
        return;
      }
      case Frame.Data: {
        const stream = this.#stream(id);
        if (payload.length > 0) stream.onData(payload);
        if (end) stream.ended = true;
        return;
      }
      case Frame.RstStream:
        this.#stream(id).reset = codeName(payload.readUInt32BE(0));
        return;
      case Frame.GoAway:
        this.goAways.push(`${payload.readUInt32BE(0)} ${codeName(payload.readUInt32BE(4))}`);
        return;
    }
  }

  #onSettings(payload: Buffer): void {
    this.settings ??= new Map();
    for (let at = 0; at < payload.length; at += 6) {
      const [id, value] = [payload.readUInt16BE(at), payload.readUInt32BE(at + 2)];
      this.settings.set(id, value);
      if (id !== INITIAL_WINDOW_SIZE) continue;
      for (const stream of this.streams.values()) stream.sendWindow += value - this.#initialWindow;
      this.#initialWindow = value;
    }
    this.write(SETTINGS_ACK);
    for (const stream of this.streams.values()) stream.pump();
  }

  #onWindowUpdate(id: number, increment: number): void {
    if (id !== 0) {
      const stream = this.#stream(id);
      stream.sendWindow += increment;
      stream.pump();
      return;
    }
    this.sendWindow += increment;
    for (const stream of this.streams.values()) stream.pump();
  }

  #onBlock(id: number, end: boolean, bytes: Buffer): void {
    const fields: [string, string][] = [];
    const good = this.#decoder.decode(bytes, 0, bytes.length, {
      onField: (field) => void fields.push([field.name.field.text, field.value]),
    });
    if (!good) throw new Error("a malformed header block");
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

function codeName(code: number): string {
  return ERROR_NAMES[code] ?? String(code);
}
