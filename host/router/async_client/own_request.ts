// host/router/async_client/own_request.ts: a request that the proxy itself sends, as its sender sees it.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { HeaderMap } from "../../http/header_map.ts";

/** What becomes of it. Nothing comes after the response's end, `onReset`, or `reset()`. */
export interface OwnRequestCallbacks {
  onHeaders(headers: HeaderMap, end: boolean): void;
  /** `data` is lent: what is left in it when the call returns is lost. */
  onData(data: ByteQueue, end: boolean): void;
  onTrailers(trailers: HeaderMap): void;
  /** The response broke off after its head. */
  onReset(): void;
}

export interface OwnRequestOptions {
  /** From the end of the request to that of the response; 0 = no limit. */
  readonly timeoutMs: number;
  /** As much of the request is kept for further attempts, if its cluster wants any; 0: all of it. */
  readonly retryBufferLimitBytes: number;
  /** How many mirrors lie between a client's request and this one; absent: it is no copy. */
  readonly mirrored?: number;
}

/** `start` sends the head; then data and trailers may follow unless it ended the request. */
export interface OwnRequest {
  /** True after the response's end, a reset, or a reply in the upstream's place. */
  readonly isOver: boolean;
  /** False while more is waiting to be sent than may be held. */
  readonly hasRoom: boolean;
  /**
   * Sends the head. Callbacks may come before this returns.
   *
   * @param headers With `:method`, `:path` and `:authority`. Gets a few headers more; the caller gives it away.
   */
  start(headers: HeaderMap, end: boolean): void;
  /** Sends a part of the body, taking it out of `data`. */
  sendData(data: ByteQueue, end: boolean): void;
  /** Ends the request. */
  sendTrailers(trailers: HeaderMap): void;
  /** Ends the exchange; no callback comes after it. */
  reset(): void;
}

/** Whoever sends them. */
export interface OwnRequestSender {
  /** A request to be started; null when there is no such cluster. */
  open(clusterName: string, callbacks: OwnRequestCallbacks, options: OwnRequestOptions): OwnRequest | null;
}
