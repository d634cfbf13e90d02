// host/net/overload.ts: how much of its work a worker is to refuse.
// pure: no I/O, no clock, no runtime globals
// hot: asked per connection and per request where it is configured
/**
 * The main thread measures and decides; what comes of it is one number per action or point, in memory that all
 * threads share. Whoever is about to take on work has a signal, and asks it.
 *
 * @see Envoy: envoy/server/overload/thread_local_overload_state.h, load_shed_point.h
 * @module
 */
import type { Random } from "../base/random.ts";
import type { CounterPort, StatsScope } from "./stats.ts";

/** Every action by the end of its name. */
export const OVERLOAD_ACTIONS = [
  "stop_accepting_requests",
  "disable_http_keepalive",
  "stop_accepting_connections",
  "reject_incoming_connections",
  "reduce_timeouts",
  "shrink_heap",
  "reset_high_memory_stream",
  // Of HTTP/3, which nobody speaks here: it is measured, and nothing comes of it.
  "close_idle_http_connections",
] as const;
export type OverloadAction = (typeof OVERLOAD_ACTIONS)[number];

/** Every point by the end of its name. */
export const LOAD_SHED_POINTS = [
  "tcp_listener_accept",
  "http_connection_manager_decode_headers",
  "hcm_ondata_creating_codec",
  "http1_server_abort_dispatch",
  "http2_server_go_away_on_dispatch",
  "http2_server_go_away_and_close_on_dispatch",
  "http_downstream_filter_check",
  "tcp_proxy_on_data",
  "tcp_proxy_upstream_connect",
  "connection_pool_new_connection",
  // Nothing ever asks these: nobody speaks HTTP/3 here.
  "http3_server_go_away_on_dispatch",
  "http3_server_go_away_and_close_on_dispatch",
] as const;
export type LoadShedPoint = (typeof LOAD_SHED_POINTS)[number];

export const ACTION_PREFIX = "envoy.overload_actions.";
export const POINT_PREFIX = "envoy.load_shed_points.";

/** A cell that holds this is saturated. */
export const SATURATED = 1_000_000;

/** Whose time an overload may cut short. */
export type ScaledTimerKind =
  | "connection_idle"
  | "stream_idle"
  | "transport_socket_connect"
  | "connection_max"
  | "stream_flush";

export interface ScaledTimerPlan {
  readonly kind: ScaledTimerKind;
  /** The least that is left of the time: an absolute one, or a part of it. */
  readonly minimum: { readonly ms: number } | { readonly fraction: number };
}

/** Memory for the states of everything there is, configured or not: which cell is whose never changes. */
export function createOverloadCells(): SharedArrayBuffer {
  return new SharedArrayBuffer((OVERLOAD_ACTIONS.length + LOAD_SHED_POINTS.length) * 4);
}

export function cellOfAction(name: OverloadAction): number {
  return OVERLOAD_ACTIONS.indexOf(name);
}

export function cellOfPoint(name: LoadShedPoint): number {
  return OVERLOAD_ACTIONS.length + LOAD_SHED_POINTS.indexOf(name);
}

/** What a worker needs to take part; goes through `postMessage`. */
export interface OverloadHandle {
  /** Those that are configured. */
  readonly actions: readonly OverloadAction[];
  readonly points: readonly LoadShedPoint[];
  /** From 0 to `SATURATED`, an Int32 each. */
  readonly cells: SharedArrayBuffer;
  readonly timers: readonly ScaledTimerPlan[];
  /** Streams that hold two to the power of this many bytes or more may be reset; 0 for none. */
  readonly minimumAccountToTrackPowerOfTwo: number;
  /** How often the cells may change. */
  readonly refreshIntervalMs: number;
}

/** Whether to refuse, now. */
export class OverloadSignal {
  readonly #cells: Int32Array;
  readonly #index: number;
  readonly #random: Random;
  readonly #shed: CounterPort | null;

  constructor(cells: Int32Array, index: number, random: Random, shed: CounterPort | null) {
    this.#cells = cells;
    this.#index = index;
    this.#random = random;
    this.#shed = shed;
  }

  /** From 0 to 1. */
  get value(): number {
    return this.#cells[this.#index]! / SATURATED;
  }

  get saturated(): boolean {
    return this.#cells[this.#index]! >= SATURATED;
  }

  /** True with the probability of its value. */
  fires(): boolean {
    const value = this.#cells[this.#index]!;
    if (value === 0 || (value < SATURATED && this.#random.fraction() * SATURATED >= value)) return false;
    this.#shed?.inc();
    return true;
  }
}

/** What listeners are made with: those made with another one are made anew. Thresholds are none of it. */
export function overloadShape(handle: OverloadHandle | null): string {
  return handle === null
    ? ""
    : JSON.stringify([handle.actions, handle.points, handle.timers, handle.refreshIntervalMs]);
}

/** The signals of a worker. */
export class OverloadState {
  readonly handle: OverloadHandle;
  readonly #actions = new Map<OverloadAction, OverloadSignal>();
  readonly #points = new Map<LoadShedPoint, OverloadSignal>();

  /** `stats` is the root. */
  constructor(handle: OverloadHandle, random: Random, stats: StatsScope) {
    this.handle = handle;
    const cells = new Int32Array(handle.cells);
    for (const name of handle.actions) {
      this.#actions.set(name, new OverloadSignal(cells, cellOfAction(name), random, null));
    }
    for (const name of handle.points) {
      const shed = stats.counter(`overload.${POINT_PREFIX}${name}.shed_load_count`);
      this.#points.set(name, new OverloadSignal(cells, cellOfPoint(name), random, shed));
    }
  }

  /** Null where the action is not configured. */
  action(name: OverloadAction): OverloadSignal | null {
    return this.#actions.get(name) ?? null;
  }

  point(name: LoadShedPoint): OverloadSignal | null {
    return this.#points.get(name) ?? null;
  }
}

/** What a listener asks before it takes a connection. */
export interface AcceptOverload {
  readonly reject: OverloadSignal | null;
  readonly shed: OverloadSignal | null;
  /** While it is saturated connections wait. */
  readonly stop: OverloadSignal | null;
  readonly refreshIntervalMs: number;
}

/** Null where nothing of it is configured. */
export function acceptOverload(state: OverloadState | null): AcceptOverload | null {
  if (state === null) return null;
  const reject = state.action("reject_incoming_connections");
  const shed = state.point("tcp_listener_accept");
  const stop = state.action("stop_accepting_connections");
  const { refreshIntervalMs } = state.handle;
  return reject === null && shed === null && stop === null ? null : { reject, shed, stop, refreshIntervalMs };
}
