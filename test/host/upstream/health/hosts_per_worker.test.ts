// test/host/upstream/health/hosts_per_worker.test.ts: checks of hosts that each worker finds as requests ask for them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { createClientCodec } from "../../../../host/upstream/conn_pool/client_codec.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import { HostHealthExchange } from "../../../../host/upstream/health/exchange.ts";
import { NO_HEALTH_PLAN } from "../../../../host/upstream/health/plan.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { LoadBalancerContextBase } from "../../../../host/upstream/lb/context.ts";
import { createClusterPlan } from "../../../../host/upstream/plan.ts";
import { CLUSTER_PROVIDED, createFakeEnvironment } from "../fakes.ts";
import { checkPlan } from "./checks.ts";

const CLEANUP_MS = 5000;
const answer = (status: number): string => `HTTP/1.1 ${status} S\r\ncontent-length: 0\r\n\r\n`;

/** An ORIGINAL_DST cluster on a worker that does not decide for the others. */
function setUp() {
  const env = createFakeEnvironment();
  const told: unknown[] = [];
  const cluster = new Cluster(
    createClusterPlan("a", {
      type: "ORIGINAL_DST",
      hostsPerWorker: true,
      provided: {
        type: "ORIGINAL_DST",
        headerName: "x-to",
        metadataKey: null,
        port: null,
        cleanupIntervalMs: CLEANUP_MS,
      },
      loadBalancing: CLUSTER_PROVIDED,
      health: { ...NO_HEALTH_PLAN, checks: [checkPlan()] },
    }),
    {
      ...env,
      createClientCodec,
      primary: false,
      hostHealth: new HostHealthExchange(env.clock, (changes) => void told.push(...changes)),
      healthChecks: {
        compileFormat: (text) => ({ format: () => text }),
        openEventFile: () => ({ write() {}, close() {} }),
      },
    },
  );
  let ready = false;
  cluster.start(() => ready = true);
  assert.ok(ready);
  const headers = HeaderMap.of({ "x-to": "10.0.0.1:80" });
  class Request extends LoadBalancerContextBase {
    override get requestHeaders(): HeaderMap {
      return headers;
    }
  }
  const choose = (): Host | null => cluster.chooseHost(new Request());
  return { env, cluster, told, choose, stat: (name: string) => env.store.valueOf(`cluster.a.health_check.${name}`) };
}

test("a worker checks the hosts that it found, and begins with them as healthy", () => {
  const { env, told, choose, stat } = setUp();
  const host = choose()!;
  assert.is(host.healthFlagsText, "healthy");
  assert.equal([stat("attempt"), stat("healthy")], [1, 1]);
  env.dialer.dials.at(-1)!.connect().receive(answer(500));
  assert.is(host.healthFlagsText, "/failed_active_hc");
  assert.is(stat("healthy"), 0);
  // The request says which host it wants: there is no other.
  assert.is(choose(), host);
  env.clock.advance(0);
  assert.equal(told, [], "other workers have hosts of their own");
});

test("a host that nobody uses goes, be it healthy", () => {
  const { env, cluster, choose, stat } = setUp();
  const changes = () => env.store.valueOf("cluster.a.membership_change");
  choose();
  assert.is(changes(), 1, "what this worker finds no other one counts");
  const connection = env.dialer.dials.at(-1)!.connect();
  connection.receive(answer(200));
  env.clock.advance(CLEANUP_MS - 1000);
  assert.is(cluster.endpointCount, 1);
  connection.receive(answer(200));
  env.clock.advance(1000 + CLEANUP_MS);
  assert.is(cluster.endpointCount, 0);
  assert.is(changes(), 2);
  assert.is(stat("healthy"), 0);
  const attempts = stat("attempt");
  env.clock.advance(5000);
  assert.is(stat("attempt"), attempts);
});

test.run();
