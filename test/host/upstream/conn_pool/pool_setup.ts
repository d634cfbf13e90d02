// test/host/upstream/conn_pool/pool_setup.ts: one cluster with one host, and its HTTP pool.
import * as assert from "uvu/assert";
import { ResourcePriority } from "../../../../host/upstream/circuit_breaker.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import type { HttpPool } from "../../../../host/upstream/conn_pool/http_pool.ts";
import type { ClusterPlan } from "../../../../host/upstream/plan.ts";
import { createFakeEnvironment, type FakeEnvironment, FakeRequest, planWith } from "../fakes.ts";

export interface PoolSetup {
  readonly env: FakeEnvironment;
  readonly cluster: Cluster;
  readonly pool: HttpPool;
  stat(name: string): number;
  request(): FakeRequest;
}

export function setup(changes: Partial<ClusterPlan> = {}): PoolSetup {
  const env = createFakeEnvironment();
  const cluster = new Cluster(planWith(["10.0.0.1:80"], changes), env);
  cluster.start(() => {});
  const pool = cluster.httpPool(cluster.chooseHost(null)!, ResourcePriority.Default);
  return {
    env,
    cluster,
    pool,
    stat: (name) => env.store.valueOf(`cluster.a.${name}`) ?? -1,
    request() {
      const request = new FakeRequest();
      pool.newStream(request, request);
      return request;
    },
  };
}

/** Numbers that must be back at 0 when nothing is going on. */
export function assertQuiet(s: PoolSetup): void {
  for (
    const name of [
      "upstream_cx_active",
      "upstream_rq_active",
      "upstream_rq_pending_active",
      "circuit_breakers.default.cx_open",
      "circuit_breakers.default.rq_open",
      "circuit_breakers.default.rq_pending_open",
    ]
  ) assert.is(s.stat(name), 0, name);
  const host = [...s.cluster.priorities.hosts()][0]!;
  assert.equal([host.cxActive, host.rqActive, host.rqPendingActive], [0, 0, 0]);
  const { connections, pendingRequests, requests } = s.cluster.resources[0];
  assert.equal([connections.count, pendingRequests.count, requests.count], [0, 0, 0]);
  assert.is(s.env.clock.armedTimers, 0);
  assert.ok(s.pool.idle);
}
