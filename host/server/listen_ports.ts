// host/server/listen_ports.ts: which ports listeners get, found before anything starts.
/**
 * Port 0 becomes one port for all workers, and stays the same through reloads.
 *
 * @module
 */
import { ipAddress, isPipe } from "../net/address.ts";
import { holdBind } from "../net/bind.ts";
import type { ListenAddressPlan, ListenerPlan } from "../net/plan.ts";

export type PortsResult =
  | {
    readonly ok: true;
    readonly listeners: readonly ListenerPlan[];
    /** Lets go of ports that the system chose: to be called when the workers have bound them, or will not. */
    release(): Promise<void>;
  }
  | { readonly ok: false; readonly problems: readonly string[] };

export class ListenPorts {
  /** What the system gave for port 0, by listener and address. */
  #chosen: ReadonlyMap<string, number> = new Map();

  /** The listeners with the ports that they are to bind; those that `serving` have bound already are not tried. */
  async resolve(plans: readonly ListenerPlan[], serving: readonly ListenerPlan[]): Promise<PortsResult> {
    const problems: string[] = [];
    const listeners: ListenerPlan[] = [];
    const chosen = new Map<string, number>();
    const ours = new Set(serving.flatMap((listener) => listener.addresses.map(addressKey)));
    // Ports that the system chose. Nobody else may get one before the workers have it: with `reusePort` two
    // processes would share it without noticing. Who cannot share it with the workers holds it until all are known.
    const held: (() => Promise<void>)[] = [];
    const heldUntilKnown: (() => Promise<void>)[] = [];
    for (const plan of plans) {
      const addresses: ListenAddressPlan[] = [];
      for (const [index, asked] of (plan.bindToPort ? plan.addresses : []).entries()) {
        const key = `${plan.name} ${index} ${asked.address}`;
        const port = asked.port === 0 ? this.#chosen.get(key) ?? 0 : asked.port;
        if (asked.port === 0 && port !== 0) chosen.set(key, port);
        const address = { ...asked, port };
        if (isPipe(address) || (port !== 0 && ours.has(addressKey(address)))) {
          addresses.push(address);
          continue;
        }
        const probe = await holdBind({
          address: ipAddress(address.address, port),
          reusePort: plan.reusePort,
          backlog: plan.backlog,
          ipv4Compat: address.ipv4Compat,
          mode: address.mode,
        });
        if (!probe.ok) {
          problems.push(`listener '${plan.name}': ${probe.message}`);
          continue;
        }
        if (port === 0) {
          (plan.reusePort ? held : heldUntilKnown).push(probe.release);
          chosen.set(key, probe.address.port);
        } else await probe.release();
        addresses.push({ ...address, port: probe.address.port });
      }
      listeners.push({ ...plan, addresses: plan.bindToPort ? addresses : plan.addresses });
    }
    await releaseAll(heldUntilKnown);
    if (problems.length > 0) {
      await releaseAll(held);
      return { ok: false, problems };
    }
    this.#chosen = chosen;
    return { ok: true, listeners, release: () => releaseAll(held) };
  }
}

async function releaseAll(releases: readonly (() => Promise<void>)[]): Promise<void> {
  await Promise.all(releases.map((release) => release()));
}

function addressKey({ address, port }: ListenAddressPlan): string {
  return `${address} ${port}`;
}
