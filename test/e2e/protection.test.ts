// test/e2e/protection.test.ts: several workers that eject hosts as one, and are overloaded as one.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startEmbedded } from "../support/embedded.ts";
import {
  clientOfEachWorker,
  healthFlagsAre,
  overloadManager,
  type RawClient,
  socketAddress,
  webConfig,
} from "./support.ts";

const EJECTED = "/failed_outlier_check", HEALTHY = "healthy";
const STATS = "cluster.upstream.outlier_detection";

function hostThatAnswers(status: number): Promise<Server> {
  const server = createServer((_, response) => void response.writeHead(status).end(String(status)));
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function statuses(clients: readonly RawClient[], path: string): Promise<number[]> {
  const found: number[] = [];
  for (const client of clients) found.push((await client.get(path)).status);
  return found;
}

test("errors at one host count over all workers, and its ejection outlives the worker that decided it", async () => {
  const hosts = [await hostThatAnswers(500), await hostThatAnswers(200)];
  const [bad, good] = hosts as [Server, Server];
  const proxy = await startEmbedded(
    webConfig({
      port: 0,
      upstreamPort: 1,
      cluster: {
        outlier_detection: { consecutive_5xx: 6, base_ejection_time: "600s", max_ejection_percent: 50 },
        load_assignment: {
          cluster_name: "upstream",
          endpoints: [{
            lb_endpoints: [bad, good].map((host) => ({ endpoint: { address: socketAddress(portOf(host)) } })),
          }],
        },
      },
    }),
    { concurrency: 2 },
  );
  try {
    const [a, b] = await clientOfEachWorker(proxy);
    let errors = 0;
    // Each worker takes the hosts in turn: of four requests, two reach the bad one.
    for (let turn = 0; turn < 2; turn++) {
      errors += (await statuses([a, a, b, b], "/")).filter((status) => status === 500).length;
    }
    assert.is(errors, 4);
    assert.is(proxy.stat(`${STATS}.ejections_active`), 0);
    errors += (await statuses([a, a, b, b], "/")).filter((status) => status === 500).length;
    assert.is(errors, 6);
    await healthFlagsAre(proxy, EJECTED, HEALTHY);
    assert.is(proxy.stat(`${STATS}.ejections_enforced_consecutive_5xx`), 1);
    assert.is(proxy.stat("cluster.upstream.membership_healthy"), 1);
    assert.equal(await statuses([a, a, a, b, b, b], "/"), [200, 200, 200, 200, 200, 200]);
    a.close();
    b.close();

    await proxy.threads.find((thread) => thread.name === "worker_0")!.handle.terminate();
    await proxy.logged("a replacement worker serves");
    await healthFlagsAre(proxy, EJECTED, HEALTHY);
    assert.is(proxy.stat(`${STATS}.ejections_active`), 1);
    const both = await clientOfEachWorker(proxy);
    assert.equal(await statuses([...both, ...both], "/"), [200, 200, 200, 200]);
    for (const client of both) client.close();
  } finally {
    await proxy.stop();
    for (const host of hosts) await stop(host);
  }
});

test("an overload that the main thread finds is every worker's", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-protection-"));
  const file = join(folder, "pressure");
  writeFileSync(file, "0");
  const proxy = await startEmbedded(
    webConfig({
      port: 0,
      bootstrap: {
        overload_manager: overloadManager(file, "stop_accepting_requests", 0.9),
      },
    }),
    { concurrency: 2 },
  );
  const active = "overload.envoy.overload_actions.stop_accepting_requests.active";
  try {
    const both = await clientOfEachWorker(proxy);
    assert.equal(await statuses(both, "/direct"), [200, 200]);
    writeFileSync(file, "0.95");
    await proxy.statIs(active, 1);
    assert.equal(await statuses(both, "/direct"), [503, 503]);
    assert.is(proxy.stat("http.web.downstream_rq_overload_close"), 2);
    writeFileSync(file, "0.5");
    await proxy.statIs(active, 0);
    assert.equal(await statuses(both, "/direct"), [200, 200]);
    for (const client of both) client.close();
  } finally {
    await proxy.stop();
    rmSync(folder, { recursive: true });
  }
});

test.run();
