// host/net/connection.ts: a connection over a socket.
// hot: runs per read and per write; see bench/micro/connection.bench.ts
/**
 * One class for accepted and dialled, plain and encrypted byte streams on both runtimes. It adds to a socket
 * what a proxy needs: gathered writes, watermarks, nested pausing, half-close as a choice, ways to close that
 * end in bounded time, and one `onClose` for every way in which a connection can end.
 *
 * Reading begins with the first `setHandler`. `close` can call `onClose` before it returns.
 *
 * @see Envoy: source/common/network/connection_impl.cc
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Connection, ConnectionHandler, ConnectionStats } from "./connection_port.ts";
import type { SocketConnectionInfo } from "./connection_info.ts";
import { concatBytes } from "../base/bytes.ts";
import { keepBytes } from "../base/read_buffer.ts";
import { enterDispatch, flushLater, inDispatch, leaveDispatch } from "./dispatch.ts";
import { CloseType, PeerType } from "./filter.ts";
import type { ReadLane } from "./read_lane.ts";
import { errorCode, errorText, resetSocket, type Socket } from "./socket.ts";
import { WriteQueue } from "./write_queue.ts";

/** How long a closing connection waits for its peer. @see Envoy: delayed_close_timeout */
const DEFAULT_DELAYED_CLOSE_TIMEOUT_MS = 1000;
/** So many gathered bytes go out although more may follow. */
const GATHER_LIMIT_BYTES = 64 * 1024;

const OWNER = Symbol("connection");

type OwnedSocket = Socket & { [OWNER]: SocketConnection };

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly info: SocketConnectionInfo;
  /** Present when the socket reads into large buffers (`dial.ts`); else it is read by events. */
  readonly readLane?: ReadLane;
  /** 0: `FlushWriteAndDelay` does not wait, and flushing may take for ever. */
  readonly delayedCloseTimeoutMs?: number;
  /** Told once, after the handler, that the connection is gone. */
  readonly onClosed?: (connection: SocketConnection) => void;
  /** Told of an error that a handler threw; the connection was reset. Absent: the error is thrown on. */
  readonly onBug?: (error: unknown) => void;
}

export class SocketConnection implements Connection {
  readonly info: SocketConnectionInfo;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #lane: ReadLane | null;
  readonly #writes: WriteQueue;
  readonly #onClosed: ((connection: SocketConnection) => void) | null;
  readonly #onBug: ((error: unknown) => void) | null;
  #delayedCloseTimeoutMs: number;
  #handler: ConnectionHandler | null = null;
  #stats: ConnectionStats | null = null;
  #countedQueue = 0;
  #closeTimer: Timer | null = null;
  #limitBytes = 0;
  #aboveHighWatermark = false;
  #readDisableCount = 0;
  #corks = 0;
  #waitsForFlush = false;
  #halfClose = false;
  /** `close` was called or the connection is gone. */
  #closing = false;
  #gone = false;
  #discardInput = false;
  #destroyWhenFlushed = false;
  #ended = false;
  #finished = false;
  #peerEnded = false;
  #error: unknown = null;
  /** Bytes that came while reading was off. */
  #early: Uint8Array | null = null;

  /** Takes over `socket`, which is connected and comes from `socket.ts`. */
  constructor(socket: Socket, options: ConnectionOptions) {
    this.info = options.info;
    this.#socket = socket;
    this.#clock = options.clock;
    this.#lane = options.readLane ?? null;
    this.#onClosed = options.onClosed ?? null;
    this.#onBug = options.onBug ?? null;
    this.#delayedCloseTimeoutMs = options.delayedCloseTimeoutMs ?? DEFAULT_DELAYED_CLOSE_TIMEOUT_MS;
    this.#writes = new WriteQueue(socket, this);
    (socket as OwnedSocket)[OWNER] = this;
    socket.pause();
    if (this.#lane === null) socket.on("data", SocketConnection.#onSocketData);
    else this.#lane.attach(this);
    socket.on("end", SocketConnection.#onSocketEnd);
    socket.on("finish", SocketConnection.#onSocketFinish);
    socket.on("error", SocketConnection.#onSocketError);
    socket.on("close", SocketConnection.#onSocketClosed);
  }

  // Listeners find their connection by the socket: of functions of its own each would need five.

  static #onSocketData(this: Socket, bytes: Uint8Array): void {
    (this as OwnedSocket)[OWNER].onBytes(bytes);
  }

  static #onSocketEnd(this: Socket): void {
    (this as OwnedSocket)[OWNER].#onPeerEnd();
  }

  static #onSocketFinish(this: Socket): void {
    (this as OwnedSocket)[OWNER].#onFinish();
  }

  static #onSocketError(this: Socket, error: unknown): void {
    (this as OwnedSocket)[OWNER].#error ??= error;
  }

  static #onSocketClosed(this: Socket): void {
    (this as OwnedSocket)[OWNER].#onSocketClose();
  }

