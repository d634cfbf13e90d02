// host/upstream/health/host_flags.ts: the flags that a host really has, as its checks see and set them.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { HealthFlag, Host } from "../host.ts";
import type { ClusterHealth } from "./cluster_health.ts";
import type { SessionFlags } from "./session.ts";

export class HostFlags implements SessionFlags {
  readonly #host: Host;
  readonly #health: ClusterHealth;

  constructor(host: Host, health: ClusterHealth) {
    this.#host = host;
    this.#health = health;
  }

  has(flag: HealthFlag): boolean {
    return (this.#host.healthFlags & flag) !== 0;
  }

  set(flag: HealthFlag, on: boolean): void {
    this.#health.set(this.#host, flag, on);
  }
}
