// host/router/router_plan.ts: the settings of the terminal filter, as plain data.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** Settings of the Router message. */
export interface RouterPlan {
  /** No `x-envoy-…` headers are added. */
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedRqTimeout: boolean;
  /** Headers to the router that must be understood, in lower case; absent for none. */
  readonly strictCheckHeaders?: readonly string[];
  /** Counters of all responses do not tell what status gRPC calls had. */
  readonly suppressGrpcRequestFailureCodeStats?: boolean;
  /** Refuses CONNECT whose data comes before its answer. */
  readonly rejectConnectRequestEarlyData?: boolean;
}
