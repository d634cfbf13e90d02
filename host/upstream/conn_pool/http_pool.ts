// host/upstream/conn_pool/http_pool.ts: the HTTP connections to one host at one priority.
// hot: once per request; see bench/micro/pool.bench.ts
/**
 * A request gets the connection that became free last, at once and without allocation; else it waits in
 * line and a connection is made. HTTP/1 connections carry one stream at a time, multiplexing codecs as many
 * as they say. When a connection cannot be made, all who wait fail: each may have another host to try.
 *
 * @see Envoy: source/common/conn_pool/conn_pool_base.cc, source/common/http/conn_pool_base.cc
 * @module
 */
import type { Protocol, RequestEncoder, ResponseDecoder, StreamCallbacks } from "../../http/codec.ts";
import { StreamResetReason } from "../../http/codec.ts";
import type { ConnectionInfo } from "../../observe/stream_info.ts";
import { ActiveClient, type ActiveClientOwner, type ClientCodecFactory, ClientState } from "./active_client.ts";
import type { ResourcePriority } from "../circuit_breaker.ts";
import type { DialFailure } from "./dialer.ts";
import type { Host } from "../host.ts";
import type { HttpProtocolPlan } from "../plan.ts";
import { ConnPoolBase } from "./conn_pool_base.ts";
import {
  failureDetails,
  failureReason,
  type PoolCancellable,
  type PoolCluster,
  type PoolFailureReason,
} from "./pool.ts";
import type { PreconnectingPool } from "./preconnect.ts";

/** What becomes of a wish for a stream: exactly one of the two, unless it is cancelled. */
export interface HttpPoolCallbacks {
  /** `requestCount`: streams on this connection so far, this one included. */
  onPoolReady(
    encoder: RequestEncoder,
    host: Host,
    connection: ConnectionInfo,
    protocol: Protocol,
    requestCount: number,
  ): void;
  /** `host` is null when none was tried. */
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void;
}

interface HttpWaiter {
  readonly decoder: ResponseDecoder & StreamCallbacks;
  readonly callbacks: HttpPoolCallbacks;
}

export class HttpPool extends ConnPoolBase<HttpWaiter> implements ActiveClientOwner {
  readonly createCodec: ClientCodecFactory;
  readonly http: HttpProtocolPlan;
  /** Clients with room for a stream; the last one is taken first. */
  readonly #ready: ActiveClient[] = [];
  readonly #clients = new Set<ActiveClient>();
  /** Streams that clients now connecting will have room for. */
  #connectingCapacity = 0;
  /** Clients that look at bytes now: they may be free a moment later. */
  #dispatching = 0;
  /** Somebody waits for such a client rather than for a new connection. */
  #deferred = false;
  draining = false;
  readonly #connectionId: number;
  /** Told when the pool comes into use, and when it is out of it. */
  onUse: ((used: boolean) => void) | null = null;
  /** It counts among the pools that a cluster may use. */
  #counted = false;
  #onIdle: (() => void) | null = null;

  /**
   * `http` is that of the cluster, with the protocol of this pool; `connectionId` is -1 unless one connection of a
   * client has the pool alone.
   */
  constructor(
    host: Host,
    cluster: PoolCluster,
    priority: ResourcePriority,
    createCodec: ClientCodecFactory,
    http: HttpProtocolPlan,
    connectionId: number,
  ) {
    super(host, cluster, priority);
    this.#connectionId = connectionId;
    this.createCodec = createCodec;
    this.http = http;
    this.pending.onCancelled = () => this.#onLess();
  }

