// host/http/grpc_frames.ts: gRPC messages in a body, each behind five bytes.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Length-Prefixed-Message)
 * @see Envoy: source/common/grpc/codec.cc
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";

/** Bytes before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** A message with its prefix. */
export function encodeGrpcFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** What a body holds that is not a message that can be read. */
export type GrpcFrameProblem = "compressed" | "malformed" | "too_large";

/** Takes a body in parts and gives its messages. */
export class GrpcFrameDecoder {
  readonly #limitBytes: number;
  readonly #input: ByteQueue = new ByteQueue();
  #needBytes = PREFIX_BYTES;
  #inMessage = false;

  /** `limitBytes`: the largest message. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** True between the first byte of a frame and its last. */
  get isInFrame(): boolean {
    return this.#inMessage || this.#input.length > 0;
  }

  /** Takes the bytes out of `data`; messages that are whole go to `onMessage`. False from there ends it early. */
  decode(data: ByteQueue, onMessage: (message: Uint8Array) => boolean): GrpcFrameProblem | null {
    data.moveTo(this.#input);
    while (this.#input.length >= this.#needBytes) {
      const bytes = this.#needBytes === 0 ? EMPTY_BYTES : this.#take();
      if (this.#inMessage) {
        this.#inMessage = false;
        this.#needBytes = PREFIX_BYTES;
        if (!onMessage(bytes)) return null;
        continue;
      }
      if (bytes[0]! > 1) return "malformed";
      if (bytes[0] === 1) return "compressed";
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
      if (length > this.#limitBytes) return "too_large";
      this.#inMessage = true;
      this.#needBytes = length;
    }
    return null;
  }

  #take(): Uint8Array {
    const bytes = new Uint8Array(this.#needBytes);
    this.#input.copyTo(bytes, 0, 0, bytes.length);
    this.#input.drain(this.#needBytes);
    return bytes;
  }
}
