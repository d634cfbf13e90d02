// host/server/relay.ts: brings what one worker finds of hosts and names to the others.
/**
 * Lives on the main thread, when there are several workers. A worker that comes later is first told everything.
 *
 * @module
 */
import { type NameChange, NameRecord } from "../upstream/discovery/name_exchange.ts";
import { type HostHealthChange, HostHealthRecord } from "../upstream/health/exchange.ts";
import type { WorkerLink } from "./worker_protocol.ts";

/** Everything that is known of something. */
interface Recorded<Change> {
  apply(change: Change): void;
  /** Changes that lead from nothing to what is known. */
  changes(): Iterable<Change>;
}

export class Relay<Change> {
  readonly #record: Recorded<Change>;
  readonly #tell: (link: WorkerLink, changes: readonly Change[]) => Promise<unknown>;
  /** By index: what is not here has not begun, or is gone. */
  readonly #links = new Map<number, WorkerLink>();

  constructor(record: Recorded<Change>, tell: (link: WorkerLink, changes: readonly Change[]) => Promise<unknown>) {
    this.#record = record;
    // A worker that ends meanwhile has a successor, who will be told.
    this.#tell = (link, changes) => tell(link, changes).catch(() => {});
  }

  /** From now on this worker is told everything, to begin with what is known. To be called when it is there. */
  welcome(link: WorkerLink): void {
    this.#links.set(link.index, link);
    const known = [...this.#record.changes()];
    if (known.length > 0) void this.#tell(link, known);
  }

  /** The worker is gone; its successor has to be welcomed. */
  dismiss(index: number): void {
    this.#links.delete(index);
  }

  /** Tells all workers but the one that says it. */
  forward(from: number, changes: readonly Change[]): void {
    for (const change of changes) this.#record.apply(change);
    for (const link of this.#links.values()) if (link.index !== from) void this.#tell(link, changes);
  }
}

export function hostHealthRelay(): Relay<HostHealthChange> {
  return new Relay(new HostHealthRecord(), (link, changes) => link.call("hostHealth", changes));
}

export function nameRelay(): Relay<NameChange> {
  return new Relay(new NameRecord(), (link, changes) => link.call("names", changes));
}
