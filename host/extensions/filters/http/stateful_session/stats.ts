// host/extensions/filters/http/stateful_session/stats.ts: what became of requests with a session.
/**
 * @see Envoy: source/extensions/filters/http/stateful_session/stateful_session.h ALL_STATEFUL_SESSION_FILTER_STATS
 * @module
 */
import type { Counter, StatsScope } from "../../../../observe/stats.ts";

export class StatefulSessionStats {
  /** Went to the host that it came for. */
  readonly routed: Counter;
  /** Went to another one. */
  readonly failedOpen: Counter;
  /** Was answered, as it was bound to its host. */
  readonly failedClosed: Counter;
  readonly noSession: Counter;

  constructor(scope: StatsScope) {
    this.routed = scope.counter("routed");
    this.failedOpen = scope.counter("failed_open");
    this.failedClosed = scope.counter("failed_closed");
    this.noSession = scope.counter("no_session");
  }
}
