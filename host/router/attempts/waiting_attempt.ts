// host/router/attempts/waiting_attempt.ts: an attempt that waits for a pool, and has the client wait where it must.
// pure: no I/O, no clock, no runtime globals
// hot: one per request; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/router/upstream_request.cc
 * @module
 */
import type { UpstreamInfo } from "../../observe/stream_info.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { Host } from "../../upstream/host.ts";
import type { PoolCancellable, PoolFailureReason } from "../../upstream/conn_pool/pool.ts";
import type { AttemptMeasure } from "../../upstream/tracked_stats.ts";
import { UpstreamAttempt, type UpstreamRequestOwner } from "./upstream_attempt.ts";

export abstract class WaitingAttempt<Pool> extends UpstreamAttempt {
  protected readonly pool: Pool;
  protected readonly owner: UpstreamRequestOwner;
  /** The place in the pool's line; null before and after. */
  protected waiting: PoolCancellable | null = null;
  readonly #limitBytes: number;
  #pausedDownstream = 0;
  /** The client said it is full before there was anything to pause. */
  #pausesBeforeReady = 0;

  constructor(
    pool: Pool,
    owner: UpstreamRequestOwner,
    limitBytes: number,
    info: UpstreamInfo,
    measure: AttemptMeasure | null,
  ) {
    super(info, measure);
    this.pool = pool;
    this.owner = owner;
    this.#limitBytes = limitBytes;
  }

  abstract encodeHeaders(headers: HeaderMap, end: boolean): void;
  abstract start(): void;
  /** Lets go of what waits to be sent. */
  protected abstract clean(): void;

  begin(headers: HeaderMap, end: boolean): void {
    this.encodeHeaders(headers, end);
    this.start();
  }

  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void {
    this.waiting = null;
    if (this.done) return;
    this.done = true;
    if (host !== null) this.owner.onUpstreamHostSelected(this, host);
    this.info.transportFailureReason = transportFailureReason;
    this.clean();
    this.owner.onUpstreamReset(this, reason, transportFailureReason);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.resumeDownstream();
  }

  /** Remembers a pause for when there is something to pause. */
  protected pauseOnceReady(disable: boolean): void {
    this.#pausesBeforeReady += disable ? 1 : -1;
  }

  protected applyPauses(upstream: { readDisable(disable: boolean): void }): void {
    for (; this.#pausesBeforeReady > 0; this.#pausesBeforeReady--) upstream.readDisable(true);
  }

  /** More than may be kept waits to be sent: the client is to wait, too. */
  protected pauseWhenFull(bytes: number): void {
    if (this.#limitBytes > 0 && bytes > this.#limitBytes && this.#pausedDownstream === 0) this.pauseDownstream();
  }

  protected pauseDownstream(): void {
    this.#pausedDownstream++;
    this.owner.readDisableDownstream(true);
  }

  /** Takes one pause back, if there is one. */
  protected resumeDownstream(): void {
    if (this.#pausedDownstream === 0) return;
    this.#pausedDownstream--;
    this.owner.readDisableDownstream(false);
  }

  /** Takes all of them back. */
  protected releaseDownstream(): void {
    while (this.#pausedDownstream > 0) this.resumeDownstream();
  }
}
