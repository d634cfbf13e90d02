// host/net/filtered_connection.ts: a connection with filters in front of it, as its terminal filter sees it.
/**
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import { fromLatin1 } from "../base/bytes.ts";
import type { ConnectionInfo } from "../observe/stream_info.ts";
import type { Connection, ConnectionHandler, ConnectionStats } from "./connection_port.ts";
import type { CloseType } from "./filter.ts";
import type { ChainSteps } from "./filter_slot.ts";

/** A connection with filters in front of it, as its terminal filter sees it. */
export class FilteredConnection implements Connection {
  readonly #chain: ChainSteps;
  readonly #outgoing = new ByteQueue();
  /** Bytes for a terminal that does not read now. */
  readonly #incoming = new ByteQueue();
  #incomingEnd = false;
  handler: ConnectionHandler | null = null;
  #readDisableCount = 0;
  #delivering = false;
  #heldBytes = 0;
  #heldAbove = false;
  #raised = 0;
  #halfClose = false;
  #ended = false;
  #writing = false;

  constructor(chain: ChainSteps) {
    this.#chain = chain;
  }

  get info(): ConnectionInfo {
    return this.#chain.connection.info;
  }

  get closed(): boolean {
    return this.#chain.connection.closed;
  }

  get queuedBytes(): number {
    return this.#chain.connection.queuedBytes + this.#heldBytes;
  }

  get wasReset(): boolean {
    return this.#chain.connection.wasReset === true;
  }

  setStats(stats: ConnectionStats): void {
    this.#chain.connection.setStats?.(stats);
  }

  setDelayedCloseTimeoutMs(timeoutMs: number): void {
    this.#chain.connection.setDelayedCloseTimeoutMs?.(timeoutMs);
  }

  setHandler(handler: ConnectionHandler): void {
    this.handler = handler;
    this.#deliver();
  }

  enableHalfClose(enabled: boolean): void {
    this.#halfClose = enabled;
    this.#chain.connection.enableHalfClose(enabled);
  }

  setBufferLimitBytes(limitBytes: number): void {
    this.#chain.limitBytes = limitBytes;
    this.#chain.connection.setBufferLimitBytes(limitBytes);
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || this.closed || bytes.length === 0) return;
    // Who is told of a watermark may write again, in the middle of this.
    const outgoing = this.#writing ? new ByteQueue() : this.#outgoing;
    const outer = this.#writing;
    this.#writing = true;
    outgoing.lend(bytes);
    this.#chain.passUp(Infinity, outgoing, false);
    outgoing.clear();
    this.#writing = outer;
  }

  writeLatin1(text: string): void {
    this.write(fromLatin1(text));
  }

  cork(): void {
    this.#chain.connection.cork();
  }

  uncork(): void {
    this.#chain.connection.uncork();
  }

  end(): void {
    if (this.#ended || this.closed) return;
    this.#ended = true;
    this.#chain.passUp(Infinity, new ByteQueue(), true);
  }

  close(type: CloseType, details?: string): void {
    this.#chain.connection.close(type, details);
  }

  readDisable(disable: boolean): void {
    this.#readDisableCount = Math.max(0, this.#readDisableCount + (disable ? 1 : -1));
    this.#chain.connection.readDisable(disable);
    if (!disable) this.#deliver();
  }

  /** Bytes that passed all filters. */
  receive(bytes: ByteQueue, end: boolean): void {
    if (this.#readDisableCount > 0 || this.handler === null || this.#delivering) {
      bytes.moveTo(this.#incoming);
      this.#incomingEnd ||= end;
      return;
    }
    this.#hand(bytes, end);
  }

  #deliver(): void {
    if (this.#delivering || this.#readDisableCount > 0 || this.handler === null) return;
    if (this.#incoming.length === 0 && !this.#incomingEnd) return;
    const end = this.#incomingEnd;
    this.#incomingEnd = false;
    this.#hand(this.#incoming, end);
  }

  #hand(bytes: ByteQueue, end: boolean): void {
    this.#delivering = true;
    for (;;) {
      const chunk = this.#readDisableCount > 0 || this.closed ? null : bytes.shift();
      if (chunk === null) break;
      this.handler!.onData(chunk);
    }
    this.#delivering = false;
    if (this.closed) return bytes.clear();
    if (this.#readDisableCount > 0) {
      if (bytes !== this.#incoming) bytes.moveTo(this.#incoming);
      this.#incomingEnd ||= end;
    } else if (this.#incoming.length > 0) {
      this.#incomingEnd ||= end;
      this.#deliver();
    } else if (end || this.#incomingEnd) {
      this.#incomingEnd = false;
      if (this.#halfClose) this.handler!.onEnd();
      else this.#chain.connection.enableHalfClose(false); // Closes, as the peer ended.
    }
  }

  /** Filters hold more (or less) of what this side wrote. */
  countHeld(change: number): void {
    const limitBytes = this.#chain.limitBytes;
    this.#heldBytes += change;
    if (!this.#heldAbove) {
      if (limitBytes === 0 || this.#heldBytes <= limitBytes) return;
      this.#heldAbove = true;
      this.raise();
    } else if (this.#heldBytes <= limitBytes / 2) {
      this.#heldAbove = false;
      this.lower();
    }
  }

  /** The socket and the filters each can be above their mark; the terminal hears of it once. */
  raise(): void {
    if (this.#raised++ === 0) this.handler?.onAboveWriteBufferHighWatermark();
  }

  lower(): void {
    if (--this.#raised === 0) this.handler?.onBelowWriteBufferLowWatermark();
  }
}
