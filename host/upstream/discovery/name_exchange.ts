// host/upstream/discovery/name_exchange.ts: what one worker looks up for all.
// pure: no I/O, no clock, no runtime globals
/**
 * The primary worker looks up the names of DNS clusters; what comes of it goes by way of the main thread to all
 * others, and to those that come later with everything else that is known by then. So name servers get one question,
 * all workers have the same hosts, and those that the primary worker checks are those that the others use.
 *
 * @see Envoy: the main thread, where clusters look up names for all workers
 * @module
 */
import type { DnsAddress } from "../../net/dns.ts";

/** What became of a look-up; `cluster` is a `sharedClusterId`, `target` counts the names of the cluster. */
export type NameChange =
  | {
    readonly kind: "answered";
    readonly cluster: string;
    readonly target: number;
    readonly addresses: readonly DnsAddress[];
  }
  /** The first attempt ended without an answer: who waits for it waits no more. */
  | { readonly kind: "failed"; readonly cluster: string; readonly target: number }
  /** Nobody looks up the names of this cluster any more. */
  | { readonly kind: "closed"; readonly cluster: string };

/** What is known of a name: its addresses, or null after a failure that no answer has followed. */
export type NameOutcome = readonly DnsAddress[] | null;

/** Everything that is known. */
export class NameRecord {
  readonly #clusters = new Map<string, Map<number, NameOutcome>>();

  apply(change: NameChange): void {
    if (change.kind === "closed") return void this.#clusters.delete(change.cluster);
    let targets = this.#clusters.get(change.cluster);
    if (targets === undefined) this.#clusters.set(change.cluster, targets = new Map());
    if (change.kind === "answered") targets.set(change.target, change.addresses);
    // A failure takes nothing away.
    else if (!targets.has(change.target)) targets.set(change.target, null);
  }

  /** Undefined before the first attempt ended. */
  outcome(cluster: string, target: number): NameOutcome | undefined {
    return this.#clusters.get(cluster)?.get(target);
  }

  /** Changes that lead from nothing to what is known. */
  *changes(): Generator<NameChange> {
    for (const [cluster, targets] of this.#clusters) {
      for (const [target, addresses] of targets) {
        yield addresses === null
          ? { kind: "failed", cluster, target }
          : { kind: "answered", cluster, target, addresses };
      }
    }
  }
}

/** A cluster that waits for names to be looked up elsewhere. */
export interface NameListener {
  /** Null: the first attempt ended without an answer. */
  onOutcome(target: number, outcome: NameOutcome): void;
}

export class NameExchange {
  /** Whether this is the worker that looks up names. */
  readonly looksUp: boolean;
  readonly #send: (changes: readonly NameChange[]) => void;
  readonly #record = new NameRecord();
  readonly #listeners = new Map<string, NameListener>();

  /** `send` brings changes to the other workers. */
  constructor(looksUp: boolean, send: (changes: readonly NameChange[]) => void) {
    this.looksUp = looksUp;
    this.#send = send;
  }

  /** A name has these addresses: tells it where that is new. */
  answered(cluster: string, target: number, addresses: readonly DnsAddress[]): void {
    const known = this.#record.outcome(cluster, target) ?? null;
    if (known === null || !isSame(known, addresses)) this.#publish({ kind: "answered", cluster, target, addresses });
  }

  /** An attempt ended, whichever way: tells it where nothing was told before. */
  attempted(cluster: string, target: number): void {
    if (this.#record.outcome(cluster, target) === undefined) this.#publish({ kind: "failed", cluster, target });
  }

  /** The names of a cluster are not looked up any more. */
  closed(cluster: string): void {
    this.#publish({ kind: "closed", cluster });
  }

  /** Tells a listener what is known of `count` names, and then what comes. */
  listen(cluster: string, count: number, listener: NameListener): void {
    this.#listeners.set(cluster, listener);
    for (let target = 0; target < count; target++) {
      const outcome = this.#record.outcome(cluster, target);
      if (outcome !== undefined) listener.onOutcome(target, outcome);
    }
  }

  leave(cluster: string, listener: NameListener): void {
    if (this.#listeners.get(cluster) === listener) this.#listeners.delete(cluster);
  }

  /** Takes what another worker told. */
  receive(changes: readonly NameChange[]): void {
    // What a worker told that was the primary one before this: it asks itself.
    if (this.looksUp) return;
    for (const change of changes) {
      this.#record.apply(change);
      if (change.kind === "closed") continue;
      const outcome = change.kind === "answered" ? change.addresses : null;
      this.#listeners.get(change.cluster)?.onOutcome(change.target, outcome);
    }
  }

  #publish(change: NameChange): void {
    this.#record.apply(change);
    this.#send([change]);
  }
}

/** Times to live are for the worker that asks. */
function isSame(a: readonly DnsAddress[], b: readonly DnsAddress[]): boolean {
  return a.length === b.length && a.every(({ address }, i) => address === b[i]!.address);
}
