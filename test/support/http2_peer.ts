// test/support/http2_peer.ts: one end of an HTTP/2 connection that notes what the other end says.
/**
 * Writes only what it is told to, but for what a connection cannot do without: acknowledgements of SETTINGS,
 * and, unless it is told to be stingy, windows.
 *
 * @module
 */
import type { Socket } from "node:net";
import { HpackDecoder } from "../../host/http/h2/hpack_decoder.ts";
import { ACK, END_STREAM, ERROR_NAMES, Frame, SETTINGS_ACK, windowUpdate } from "./http2_frames.ts";

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

export class Http2Peer {
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
  readonly #decoder = new HpackDecoder();
  readonly #generous: boolean;
  #text: string;
  #block = "";
  #blockEnds = false;
  readonly #wakes = new Set<() => void>();

  /** `skipped` are bytes in front of the first frame: a client's preface. */
  constructor(socket: Socket, generous = true, skipped = 0) {
    this.socket = socket;
    this.#generous = generous;
    this.#text = "";
    let left = skipped;
    socket.on("data", (bytes: Uint8Array) => {
      this.#text += Buffer.from(bytes).toString("latin1");
      if (left > 0) {
        if (this.#text.length < left) return;
        this.#text = this.#text.slice(left);
        left = 0;
      }
      this.#read();
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

  #read(): void {
    let at = 0;
    const text = this.#text;
    while (text.length - at >= 9) {
      const length = (text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2);
      if (text.length - at - 9 < length) break;
      const payload = text.slice(at + 9, at + 9 + length);
      this.#onFrame(text.charCodeAt(at + 3), text.charCodeAt(at + 4), uint32At(text, at + 5), payload);
      at += 9 + length;
    }
    this.#text = text.slice(at);
  }

  #onFrame(type: number, flags: number, id: number, payload: string): void {
    switch (type) {
      case Frame.Data: {
        const stream = this.stream(id);
        const message = stream.messages.at(-1);
        if (message !== undefined) message.body += payload;
        if ((flags & END_STREAM) !== 0) stream.ended = true;
        if (this.#generous && payload.length > 0) {
          this.write(windowUpdate(0, payload.length) + (stream.ended ? "" : windowUpdate(id, payload.length)));
        }
        return;
      }
      case Frame.Headers: {
        const padding = (flags & 8) !== 0 ? payload.charCodeAt(0) : 0;
        const start = ((flags & 8) !== 0 ? 1 : 0) + ((flags & 32) !== 0 ? 5 : 0);
        this.#block = payload.slice(start, payload.length - padding);
        this.#blockEnds = (flags & END_STREAM) !== 0;
        if ((flags & 4) !== 0) this.#onBlock(id);
        return;
      }
      case Frame.Continuation:
        this.#block += payload;
        if ((flags & 4) !== 0) this.#onBlock(id);
        return;
      case Frame.RstStream:
        this.stream(id).reset = errorName(uint32At(payload, 0));
        return;
      case Frame.Settings:
        if ((flags & ACK) !== 0) return;
        this.settings.push(...settingsOf(payload));
        this.write(SETTINGS_ACK);
        return;
      case Frame.Ping:
        ((flags & ACK) !== 0 ? this.pongs : this.pings).push(payload);
        return;
      case Frame.GoAway:
        this.goAways.push(`${uint32At(payload, 0)} ${errorName(uint32At(payload, 4))}`);
    }
  }

  #onBlock(id: number): void {
    const fields: string[] = [];
    const bytes = Buffer.from(this.#block, "latin1");
    const ok = this.#decoder.decode(bytes, 0, bytes.length, {
      onField: ({ name, value }) => void fields.push(`${name.field.text}: ${value}`),
    });
    if (!ok) throw new Error("a header block that cannot be read");
    const stream = this.stream(id);
    const last = stream.messages.at(-1);
    const isHead = fields.some((line) => line.startsWith(":"));
    if (isHead || last === undefined) stream.messages.push({ fields, body: "", trailers: null });
    else last.trailers = fields;
    if (this.#blockEnds) stream.ended = true;
  }
}

function uint32At(text: string, at: number): number {
  return ((text.charCodeAt(at) & 127) * 0x1000000) +
    ((text.charCodeAt(at + 1) << 16) | (text.charCodeAt(at + 2) << 8) | text.charCodeAt(at + 3));
}

function errorName(code: number): string {
  return ERROR_NAMES[code] ?? String(code);
}

function settingsOf(payload: string): string[] {
  const list: string[] = [];
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    list.push(`${(payload.charCodeAt(at) << 8) | payload.charCodeAt(at + 1)}=${uint32At(payload, at + 2)}`);
  }
  return list;
}
