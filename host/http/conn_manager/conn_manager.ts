// host/http/conn_manager/conn_manager.ts: the HTTP connection manager: one downstream connection and its streams.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Terminal network filter of HTTP chains: gives the connection's bytes to the codec, makes a stream for
 * every request, and ends the connection when they or the codec want it.
 *
 * | what it rests on | |
 * | --- | --- |
 * | `connection_drain.ts` | when the connection takes its last request |
 * | `broken_request.ts` | what bytes that are no request are answered |
 * | `premature_resets.ts` | clients that open streams only to reset them |
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ConnectionManagerImpl
 * @module
 */
import { concatBytes } from "../../base/bytes.ts";
import { CloseType, PeerType } from "../../net/filter.ts";
import type { Connection, ConnectionHandler } from "../../net/connection_port.ts";
import type { ConnectionInfo } from "../../observe/stream_info.ts";
import { ActiveStream, type StreamOwner } from "./active_stream.ts";
import { answerBrokenRequest, NO_ENCODER, OVERLOADED } from "./broken_request.ts";
import type {
  CodecError,
  Protocol,
  ResponseEncoder,
  ServerCodec,
  ServerCodecCallbacks,
  StreamCallbacks,
  StreamDecoder,
} from "../codec.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";
import { ConnectionDrain, type DrainedConnection } from "./connection_drain.ts";
import { beginsHttp2 } from "../h2/preface.ts";
import { accountsOf, type StreamAccount } from "./high_memory_streams.ts";
import type { ConnectionManagerOverload } from "./overload.ts";
import { PrematureResets } from "./premature_resets.ts";
import type { ChainInfo } from "./stream_facts.ts";

/** Makes the codec of a connection that is known to speak HTTP/2 or not to. */
export type ServerCodecFactory = (
  connection: Connection,
  callbacks: ServerCodecCallbacks,
  isHttp2: boolean,
) => ServerCodec;

export class ConnectionManager implements ConnectionHandler, ServerCodecCallbacks, StreamOwner, DrainedConnection {
  readonly info: ConnectionInfo;
  readonly chainInfo: ChainInfo;
  /** Null until it is known what the client speaks. */
  codec: ServerCodec | null = null;
  isHttp2 = false;
  closed = false;
  readonly #connection: Connection;
  readonly #config: ConnectionManagerConfig;
  readonly #createCodec: ServerCodecFactory;
  readonly #drain: ConnectionDrain;
  /** First bytes that do not say yet what they begin. */
  #prefix: Uint8Array | null = null;
  #prematureResets: PrematureResets | null = null;
  readonly #streams = new Set<ActiveStream>();
  readonly #startMs: number;
  /** Stream of a request of which the head has begun. */
  #unread: ActiveStream | null = null;
  /** HTTP/2 streams that were reset by the bytes being looked at, and those that an error of the codec ended. */
  #resetStreams = 0;
  #cutStreams = 0;
  #dispatching = false;

  /** `chainInfo` holds what the connection's streams inherit: the names of listener and filter chain. */
  constructor(
    connection: Connection,
    config: ConnectionManagerConfig,
    createCodec: ServerCodecFactory,
    chainInfo: ChainInfo,
  ) {
    this.#connection = connection;
    this.chainInfo = chainInfo;
    this.info = connection.info;
    this.#config = config;
    this.#createCodec = createCodec;
    const { clock, plan, stats } = config;
    connection.setStats?.(stats.connection);
    connection.setDelayedCloseTimeoutMs?.(plan.delayedCloseTimeoutMs);
    this.#startMs = clock.nowMs();
    stats.cxTotal.inc();
    stats.cxActive.inc();
    this.#drain = new ConnectionDrain(this, config);
  }

  get protocol(): Protocol {
    return this.codec?.protocol ?? "HTTP/1.1";
  }

  get betweenMessages(): boolean {
    return this.codec?.betweenMessages === true;
  }

  /** Streams open now. */
  get activeStreams(): number {
    return this.#streams.size;
  }

  // From the connection.

