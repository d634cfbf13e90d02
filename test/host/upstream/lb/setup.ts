// test/host/upstream/lb/setup.ts: hosts, and what load balancers are made with.
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { ipAddress } from "../../../../host/net/address.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { Host, type HostOptions } from "../../../../host/upstream/host.ts";
import { type LoadBalancerContext, LoadBalancerContextBase } from "../../../../host/upstream/lb/context.ts";
import type { BalancerEnvironment } from "../../../../host/upstream/lb/picker.ts";
import { LoadBalancerStats } from "../../../../host/upstream/lb/stats.ts";
import { NO_LOCALITY } from "../../../../host/upstream/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { Traffic } from "../../../../host/upstream/traffic.ts";

let port = 1000;

/** A host of its own address. */
export function newHost(options: Partial<HostOptions> = {}): Host {
  return new Host({
    address: ipAddress("10.0.0.1", port++),
    hostname: "",
    locality: NO_LOCALITY,
    weight: 1,
    priority: 0,
    health: "HEALTHY",
    metadata: {},
    ...options,
  });
}

export interface TestEnvironment extends BalancerEnvironment {
  readonly clock: ManualClock;
  readonly scope: StatsStore;
}

export function environmentOf(
  priorities: PrioritySet = new PrioritySet(140, { current: 50 }),
  seed = 5,
): TestEnvironment {
  const scope = StatsStore.create();
  const stats = new LoadBalancerStats(scope);
  const connectForReports = (): never => {
    throw new Error("nobody connects");
  };
  const traffic = new Traffic();
  const countTraffic = (): Traffic => traffic;
  const random = new SeededRandom(seed);
  const clock = new ManualClock();
  return { clusterName: "a", priorities, clock, random, stats, local: null, scope, connectForReports, countTraffic };
}

export function contextOf(says: Partial<LoadBalancerContext>): LoadBalancerContext {
  const context = new LoadBalancerContextBase();
  for (const [name, value] of Object.entries(says)) Object.defineProperty(context, name, { value });
  return context;
}
