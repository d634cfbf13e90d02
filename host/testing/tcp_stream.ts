// host/testing/tcp_stream.ts: one connection through a filter, driven by the test from both ends.
/**
 * Between the two ends run the proxy's own network filter chain and the filter. The test plays the client's
 * socket, and the terminal filter, which in a proxy is `tcp_proxy`.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { concatBytes, fromLatin1, utf8Slice } from "../base/bytes.ts";
import { NuncioError } from "../base/error.ts";
import type { Connection, ConnectionHandler } from "../net/connection_port.ts";
import { type CloseType, type NetworkFilterFactory, PeerType } from "../net/filter.ts";
import { startNetworkChain, type TerminalContext } from "../net/network_chain.ts";
import type { ConnectionInfo, StreamInfo } from "../observe/stream_info.ts";
import { type BytesInit, toBytes } from "./message.ts";

/** One end of the connection: what has reached it. */
export class TcpEnd {
  /** True once the other side's end (FIN) came through. */
  ended = false;
  readonly #chunks: Uint8Array[] = [];

  /** All bytes that reached this end. */
  get bytes(): Uint8Array {
    return concatBytes(this.#chunks, this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  }

  /** The bytes as text. */
  get text(): string {
    const { bytes } = this;
    return utf8Slice(bytes, 0, bytes.length);
  }

  /** For the harness. */
  take(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#chunks.push(bytes.slice());
  }
}

/** The client's socket. */
class ClientConnection implements Connection {
  readonly info: ConnectionInfo;
  readonly received: TcpEnd;
  closed = false;
  closeDetails: string | null = null;
  readDisabled = 0;
  handler: ConnectionHandler | null = null;

  constructor(info: ConnectionInfo, end: TcpEnd) {
    this.info = info;
    this.received = end;
  }

  get queuedBytes(): number {
    return 0;
  }

  setHandler(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  enableHalfClose(_enabled: boolean): void {}

  write(bytes: Uint8Array): void {
    if (!this.closed) this.received.take(bytes);
  }

  writeLatin1(text: string): void {
    this.write(fromLatin1(text));
  }

  cork(): void {}

  uncork(): void {}

  end(): void {
    this.received.ended = true;
  }

  close(_type: CloseType, details = ""): void {
    this.closeBy(PeerType.Local, details);
  }

  readDisable(disable: boolean): void {
    this.readDisabled += disable ? 1 : -1;
  }

  setBufferLimitBytes(_limitBytes: number): void {}

  closeBy(peer: PeerType, details: string): void {
    if (this.closed) return;
    this.closed = true;
    if (peer === PeerType.Local) this.closeDetails = details;
    this.handler?.onClose(peer, details);
  }
}

/** Stands where tcp_proxy stands: bytes that reach it have reached the upstream. */
class TestUpstream implements ConnectionHandler {
  readonly #end: TcpEnd;

  constructor(end: TcpEnd) {
    this.#end = end;
  }

  onData(bytes: Uint8Array): void {
    this.#end.take(bytes);
  }

  onEnd(): void {
    this.#end.ended = true;
  }

  onClose(): void {}
  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}
}

export class TcpStream {
  /** What reached the upstream. */
  readonly upstream: TcpEnd = new TcpEnd();
  /** What reached the client. */
  readonly client: TcpEnd = new TcpEnd();
  readonly info: StreamInfo;
  readonly #connection: ClientConnection;
  #terminal: Connection | null = null;
  #context: TerminalContext | null = null;

  /** For the harness: see `FilterHost.tcp`. A client has connected. */
  constructor(info: StreamInfo, clock: Clock, filter: NetworkFilterFactory) {
    this.info = info;
    this.#connection = new ClientConnection(info.connection, this.client);
    const terminal = (connection: Connection, context: TerminalContext) => {
      this.#terminal = connection;
      this.#context = context;
      connection.enableHalfClose(true);
      connection.setHandler(new TestUpstream(this.upstream));
    };
    startNetworkChain(this.#connection, { filters: [filter], terminal, halfClose: true }, info, clock);
  }

  /** True once the filter let the connection through to the upstream. */
  get connected(): boolean {
    return this.#terminal !== null;
  }

  /** True once the connection is closed, by whoever. */
  get closed(): boolean {
    return this.#connection.closed;
  }

  /** Why the proxy closed the connection; null when it did not. */
  get closeDetails(): string | null {
    return this.#connection.closeDetails;
  }

  /** The client sends bytes. */
  downstream(data: BytesInit, end = false): this {
    const bytes = toBytes(data);
    if (bytes.length > 0 && !this.closed) this.#connection.handler!.onData(bytes);
    if (end && !this.closed) this.#connection.handler!.onEnd();
    return this;
  }

  /**
   * The upstream sends bytes.
   * @throws testing/no-connection when the connection has not reached the upstream
   */
  fromUpstream(data: BytesInit, end = false): this {
    if (this.#terminal === null) {
      throw new NuncioError("testing/no-connection", "the connection has not reached the upstream");
    }
    const bytes = toBytes(data);
    if (bytes.length > 0) this.#terminal.write(bytes);
    if (end) {
      this.#terminal.end();
      this.#context!.notifyUpstreamClose(PeerType.Remote);
    }
    return this;
  }

  /** The client closes: the filter gets its last callbacks. */
  finish(): void {
    this.#connection.closeBy(PeerType.Remote, "");
  }
}
