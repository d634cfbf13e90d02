// test/conformance/hashing/hashing.test.ts: equal requests go to the host that Envoy sends them to.
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { xxHashReady } from "../../../host/base/xxhash.ts";
import { loadBootstrap, loadRegistry } from "../../../host/config/load.ts";
import type { HeaderMap } from "../../../host/http/header_map.ts";
import type { StreamInfo } from "../../../host/observe/stream_info.ts";
import { Cluster } from "../../../host/upstream/cluster.ts";
import { LoadBalancerContextBase } from "../../../host/upstream/lb/context.ts";
import { planCluster } from "../../../host/upstream/plan/cluster.ts";
import { infoOf, requestOf, tableOf } from "../../host/router/support.ts";
import { createFakeEnvironment } from "../../host/upstream/fakes.ts";
import { CLUSTERS, COOKIE_POLICIES, FIRST_PORT, KEYS, POLICIES, type Recorded, routeConfig } from "./scenario.ts";

await xxHashReady;

const recorded: Recorded = JSON.parse(readFileSync(new URL("./envoy-1.40.json", import.meta.url), "utf8"));
const registry = loadRegistry();
const environment = createFakeEnvironment();
const clusters = new Map(Object.entries(CLUSTERS).map(([name, fields]) => [name, createCluster(name, fields)]));
const routes = tableOf(routeConfig(), Object.keys(CLUSTERS));

function createCluster(name: string, fields: object): Cluster {
  // Names are looked up by Envoy alone; hosts, and so their hashes, are the same.
  const yaml = JSON.stringify({ name, ...fields, type: "STATIC" });
  const { root } = loadBootstrap({ registry, typeName: "envoy.config.cluster.v3.Cluster", yaml });
  const cluster = new Cluster(planCluster(root!)!, environment);
  cluster.start(() => {});
  return cluster;
}

interface Choice {
  readonly host: number | null;
  readonly cookies: readonly string[];
}

/** Asks as the router does: the route has the policy, its cluster the host. */
function choose(headers: HeaderMap, info: StreamInfo): Choice {
  const route = routes.route(headers, info, 0)!;
  const cookies: string[] = [];
  class Context extends LoadBalancerContextBase {
    override hash(): bigint | null {
      return route.hashPolicy!.hash(headers, info, (cookie) => void cookies.push(cookie));
    }
  }
  const host = clusters.get(route.clusterName!)!.chooseHost(new Context());
  return { host: host === null ? null : host.address.port - FIRST_PORT, cookies };
}

for (const name of Object.keys(CLUSTERS)) {
  test(`cluster: ${name}`, () => {
    const hosts = KEYS.map((key) => {
      const headers = requestOf({ path: `/c/${name}`, headers: [["x-key", key]] });
      return choose(headers, infoOf()).host;
    });
    assert.equal(hosts, recorded.clusters[name]);
    for (const [gauge, value] of Object.entries(recorded.gauges)) {
      if (gauge.startsWith(`cluster.${name}.`)) assert.is(environment.store.gauge(gauge).value, value, gauge);
    }
  });
}

for (const [name, { requests }] of Object.entries(POLICIES)) {
  test(`policy: ${name}`, () => {
    const hosts = requests.map(({ path, headers }) =>
      choose(requestOf({ path: `/p/${name}${path ?? ""}`, headers: headers ?? [] }), infoOf()).host
    );
    assert.equal(hosts, recorded.policies[name]);
  });
}

for (const name of Object.keys(COOKIE_POLICIES)) {
  test(`a cookie is made: ${name}`, () => {
    const { client, server, header, host } = recorded.cookies[name]!;
    const address = (text: string) => {
      const [ip, port] = text.split(":");
      return { address: ip!, port: Number(port), text };
    };
    const info = infoOf({ client: address(client), server: address(server) });
    const choice = choose(requestOf({ path: `/k/${name}` }), info);
    assert.equal(choice, { host, cookies: [header] });
    // The client comes back with it.
    const cookie = /made="[^"]*"/.exec(header)![0];
    assert.equal(choose(requestOf({ path: `/k/${name}`, headers: [["cookie", cookie]] }), info), { host, cookies: [] });
  });
}

test.run();
