// host/http/conn_manager.ts: the HTTP connection manager: one downstream connection and its streams.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Terminal network filter of HTTP chains: gives the connection's bytes to the codec, makes a stream for
 * every request, and decides when the connection ends: after errors, on time-outs, when draining.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ConnectionManagerImpl
 * @module
 */
import { concatBytes } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import { CloseType, PeerType } from "../net/filter.ts";
import type { Connection, ConnectionHandler } from "../net/connection_port.ts";
import type { ConnectionInfo } from "../observe/stream_info.ts";
import { ActiveStream, type ChainInfo, type StreamOwner } from "./active_stream.ts";
import type {
  CodecError,
  Protocol,
  ResponseEncoder,
  ServerCodec,
  ServerCodecCallbacks,
  StreamCallbacks,
  StreamDecoder,
} from "./codec.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { ConnectionManagerOverload } from "./overload.ts";
import type { TimerMaker } from "../net/scaled_timers.ts";
import { connectionFormatter } from "./header_key_formatter.ts";
import { completeErrorHeaders, encodeErrorResponse } from "./h1/error_response.ts";
import { beginsHttp2 } from "./h2/preface.ts";
import { prepareLocalReply } from "./local_reply.ts";
import { PrematureResets } from "./premature_resets.ts";
import { type IdleStream, StreamIdleTimer } from "./stream_timers.ts";

/** Makes the codec of a connection that is known to speak HTTP/2 or not to. */
export type ServerCodecFactory = (
  connection: Connection,
  callbacks: ServerCodecCallbacks,
  isHttp2: boolean,
) => ServerCodec;

