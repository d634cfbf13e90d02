// test/host/server/listen_ports.test.ts: ports that the system chooses, and who may have them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ipAddress } from "../../../host/net/address.ts";
import { bind } from "../../../host/net/bind.ts";
import type { ListenerPlan } from "../../../host/net/plan.ts";
import { ListenPorts } from "../../../host/server/listen_ports.ts";
import { listenerPlan } from "../net/support.ts";

function listener(name: string, changes: Partial<ListenerPlan> = {}): ListenerPlan {
  const address = { address: "127.0.0.1", port: 0, ipv4Compat: false, mode: 0 };
  return listenerPlan({ name, addresses: [address], reusePort: true, ...changes });
}

/** Whether a port can be had, by who shares it or by who does not. */
async function canBind(port: number, reusePort: boolean): Promise<boolean> {
  const options = { address: ipAddress("127.0.0.1", port), reusePort, backlog: 8, ipv4Compat: false, mode: 0 };
  const result = await bind(options, (socket) => socket.destroy());
  if (result.ok) await new Promise((resolve) => result.server.close(resolve));
  return result.ok;
}

test("nobody else gets a port that the system chose before the workers have it", async () => {
  const ports = new ListenPorts();
  const result = await ports.resolve([listener("a"), listener("b")], []);
  assert.ok(result.ok);
  const [a, b] = result.listeners.map(({ addresses }) => addresses[0]!.port);
  assert.is.not(a, b);
  for (const port of [a!, b!]) {
    assert.not(await canBind(port, false));
    assert.ok(await canBind(port, true), "the workers do");
  }
  await result.release();
  assert.ok(await canBind(a!, false));

  const again = await ports.resolve([listener("a")], []);
  assert.ok(again.ok);
  assert.is(again.listeners[0]!.addresses[0]!.port, a, "it stays the same");
  await again.release();
});

test("a listener that shares its port with nobody finds it free", async () => {
  const result = await new ListenPorts().resolve([listener("a", { reusePort: false })], []);
  assert.ok(result.ok);
  assert.ok(await canBind(result.listeners[0]!.addresses[0]!.port, false));
  await result.release();
});

test("with a problem nothing is held", async () => {
  const first = await new ListenPorts().resolve([listener("a")], []);
  assert.ok(first.ok);
  const { port } = first.listeners[0]!.addresses[0]!;
  const taken = { address: "127.0.0.1", port, ipv4Compat: false, mode: 0 };
  const second = await new ListenPorts().resolve([listener("b"), listener("c", { addresses: [taken] })], []);
  assert.match(second.ok ? "" : second.problems.join(), /listener 'c'.*in use/);
  await first.release();
});

test.run();
