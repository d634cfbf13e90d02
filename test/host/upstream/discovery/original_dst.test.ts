// test/host/upstream/discovery/original_dst.test.ts: requests say which host they go to.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../../../host/base/bytes.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { SocketConnectionInfo } from "../../../../host/net/connection_info.ts";
import { parseAddress } from "../../../../host/net/address.ts";
import { StreamInfo } from "../../../../host/observe/stream_info.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import { LoadBalancerContextBase } from "../../../../host/upstream/lb/context.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { createClusterPlan, type OriginalDstPlan } from "../../../../host/upstream/plan.ts";
import { CLUSTER_PROVIDED, createFakeEnvironment, type FakeEnvironment, FakeRequest } from "../fakes.ts";

const BY_HEADER: OriginalDstPlan = {
  type: "ORIGINAL_DST",
  headerName: "x-envoy-original-dst-host",
  metadataKey: null,
  port: null,
  cleanupIntervalMs: 5000,
};

interface Setup {
  readonly env: FakeEnvironment;
  readonly cluster: Cluster;
  choose(header: string | null, info?: StreamInfo): Host | null;
  hosts(): string[];
}

class Asked extends LoadBalancerContextBase {
  readonly #headers: HeaderMap;
  readonly #info: StreamInfo | null;

  constructor(headers: HeaderMap, info: StreamInfo | null = null) {
    super();
    this.#headers = headers;
    this.#info = info;
  }

  override get requestHeaders(): HeaderMap {
    return this.#headers;
  }

  override get streamInfo(): StreamInfo | null {
    return this.#info;
  }
}

function setup(changes: Partial<OriginalDstPlan> = {}): Setup {
  const env = createFakeEnvironment();
  const cluster = new Cluster(
    createClusterPlan("a", {
      type: "ORIGINAL_DST",
      provided: { ...BY_HEADER, ...changes },
      loadBalancing: CLUSTER_PROVIDED,
    }),
    env,
  );
  cluster.start(() => {});
  return {
    env,
    cluster,
    choose: (header, info) =>
      cluster.chooseHost(new Asked(HeaderMap.of(header === null ? {} : { "x-envoy-original-dst-host": header }), info)),
    hosts: () => [...cluster.priorities.hosts()].map((host) => `${host.hostname} ${host.address.text}`),
  };
}

function info(local = "10.9.9.9:99"): StreamInfo {
  return new StreamInfo(new SocketConnectionInfo(parseAddress(local)!, parseAddress("10.0.0.1:5")!), 0, 0);
}

test("a host is made at its first request, and found at the next", () => {
  const s = setup();
  const host = s.choose("10.0.0.1:80")!;
  assert.is(s.choose("10.0.0.1:80"), host);
  s.choose("[::1]:81");
  assert.equal(s.hosts(), ["a10.0.0.1:80 10.0.0.1:80", "a[::1]:81 [::1]:81"]);
  assert.is(s.env.store.valueOf("cluster.a.membership_total"), 2);
});

test("no address, no host; what is no address is counted", () => {
  const s = setup();
  assert.is(s.choose(null), null);
  for (const text of ["nonsense", "10.0.0.1", "/run/x", "localhost:80", ""]) assert.is(s.choose(text), null, text);
  assert.is(s.env.store.valueOf("cluster.a.original_dst_host_invalid"), 5);
  assert.is(s.env.store.valueOf("cluster.a.upstream_cx_none_healthy"), 6);
  assert.is(s.cluster.chooseHost(null), null);
});

test("filter state before metadata before the header before the restored address; the port of the plan over all", () => {
  const s = setup({ metadataKey: { namespace: "n", path: ["to", "host"] }, port: 7 });
  const restored = new StreamInfo(
    Object.assign(new SocketConnectionInfo(parseAddress("10.9.9.9:99")!, parseAddress("10.0.0.1:5")!), {
      localAddressRestored: true,
    }),
    0,
    0,
  );
  assert.is(s.choose(null, restored)!.address.text, "10.9.9.9:7");
  assert.is(s.choose("10.0.0.2:80", restored)!.address.text, "10.0.0.2:7");
  const marked = info();
  marked.mergeDynamicMetadata("n", { to: { host: ["10.0.0.3:80", "10.0.0.9:80"] } });
  assert.is(s.choose("10.0.0.2:80", marked)!.address.text, "10.0.0.3:7");
  marked.filterState.set("envoy.network.transport_socket.original_dst_address", {
    value: fromLatin1("10.0.0.4:80"),
    readOnly: true,
  });
  assert.is(s.choose("10.0.0.2:80", marked)!.address.text, "10.0.0.4:7");
  assert.is(s.choose(null, info()), null);
});

test("hosts that nobody chose for a while go, unless a connection is there", () => {
  const s = setup({ cleanupIntervalMs: 1000 });
  const kept = s.choose("10.0.0.1:80")!;
  s.choose("10.0.0.2:80");
  const request = new FakeRequest();
  s.cluster.httpPool(kept, 0).newStream(request, request);
  s.env.clock.advance(1000);
  assert.is(s.hosts().length, 2);
  s.env.clock.advance(1000);
  assert.equal(s.hosts(), ["a10.0.0.1:80 10.0.0.1:80"]);
  const connection = s.env.dialer.last.connect();
  connection.receive("c");
  s.env.clock.advance(1000);
  assert.equal(s.hosts(), []);
  s.cluster.close();
  assert.is(s.env.clock.armedTimers, 0);
});

test.run();