export class ConnectionManager implements ConnectionHandler, ServerCodecCallbacks, StreamOwner {
  readonly info: ConnectionInfo;
  readonly chainInfo: ChainInfo;
  readonly #connection: Connection;
  readonly #config: ConnectionManagerConfig;
  readonly #createCodec: ServerCodecFactory;
  /** Null until it is known what the client speaks. */
  #codec: ServerCodec | null = null;
  #isHttp2 = false;
  /** First bytes that do not say yet what they begin. */
  #prefix: Uint8Array | null = null;
  #prematureResets: PrematureResets | null = null;
  readonly #streams = new Set<ActiveStream>();
  readonly #startMs: number;
  readonly #idleTimer: Timer | null;
  readonly #durationTimer: Timer | null;
  /** Ends the time in which an idle connection that is about to close still takes a request. */
  #drainTimer: Timer | null = null;
  /** Stream of a request of which the head has begun. */
  #unread: ActiveStream | null = null;
  #received = false;
  #requests = 0;
  readonly #spareTimers: StreamIdleTimer[];
  /** The next response is the connection's last one. */
  #closing = false;
  #closed = false;
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
    const { clock, plan, stats, timers } = config;
    this.#spareTimers = spareTimersOf(timers.streamIdle);
    connection.setStats?.(stats.connection);
    connection.setDelayedCloseTimeoutMs?.(plan.delayedCloseTimeoutMs);
    this.#startMs = clock.nowMs();
    stats.cxTotal.inc();
    stats.cxActive.inc();
    this.#idleTimer = plan.idleTimeoutMs > 0 ? timers.connectionIdle.createTimer(() => this.#onIdleTimeout()) : null;
    this.#idleTimer?.enable(plan.idleTimeoutMs);
    this.#durationTimer = plan.maxConnectionDurationMs > 0
      ? timers.connectionMax.createTimer(() => this.#onMaxDuration())
      : null;
    this.#durationTimer?.enable(
      this.#jittered(plan.maxConnectionDurationMs, plan.maxConnectionDurationJitterPercent),
    );
  }

  get protocol(): Protocol {
    return this.#codec?.protocol ?? "HTTP/1.1";
  }

  get betweenMessages(): boolean {
    return this.#codec?.betweenMessages === true;
  }

  /** Streams open now. */
  get activeStreams(): number {
    return this.#streams.size;
  }

  // From the connection.

  onData(bytes: Uint8Array): void {
    if (this.#closed) return;
    let input = bytes;
    const { overload } = this.#config;
    if (this.#codec === null) {
      if (overload !== null && overload.creatingCodec?.fires() === true) return this.#refuseBytes();
      const prefix = this.#prefix;
      if (prefix !== null) input = concatBytes([prefix, bytes], prefix.length + bytes.length);
      if (!this.#chooseCodec(input)) return;
    }
    if (overload !== null && this.#shedsBytes(overload)) return;
    this.#dispatching = true;
    this.#resetStreams = 0;
    this.#connection.cork();
    const error = this.#codec!.dispatch(input);
    this.#dispatching = false;
    this.#afterDispatch(error);
    this.#connection.uncork();
  }

  onEnd(): void {
    if (this.#closed || this.#codec === null) return;
    const error = this.#codec.onEndOfInput();
    if (error !== null) this.#onCodecError(error);
  }

  onClose(by: PeerType, _details: string): void {
    if (this.#closed) this.#countClose(by, this.#cutStreams);
    else {
      this.#closed = true;
      let active = 0;
      for (const stream of this.#streams) if (!stream.resetting) active++;
      this.#countClose(by, active);
    }
    for (const stream of this.#newestFirst()) stream.onConnectionClosed(by !== PeerType.Local);
    this.#streams.clear();
    this.#codec?.onConnectionClosed?.();
    this.#idleTimer?.disable();
    this.#durationTimer?.disable();
    this.#drainTimer?.disable();
    const stats = this.#config.stats;
    stats.cxActive.dec();
    if (this.#codec !== null) (this.#isHttp2 ? stats.cxHttp2Active : stats.cxHttp1Active).dec();
    stats.cxLengthMs.record(this.#config.clock.nowMs() - this.#startMs);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#codec?.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#codec?.onUnderlyingConnectionBelowWriteBufferLowWatermark();
    if (this.#isHttp2 && !this.#dispatching) this.#closeWhenDone();
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
    if (!this.#dispatching) this.#closeWhenDone();
  }

  // From the streams.

  answerUnread(stream: ActiveStream, status: number, body: string, details: string): void {
    if (this.#closed) return;
    if (this.#isHttp2) this.#codec!.goAway();
    else this.#answer(stream, { status, body, details, message: body });
    stream.onUnreadAnswered(details);
    this.#close();
  }

  closeAfterResponse(): void {
    // Other streams have nothing to do with it.
    if (!this.#isHttp2) this.#closing = true;
  }

  decideLastResponse(): boolean {
    const keepalive = this.#config.overload?.keepalive ?? null;
    if (keepalive !== null && this.#drainTimer === null && !this.#closing && keepalive.fires()) {
      const { stats } = this.#config;
      stats.cxOverloadDisableKeepalive.inc();
      stats.cxDrainClose.inc();
      if (this.#isHttp2) this.#startDrain();
      else this.#closing = true;
    }
    if (this.#isHttp2) {
      if (this.#drainTimer === null && !this.#closing && this.#config.drain.drainClose()) {
        this.#config.stats.cxDrainClose.inc();
        this.#startDrain();
      }
      return false;
    }
    // The client asked for it, or the request left the connection in no state to go on.
    if (this.#codec!.closeAfterResponse === true) this.#closing = true;
    if (!this.#closing && this.#config.drain.drainClose()) {
      this.#config.stats.cxDrainClose.inc();
      this.#closing = true;
    }
    return this.#closing;
  }

  takeIdleTimer(stream: IdleStream): StreamIdleTimer {
    const timer = this.#spareTimers.pop() ?? new StreamIdleTimer(this.#config.timers.streamIdle);
    timer.stream = stream;
    return timer;
  }

  returnIdleTimer(timer: StreamIdleTimer): void {
    timer.timer.disable();
    timer.stream = null;
    if (this.#spareTimers.length < SPARE_TIMERS) this.#spareTimers.push(timer);
  }

  replaceStream(stream: ActiveStream, encoder: ResponseEncoder): ActiveStream {
    this.#streams.delete(stream);
    const { stats } = this.#config;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    (this.#isHttp2 ? stats.rqHttp2Total : stats.rqHttp1Total).inc();
    const next = new ActiveStream(this, this.#config, encoder, stream.info);
    encoder.decoder = next;
    this.#streams.add(next);
    return next;
  }

  onStreamFinished(stream: ActiveStream, complete: boolean): void {
    this.#streams.delete(stream);
    if (this.#closed) return;
    if (this.#isHttp2) {
      this.#onHttp2StreamFinished(stream, complete);
      return;
    }
    if (!complete) {
      // An HTTP/1 response that was cut can only be told by closing.
      this.#close();
      return;
    }
    // Encoding may have found that framing and body do not agree.
    if (this.#codec?.closeAfterResponse === true) this.#closing = true;
    if (this.#closing) {
      if (!this.#dispatching) this.#close();
      return;
    }
    if (this.#streams.size > 0) return;
    this.#idleTimer?.enable(this.#config.plan.idleTimeoutMs);
    // Not at once: who gave the response's last bytes has yet to see that it ended, and take its connection back.
    if (!this.#dispatching && this.#codec?.hasBufferedInput === true) RESOLVED.then(() => this.#resumeInput());
  }

  /** Closes at once when idle, otherwise after the responses being made (listener drain). */
  drain(): void {
    if (this.#closed) return;
    if (this.#isHttp2 && this.#streams.size > 0) return this.#startDrain();
    if (this.#isHttp2) this.#codec!.goAway();
    this.#closing = true;
    this.#closeWhenDone();
  }

  /** True when there is nothing in flight. */
  get idle(): boolean {
    return this.#streams.size === 0;
  }

  /** Dispatches what the client sent ahead. */
  #resumeInput(): void {
    if (this.#closed || this.#dispatching) return;
    this.#dispatching = true;
    this.#connection.cork();
    const error = this.#codec!.resumeInput();
    this.#dispatching = false;
    this.#afterDispatch(error);
    this.#connection.uncork();
  }

  #afterDispatch(error: CodecError | null): void {
    if (error !== null) return this.#onCodecError(error);
    if (this.#codec!.inHead === true) this.#unread ??= this.#openStream(NO_ENCODER);
    else if (this.#unread !== null) this.#dropUnread(this.#unread);
    else this.#closeWhenDone();
  }

  /** Makes the codec, now that it is known what the client speaks; false when it is not. */
  #chooseCodec(bytes: Uint8Array): boolean {
    const { plan, stats } = this.#config;
    const isHttp2 = plan.codecType === "AUTO" ? beginsHttp2(bytes) : plan.codecType === "HTTP2";
    if (isHttp2 === null) {
      this.#prefix = bytes.slice();
      // So little is no request yet, but may take no longer than the head of one.
      if (plan.requestHeadersTimeoutMs > 0) this.#idleTimer?.enable(plan.requestHeadersTimeoutMs);
      return false;
    }
    this.#received = true;
    this.#prefix = null;
    this.#isHttp2 = isHttp2;
    (isHttp2 ? stats.cxHttp2Total : stats.cxHttp1Total).inc();
    (isHttp2 ? stats.cxHttp2Active : stats.cxHttp1Active).inc();
    if (isHttp2) this.#prematureResets = new PrematureResets();
    this.#codec = this.#createCodec(this.#connection, this, isHttp2);
    return true;
  }

  /** A head began and came to nothing: the codec refused its stream. */
  #dropUnread(unread: ActiveStream): void {
    this.#unread = null;
    unread.onUnreadAnswered("");
  }

  /** Closes when this was to be the end and nothing is left to do or to send. */
  #closeWhenDone(): void {
    if (this.#closing && this.#streams.size === 0 && this.#codec?.wantsToWrite !== true) this.#close();
  }

  #onHttp2StreamFinished(stream: ActiveStream, complete: boolean): void {
    if (!complete) this.#resetStreams++;
    if (!complete && this.#prematureResets!.isPremature(stream.info)) this.#prematureResets!.premature++;
    if (this.#prematureResets!.onStreamEnded()) {
      this.#config.stats.rqTooManyPrematureResets.inc();
      this.#close(CloseType.NoFlush);
      return;
    }
    if (this.#streams.size > 0) return;
    if (!this.#dispatching) this.#closeWhenDone();
    if (!this.#closed) this.#idleTimer?.enable(this.#config.plan.idleTimeoutMs);
  }

  #openStream(encoder: ResponseEncoder): ActiveStream {
    const stats = this.#config.stats;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    (this.#isHttp2 ? stats.rqHttp2Total : stats.rqHttp1Total).inc();
    this.#idleTimer?.disable();
    this.#requests++;
    const limit = this.#config.plan.maxRequestsPerConnection;
    if (limit > 0 && this.#requests >= limit && !this.#closing) {
      stats.cxMaxRequestsReached.inc();
      if (this.#isHttp2) this.#startDrain();
      else this.#closing = true;
    }
    const stream = new ActiveStream(this, this.#config, encoder);
    this.#streams.add(stream);
    return stream;
  }

  /** There is no room for what a connection might want. */
  #refuseBytes(): void {
    this.#config.stats.rqOverloadClose.inc();
    this.#close();
  }

  /** True when under overload bytes are not even looked at. */
  #shedsBytes({ goAwayAndClose, goAway, abortHttp1 }: ConnectionManagerOverload): boolean {
    if (goAwayAndClose?.fires() === true) {
      if (this.#isHttp2) {
        this.#codec!.shutdownNotice();
        this.#codec!.goAway();
      }
      this.#close();
      return true;
    }
    if (goAway?.fires() === true) {
      if (this.#isHttp2) this.#startDrain();
      else this.#closing = true;
    }
    if (this.#isHttp2 || abortHttp1?.fires() !== true) return false;
    this.#config.stats.rqOverloadClose.inc();
    const [open] = this.#streams;
    const stream = open ?? this.#openStream(NO_ENCODER);
    this.#closed = true;
    if (stream.responseHeaders === null && !stream.answerCodecError(OVERLOADED)) this.#answer(stream, OVERLOADED);
    stream.onCodecError(OVERLOADED.details);
    this.#connection.close(CloseType.FlushWriteAndDelay, "");
    return true;
  }

  #onCodecError(error: CodecError): void {
    if (this.#closed) return;
    if (error.isFlood !== true) this.#config.stats.cxProtocolError.inc();
    if (this.#isHttp2) {
      this.#closed = true;
      this.#cutStreams = this.#streams.size + this.#resetStreams;
      for (const each of this.#newestFirst()) each.onCodecError(error.details);
      this.#connection.close(CloseType.FlushWriteAndDelay, "");
      return;
    }
    // Bytes that never became a request still count, and are logged, as one.
    const [open] = this.#streams;
    const stream = open ?? this.#openStream(NO_ENCODER);
    // Marked as closed first, so that the stream's end does not close it in another way.
    this.#closed = true;
    if (stream.responseHeaders === null && error.status !== 0 && !stream.answerCodecError(error)) {
      this.#answer(stream, error);
    }
    const answered = stream.responseHeaders !== null;
    stream.onCodecError(error.details);
    this.#connection.close(answered ? CloseType.FlushWriteAndDelay : CloseType.FlushWrite, "");
  }

  /** Answers past filters and codec. */
  #answer(stream: ActiveStream, error: CodecError): void {
    stream.info.responseCodeDetails = error.details;
    const reply = prepareLocalReply(error, false, false, stream);
    stream.mutateResponse(reply.headers);
    completeErrorHeaders(reply.headers);
    this.#connection.writeLatin1(
      encodeErrorResponse(reply, connectionFormatter(this.#config.plan.http1.headerKeyFormat)),
    );
    stream.noteAnswer(reply.headers, reply.body.length);
  }

  #close(type: CloseType = CloseType.FlushWriteAndDelay): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close(type, "");
  }

  #onIdleTimeout(): void {
    this.#config.stats.cxIdleTimeout.inc();
    if (this.#received) this.#startDrain();
    else this.#close(CloseType.FlushWrite);
  }

  #onMaxDuration(): void {
    this.#config.stats.cxMaxDurationReached.inc();
    this.#startDrain();
  }

  /** The next response is the last one; without a request the connection closes after a while. */
  #startDrain(): void {
    if (this.#closed || this.#drainTimer !== null) return;
    const codec = this.#codec;
    if (this.#isHttp2) codec!.shutdownNotice();
    else this.#closing = true;
    this.#drainTimer = this.#config.clock.createTimer(() => {
      if (this.#isHttp2) codec!.goAway();
      this.#closing = true;
      this.#closeWhenDone();
    });
    const { drainTimeoutMs, drainTimeoutJitterPercent } = this.#config.plan;
    this.#drainTimer.enable(this.#jittered(drainTimeoutMs, drainTimeoutJitterPercent));
  }

  /** Up to so many percent more, so that connections that began together do not end together. */
  #jittered(ms: number, percent: number): number {
    return percent === 0 ? ms : ms * (1 + this.#config.random.fraction() * percent / 100);
  }

  /** In this order Envoy ends streams, and logs them. */
  #newestFirst(): readonly ActiveStream[] {
    return this.#streams.size === 0 ? NO_STREAMS : [...this.#streams].reverse();
  }

  #countClose(by: PeerType, active: number): void {
    const stats = this.#config.stats;
    const local = by === PeerType.Local;
    stats.cxDestroy.inc();
    (local ? stats.cxDestroyLocal : stats.cxDestroyRemote).inc();
    if (active === 0) return;
    stats.cxDestroyActiveRq.inc();
    (local ? stats.cxDestroyLocalActiveRq : stats.cxDestroyRemoteActiveRq).inc();
  }
}

/** The answer of an HTTP/1 connection that does not look at what it is sent. */
const OVERLOADED: CodecError = {
  status: 500,
  body: "Internal Server Error",
  details: "overload",
  message: "",
};

/** Where the stream of a request that never became one would write. */
const NO_ENCODER: ResponseEncoder = {
  encode1xxHeaders(): void {},
  encodeHeaders(): void {},
  encodeData(data): void {
    data.clear();
  },
  encodeTrailers(): void {},
  resetStream(): void {},
  readDisable(): void {},
};

/** So many timers wait for the next stream of whichever connection. */
const SPARE_TIMERS = 1024;
const spareTimers = new WeakMap<TimerMaker, StreamIdleTimer[]>();

function spareTimersOf(timers: TimerMaker): StreamIdleTimer[] {
  let spare = spareTimers.get(timers);
  if (spare === undefined) spareTimers.set(timers, spare = []);
  return spare;
}

const NO_STREAMS: readonly ActiveStream[] = [];
const RESOLVED: Promise<void> = Promise.resolve();
