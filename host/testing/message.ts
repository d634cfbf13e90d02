// host/testing/message.ts: a message as it was seen at the other end, and what tests write one as.
import { ByteQueue } from "../base/byte_queue.ts";
import { concatBytes, fromUtf8, utf8Slice } from "../base/bytes.ts";
import { HeaderMap } from "../http/header_map.ts";

/** Headers as tests write them: an object, or pairs when a name comes twice. */
export type HeadersInit = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** Bytes, or text as UTF-8. */
export type BytesInit = string | Uint8Array;

export function toHeaderMap(init: HeadersInit): HeaderMap {
  return HeaderMap.of(init);
}

export function toBytes(init: BytesInit): Uint8Array {
  return typeof init === "string" ? fromUtf8(init) : init;
}

export function toQueue(init: BytesInit): ByteQueue {
  const queue = new ByteQueue();
  queue.push(toBytes(init));
  return queue;
}

/** One message: what has passed the filter so far. */
export class Message {
  /** As they are now, the filter's changes included; null before they came. Values are latin1, as on the wire. */
  headers: HeaderMap | null = null;
  trailers: HeaderMap | null = null;
  /** True once the headers reached the other end: the upstream, or the client. */
  forwarded = false;
  /** True once the whole message did. */
  ended = false;
  readonly #chunks: Uint8Array[] = [];

  /** A header's first value; null when there is none. */
  header(name: string): string | null {
    return this.headers?.get(name) ?? null;
  }

  /** All body bytes that reached the other end. */
  get body(): Uint8Array {
    return concatBytes(this.#chunks, this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  }

  /** The body as text. */
  get text(): string {
    const { body } = this;
    return utf8Slice(body, 0, body.length);
  }

  /** For the harness: bytes have arrived; the queue is left empty. */
  take(data: ByteQueue): void {
    if (data.length > 0) this.#chunks.push(data.toBytes().slice());
    data.clear();
  }

  /** For the harness: forgets bytes, for a message that another one replaces. */
  clear(): void {
    this.headers = null;
    this.trailers = null;
    this.forwarded = false;
    this.ended = false;
    this.#chunks.length = 0;
  }
}