  onData(bytes: Uint8Array): void {
    if (this.closed) return;
    let input = bytes;
    const { overload } = this.#config;
    if (this.codec === null) {
      if (overload !== null && overload.creatingCodec?.fires() === true) return this.#refuseBytes();
      const prefix = this.#prefix;
      if (prefix !== null) input = concatBytes([prefix, bytes], prefix.length + bytes.length);
      if (!this.#chooseCodec(input)) return;
    }
    if (overload !== null && this.#shedsBytes(overload)) return;
    this.#dispatching = true;
    this.#resetStreams = 0;
    this.#connection.cork();
    const error = this.codec!.dispatch(input);
    this.#dispatching = false;
    this.#afterDispatch(error);
    this.#connection.uncork();
  }

  onEnd(): void {
    if (this.closed || this.codec === null) return;
    const error = this.codec.onEndOfInput();
    if (error !== null) this.#onCodecError(error);
  }

  onClose(by: PeerType, _details: string): void {
    const { clock, stats } = this.#config;
    let active = this.#cutStreams;
    if (!this.closed) { for (const stream of this.#streams) if (!stream.resetting) active++; }
    this.closed = true;
    stats.countDestroyed(by === PeerType.Local, active);
    for (const stream of this.#newestFirst()) stream.onConnectionClosed(by !== PeerType.Local);
    this.#streams.clear();
    this.codec?.onConnectionClosed?.();
    this.#drain.stop();
    stats.cxActive.dec();
    if (this.codec !== null) (this.isHttp2 ? stats.cxHttp2Active : stats.cxHttp1Active).dec();
    stats.cxLengthMs.record(clock.nowMs() - this.#startMs);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.codec?.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.codec?.onUnderlyingConnectionBelowWriteBufferLowWatermark();
    if (this.isHttp2 && !this.#dispatching) this.closeWhenDone();
  }

  // From the codec.

  onNewStream(encoder: ResponseEncoder): StreamDecoder & StreamCallbacks {
    const unread = this.#unread;
    if (unread === null) return this.#openStream(encoder);
    this.#unread = null;
    unread.attach(encoder);
    return unread;
  }

  onGoAway(): void {}

  onFlushed(): void {
    if (!this.#dispatching) this.closeWhenDone();
  }

  // From the streams.

  answerUnread(stream: ActiveStream, status: number, body: string, details: string): void {
    if (this.closed) return;
    if (this.isHttp2) this.codec!.goAway();
    else this.#answer(stream, { status, body, details, message: body });
    stream.onUnreadAnswered(details);
    this.close();
  }

  closeAfterResponse(): void {
    // Other streams have nothing to do with it.
    if (!this.isHttp2) this.#drain.closing = true;
  }

  decideLastResponse(): boolean {
    return this.#drain.decideLastResponse();
  }

  replaceStream(stream: ActiveStream, encoder: ResponseEncoder): ActiveStream {
    this.#streams.delete(stream);
    this.#config.stats.countRequest(this.isHttp2);
    const next = new ActiveStream(this, this.#config, encoder, stream.info);
    encoder.decoder = next;
    this.#streams.add(next);
    return next;
  }

  onStreamFinished(stream: ActiveStream, complete: boolean): void {
    this.#streams.delete(stream);
    if (this.closed) return;
    if (this.isHttp2) {
      this.#onHttp2StreamFinished(stream, complete);
      return;
    }
    if (!complete) {
      // An HTTP/1 response that was cut can only be told by closing.
      this.close();
      return;
    }
    // Encoding may have found that framing and body do not agree.
    if (this.codec?.closeAfterResponse === true) this.#drain.closing = true;
    if (this.#drain.closing) {
      if (!this.#dispatching) this.close();
      return;
    }
    if (this.#streams.size > 0) return;
    this.#drain.onIdle();
    // Not at once: who gave the response's last bytes has yet to see that it ended, and take its connection back.
    if (!this.#dispatching && this.codec?.hasBufferedInput === true) RESOLVED.then(() => this.#resumeInput());
  }

  // From the drain.

  close(type: CloseType = CloseType.FlushWriteAndDelay): void {
    if (this.closed) return;
    this.closed = true;
    this.#connection.close(type, "");
  }

  /** Closes when this was to be the end and nothing is left to do or to send. */
  closeWhenDone(): void {
    if (this.#drain.closing && this.#streams.size === 0 && this.codec?.wantsToWrite !== true) this.close();
  }

  // From the listener.

  /** Closes at once when idle, otherwise after the responses being made (listener drain). */
  drain(): void {
    if (this.closed) return;
    if (this.isHttp2 && this.#streams.size > 0) return this.#drain.start();
    if (this.isHttp2) this.codec!.goAway();
    this.#drain.closing = true;
    this.closeWhenDone();
  }

  /** True when there is nothing in flight. */
  get idle(): boolean {
    return this.#streams.size === 0;
  }

  /** Its streams with what they hold, for when memory runs short. */
  accounts(): Iterable<StreamAccount> {
    return this.isHttp2 ? accountsOf(this.#streams, this.codec!) : [];
  }

  /** Dispatches what the client sent ahead. */
  #resumeInput(): void {
    if (this.closed || this.#dispatching) return;
    this.#dispatching = true;
    this.#connection.cork();
    const error = this.codec!.resumeInput();
    this.#dispatching = false;
    this.#afterDispatch(error);
    this.#connection.uncork();
  }

  #afterDispatch(error: CodecError | null): void {
    if (error !== null) return this.#onCodecError(error);
    if (this.codec!.inHead === true) this.#unread ??= this.#openStream(NO_ENCODER);
    else if (this.#unread !== null) this.#dropUnread(this.#unread);
    else this.closeWhenDone();
  }

  /** Makes the codec, now that it is known what the client speaks; false when it is not. */
  #chooseCodec(bytes: Uint8Array): boolean {
    const { plan, stats } = this.#config;
    const isHttp2 = plan.codecType === "AUTO" ? beginsHttp2(bytes) : plan.codecType === "HTTP2";
    if (isHttp2 === null) {
      this.#prefix = bytes.slice();
      this.#drain.onPrefix();
      return false;
    }
    this.#prefix = null;
    this.isHttp2 = isHttp2;
    (isHttp2 ? stats.cxHttp2Total : stats.cxHttp1Total).inc();
    (isHttp2 ? stats.cxHttp2Active : stats.cxHttp1Active).inc();
    if (isHttp2) this.#prematureResets = new PrematureResets();
    this.codec = this.#createCodec(this.#connection, this, isHttp2);
    return true;
  }

  /** A head began and came to nothing: the codec refused its stream. */
  #dropUnread(unread: ActiveStream): void {
    this.#unread = null;
    unread.onUnreadAnswered("");
  }

  #onHttp2StreamFinished(stream: ActiveStream, complete: boolean): void {
    if (!complete) this.#resetStreams++;
    if (!complete && this.#prematureResets!.isPremature(stream.info)) this.#prematureResets!.premature++;
    if (this.#prematureResets!.onStreamEnded()) {
      this.#config.stats.rqTooManyPrematureResets.inc();
      this.close(CloseType.NoFlush);
      return;
    }
    if (this.#streams.size > 0) return;
    if (!this.#dispatching) this.closeWhenDone();
    if (!this.closed) this.#drain.onIdle();
  }

  #openStream(encoder: ResponseEncoder): ActiveStream {
    this.#config.stats.countRequest(this.isHttp2);
    this.#drain.onRequest();
    const stream = new ActiveStream(this, this.#config, encoder);
    this.#streams.add(stream);
    return stream;
  }

  /** There is no room for what a connection might want. */
  #refuseBytes(): void {
    this.#config.stats.rqOverloadClose.inc();
    this.close();
  }

  /** True when under overload bytes are not even looked at. */
  #shedsBytes({ goAwayAndClose, goAway, abortHttp1 }: ConnectionManagerOverload): boolean {
    if (goAwayAndClose?.fires() === true) {
      if (this.isHttp2) {
        this.codec!.shutdownNotice();
        this.codec!.goAway();
      }
      this.close();
      return true;
    }
    if (goAway?.fires() === true) this.#drain.announce();
    if (this.isHttp2 || abortHttp1?.fires() !== true) return false;
    this.#config.stats.rqOverloadClose.inc();
    this.#endHttp1(OVERLOADED);
    return true;
  }

  #onCodecError(error: CodecError): void {
    if (this.closed) return;
    if (error.isFlood !== true) this.#config.stats.cxProtocolError.inc();
    if (!this.isHttp2) return this.#endHttp1(error);
    this.closed = true;
    this.#cutStreams = this.#streams.size + this.#resetStreams;
    for (const each of this.#newestFirst()) each.onCodecError(error.details);
    this.#connection.close(CloseType.FlushWriteAndDelay, "");
  }

  #endHttp1(error: CodecError): void {
    // Bytes that never became a request still count, and are logged, as one.
    const [open] = this.#streams;
    const stream = open ?? this.#openStream(NO_ENCODER);
    // Marked as closed first, so that the stream's end does not close it in another way.
    this.closed = true;
    if (stream.responseHeaders === null && error.status !== 0 && !stream.answerCodecError(error)) {
      this.#answer(stream, error);
    }
    const answered = stream.responseHeaders !== null;
    stream.onCodecError(error.details);
    this.#connection.close(answered ? CloseType.FlushWriteAndDelay : CloseType.FlushWrite, "");
  }

  #answer(stream: ActiveStream, error: CodecError): void {
    answerBrokenRequest(stream, error, this.#connection, this.#config.plan);
  }

  /** In this order Envoy ends streams, and logs them. */
  #newestFirst(): readonly ActiveStream[] {
    return this.#streams.size === 0 ? NO_STREAMS : [...this.#streams].reverse();
  }
}

const NO_STREAMS: readonly ActiveStream[] = [];
const RESOLVED: Promise<void> = Promise.resolve();
