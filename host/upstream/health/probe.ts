// host/upstream/health/probe.ts: the port between the state of a host's checks and one way to check it.
// pure: no I/O, no clock, no runtime globals
/**
 * A probe asks a host once whenever it is told to, on a connection of its own that it may keep. What came of it
 * is one of the callbacks, not before `check` has returned; a probe that is timed out or closed stays silent.
 *
 * @see Envoy: envoy/upstream/health_checker.h
 * @module
 */
import type { Runtime } from "../../base/runtime.ts";
import type { CompileFormat } from "../../http/header_ops.ts";
import type { ClientCodecFactory } from "../conn_pool/active_client.ts";
import type { Host } from "../host.ts";
import type { PoolCluster } from "../conn_pool/pool.ts";
import type { DescribedCluster } from "../upstream_info.ts";
import type { HealthCheckStats } from "./stats.ts";

/** How a check failed, with the names of Envoy's events. */
export type HealthCheckFailure = "ACTIVE" | "PASSIVE" | "NETWORK" | "NETWORK_TIMEOUT";

export interface ProbeCallbacks {
  onSuccess(degraded: boolean): void;
  /** `retriable`: only several of them in a row make a host unhealthy. `httpStatus` is 0 when there is none. */
  onFailure(failure: HealthCheckFailure, retriable: boolean, httpStatus: number): void;
  /** The host asks for no request at all until it is healthy again. */
  onImmediateFailure(): void;
}

export interface HealthProbe {
  check(): void;
  /** The check that was begun took too long. */
  onTimeout(): void;
  close(): void;
}

/** The cluster whose hosts are checked. */
export interface CheckedCluster extends PoolCluster, DescribedCluster {
  readonly runtime: Runtime;
  /** A check of a host succeeded. */
  onHealthCheckPassed(host: Host): void;
}

/** What probes are made with. */
export interface ProbeEnvironment {
  readonly cluster: CheckedCluster;
  readonly createClientCodec: ClientCodecFactory;
  readonly compileFormat: CompileFormat;
}

/** What a probe is made for. */
export interface ProbeTarget {
  readonly host: Host;
  readonly timeoutMs: number;
  readonly reuseConnection: boolean;
  readonly stats: HealthCheckStats;
}