  /**
   * Asks for a stream. Null: the callbacks came already. Else they come later, unless the result is cancelled.
   */
  newStream(decoder: ResponseDecoder & StreamCallbacks, callbacks: HttpPoolCallbacks): PoolCancellable | null {
    const { preconnect } = this;
    if (preconnect !== null) preconnect.connectToNext(this.#poolOf);
    const ready = this.#ready;
    if (ready.length === 0) return this.wait({ decoder, callbacks });
    this.#attach(ready[ready.length - 1]!, decoder, callbacks);
    if (preconnect !== null) preconnect.connect(this);
    return null;
  }

  /** Connections in any state. */
  get connectionCount(): number {
    return this.#clients.size;
  }

  get activeCount(): number {
    let count = 0;
    for (const client of this.#clients) count += client.activeStreams;
    return count;
  }

  get room(): number {
    let room = this.#connectingCapacity;
    for (const client of this.#ready) room += client.room;
    return room;
  }

  /** Closes the connections that are free now, and the others after their streams. New ones may be made. */
  drainConnections(): void {
    for (const client of [...this.#clients]) {
      if (client.state === ClientState.Connecting || client.state === ClientState.Closed) continue;
      if (client.activeStreams === 0 && client.state === ClientState.Ready) client.close("drained");
      else this.setState(client, ClientState.Draining);
    }
  }

  drain(onIdle: () => void): void {
    this.draining = true;
    this.#onIdle = onIdle;
    this.drainConnections();
    this.#checkIdle();
  }

  /** Ends everything at once: connections are cut, those who wait fail. */
  close(): void {
    this.failPending(StreamResetReason.LocalConnectionFailure, "pool closed");
    for (const client of [...this.#clients]) client.close("pool closed");
  }

  #attach(client: ActiveClient, decoder: ResponseDecoder & StreamCallbacks, callbacks: HttpPoolCallbacks): void {
    if (!this.ledger.canStart()) {
      this.ledger.cluster.stats.upstreamRqActiveOverflow.inc();
      callbacks.onPoolFailure(StreamResetReason.Overflow, "", this.host);
      return;
    }
    const encoder = client.newStream(decoder);
    callbacks.onPoolReady(encoder, this.host, client.connection!.info, client.protocol, client.requestCount);
  }

  // ConnPoolBase

  protected expectsEnough(): boolean {
    const { length } = this.pending;
    if (length <= this.#connectingCapacity) return true;
    if (length > this.#connectingCapacity + this.#dispatching) return false;
    this.#deferred = true;
    return true;
  }

  protected tellFailure(
    { callbacks }: HttpWaiter,
    reason: PoolFailureReason,
    details: string,
    host: Host | null,
  ): void {
    callbacks.onPoolFailure(reason, details, host);
  }

  createConnection(): void {
    const client = new ActiveClient(this);
    this.#connectingCapacity += client.expectedStreams;
    this.#clients.add(client);
    if (!this.#counted) this.#countUse();
  }

  readonly #poolOf = (host: Host): PreconnectingPool => {
    const { cluster, priority } = this.ledger;
    return cluster.httpPool(host, priority, this.http.protocol, this.#connectionId);
  };

  #checkIdle(): void {
    if (!this.draining) return;
    if (this.pending.length === 0) {
      for (const client of [...this.#clients]) {
        if (client.state === ClientState.Connecting) client.close("drained");
      }
    }
    if (!this.idle) return;
    const onIdle = this.#onIdle;
    this.#onIdle = null;
    onIdle?.();
  }

  // ActiveClientOwner

  setState(client: ActiveClient, state: ClientState): void {
    const ready = this.#ready;
    if (client.state === ClientState.Ready) {
      if (ready[ready.length - 1] === client) ready.pop();
      else ready.splice(ready.indexOf(client), 1);
    } else if (client.state === ClientState.Connecting) {
      this.#connectingCapacity -= client.expectedStreams;
    }
    client.state = state;
    if (state === ClientState.Ready) ready.push(client);
    else if (state === ClientState.Closed) this.#clients.delete(client);
  }

  onConnected(client: ActiveClient): void {
    this.onRoom(client);
  }

  onRoom(client: ActiveClient): void {
    if (client.state !== ClientState.Ready) this.setState(client, ClientState.Ready);
    while (this.pending.length > 0 && client.state === ClientState.Ready) {
      const waiter = this.pending.shift()!;
      this.#attach(client, waiter.decoder, waiter.callbacks);
    }
    if (client.state !== ClientState.Ready || client.activeStreams > 0) return;
    if (this.draining) client.close("drained");
    else client.startIdleTimer();
  }

  onDispatchBegin(): void {
    this.#dispatching++;
  }

  onDispatchEnd(): void {
    this.#dispatching--;
    if (!this.#deferred) return;
    this.#deferred = false;
    this.replaceConnections();
  }

  onConnectFailed(_client: ActiveClient, failure: DialFailure): void {
    this.failPending(failureReason(failure), failureDetails(failure));
    this.replaceConnections();
    this.#onLess();
  }

  onClosed(_client: ActiveClient): void {
    this.replaceConnections();
    this.#onLess();
  }

  /** Somebody who waited, or a connection, is gone. */
  #onLess(): void {
    if (this.#counted && this.idle) this.#countUse();
    this.#checkIdle();
  }

  #countUse(): void {
    this.#counted = !this.#counted;
    this.ledger.onPoolUse(this.#counted);
    this.onUse?.(this.#counted);
  }
}
