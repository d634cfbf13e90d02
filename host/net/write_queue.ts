// host/net/write_queue.ts: bytes on their way into a socket.
// hot: runs per write; see bench/micro/connection.bench.ts
/**
 * Gathers small writes into one and keeps lent read buffers from being used again until the system has
 * taken their bytes. `queuedBytes` counts what the system has not taken, at once where the runtime knows.
 *
 * @see Envoy: source/common/network/connection_impl.cc (write_buffer_)
 * @module
 */
import { allocUnsafe, fromLatin1, latin1Slice, latin1Write, prefersTextWrites } from "../base/bytes.ts";
import { keepBytes, lender, type ReadBuffer } from "../base/read_buffer.ts";
import { SMALL_WRITE_BYTES } from "./dispatch.ts";
import type { Socket } from "./socket.ts";

/** Up to this many bytes several writes are copied into one; above, they are handed over as a list. */
const JOIN_LIMIT_BYTES = 16 * 1024;

export interface WriteQueueOwner {
  /** The system took bytes later than at `flush`. */
  onWriteProgress(): void;
}

export class WriteQueue {
  readonly #socket: Socket;
  readonly #owner: WriteQueueOwner;
  /** Not yet given to the socket. */
  #chunks: (Uint8Array | string)[] = [];
  #chunkHolds: (ReadBuffer | null)[] = [];
  #pendingBytes = 0;
  /** Given to the socket, oldest first; the system has not taken them. */
  #sizes: number[] = [];
  #holds: (ReadBuffer | null)[] = [];
  #socketBytes = 0;
  /** Callbacks still to come for writes that are known to be done. */
  #settledCallbacks = 0;
  #abandoned = false;
  readonly #onWritten: () => void;

  constructor(socket: Socket, owner: WriteQueueOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#onWritten = () => this.#written();
  }

  /** Bytes that `flush` would give to the socket. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** All bytes that the system has not taken. */
  get queuedBytes(): number {
    return this.#pendingBytes + this.#socketBytes;
  }

  push(bytes: Uint8Array): void {
    let holder = lender(bytes);
    if (holder === null) this.#chunks.push(bytes);
    else if (holder.shared || bytes.length <= SMALL_WRITE_BYTES) {
      // These wait for the end of the turn, and their buffer is to be read into before that.
      const asText = prefersTextWrites && bytes.length <= SMALL_WRITE_BYTES;
      this.#chunks.push(asText ? latin1Slice(bytes, 0, bytes.length) : keepBytes(bytes));
      holder = null;
    } else {
      holder.hold();
      this.#chunks.push(bytes);
    }
    this.#chunkHolds.push(holder);
    this.#pendingBytes += bytes.length;
  }

  pushLatin1(text: string): void {
    this.#chunks.push(text);
    this.#chunkHolds.push(null);
    this.#pendingBytes += text.length;
  }

  /** Gives everything to the socket. */
  flush(): void {
    const count = this.#chunks.length;
    if (count === 0) return;
    const chunks = this.#chunks;
    const holds = this.#chunkHolds;
    const total = this.#pendingBytes;
    this.#pendingBytes = 0;
    if (count === 1) {
      const chunk = chunks[0]!;
      const hold = holds[0]!;
      chunks.length = 0;
      holds.length = 0;
      this.#give(typeof chunk === "string" && !prefersTextWrites ? fromLatin1(chunk) : chunk, hold);
    } else if (total <= JOIN_LIMIT_BYTES) {
      const joined = prefersTextWrites && total <= SMALL_WRITE_BYTES ? joinText(chunks) : join(chunks, total);
      for (let i = 0; i < count; i++) holds[i]?.release();
      chunks.length = 0;
      holds.length = 0;
      this.#give(joined, null);
    } else {
      this.#chunks = [];
      this.#chunkHolds = [];
      this.#socket.cork();
      for (let i = 0; i < count; i++) {
        const chunk = chunks[i]!;
        this.#give(typeof chunk === "string" ? fromLatin1(chunk) : chunk, holds[i]!);
      }
      this.#socket.uncork();
    }
    if (this.#socketBytes > 0 && this.#socket.writableLength === 0) this.#settle();
  }

  /** The socket is gone. Buffers that it may still refer to are never used again. */
  abandon(): void {
    this.#abandoned = true;
    this.#chunks = [];
    this.#chunkHolds = [];
    this.#sizes = [];
    this.#holds = [];
    this.#pendingBytes = 0;
    this.#socketBytes = 0;
  }

  #give(bytes: Uint8Array | string, hold: ReadBuffer | null): void {
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1", this.#onWritten);
    else this.#socket.write(bytes, this.#onWritten);
    if (this.#sizes.length === 0 && this.#socket.writableLength === 0) {
      // The system has it; the callback only says so again.
      this.#settledCallbacks++;
      hold?.release();
      return;
    }
    this.#sizes.push(bytes.length);
    this.#holds.push(hold);
    this.#socketBytes += bytes.length;
  }

  /** Everything that was given to the socket went through. */
  #settle(): void {
    this.#settledCallbacks += this.#sizes.length;
    for (let i = 0; i < this.#holds.length; i++) this.#holds[i]?.release();
    this.#sizes.length = 0;
    this.#holds.length = 0;
    this.#socketBytes = 0;
  }

  #written(): void {
    if (this.#settledCallbacks > 0) {
      this.#settledCallbacks--;
      return;
    }
    if (this.#abandoned || this.#sizes.length === 0) return;
    this.#socketBytes -= this.#sizes.shift()!;
    this.#holds.shift()?.release();
    this.#owner.onWriteProgress();
  }
}

/** Heads and small bodies as one text: no buffer is made for them. */
function joinText(chunks: readonly (Uint8Array | string)[]): string {
  let all = "";
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i]!;
    all += typeof chunk === "string" ? chunk : latin1Slice(chunk, 0, chunk.length);
  }
  return all;
}

function join(chunks: readonly (Uint8Array | string)[], total: number): Uint8Array {
  const all = allocUnsafe(total);
  let offset = 0;
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i]!;
    if (typeof chunk === "string") latin1Write(all, chunk, offset);
    else all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