  get closed(): boolean {
    return this.#closing;
  }

  get betweenMessages(): boolean {
    return this.#handler?.betweenMessages === true;
  }

  get queuedBytes(): number {
    return this.#writes.queuedBytes;
  }

  /** Bytes that wait for `flush`. */
  get pendingBytes(): number {
    return this.#writes.pendingBytes;
  }

  /** True when the peer reset the connection instead of ending it. */
  get wasReset(): boolean {
    const code = errorCode(this.#error);
    return code === "ECONNRESET" || code === "EPIPE";
  }

  /** The socket below, for a transport that is put on top of it. */
  get socket(): Socket {
    return this.#socket;
  }

  setHandler(handler: ConnectionHandler): void {
    const first = this.#handler === null;
    this.#handler = handler;
    if (first && this.#readDisableCount === 0 && !this.#closing) this.#resumeReading();
  }

  setStats(stats: ConnectionStats): void {
    this.#stats = stats;
  }

  setDelayedCloseTimeoutMs(timeoutMs: number): void {
    this.#delayedCloseTimeoutMs = timeoutMs;
  }

  enableHalfClose(enabled: boolean): void {
    this.#halfClose = enabled;
    if (!enabled && this.#peerEnded && !this.#closing) {
      this.#socket.destroy();
      this.#finish(PeerType.Remote, "");
    }
  }

  setBufferLimitBytes(limitBytes: number): void {
    this.#limitBytes = limitBytes;
    this.#checkWatermarks();
  }

  readDisable(disable: boolean): void {
    if (this.#closing) return;
    if (disable) {
      if (this.#readDisableCount++ === 0) this.#socket.pause();
    } else if (this.#readDisableCount > 0 && --this.#readDisableCount === 0 && this.#handler !== null) {
      this.#resumeReading();
    }
  }

  /** Bytes that came when nobody read come first, and not before the caller is done. */
  #resumeReading(): void {
    if (this.#early === null) return void this.#socket.resume();
    queueMicrotask(() => {
      const bytes = this.#early;
      if (bytes === null || this.#readDisableCount > 0 || this.#gone) return;
      this.#early = null;
      this.#deliver(bytes);
      if (this.#readDisableCount === 0 && !this.#gone && !this.#discardInput) this.#socket.resume();
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#closing || this.#ended || bytes.length === 0) return;
    this.#writes.push(bytes);
    this.#afterWrite(bytes.length);
  }

  writeLatin1(text: string): void {
    if (this.#closing || this.#ended || text.length === 0) return;
    this.#writes.pushLatin1(text);
    this.#afterWrite(text.length);
  }

  cork(): void {
    this.#corks++;
  }

  uncork(): void {
    if (this.#corks > 0 && --this.#corks === 0) this.#flushSoon();
  }

  /** Gives gathered writes to the system. Called at the end of an event, see `dispatch.ts`. */
  flush(): void {
    this.#waitsForFlush = false;
    if (this.#gone || this.#corks > 0) return;
    this.#writes.flush();
    this.#checkWatermarks();
  }

  end(): void {
    if (this.#closing || this.#ended) return;
    this.#endWrites();
  }

  close(type: CloseType, details: string = ""): void {
    if (this.#closing) {
      // Someone who waits for a flush may lose patience.
      if (!this.#gone && type !== CloseType.FlushWrite && type !== CloseType.FlushWriteAndDelay) this.#abort(type);
      return;
    }
    this.#closing = true;
    this.info.localCloseReason = details;
    if (type === CloseType.AbortReset) return this.#abort(type);
    this.#endWrites();
    const wait = type === CloseType.FlushWriteAndDelay && this.#delayedCloseTimeoutMs > 0 && !this.#peerEnded;
    if (type === CloseType.NoFlush || (!wait && this.#writes.queuedBytes === 0)) return this.#abort(type);
    this.#destroyWhenFlushed = !wait;
    this.#discardInput = true;
    if (wait) this.#socket.resume();
    else this.#socket.pause();
    this.#armCloseTimer();
  }

  /** Bytes from the peer; false stops reading. */
  onBytes(bytes: Uint8Array): boolean {
    if (this.#discardInput || this.#gone) return true;
    this.#stats?.rxBytesTotal.add(bytes.length);
    // A socket that is resumed and paused in one turn reads once more: what it read waits here.
    if (this.#readDisableCount > 0 || this.#handler === null) {
      const kept = keepBytes(bytes);
      this.#early = this.#early === null ? kept : concatBytes([this.#early, kept], this.#early.length + kept.length);
      return false;
    }
    this.#deliver(bytes);
    return this.#readDisableCount === 0;
  }

  #deliver(bytes: Uint8Array): void {
    enterDispatch();
    try {
      this.#handler!.onData(bytes);
    } catch (error) {
      this.#onHandlerError(error);
    } finally {
      leaveDispatch();
    }
  }

  #afterWrite(length: number): void {
    this.#stats?.txBytesTotal.add(length);
    if (this.#writes.pendingBytes >= GATHER_LIMIT_BYTES) this.#writes.flush();
    else this.#flushSoon();
    if (this.#limitBytes > 0 || this.#stats !== null) this.#checkWatermarks();
  }

  #flushSoon(): void {
    if (this.#corks > 0 || this.#waitsForFlush) return;
    if (inDispatch()) {
      this.#waitsForFlush = true;
      flushLater(this);
    } else if (!this.#gone) {
      this.#writes.flush();
      this.#checkWatermarks();
    }
  }

  #endWrites(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#writes.flush();
    this.#socket.end();
  }

  #checkWatermarks(): void {
    const queued = this.#writes.queuedBytes;
    const buffered = this.#stats?.txBytesBuffered;
    if (buffered && queued !== this.#countedQueue) {
      buffered.add(queued - this.#countedQueue);
      this.#countedQueue = queued;
    }
    if (this.#closing || this.#handler === null) return;
    if (!this.#aboveHighWatermark) {
      if (this.#limitBytes > 0 && queued > this.#limitBytes) {
        this.#aboveHighWatermark = true;
        this.#notify("onAboveWriteBufferHighWatermark");
      }
    } else if (queued <= this.#limitBytes / 2 || this.#limitBytes === 0) {
      this.#aboveHighWatermark = false;
      this.#notify("onBelowWriteBufferLowWatermark");
    }
  }

  #notify(event: "onEnd" | "onAboveWriteBufferHighWatermark" | "onBelowWriteBufferLowWatermark"): void {
    enterDispatch();
    try {
      this.#handler![event]();
    } catch (error) {
      this.#onHandlerError(error);
    } finally {
      leaveDispatch();
    }
  }

  /** From the queue of writes. */
  onWriteProgress(): void {
    if (this.#gone) return;
    if (this.#closing) this.#closeTimer?.enable(this.#delayedCloseTimeoutMs);
    this.#checkWatermarks();
  }

  #onFinish(): void {
    this.#finished = true;
    if (this.#gone) return;
    if (this.#destroyWhenFlushed || (this.#closing && this.#peerEnded)) {
      this.#socket.destroy();
      this.#finish(PeerType.Local, this.info.localCloseReason);
    } else if (this.#peerEnded) {
      this.#socket.destroy();
      this.#finish(PeerType.Local, "");
    }
  }

  #onPeerEnd(): void {
    if (this.#gone) return;
    this.#peerEnded = true;
    if (this.#closing) {
      // A peer that closed needs no more waiting, once it has everything.
      if (this.#finished) {
        this.#socket.destroy();
        this.#finish(PeerType.Local, this.info.localCloseReason);
      }
    } else {
      if (this.#halfClose) this.#notify("onEnd");
      if (this.#closing || (this.#halfClose && !this.#finished)) return;
      this.#socket.destroy();
      this.#finish(PeerType.Remote, "");
    }
  }

  #onSocketClose(): void {
    if (this.#gone) return;
    const local = this.#closing && this.#error === null;
    this.#closing = true;
    const details = local ? this.info.localCloseReason : this.#error === null ? "" : errorText(this.#error);
    this.#finish(local ? PeerType.Local : PeerType.Remote, details);
  }

  #armCloseTimer(): void {
    if (this.#delayedCloseTimeoutMs === 0) return;
    this.#closeTimer = this.#clock.createTimer(() => {
      this.#stats?.delayedCloseTimeouts?.inc();
      this.#socket.destroy();
      this.#finish(PeerType.Local, this.info.localCloseReason);
    });
    this.#closeTimer.enable(this.#delayedCloseTimeoutMs);
  }

  /** Ends the socket now. */
  #abort(type: CloseType): void {
    if (type === CloseType.AbortReset) resetSocket(this.#socket);
    else this.#socket.destroy();
    this.#finish(PeerType.Local, this.info.localCloseReason);
  }

  /** The one way out. */
  #finish(by: PeerType, details: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#closing = true;
    this.#closeTimer?.disable();
    this.#lane?.close();
    this.#writes.abandon();
    this.#checkWatermarks();
    const handler = this.#handler;
    enterDispatch();
    try {
      handler?.onClose(by, details);
    } catch (error) {
      this.#onHandlerError(error);
    } finally {
      leaveDispatch();
      this.#onClosed?.(this);
    }
  }

  #onHandlerError(error: unknown): void {
    this.close(CloseType.AbortReset, "internal error");
    if (this.#onBug === null) throw error;
    this.#onBug(error);
  }
}
