// host/router/attempts/request_replay.ts: what of a request was sent already, for the case that it is sent again.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { ByteQueue } from "../../base/byte_queue.ts";
import type { HeaderMap } from "../../http/header_map.ts";

/** Body and trailers of a request, up to a limit. */
export class RequestReplay {
  readonly #limitBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #hasBody = false;
  trailers: HeaderMap | null = null;
  /** All of the request is there. */
  complete = false;

  /** `limitBytes` is Infinity for no limit. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes of the body. */
  get length(): number {
    return this.#length;
  }

  /** Keeps a copy of a chunk of the body; false when that would be too much. */
  add(data: ByteQueue): boolean {
    if (this.#length + data.length > this.#limitBytes) return false;
    for (let i = 0; i < data.chunkCount; i++) this.#chunks.push(new Uint8Array(data.chunkAt(i)));
    this.#length += data.length;
    this.#hasBody = true;
    return true;
  }

  /** The body so far, for one more attempt; null where there is none, not even one without a byte. */
  body(): ByteQueue | null {
    if (!this.#hasBody) return null;
    const queue = new ByteQueue();
    for (const chunk of this.#chunks) queue.push(chunk);
    return queue;
  }
}
