// host/server/host_health_relay.ts: brings what one worker finds of the health of hosts to the others.
/**
 * Lives on the main thread, when there are several workers. A worker that comes later is first told everything.
 *
 * @module
 */
import { type HostHealthChange, HostHealthRecord } from "../upstream/health/exchange.ts";
import type { WorkerLink } from "./worker_protocol.ts";

export class HostHealthRelay {
  readonly #record = new HostHealthRecord();
  /** By index: what is not here has not begun, or is gone. */
  readonly #links = new Map<number, WorkerLink>();

  /** From now on this worker is told everything, to begin with what is known. To be called when it is there. */
  welcome(link: WorkerLink): void {
    this.#links.set(link.index, link);
    const known = [...this.#record.changes()];
    if (known.length > 0) tell(link, known);
  }

  /** The worker is gone; its successor has to be welcomed. */
  dismiss(index: number): void {
    this.#links.delete(index);
  }

  /** Tells all workers but the one that says it. */
  forward(from: number, changes: readonly HostHealthChange[]): void {
    for (const change of changes) this.#record.apply(change);
    for (const link of this.#links.values()) if (link.index !== from) tell(link, changes);
  }
}

/** A worker that ends meanwhile has a successor, who will be told. */
function tell(link: WorkerLink, changes: readonly HostHealthChange[]): void {
  link.call("hostHealth", changes).catch(() => {});
}
