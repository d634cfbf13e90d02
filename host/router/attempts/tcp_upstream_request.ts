// host/router/attempts/tcp_upstream_request.ts: one attempt of which the upstream speaks no HTTP: a tunnel of bytes.
// pure: no I/O, no clock, no runtime globals
/**
 * CONNECT with a `connect_config`, and POST where that allows it: the request's body goes to the upstream as it
 * is, and what the upstream sends is the response's body. The proxy itself answers 200 as soon as there is a
 * connection. One end of the connection is the end of one message.
 *
 * @see Envoy: source/extensions/upstreams/http/tcp/upstream_request.cc TcpUpstream
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { StreamResetReason } from "../../http/codec.ts";
import { writeAll } from "../../http/h1/serializer.ts";
import { HeaderMap } from "../../http/header_map.ts";
import type { ConnectionHandler } from "../../net/connection_port.ts";
import { CloseType, type PeerType } from "../../net/filter.ts";
import type { Host } from "../../upstream/host.ts";
import type { TcpConnection } from "../../upstream/conn_pool/tcp_connection.ts";
import type { TcpPool, TcpPoolCallbacks } from "../../upstream/conn_pool/tcp_pool.ts";
import type { PooledAttempt } from "./upstream_attempt.ts";
import { WaitingAttempt } from "./waiting_attempt.ts";

export class TcpUpstreamRequest extends WaitingAttempt<TcpPool>
  implements PooledAttempt, TcpPoolCallbacks, ConnectionHandler {
  #connection: TcpConnection | null = null;
  #headersCame = false;
  /** The client has its 200. */
  #open = false;
  /** What came before the tunnel was open. */
  readonly #pending: ByteQueue = new ByteQueue();
  readonly #received: ByteQueue = new ByteQueue();
  #requestEnded = false;

  get bufferedBytes(): number {
    return this.#pending.length;
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  start(): void {
    const waiting = this.pool.newConnection(this);
    if (!this.done && this.#connection === null) this.waiting = waiting;
  }

  encodeHeaders(_headers: HeaderMap, end: boolean): void {
    if (this.done) return;
    this.#headersCame = true;
    if (end) this.#requestEnded = true;
    if (this.#connection !== null) this.#openTunnel(this.#connection);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.done) return data.clear();
    if (end) this.#requestEnded = true;
    if (this.#open) return this.#write(this.#connection!, data);
    data.moveTo(this.#pending);
    this.pauseWhenFull(this.#pending.length);
  }

  /** Bytes have no trailers: they only end what is sent. */
  encodeTrailers(_trailers: HeaderMap): void {
    if (this.done) return;
    this.#requestEnded = true;
    if (this.#open) this.#write(this.#connection!, this.#pending);
  }

  reset(): void {
    if (this.done) return;
    this.done = true;
    this.waiting?.cancel();
    this.waiting = null;
    this.clean();
    this.#connection?.close(CloseType.NoFlush);
  }

  readDisable(disable: boolean): void {
    if (this.done) return;
    if (this.#connection !== null) this.#connection.readDisable(disable);
    else this.pauseOnceReady(disable);
  }

  // From the pool.

  onPoolReady(connection: TcpConnection, host: Host): void {
    this.waiting = null;
    this.#connection = connection;
    const info = this.info;
    info.connection = connection.info;
    info.localAddress = connection.info.localAddress;
    info.requestCount = 1;
    info.poolReadyMs = this.owner.nowMs;
    connection.enableHalfClose(true);
    this.applyPauses(connection);
    connection.setHandler(this);
    this.owner.onUpstreamHostSelected(this, host);
    if (this.#headersCame && !this.done) this.#openTunnel(connection);
  }

  // From the connection.

  onData(bytes: Uint8Array): void {
    if (this.done) return;
    this.info.wireBytesReceived = (this.info.wireBytesReceived ?? 0) + bytes.length;
    if (this.info.firstByteReceivedMs < 0) this.info.firstByteReceivedMs = this.owner.nowMs;
    this.#received.lend(bytes);
    this.owner.onUpstreamData(this, this.#received, false);
    this.#received.clear();
  }

  onEnd(): void {
    if (this.done) return;
    this.done = true;
    this.info.lastByteReceivedMs = this.owner.nowMs;
    this.clean();
    this.owner.onUpstreamData(this, this.#received, true);
    const connection = this.#connection!;
    // The rest of the request goes nowhere.
    if (!this.#requestEnded) return connection.close(CloseType.NoFlush);
    connection.release();
    // With both ends the connection is over by itself, but for what is still to be sent.
    if (connection.queuedBytes > 0) connection.close(CloseType.FlushWrite);
  }

  onClose(_by: PeerType, _details: string): void {
    if (this.done) return;
    this.done = true;
    this.clean();
    this.owner.onUpstreamReset(this, StreamResetReason.ConnectionTermination, "");
  }

  onAboveWriteBufferHighWatermark(): void {
    if (!this.done) this.pauseDownstream();
  }

  #openTunnel(connection: TcpConnection): void {
    const headers = new HeaderMap();
    headers.status = 200;
    this.#open = true;
    this.info.firstByteSentMs = this.owner.nowMs;
    this.owner.onUpstreamHeaders(this, headers, false);
    if (this.done) return;
    this.#write(connection, this.#pending);
    this.resumeDownstream();
  }

  #write(connection: TcpConnection, data: ByteQueue): void {
    if (this.measure !== null) this.measure.bodyBytesSent += data.length;
    this.info.wireBytesSent = (this.info.wireBytesSent ?? 0) + data.length;
    writeAll(connection, data);
    if (!this.#requestEnded) return;
    this.info.lastByteSentMs = this.owner.nowMs;
    connection.end();
  }

  protected override clean(): void {
    this.#pending.clear();
    this.releaseDownstream();
  }
}
