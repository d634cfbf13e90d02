// test/e2e/health_checks.test.ts: several workers, one of which checks for all; what becomes of that when it dies.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startEmbedded } from "../support/embedded.ts";
import { clientOfEachWorker, healthFlags, healthFlagsAre, socketAddress, webConfig } from "./support.ts";

const HEALTHY = "healthy", FAILED = "/failed_active_hc";

/** A host whose health can be changed. */
class CheckedHost {
  #status = 200;
  readonly #held: (() => void)[] = [];
  /** Further headers of responses to requests that are no checks. */
  headers: Record<string, string> = {};
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const isCheck = request.headers["user-agent"] === "Envoy/HC";
      const body = String(this.port);
      const answer = (): void => {
        const status = isCheck ? this.#status : 200;
        response.writeHead(status, { "content-length": body.length, ...(!isCheck && this.headers) });
        response.end(body);
      };
      if (isCheck && this.#status === 0) this.#held.push(answer);
      else answer();
    });
  }

  static async start(): Promise<CheckedHost> {
    const host = new CheckedHost();
    await new Promise<void>((resolve) => host.#server.listen(0, "127.0.0.1", resolve));
    return host;
  }

  /** Of responses to checks; 0: they wait. */
  set status(status: number) {
    this.#status = status;
    if (status !== 0) { for (const answer of this.#held.splice(0)) answer(); }
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function config(hosts: readonly CheckedHost[]): string {
  return webConfig({
    port: 0,
    upstreamPort: 1,
    cluster: {
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
      health_checks: [{
        timeout: "5s",
        interval: "0.01s",
        no_traffic_interval: "0.01s",
        unhealthy_threshold: 1,
        healthy_threshold: 1,
        http_health_check: { path: "/healthz" },
      }],
      load_assignment: {
        cluster_name: "upstream",
        endpoints: [{ lb_endpoints: hosts.map(({ port }) => ({ endpoint: { address: socketAddress(port) } })) }],
      },
    },
  });
}

test("one worker checks, all of them know, and its successor goes on", async () => {
  const hosts = [await CheckedHost.start(), await CheckedHost.start()];
  const [a, b] = hosts as [CheckedHost, CheckedHost];
  b.status = 500;
  const proxy = await startEmbedded(config(hosts), { concurrency: 2 });
  try {
    // Nobody serves before all hosts were checked.
    assert.equal(await healthFlags(proxy), [`${HEALTHY} ${FAILED}`, `${HEALTHY} ${FAILED}`]);
    assert.is(proxy.stat("cluster.upstream.membership_healthy"), 1);
    let both = await clientOfEachWorker(proxy);
    for (const client of both) {
      for (let i = 0; i < 3; i++) assert.is((await client.get("/")).body, String(a.port));
    }

    b.status = 200;
    await healthFlagsAre(proxy, HEALTHY, HEALTHY);
    await proxy.statIs("cluster.upstream.health_check.healthy", 2);
    a.status = 500;
    await healthFlagsAre(proxy, FAILED, HEALTHY);
    for (const client of both) assert.is((await client.get("/")).body, String(b.port));

    // A worker that does not check is told by its host, and tells the one that does.
    b.headers = { "x-envoy-immediate-health-check-fail": "true" };
    b.status = 0;
    await both[1].get("/");
    await proxy.statIs("cluster.upstream.health_check.passive_failure", 1);
    await healthFlagsAre(proxy, FAILED, `${FAILED}/excluded_via_immediate_hc_fail`);
    for (const client of both) assert.is((await client.get("/")).status, 503);
    b.headers = {};
    b.status = 200;
    await healthFlagsAre(proxy, FAILED, HEALTHY);
    for (const client of both) client.close();

    const first = proxy.threads.find((thread) => thread.name === "worker_0")!;
    await first.handle.terminate();
    await proxy.logged("a replacement worker serves");
    await healthFlagsAre(proxy, FAILED, HEALTHY);
    assert.is(proxy.stat("cluster.upstream.membership_healthy"), 1);
    a.status = 200;
    b.status = 500;
    await healthFlagsAre(proxy, HEALTHY, FAILED);
    both = await clientOfEachWorker(proxy);
    for (const client of both) assert.is((await client.get("/")).body, String(a.port));
    for (const client of both) client.close();
  } finally {
    await proxy.stop();
    for (const host of hosts) await host.stop();
  }
});

test.run();
