// host/net/filter.ts: the one shape of a network filter, native or WebAssembly.
// pure: no I/O, no clock, no runtime globals
/**
 * Method names and meanings are proxy-wasm's. A filter sees one downstream connection; `NetworkFilterStream`
 * is everything that it may do. The last filter of a chain is terminal: it consumes the bytes.
 *
 * @see Envoy: envoy/network/filter.h
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { StreamInfo } from "../observe/stream_info.ts";

export const StreamStatus = { Continue: 0, StopIteration: 1 } as const;
export type StreamStatus = (typeof StreamStatus)[keyof typeof StreamStatus];

/** Who closed a connection. */
export const PeerType = { Unknown: 0, Local: 1, Remote: 2 } as const;
export type PeerType = (typeof PeerType)[keyof typeof PeerType];

/** What every network filter is. A method that is absent means "continue". */
export interface NetworkFilter {
  onNewConnection?(): StreamStatus;
  /** `data` holds everything not yet passed on; a filter that stops sees it again with what comes next. */
  onDownstreamData?(data: ByteQueue, end: boolean): StreamStatus;
  /** Bytes on their way to the client. */
  onUpstreamData?(data: ByteQueue, end: boolean): StreamStatus;
  onDownstreamClose?(by: PeerType): void;
  onUpstreamClose?(by: PeerType): void;
  onDone?(): void;
  onLog?(): void;
  /** Always comes, once, last. */
  onDestroy?(): void;
}

/** How a connection is closed. @see Envoy: envoy/network/connection.h ConnectionCloseType */
export const CloseType = {
  /** Sends what is queued first. */
  FlushWrite: "flush_write",
  /** The same, then waits up to `delayed_close_timeout` for the peer to close. */
  FlushWriteAndDelay: "flush_write_and_delay",
  NoFlush: "no_flush",
  /** Resets the connection (RST). */
  AbortReset: "abort_reset",
} as const;
export type CloseType = (typeof CloseType)[keyof typeof CloseType];

/** What a network filter may do to its connection. */
export interface NetworkFilterStream {
  readonly info: StreamInfo;
  readonly clock: Clock;
  /** Goes on after `StopIteration` from `onNewConnection` or `onDownstreamData`. */
  continueReading(): void;
  /** Goes on after `StopIteration` from `onUpstreamData`. */
  continueWriting(): void;
  close(type: CloseType, details: string): void;
  /** What the terminal filter does: bytes for the client, through the filters in reverse order. */
  write(data: ByteQueue, end: boolean): void;
  /** Stops or goes on reading from the client; calls nest. */
  readDisable(disable: boolean): void;
  /** Told when the client is slower than the upstream; one low for each high. */
  setWatermarkCallbacks(
    callbacks: { onAboveWriteBufferHighWatermark(): void; onBelowWriteBufferLowWatermark(): void } | null,
  ): void;
  /** Tells the other filters that the upstream connection ended. */
  notifyUpstreamClose(by: PeerType): void;
}

/** Makes a connection's filter; runs once per connection on a worker. Null leaves the filter out. */
export type NetworkFilterFactory = (stream: NetworkFilterStream) => NetworkFilter | null;
