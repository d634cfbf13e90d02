// test/support/http2_peer.ts: one end of an HTTP/2 connection that notes what the other end says.
/**
 * Writes only what it is told to, but for what a connection cannot do without: acknowledgements of SETTINGS,
 * and, unless it is told to be stingy, windows.
 *
 * @module
 */
import type { Socket } from "node:net";
import { type FrameEvents, FrameReader } from "./http2_frame_reader.ts";
import { type Fields, SETTINGS_ACK, windowUpdate } from "./http2_frames.ts";

/** One message, as far as it came. */
export interface PeerMessage {
  readonly fields: string[];
  body: string;
  trailers: string[] | null;
}

/** What the other end said on one stream. */
export interface PeerStream {
  readonly id: number;
  /** Informational responses first. */
  readonly messages: PeerMessage[];
  ended: boolean;
  /** The error code's name. */
  reset: string | null;
}

export class Http2Peer implements FrameEvents {
  readonly socket: Socket;
  readonly streams: Map<number, PeerStream> = new Map<number, PeerStream>();
  /** The last stream and the error of each GOAWAY. */
  readonly goAways: string[] = [];
  /** `id=value` of each SETTINGS frame. */
  readonly settings: string[] = [];
  /** Payloads of PING frames, and of their answers. */
  readonly pings: string[] = [];
  readonly pongs: string[] = [];
  ended = false;
  readonly #generous: boolean;
  readonly #wakes = new Set<() => void>();

  /** `skipped` are bytes in front of the first frame: a client's preface. */
  constructor(socket: Socket, generous = true, skipped = 0) {
    this.socket = socket;
    this.#generous = generous;
    const reader = new FrameReader(this, skipped);
    socket.on("data", (bytes: Uint8Array) => {
      reader.read(bytes);
      this.#wake();
    });
    const end = (): void => {
      this.ended = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
  }

  write(text: string): void {
    if (!this.socket.destroyed && !this.socket.writableEnded) this.socket.write(text, "latin1");
  }

  stream(id: number): PeerStream {
    let stream = this.streams.get(id);
    if (stream === undefined) this.streams.set(id, stream = { id, messages: [], ended: false, reset: null });
    return stream;
  }

  /** Settles with true as soon as it holds, with false when that takes too long or the connection ends before. */
  until(holds: () => boolean, limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#wakes.delete(look);
        resolve(holds());
      };
      const look = (): void => {
        if (holds() || this.ended) finish();
      };
      const timer = setTimeout(finish, limitMs);
      this.#wakes.add(look);
      look();
    });
  }

  #wake(): void {
    for (const look of [...this.#wakes]) look();
  }

  // From the reader.

  onData(id: number, payload: Buffer, end: boolean): void {
    const stream = this.stream(id);
    const message = stream.messages.at(-1);
    if (message !== undefined) message.body += payload.toString("latin1");
    if (end) stream.ended = true;
    if (this.#generous && payload.length > 0) {
      this.write(windowUpdate(0, payload.length) + (stream.ended ? "" : windowUpdate(id, payload.length)));
    }
  }

  onHeaders(id: number, fields: Fields, end: boolean): void {
    const lines = fields.map(([name, value]) => `${name}: ${value}`);
    const stream = this.stream(id);
    const last = stream.messages.at(-1);
    const isHead = lines.some((line) => line.startsWith(":"));
    if (isHead || last === undefined) stream.messages.push({ fields: lines, body: "", trailers: null });
    else last.trailers = lines;
    if (end) stream.ended = true;
  }

  onReset(id: number, code: string): void {
    this.stream(id).reset = code;
  }

  onSettings(settings: readonly (readonly [number, number])[]): void {
    this.settings.push(...settings.map(([id, value]) => `${id}=${value}`));
    this.write(SETTINGS_ACK);
  }

  onPing(payload: string, ack: boolean): void {
    (ack ? this.pongs : this.pings).push(payload);
  }

  onGoAway(text: string): void {
    this.goAways.push(text);
  }

  onWindowUpdate(): void {}
}
