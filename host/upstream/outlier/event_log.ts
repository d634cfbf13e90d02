// host/upstream/outlier/event_log.ts: ejections and their ends as lines of JSON.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/data/cluster/v3/outlier_detection_event.proto, source/common/upstream/outlier_detection_impl.cc
 *   EventLoggerImpl
 * @module
 */
import { timestampText } from "../../base/timestamp.ts";
import type { EjectionType } from "./plan.ts";

/** What happened to a host. */
export interface OutlierEvent {
  readonly action: "EJECT" | "UNEJECT";
  /** Of an end it is always the first one, as in Envoy. */
  readonly type: EjectionType;
  readonly clusterName: string;
  /** The host's address. */
  readonly upstreamUrl: string;
  readonly ejections: number;
  readonly enforced: boolean;
  /** Since its last end, or, of an end, since the ejection; null if there was none. */
  readonly sinceLastActionMs: number | null;
  /** Of the interval that was looked at; null where requests of an interval say nothing. */
  readonly rates: OutlierRates | null;
}

export interface OutlierRates {
  readonly hostSuccessRate: number;
  readonly averageSuccessRate: number;
  readonly ejectionThreshold: number;
}

/** The line of an event, its end included. */
export function outlierEventLine(event: OutlierEvent, wallMs: number): string {
  return JSON.stringify({
    type: event.type,
    timestamp: timestampText(wallMs),
    ...(event.sinceLastActionMs !== null &&
      { secs_since_last_action: String(Math.floor(event.sinceLastActionMs / 1000)) }),
    cluster_name: event.clusterName,
    upstream_url: event.upstreamUrl,
    action: event.action,
    num_ejections: event.ejections,
    enforced: event.enforced,
    ...(event.action === "EJECT" && reason(event)),
  }) + "\n";
}

function reason({ type, rates }: OutlierEvent): Readonly<Record<string, unknown>> {
  switch (type) {
    case "SUCCESS_RATE":
    case "SUCCESS_RATE_LOCAL_ORIGIN":
      return {
        eject_success_rate_event: {
          host_success_rate: whole(rates!.hostSuccessRate),
          cluster_average_success_rate: whole(rates!.averageSuccessRate),
          cluster_success_rate_ejection_threshold: whole(rates!.ejectionThreshold),
        },
      };
    case "FAILURE_PERCENTAGE":
    case "FAILURE_PERCENTAGE_LOCAL_ORIGIN":
      return { eject_failure_percentage_event: { host_success_rate: whole(rates!.hostSuccessRate) } };
    default:
      return { eject_consecutive_event: {} };
  }
}

function whole(percent: number): number {
  return Math.max(0, Math.trunc(percent));
}
