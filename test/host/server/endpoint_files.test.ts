// test/host/server/endpoint_files.test.ts: endpoints from files, which change.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { loadRegistry } from "../../../host/config/load.ts";
import type { FileWatcher } from "../../../host/config/watch.ts";
import { LogRegistry } from "../../../host/observe/log.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { EndpointFiles } from "../../../host/server/endpoint_files.ts";
import { readEndpointFile } from "../../../host/server/plan/endpoint_file.ts";
import { createClusterPlan } from "../../../host/upstream/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-endpoints-"));
const path = join(folder, "eds.yaml");
const registry = loadRegistry();

const response = (port: number, more = ""): string =>
  `version_info: "1"
resources:
- "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment
  cluster_name: service
  policy: { endpoint_stale_after: 60s, drop_overloads: [{ category: c, drop_percentage: { numerator: 25 } }] }
  endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 10.0.0.1, port_value: ${port} } } } }] }]
${more}`;

test("a file of endpoints, and what is wrong with others", () => {
  writeFileSync(path, response(80));
  const file = readEndpointFile(registry, path);
  assert.ok(file.ok);
  const endpoints = file.ok ? file.assignments.get("service")! : null;
  assert.is(endpoints!.localities[0]!.endpoints[0]!.port, 80);
  assert.equal([endpoints!.staleAfterMs, endpoints!.dropOverload], [60_000, { category: "c", fraction: 0.25 }]);
  const wrong: readonly (readonly [string, string])[] = [
    ["resources: [", "this is not YAML"],
    [response(80, "- { '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a }"), "is expected here"],
    [response(80).replace("endpoint_stale_after: 60s", "endpoint_stale_after: 60"), "endpoint_stale_after"],
    [
      response(80).replace("lb_endpoints:", "leds_cluster_locality_config: { leds_collection_name: x }, lb_endpoints:"),
      "LEDS",
    ],
  ];
  for (const [text, message] of wrong) {
    writeFileSync(path, text);
    const bad = readEndpointFile(registry, path);
    assert.ok(!bad.ok && bad.message.includes(message), `${message}: ${JSON.stringify(bad)}`);
  }
  assert.not(readEndpointFile(registry, join(folder, "none.yaml")).ok);
});

test("a change is told, what is not understood is counted", () => {
  const store = StatsStore.create();
  const log: string[] = [];
  const told: string[] = [];
  const watched = new Map<string, () => void>();
  const clock = new ManualClock();
  const logs = new LogRegistry({ clock, format: "json", destination: { write: (line) => log.push(line) } });
  const files = new EndpointFiles({
    watcher: {
      watch(file: string, onChange: () => void) {
        watched.set(file, onChange);
        return () => void watched.delete(file);
      },
    } as unknown as FileWatcher,
    logger: logs.logger("main"),
    stats: store,
    onEndpoints: (name, { localities }) => told.push(`${name} ${localities[0]!.endpoints[0]!.port}`),
  });
  const cluster = (name: string, serviceName: string) =>
    createClusterPlan(name, { type: "EDS", eds: { serviceName, path, initial: null, initialFetchTimeoutMs: 0 } });
  files.watch([cluster("a", "service"), cluster("b", "other"), createClusterPlan("fixed")]);
  assert.equal([...watched.keys()], [path]);
  writeFileSync(path, response(81));
  watched.get(path)!();
  assert.equal(told, ["a 81"]);
  assert.equal(["update_success", "update_empty"].map((name) => store.valueOf(`cluster.b.${name}`)), [1, 1]);
  writeFileSync(path, "resources: 7");
  watched.get(path)!();
  assert.equal([told.length, store.valueOf("cluster.a.update_failure"), log.length], [1, 1, 1]);
  files.close();
  assert.is(watched.size, 0);
});

test.run();
