// sdk/src/network_filter.ts: what network (TCP) filters extend.
import { Body } from "./body";
import { RootContext, StreamContext, StreamKind } from "./context";
import { PeerType, StreamStatus, StreamType } from "./enums";
import { proxy_close_stream, proxy_continue_stream } from "./imports.gen";

/**
 * A filter for connections: one object per connection. Downstream is the client, upstream what the proxy
 * connected to for it. Override what is of interest; what is not overridden continues.
 */
export class NetworkFilter extends StreamContext {
  constructor() {
    super(StreamKind.Network);
  }

  /**
   * A client connected. `StopIteration` keeps the next filters, and so the upstream connection, from starting until
   * `resumeDownstream()`, or until bytes come and `onDownstreamData` continues.
   */
  onNewConnection(): StreamStatus {
    return StreamStatus.Continue;
  }

  /** Bytes from the client, those held back earlier included. May be empty when `endOfStream`. */
  onDownstreamData(data: Body, endOfStream: bool): StreamStatus {
    return StreamStatus.Continue;
  }

  /** Bytes from the upstream, those held back earlier included. May be empty when `endOfStream`. */
  onUpstreamData(data: Body, endOfStream: bool): StreamStatus {
    return StreamStatus.Continue;
  }

  /** The client's connection closed. */
  onDownstreamClose(peer: PeerType): void {}

  /** The upstream's connection closed. */
  onUpstreamClose(peer: PeerType): void {}

  /** Goes on reading from the client after a stop. */
  resumeDownstream(): void {
    if (this.activate()) proxy_continue_stream(StreamType.Downstream);
  }

  /** Goes on with the upstream's bytes after a stop. Envoy does not have it: there they wait for more bytes. */
  resumeUpstream(): void {
    if (this.activate()) proxy_continue_stream(StreamType.Upstream);
  }

  /** Closes the client's connection, after what was written to it is sent. */
  closeDownstream(): void {
    if (this.activate()) proxy_close_stream(StreamType.Downstream);
  }

  /** Closes the upstream's connection. Envoy closes the client's with it. */
  closeUpstream(): void {
    if (this.activate()) proxy_close_stream(StreamType.Upstream);
  }
}

/** A network filter whose plugin's root context is an `R`, registered by `registerNetworkFilterWithRoot<F, R>()`. */
export class NetworkFilterOf<R extends RootContext> extends NetworkFilter {
  /** The plugin: configuration, metrics, timers. */
  get root(): R {
    return changetype<R>(this.rootContext);
  }
}
