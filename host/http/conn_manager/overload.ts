// host/http/conn_manager/overload.ts: what a connection manager refuses under overload.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc, source/common/http/http1/codec_impl.cc,
 *   source/common/http/http2/codec_impl.cc
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { OverloadSignal, OverloadState, ScaledTimerKind } from "../../net/overload.ts";
import { ScaledTimers, type TimerMaker } from "../../net/scaled_timers.ts";
import { StreamIdleTimers } from "./stream_idle_timers.ts";

/** Signals are null where they are not configured. */
export interface ConnectionManagerOverload {
  /** Requests, once their heads are there. */
  readonly requests: OverloadSignal | null;
  readonly decodeHeaders: OverloadSignal | null;
  /** Connections, at their first bytes. */
  readonly creatingCodec: OverloadSignal | null;
  /** HTTP/1 connections, at any bytes. */
  readonly abortHttp1: OverloadSignal | null;
  /** Connections go on, and are not to be used again. */
  readonly keepalive: OverloadSignal | null;
  readonly goAway: OverloadSignal | null;
  readonly goAwayAndClose: OverloadSignal | null;
}

/** Null where nothing of it is configured. */
export function connectionManagerOverload(state: OverloadState | null): ConnectionManagerOverload | null {
  if (state === null) return null;
  const overload: ConnectionManagerOverload = {
    requests: state.action("stop_accepting_requests"),
    decodeHeaders: state.point("http_connection_manager_decode_headers"),
    creatingCodec: state.point("hcm_ondata_creating_codec"),
    abortHttp1: state.point("http1_server_abort_dispatch"),
    keepalive: state.action("disable_http_keepalive"),
    goAway: state.point("http2_server_go_away_on_dispatch"),
    goAwayAndClose: state.point("http2_server_go_away_and_close_on_dispatch"),
  };
  return Object.values(overload).every((each) => each === null) ? null : overload;
}

/** True when a request is to be refused now. */
export function refusesRequest({ decodeHeaders, requests }: ConnectionManagerOverload): boolean {
  return decodeHeaders?.fires() === true || requests?.fires() === true;
}

/** Timers that overload may cut short; those of the clock where it may not. */
export interface ConnectionManagerTimers {
  readonly connectionIdle: TimerMaker;
  readonly connectionMax: TimerMaker;
  readonly streamIdle: StreamIdleTimers;
  /** Of responses that are made and wait for the client's window. */
  readonly streamFlush: TimerMaker;
}

export function connectionManagerTimers(state: OverloadState | null, clock: Clock): ConnectionManagerTimers {
  const scaled = (kind: ScaledTimerKind) => scaledTimers(state, kind, clock);
  return {
    connectionIdle: scaled("connection_idle"),
    connectionMax: scaled("connection_max"),
    streamIdle: new StreamIdleTimers(scaled("stream_idle")),
    streamFlush: scaled("stream_flush"),
  };
}

/** The timers of a kind. */
export function scaledTimers(state: OverloadState | null, kind: ScaledTimerKind, clock: Clock): TimerMaker {
  const signal = state?.action("reduce_timeouts") ?? null;
  const plan = state?.handle.timers.find((each) => each.kind === kind);
  if (signal === null || plan === undefined) return clock;
  return new ScaledTimers(clock, signal, plan.minimum, state!.handle.refreshIntervalMs);
}
