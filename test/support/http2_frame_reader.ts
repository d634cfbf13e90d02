// test/support/http2_frame_reader.ts: what the other end of an HTTP/2 connection says, frame by frame.
/** @module */
import { HpackDecoder } from "../../host/http/h2/hpack_decoder.ts";
import { ACK, END_HEADERS, END_STREAM, ERROR_NAMES, type Fields, Frame } from "./http2_frames.ts";

const HEADER_BYTES = 9;
const PADDED = 8;
const PRIORITY = 32;
const PRIORITY_BYTES = 5;

/** Frames in the order in which they came; header blocks are whole. */
export interface FrameEvents {
  onHeaders(id: number, fields: Fields, end: boolean): void;
  onData(id: number, payload: Buffer, end: boolean): void;
  /** `code` is the error's name. */
  onReset(id: number, code: string): void;
  onSettings(settings: readonly (readonly [id: number, value: number])[]): void;
  onPing(payload: string, ack: boolean): void;
  /** `LAST CODE`. */
  onGoAway(text: string): void;
  onWindowUpdate(id: number, increment: number): void;
}

export class FrameReader {
  readonly #events: FrameEvents;
  readonly #decoder = new HpackDecoder();
  #input = Buffer.alloc(0);
  /** Bytes in front of the first frame: a client's preface. */
  #skipped: number;
  /** A block that goes on in CONTINUATION. */
  #block: { readonly end: boolean; readonly bytes: Buffer } | null = null;

  constructor(events: FrameEvents, skipped = 0) {
    this.#events = events;
    this.#skipped = skipped;
  }

  read(bytes: Uint8Array): void {
    this.#input = this.#input.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#input, bytes]);
    if (this.#input.length < this.#skipped) return;
    this.#input = this.#input.subarray(this.#skipped);
    this.#skipped = 0;
    while (this.#input.length >= HEADER_BYTES) {
      const length = this.#input.readUIntBE(0, 3);
      if (this.#input.length < HEADER_BYTES + length) return;
      const [type, flags] = [this.#input[3]!, this.#input[4]!];
      const id = this.#input.readUInt32BE(5) & 0x7fff_ffff;
      const payload = this.#input.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#input = this.#input.subarray(HEADER_BYTES + length);
      this.#onFrame(type, flags, id, payload);
    }
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    const events = this.#events;
    switch (type) {
      case Frame.Data:
        return events.onData(id, payload, (flags & END_STREAM) !== 0);
      case Frame.Headers: {
        const padding = (flags & PADDED) !== 0 ? payload[0]! : 0;
        const start = ((flags & PADDED) !== 0 ? 1 : 0) + ((flags & PRIORITY) !== 0 ? PRIORITY_BYTES : 0);
        const bytes = payload.subarray(start, payload.length - padding);
        this.#block = { end: (flags & END_STREAM) !== 0, bytes };
        if ((flags & END_HEADERS) !== 0) this.#onBlock(id);
        return;
      }
      case Frame.Continuation: {
        const { end, bytes } = this.#block!;
        this.#block = { end, bytes: Buffer.concat([bytes, payload]) };
        if ((flags & END_HEADERS) !== 0) this.#onBlock(id);
        return;
      }
      case Frame.RstStream:
        return events.onReset(id, codeName(payload.readUInt32BE(0)));
      case Frame.Settings:
        return (flags & ACK) !== 0 ? undefined : events.onSettings(settingsOf(payload));
      case Frame.Ping:
        return events.onPing(payload.toString("latin1"), (flags & ACK) !== 0);
      case Frame.GoAway:
        return events.onGoAway(`${payload.readUInt32BE(0) & 0x7fff_ffff} ${codeName(payload.readUInt32BE(4))}`);
      case Frame.WindowUpdate:
        return events.onWindowUpdate(id, payload.readUInt32BE(0) & 0x7fff_ffff);
    }
  }

  #onBlock(id: number): void {
    const { end, bytes } = this.#block!;
    this.#block = null;
    const fields: [string, string][] = [];
    const good = this.#decoder.decode(bytes, 0, bytes.length, {
      onField: ({ name, value }) => void fields.push([name.field.text, value]),
    });
    if (!good) throw new Error("a header block that cannot be read");
    this.#events.onHeaders(id, fields, end);
  }
}

function codeName(code: number): string {
  return ERROR_NAMES[code] ?? String(code);
}

function settingsOf(payload: Buffer): [number, number][] {
  const list: [number, number][] = [];
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    list.push([payload.readUInt16BE(at), payload.readUInt32BE(at + 2)]);
  }
  return list;
}
