// test/host/server/worker_snapshot.test.ts: which worker gets what.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ListenerPlan } from "../../../host/net/plan.ts";
import type { Snapshot } from "../../../host/server/snapshot.ts";
import { snapshotFor } from "../../../host/server/worker_snapshot.ts";

test("what cannot be shared is the first worker's", () => {
  const listener = (address: string, port: number, reusePort = true): ListenerPlan =>
    ({ name: address, reusePort, addresses: [{ address, port, ipv4Compat: false, mode: 0 }] }) as never;
  const listeners = [
    listener("127.0.0.1", 80),
    listener("::1", 80),
    listener("127.0.0.2", 80, false),
    listener("/run/web.sock", 0),
    listener("web.sock", 0),
    listener("@web", 0),
  ];
  const plugin = (key: string, singleton: boolean) => ({ key, plan: { singleton } }) as never;
  const snapshot = { listeners, plugins: [plugin("one", true), plugin("all", false)] } as unknown as Snapshot;
  assert.is(snapshotFor(0, snapshot), snapshot);
  const { listeners: shared, plugins } = snapshotFor(1, snapshot);
  assert.equal(shared.map(({ name }) => name), ["127.0.0.1", "::1"]);
  assert.equal(plugins.map(({ key }) => key), ["all"]);
});

test.run();
