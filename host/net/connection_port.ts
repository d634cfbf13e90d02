// host/net/connection_port.ts: a byte-stream connection as codecs and filters use it.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: envoy/network/connection.h
 * @module
 */
import type { ConnectionInfo } from "../observe/stream_info.ts";
import type { CloseType, PeerType } from "./filter.ts";
import type { CounterPort, GaugePort } from "./stats.ts";

/** What a connection counts. @see Envoy: Network::Connection::ConnectionStats */
export interface ConnectionStats {
  readonly rxBytesTotal: CounterPort;
  readonly txBytesTotal: CounterPort;
  readonly txBytesBuffered: GaugePort | null;
  readonly delayedCloseTimeouts: CounterPort | null;
}

/** Who is told of a connection's events. */
export interface ConnectionHandler {
  /** True between messages: what comes next is a head, or nothing for long. */
  readonly betweenMessages?: boolean;
  /** Bytes from the peer, lent for the duration of the call (see `base/read_buffer.ts`). */
  onData(bytes: Uint8Array): void;
  /** The peer sent its end (FIN); bytes may still be written. Comes only with half-close enabled. */
  onEnd(): void;
  /** The connection is gone. Comes once, nothing comes after it. `details` explains, for example a TLS alert. */
  onClose(by: PeerType, details: string): void;
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

/** One accepted or dialled byte stream. Calls after the close do nothing. */
export interface Connection {
  readonly info: ConnectionInfo;
  readonly closed: boolean;
  /** Bytes queued for the peer and not yet taken by the system. */
  readonly queuedBytes: number;
  setHandler(handler: ConnectionHandler): void;
  /** With half-close the peer's FIN comes as `onEnd`; without (the default) it closes the connection. */
  enableHalfClose(enabled: boolean): void;
  write(bytes: Uint8Array): void;
  /** Writes text of which every character is one byte. */
  writeLatin1(text: string): void;
  cork(): void;
  uncork(): void;
  /** Sends FIN after what is queued; reading goes on. */
  end(): void;
  close(type: CloseType, details?: string): void;
  /** Stops (true) or goes on (false) reading; calls nest. */
  readDisable(disable: boolean): void;
  /** Queued bytes above which `onAboveWriteBufferHighWatermark` comes; below half of it the low one. 0 = never. */
  setBufferLimitBytes(limitBytes: number): void;
  /** True when the peer reset the connection instead of ending it. */
  readonly wasReset?: boolean;
  /** Counts bytes from here on. */
  setStats?(stats: ConnectionStats): void;
  /** How long a close may wait for the peer without progress; 0: as long as it takes. 1 s when never set. */
  setDelayedCloseTimeoutMs?(timeoutMs: number): void;
}
