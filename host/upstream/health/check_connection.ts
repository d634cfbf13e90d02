// host/upstream/health/check_connection.ts: a connection that requests which check a host are sent on.
// pure: no I/O, no clock, no runtime globals
/**
 * Belongs to no pool, and its bytes are not the cluster's traffic; hosts report their load over one, too. A stream
 * that is asked for before the connection is there begins with it.
 *
 * @see Envoy: source/common/http/codec_client.cc
 * @module
 */
import {
  type ClientCodec,
  type ClientCodecCallbacks,
  type RequestEncoder,
  type ResponseDecoder,
  type StreamCallbacks,
  StreamResetReason,
} from "../../http/codec.ts";
import type { Connection, ConnectionHandler } from "../../net/connection_port.ts";
import { CloseType, type PeerType } from "../../net/filter.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { DialCallbacks, DialHandle } from "../conn_pool/dialer.ts";
import type { Host } from "../host.ts";
import type { ProbeEnvironment } from "./probe.ts";

/** One request and its response. */
export interface CheckStream extends ResponseDecoder, StreamCallbacks {
  /** The connection is there: the request is to be sent. */
  onReady(encoder: RequestEncoder): void;
}

export interface CheckConnectionCallbacks {
  onGoAway(errorCode: number): void;
  /** The connection is gone, or did not come about; its streams were told before. */
  onClosed(): void;
}

/** What such connections are made with. */
export type CheckConnectionEnvironment = Pick<ProbeEnvironment, "cluster" | "createClientCodec">;

/** Connects to where a host wants to be checked. There is no time limit: who waits for a check has one. */
export function dialForCheck(
  { cluster }: CheckConnectionEnvironment,
  host: Host,
  callbacks: DialCallbacks,
  address: SocketAddress = host.healthCheckAddress,
): DialHandle {
  const { plan } = cluster;
  return cluster.dialer.dial({
    address,
    alternatives: address === host.address ? host.additionalAddresses : [],
    connectTimeoutMs: Infinity,
    bufferLimitBytes: plan.perConnectionBufferLimitBytes,
    connection: plan.connection,
    transport: null,
    stats: null,
  }, callbacks);
}

export class CheckConnection implements ConnectionHandler, ClientCodecCallbacks, DialCallbacks {
  readonly #environment: CheckConnectionEnvironment;
  readonly #protocol: "HTTP/1.1" | "HTTP/2";
  readonly #callbacks: CheckConnectionCallbacks;
  readonly #dial: DialHandle;
  #waiting: CheckStream | null = null;
  #connection: Connection | null = null;
  #codec: ClientCodec | null = null;
  #closed = false;
  #dispatching = false;
  #closesSoon = false;

  constructor(
    environment: CheckConnectionEnvironment,
    host: Host,
    protocol: "HTTP/1.1" | "HTTP/2",
    callbacks: CheckConnectionCallbacks,
    address?: SocketAddress,
  ) {
    this.#environment = environment;
    this.#protocol = protocol;
    this.#callbacks = callbacks;
    this.#dial = dialForCheck(environment, host, this, address);
  }

  /** True while another request may follow. */
  get reusable(): boolean {
    return this.#codec?.reusable ?? false;
  }

  newStream(stream: CheckStream): void {
    if (this.#codec === null) this.#waiting = stream;
    else stream.onReady(this.#codec.newStream(stream));
  }

  /** Ends the connection; an open stream is reset. */
  close(): void {
    if (this.#closed) return;
    if (this.#connection !== null) return this.#connection.close(CloseType.NoFlush);
    this.#dial.cancel();
    this.#end(StreamResetReason.ConnectionTermination);
  }

  /** Ends the connection once the bytes that are being looked at are looked at. */
  closeSoon(): void {
    if (this.#dispatching) this.#closesSoon = true;
    else this.close();
  }

  #end(reason: StreamResetReason): void {
    if (this.#closed) return;
    this.#closed = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.onResetStream(reason, "");
    this.#codec?.onConnectionClosed(reason, "");
    this.#callbacks.onClosed();
  }

  // DialCallbacks

  onConnected(connection: Connection): void {
    const { cluster, createClientCodec } = this.#environment;
    this.#connection = connection;
    this.#codec = createClientCodec(connection, this, { ...cluster.plan.http, protocol: this.#protocol }, cluster);
    connection.setHandler(this);
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) waiting.onReady(this.#codec.newStream(waiting));
  }

  onFailure(): void {
    this.#end(StreamResetReason.RemoteConnectionFailure);
  }

  // ConnectionHandler

  onData(bytes: Uint8Array): void {
    this.#dispatching = true;
    const error = this.#codec!.dispatch(bytes);
    this.#dispatching = false;
    if (this.#closed) return;
    if (error !== null) this.#environment.cluster.stats.upstreamCxProtocolError.inc();
    if (error !== null || this.#closesSoon) this.close();
  }

  onEnd(): void {}

  onClose(_by: PeerType): void {
    this.#end(StreamResetReason.ConnectionTermination);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#codec!.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#codec!.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  }

  // ClientCodecCallbacks

  onGoAway(errorCode: number): void {
    if (!this.#closed) this.#callbacks.onGoAway(errorCode);
  }

  onStreamClosed(): void {}
  onMaxStreamsChanged(): void {}
}
