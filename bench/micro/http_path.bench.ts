// bench/micro/http_path.bench.ts: one request through the whole HTTP path, without sockets.
/**
 * `node bench/micro/http_path.bench.ts [ROUNDS]` prints nanoseconds per request, the least of all rounds: parser,
 * connection manager, router, pool, both codecs. What a real request costs more is the system's.
 */
import { setTimeout } from "node:timers";
import process from "node:process";
import { TimerClock } from "../../host/base/clock.ts";
import { fromLatin1 } from "../../host/base/bytes.ts";
import { beginTurn, endTurn } from "../../host/base/turn.ts";
import { ConnectionManager } from "../../host/http/conn_manager/conn_manager.ts";
import type { ConnectionManagerConfig } from "../../host/http/conn_manager/conn_manager_config.ts";
import { ConnectionManagerStats } from "../../host/http/conn_manager/conn_manager_stats.ts";
import { connectionManagerTimers } from "../../host/http/conn_manager/overload.ts";
import { HttpDate } from "../../host/http/date.ts";
import { Http1ServerCodec } from "../../host/http/h1/server.ts";
import type { Connection, ConnectionHandler } from "../../host/net/connection_port.ts";
import { SocketConnectionInfo } from "../../host/net/connection_info.ts";
import { ipAddress } from "../../host/net/address.ts";
import { StatsStore } from "../../host/observe/stats.ts";
import { StreamInfo } from "../../host/observe/stream_info.ts";
import { detectPlatform } from "../../host/platform/detect.ts";
import { Router } from "../../host/router/router.ts";
import { RouterStats } from "../../host/router/router_stats.ts";
import { createClientCodec } from "../../host/upstream/conn_pool/client_codec.ts";
import { ClusterManager } from "../../host/upstream/cluster_manager.ts";
import { createClusterPlan, NO_LOCALITY } from "../../host/upstream/plan.ts";
import { PLAN } from "../../test/host/http/conn_manager/downstream.ts";
import { routeTable } from "./route_table.ts";

/** A connection that goes nowhere: writes are handed to `onWrite`. */
class LoopConnection implements Connection {
  readonly info = new SocketConnectionInfo(ipAddress("127.0.0.1", 1), ipAddress("127.0.0.1", 2));
  readonly closed = false;
  readonly queuedBytes = 0;
  handler: ConnectionHandler | null = null;
  written = 0;
  onWrite: () => void = () => {};

  setHandler(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  enableHalfClose(): void {}

  write(bytes: Uint8Array): void {
    this.written += bytes.length;
    this.onWrite();
  }

  writeLatin1(text: string): void {
    this.written += fromLatin1(text).length;
    this.onWrite();
  }

  cork(): void {}
  uncork(): void {}
  end(): void {}
  close(): void {}
  readDisable(): void {}
  setBufferLimitBytes(): void {}
}

const platform = detectPlatform();
const clock = new TimerClock({
  nowMs: () => platform.clock.nowMs(),
  wallMs: () => platform.clock.wallMs(),
  preciseWallMs: () => platform.clock.wallMs(),
  setTimeout: (callback, ms) => setTimeout(callback, ms).unref(),
  clearTimeout() {},
});
const stats = StatsStore.create(1);
const upstream = new LoopConnection();
const clusters = new ClusterManager({
  clock,
  random: platform.random,
  stats,
  dialer: {
    dial(_target, callbacks) {
      queueMicrotask(() => callbacks.onConnected(upstream));
      return { cancel() {} };
    },
  },
  dns: { get: () => ({ resolve: () => ({ cancel() {} }) }) },
  createClientCodec,
});
await new Promise<void>((resolve) => {
  const endpoint = { address: "127.0.0.1", port: 9, hostname: "", weight: 1, health: "UNKNOWN", metadata: {} } as const;
  const localities = [{ priority: 0, locality: NO_LOCALITY, weight: 0, endpoints: [endpoint] }];
  clusters.update([createClusterPlan("upstream", { localities })], resolve);
});

const table = routeTable({
  virtual_hosts: [{
    name: "all",
    domains: ["*"],
    routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }],
  }],
});
const config: ConnectionManagerConfig = {
  plan: { ...PLAN, statPrefix: "web", codecType: "HTTP1" },
  clock,
  random: platform.random,
  dates: new HttpDate(clock),
  stats: new ConnectionManagerStats(stats.scope("http.web"), stats.scope("listener.a.http.web")),
  routes: { current: () => table },
  filters: [{
    name: "router",
    disabled: false,
    terminal: true,
    create: (stream) => new Router(routerConfig, stream),
  }],
  upgradeFilters: [],
  accessLoggers: [],
  earlyHeaderMutations: [],
  localReplies: null,
  localAddress: "127.0.0.1",
  serviceCluster: "",
  serviceNode: "",
  bufferLimitBytes: 1 << 20,
  drain: { drainClose: () => false },
  overload: null,
  timers: connectionManagerTimers(null, clock),
};
const routerConfig = {
  plan: { suppressEnvoyHeaders: false, respectExpectedRqTimeout: false },
  stats: new RouterStats(stats.scope("http.bench")),
  clusters,
  localAddress: "127.0.0.1",
};

const REQUEST = fromLatin1(
  "GET /small?a=1 HTTP/1.1\r\nHost: 127.0.0.1:10000\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n",
);
const RESPONSE = fromLatin1(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n${"x".repeat(100)}`,
);
const downstream = new LoopConnection();
const info = new StreamInfo(downstream.info, 0, 0);
const manager = new ConnectionManager(downstream, config, (c, callbacks) => new Http1ServerCodec(c, callbacks), info);

function exchange(): void {
  beginTurn();
  manager.onData(REQUEST);
  endTurn();
  beginTurn();
  upstream.handler!.onData(RESPONSE);
  endTurn();
}

manager.onData(REQUEST);
await new Promise((resolve) => setTimeout(resolve, 5));
upstream.handler!.onData(RESPONSE);
if (downstream.written < 200) throw new Error("the path is broken");

const rounds = Number(process.argv[2] ?? 40);
let least = Infinity;
for (let round = 0; round < rounds; round++) {
  const started = performance.now();
  for (let i = 0; i < 20_000; i++) exchange();
  least = Math.min(least, (performance.now() - started) * 1e6 / 20_000);
}
console.log(`${platform.runtime}: ${least.toFixed(0)} ns per request`);
