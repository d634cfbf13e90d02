// host/extensions/filters/http/stateful_session/plan.ts: StatefulSession as plain data.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { CookiePlan } from "../../../../http/set_cookie.ts";

export interface StatefulSessionPlan {
  /** Null: the filter does nothing. */
  readonly state: SessionStatePlan | null;
  /** A request fails when its host cannot be had. */
  readonly strict: boolean;
  /** The status of that answer when the cluster does not have the host any more. */
  readonly notFoundStatus: number;
  /** Empty: nothing is counted. */
  readonly statPrefix: string;
}

/** What a route says. */
export interface StatefulSessionRoutePlan {
  /** Null where the filter is off. */
  readonly session: StatefulSessionPlan | null;
}

/** Where a client keeps the address of its host. */
export type SessionStatePlan = CookieSessionPlan | HeaderSessionPlan | EnvelopeSessionPlan;

export interface CookieSessionPlan extends CookiePlan {
  readonly kind: "cookie";
  readonly ttlSeconds: number;
}

export interface HeaderSessionPlan {
  readonly kind: "header";
  /** Lower case. */
  readonly name: string;
}

export interface EnvelopeSessionPlan {
  readonly kind: "envelope";
  /** Of the header that the upstream has its own session in, in lower case. */
  readonly name: string;
}
