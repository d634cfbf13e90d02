// host/router/attempts/retry_decision.ts: whether another attempt takes the place of one.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/http_path.bench.ts
/**
 * One follows a response that is to be retried, a reset, and a timeout; while one waits to be made, or follows
 * already, the failure of another is no reason for one more.
 *
 * @see Envoy: source/common/router/router.cc Filter::maybeRetryReset, onUpstreamHeaders, onSoftPerTryTimeout
 * @module
 */
import { StreamResetReason } from "../../http/codec.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { AttemptSet } from "./attempt_set.ts";
import { noteTimeout } from "./host_outcome.ts";
import { type RetryState, RetryStatus } from "./retry_state.ts";
import type { RoutedRequest } from "../routed_request.ts";
import type { UpstreamAttempt } from "./upstream_attempt.ts";

/** True when a response is not for the client, because a better one may follow. */
export function dropsResponse(
  request: RoutedRequest,
  retry: RetryState,
  inFlight: AttemptSet,
  attempt: UpstreamAttempt,
  headers: HeaderMap,
): boolean {
  let isBad: boolean;
  if (attempt.retried || retry.waiting) {
    isBad = retry.wouldRetry(headers);
  } else {
    const status = retry.onResponse(headers);
    if (status === RetryStatus.Yes) {
      retry.followsTimeout = false;
      request.chargeRetry(headers.status);
      drop(inFlight, attempt);
      return true;
    }
    isBad = status === RetryStatus.Refused;
  }
  if (!isBad || (inFlight.size <= 1 && !retry.waiting)) return false;
  drop(inFlight, attempt);
  return true;
}

/** True when another attempt follows one that was reset; `retry` is null where none may follow. */
export function retriesReset(
  request: RoutedRequest,
  retry: RetryState | null,
  inFlight: AttemptSet,
  attempt: UpstreamAttempt,
  reason: StreamResetReason,
  requestStarted: boolean,
): boolean {
  if (retry === null || request.responseStarted || attempt.retried || retry.waiting) return false;
  if (retry.onReset(reason, requestStarted) !== RetryStatus.Yes) return false;
  retry.followsTimeout = false;
  drop(inFlight, attempt);
  return true;
}

/** True when another attempt follows one that took too long, and was given up. */
export function retriesTimeout(
  request: RoutedRequest,
  retry: RetryState | null,
  inFlight: AttemptSet,
  attempt: UpstreamAttempt,
): boolean {
  if (!retriesReset(request, retry, inFlight, attempt, StreamResetReason.LocalReset, true)) return false;
  retry!.followsTimeout = true;
  return true;
}

/** An attempt takes long: it goes on, and another one follows. */
export function hedge(request: RoutedRequest, retry: RetryState | null, attempt: UpstreamAttempt): void {
  noteTimeout(attempt, request.timeoutStatus);
  if (retry === null || request.responseStarted) return;
  // One that is about to follow is enough for several that take long.
  if (!retry.waiting && retry.onSoftTimeout() !== RetryStatus.Yes) return;
  retry.followsTimeout = true;
  attempt.retried = true;
}

function drop(inFlight: AttemptSet, attempt: UpstreamAttempt): void {
  if (attempt.host !== null) attempt.host.rqError++;
  attempt.reset();
  inFlight.remove(attempt);
}
