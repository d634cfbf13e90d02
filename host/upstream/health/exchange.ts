// host/upstream/health/exchange.ts: what workers tell each other of the health of hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * Hosts exist once per worker, and only one worker checks them. What it finds goes by way of the main thread to
 * all others, and to those that come later with everything else that is known by then; what changes in one
 * turn goes as one message. A worker that is alone tells nobody.
 *
 * @see Envoy: the main thread, which checks for all workers
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { HealthFlag } from "../host.ts";
import type { EjectionType } from "../outlier/plan.ts";

/** Something that became known; `cluster` names a cluster with its plan, `host` is `Host.key`. */
export type HostHealthChange =
  | {
    readonly kind: "flag";
    readonly cluster: string;
    readonly host: string;
    readonly flag: HealthFlag;
    readonly on: boolean;
  }
  /** A worker counted the error that makes a host an outlier. */
  | { readonly kind: "outlier"; readonly cluster: string; readonly host: string; readonly type: EjectionType }
  /** The host is gone: one that comes back later is a new one. */
  | { readonly kind: "removed"; readonly cluster: string; readonly host: string }
  /** The host itself says that it is not to be used: for the worker that checks. */
  | { readonly kind: "immediateFailure"; readonly cluster: string; readonly host: string }
  /** The first round of checks is over. */
  | { readonly kind: "checked"; readonly cluster: string }
  | { readonly kind: "closed"; readonly cluster: string };

/** The flags of a host that somebody set or cleared: which, and how they are. */
export interface KnownFlags {
  readonly known: number;
  readonly flags: number;
}

const UNKNOWN: KnownFlags = { known: 0, flags: 0 };

/** Everything that is known. */
export class HostHealthRecord {
  readonly #clusters = new Map<string, { checked: boolean; readonly hosts: Map<string, KnownFlags> }>();

  apply(change: HostHealthChange): void {
    // Who decides acts on it at once, or not at all.
    if (change.kind === "outlier" || change.kind === "immediateFailure") return;
    if (change.kind === "closed") return void this.#clusters.delete(change.cluster);
    let cluster = this.#clusters.get(change.cluster);
    if (cluster === undefined) this.#clusters.set(change.cluster, cluster = { checked: false, hosts: new Map() });
    if (change.kind === "checked") {
      cluster.checked = true;
    } else if (change.kind === "removed") {
      cluster.hosts.delete(change.host);
    } else {
      const { known, flags } = cluster.hosts.get(change.host) ?? UNKNOWN;
      const { flag, on } = change;
      cluster.hosts.set(change.host, { known: known | flag, flags: on ? flags | flag : flags & ~flag });
    }
  }

  flags(cluster: string, host: string): KnownFlags {
    return this.#clusters.get(cluster)?.hosts.get(host) ?? UNKNOWN;
  }

  isChecked(cluster: string): boolean {
    return this.#clusters.get(cluster)?.checked ?? false;
  }

  /** Changes that lead from nothing to what is known. */
  *changes(): Generator<HostHealthChange> {
    for (const [cluster, { checked, hosts }] of this.#clusters) {
      for (const [host, { known, flags }] of hosts) {
        for (let flag = 1; flag <= known; flag <<= 1) {
          if ((known & flag) === 0) continue;
          yield { kind: "flag", cluster, host, flag: flag as HealthFlag, on: (flags & flag) !== 0 };
        }
      }
      if (checked) yield { kind: "checked", cluster };
    }
  }
}

/** A cluster that takes part. */
export interface ExchangeMember {
  readonly id: string;
  /** Another worker tells this. */
  onChange(change: HostHealthChange): void;
  /** Comes once after a turn in which the member asked for it. */
  refresh(): void;
}

export class HostHealthExchange {
  readonly #send: ((changes: readonly HostHealthChange[]) => void) | null;
  readonly #record = new HostHealthRecord();
  readonly #members = new Map<string, ExchangeMember>();
  readonly #turnEnd: Timer;
  #unsent: HostHealthChange[] = [];
  readonly #changed = new Set<ExchangeMember>();

  /** `send` brings changes to the other workers; null when there are none. */
  constructor(clock: Clock, send: ((changes: readonly HostHealthChange[]) => void) | null) {
    this.#send = send;
    this.#turnEnd = clock.createTimer(() => this.flush());
  }

  /** True when there are other workers. */
  get isShared(): boolean {
    return this.#send !== null;
  }

  join(member: ExchangeMember): void {
    this.#members.set(member.id, member);
  }

  leave(member: ExchangeMember): void {
    if (this.#members.get(member.id) === member) this.#members.delete(member.id);
    this.#changed.delete(member);
  }

  /** What was said of a host before this worker had it. */
  flags(cluster: string, host: string): KnownFlags {
    return this.#record.flags(cluster, host);
  }

  isChecked(cluster: string): boolean {
    return this.#record.isChecked(cluster);
  }

  /** Tells the other workers, at the end of the turn. */
  publish(change: HostHealthChange): void {
    if (this.#send === null) return;
    this.#record.apply(change);
    this.#unsent.push(change);
    this.#awaitTurnEnd();
  }

  /** Has `member.refresh` called at the end of the turn. */
  refreshLater(member: ExchangeMember): void {
    this.#changed.add(member);
    this.#awaitTurnEnd();
  }

  /** Does now what waits for the end of the turn. */
  flush(): void {
    this.#turnEnd.disable();
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const member of changed) member.refresh();
    const unsent = this.#unsent;
    this.#unsent = [];
    if (unsent.length > 0) this.#send?.(unsent);
  }

  /** Takes what other workers told. */
  receive(changes: readonly HostHealthChange[]): void {
    for (const change of changes) {
      this.#record.apply(change);
      this.#members.get(change.cluster)?.onChange(change);
    }
  }

  #awaitTurnEnd(): void {
    if (!this.#turnEnd.enabled) this.#turnEnd.enable(0);
  }
}
