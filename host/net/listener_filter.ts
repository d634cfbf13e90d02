// host/net/listener_filter.ts: filters that look at a connection before its filter chain is chosen.
/**
 * A listener filter sees the first bytes without taking them: tls_inspector reads the server name,
 * proxy_protocol the real peer. What they find is what filter chains are matched by.
 *
 * @see Envoy: envoy/network/listener_filter.h, source/common/listener_manager/active_tcp_socket.h
 * @module
 */
import { concatBytes, EMPTY_BYTES } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { SocketConnectionInfo } from "./connection_info.ts";
import type { Socket } from "./socket.ts";

export const ListenerFilterStatus = {
  /** Done; the next filter may look. */
  Continue: 0,
  /** More bytes are needed. */
  StopIteration: 1,
  /** The connection is not wanted. */
  Close: 2,
} as const;
export type ListenerFilterStatus = (typeof ListenerFilterStatus)[keyof typeof ListenerFilterStatus];

/** An accepted socket as listener filters see it. */
export interface AcceptedSocket {
  readonly info: SocketConnectionInfo;
  /** What filter chains match as `transport_protocol`; `raw_buffer` until a filter knows better. */
  transportProtocol: string;
  applicationProtocols: readonly string[];
  /** Takes `count` bytes of those just seen away from who comes after. */
  consume(count: number): void;
}

export interface ListenerFilter {
  /** Most bytes it looks at; 0 when it wants none. */
  readonly maxReadBytes: number;
  onAccept?(socket: AcceptedSocket): ListenerFilterStatus;
  /** `bytes` are all that came and nobody consumed. */
  onData?(bytes: Uint8Array, socket: AcceptedSocket): ListenerFilterStatus;
}

/** Makes a filter; once per connection, on a worker. */
export type ListenerFilterFactory = () => ListenerFilter;

/** How looking at a connection ended. */
export type ListenerFiltersResult = "done" | "timeout" | "closed_by_filter" | "closed_by_peer" | "too_much";

/** Runs the listener filters of one accepted, paused socket. */
export class ListenerFilterRun implements AcceptedSocket {
  readonly info: SocketConnectionInfo;
  transportProtocol = "raw_buffer";
  applicationProtocols: readonly string[] = [];
  readonly #socket: Socket;
  readonly #filters: readonly ListenerFilter[];
  readonly #onDone: (run: ListenerFilterRun, result: ListenerFiltersResult) => void;
  readonly #timer: Timer | null;
  #bytes: Uint8Array = EMPTY_BYTES;
  #index = 0;
  #accepted = false;
  #done = false;

  /** `timeoutMs` 0: for ever. `onDone` comes once, maybe before `start` returns. */
  constructor(
    socket: Socket,
    info: SocketConnectionInfo,
    filters: readonly ListenerFilter[],
    options: {
      readonly clock: Clock;
      readonly timeoutMs: number;
      onDone(run: ListenerFilterRun, result: ListenerFiltersResult): void;
    },
  ) {
    this.info = info;
    this.#socket = socket;
    this.#filters = filters;
    this.#onDone = options.onDone;
    this.#timer = options.timeoutMs > 0 ? options.clock.createTimer(() => this.#finish("timeout")) : null;
    this.#timer?.enable(options.timeoutMs);
  }

  get socket(): Socket {
    return this.#socket;
  }

  start(): void {
    this.#iterate();
    if (this.#done) return;
    this.#socket.on("data", this.#onBytes);
    this.#socket.on("end", this.#onGone);
    this.#socket.on("close", this.#onGone);
    this.#socket.resume();
  }

  consume(count: number): void {
    this.#bytes = this.#bytes.subarray(Math.min(count, this.#bytes.length));
  }

  /** Ends the run without a result; the caller destroys the socket. */
  cancel(): void {
    this.#done = true;
    this.#timer?.disable();
    this.#detach();
  }

  readonly #onBytes = (bytes: Uint8Array): void => {
    this.#bytes = this.#bytes.length === 0
      ? bytes
      : concatBytes([this.#bytes, bytes], this.#bytes.length + bytes.length);
    this.#iterate();
  };

  readonly #onGone = (): void => this.#finish("closed_by_peer");

  #iterate(): void {
    while (this.#index < this.#filters.length) {
      const filter = this.#filters[this.#index]!;
      let status: ListenerFilterStatus = ListenerFilterStatus.StopIteration;
      if (!this.#accepted) {
        this.#accepted = true;
        status = filter.onAccept?.(this) ??
          (filter.maxReadBytes > 0 ? ListenerFilterStatus.StopIteration : ListenerFilterStatus.Continue);
      }
      if (status === ListenerFilterStatus.StopIteration) {
        if (this.#bytes.length === 0) return;
        status = filter.onData === undefined ? ListenerFilterStatus.Continue : this.#offer(filter);
        if (status === ListenerFilterStatus.StopIteration) {
          if (this.#bytes.length >= filter.maxReadBytes) this.#finish("too_much");
          return;
        }
      }
      if (status === ListenerFilterStatus.Close) return this.#finish("closed_by_filter");
      this.#index++;
      this.#accepted = false;
    }
    this.#finish("done");
  }

  #offer(filter: ListenerFilter): ListenerFilterStatus {
    const limit = filter.maxReadBytes;
    const seen = this.#bytes.length > limit ? this.#bytes.subarray(0, limit) : this.#bytes;
    return filter.onData!(seen, this);
  }

  #finish(result: ListenerFiltersResult): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer?.disable();
    this.#detach();
    // Who comes next reads the same bytes again.
    if ((result === "done" || result === "timeout") && this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
    this.#onDone(this, result);
  }

  #detach(): void {
    this.#socket.off("data", this.#onBytes);
    this.#socket.off("end", this.#onGone);
    this.#socket.off("close", this.#onGone);
    this.#socket.pause();
  }
}
