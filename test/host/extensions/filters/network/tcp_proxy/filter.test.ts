// test/host/extensions/filters/network/tcp_proxy/filter.test.ts: two sockets as one: bytes, ends, limits and logs.
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Clock, ManualClock } from "../../../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../../../host/base/random.ts";
import type { TcpClusterPort } from "../../../../../../host/extensions/filters/network/tcp_proxy/cluster_port.ts";
import { loadBootstrap, loadRegistry } from "../../../../../../host/config/load.ts";
import { unreadFields } from "../../../../../../host/config/unread.ts";
import { createTcpProxy } from "../../../../../../host/extensions/filters/network/tcp_proxy/filter.ts";
import { planTcpProxy, type TcpProxyPlan } from "../../../../../../host/extensions/filters/network/tcp_proxy/plan.ts";
import { TcpProxyStats } from "../../../../../../host/extensions/filters/network/tcp_proxy/stats.ts";
import type { SocketConnection } from "../../../../../../host/net/connection.ts";
import { dialTcp } from "../../../../../../host/net/dial.ts";
import { CloseType } from "../../../../../../host/net/filter.ts";
import { startNetworkChain } from "../../../../../../host/net/network_chain.ts";
import { type SocketAddress, StreamInfo } from "../../../../../../host/observe/stream_info.ts";
import { systemClock } from "../../../../../../host/platform/system_clock.ts";
import { upstreamInfo } from "../../../common/wasm/streams.ts";
import { bytesOf, dial, Recorder, RecordingStats, TestListener } from "../../../../net/support.ts";

const PLAN: TcpProxyPlan = {
  statPrefix: "t",
  clusters: [{ name: "up", weight: 1 }],
  idleTimeoutMs: 3_600_000,
  maxConnectAttempts: 1,
  backoff: null,
  maxDownstreamConnectionDurationMs: 0,
  durationJitterPercent: 0,
  hashPolicy: null,
  accessLog: [],
  logOnStart: false,
  logOnConnected: false,
  logIntervalMs: 0,
};

/** Nothing listens there. */
const NOT_COUNTED = { inc() {}, add() {} };
const NO_FLOW_CONTROL = {
  pausedReading: NOT_COUNTED,
  resumedReading: NOT_COUNTED,
  backedUp: NOT_COUNTED,
  drained: NOT_COUNTED,
};
const NOWHERE: SocketAddress = { address: "127.0.0.1", port: 1, text: "127.0.0.1:1" };

interface ProxyOptions {
  readonly plan?: Partial<TcpProxyPlan>;
  readonly clock?: Clock;
  readonly cluster?: TcpClusterPort;
  /** Clusters by name; "up" is the upstream listener unless it is here. */
  readonly addresses?: Record<string, SocketAddress>;
  readonly limitBytes?: number;
  /** What a filter before this one has left in the filter state. */
  readonly state?: Readonly<Record<string, string>>;
}

/** client → proxy → upstream, all of them real sockets. */
class ProxyFixture {
  readonly upstream = new TestListener();
  readonly stats = new RecordingStats();
  readonly logs: StreamInfo[] = [];
  readonly logTypes: string[] = [];
  readonly clusters: string[] = [];
  readonly bugs: unknown[] = [];
  readonly openUpstreams: Set<SocketConnection> = new Set();
  proxy!: TestListener;
  readonly #options: ProxyOptions;
  readonly #clients: SocketConnection[] = [];
  #waitingForLog: (() => void)[] = [];

  constructor(options: ProxyOptions = {}) {
    this.#options = options;
  }

  async start(): Promise<this> {
    await this.upstream.start();
    const clock = this.#options.clock ?? systemClock;
    const addresses = { up: this.upstream.address(), ...this.#options.addresses };
    const cluster: TcpClusterPort = this.#options.cluster ?? {
      connect: (name, _context, callbacks) => {
        this.clusters.push(name);
        const address = addresses[name as keyof typeof addresses];
        const upstream = upstreamInfo({ clusterName: name, host: address });
        return dialTcp({
          address,
          clock,
          onClosed: (each) => this.openUpstreams.delete(each),
          onBug: (error) => this.bugs.push(error),
        }, {
          onConnected: (connection) => {
            this.openUpstreams.add(connection);
            connection.setBufferLimitBytes(this.#options.limitBytes ?? 1024 * 1024);
            callbacks.onConnected(connection, upstream, NO_FLOW_CONTROL);
          },
          onFailure: (failure) => callbacks.onFailure(failure.reason, failure.details, upstream),
        });
      },
    };
    const terminal = createTcpProxy({
      plan: { ...PLAN, ...this.#options.plan },
      clusters: cluster,
      random: new SeededRandom(1),
      stats: new TcpProxyStats(this.stats),
      accessLogs: [{
        log: (info, type) => {
          this.logs.push(info);
          this.logTypes.push(type);
          for (const resolve of this.#waitingForLog.splice(0)) resolve();
        },
      }],
    });
    this.proxy = await new TestListener({
      clock,
      onBug: (error) => this.bugs.push(error),
      onConnection: (connection) => {
        connection.setBufferLimitBytes(this.#options.limitBytes ?? 1024 * 1024);
        const info = new StreamInfo(connection.info, clock.nowMs(), clock.wallMs());
        for (const [name, value] of Object.entries(this.#options.state ?? {})) {
          info.filterState.set(name, { value: bytesOf(value), readOnly: false });
        }
        startNetworkChain(connection, { filters: [], terminal, halfClose: true }, info, clock);
      },
    }).start();
    return this;
  }

  /** A client and the upstream's end of its connection. */
  async connect(): Promise<
    { client: SocketConnection; events: Recorder; server: SocketConnection; serverEvents: Recorder }
  > {
    const client = await dial(this.proxy.address());
    this.#clients.push(client);
    const events = new Recorder();
    client.enableHalfClose(true);
    client.setHandler(events);
    const { connection: server } = await this.upstream.accept();
    const serverEvents = new Recorder();
    server.enableHalfClose(true);
    server.setHandler(serverEvents);
    return { client, events, server, serverEvents };
  }

  logged(): Promise<void> {
    return this.logs.length > 0 ? Promise.resolve() : new Promise((resolve) => this.#waitingForLog.push(resolve));
  }

  /** Settles once the proxy has read so many bytes from clients. */
  async proxyReceived(count: number): Promise<void> {
    while (this.stats.get("downstream_cx_rx_bytes_total") < count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  idle(): Promise<void> {
    return new Promise((resolve) => this.proxy.listener.onIdle(resolve));
  }

  close(): void {
    for (const client of this.#clients) client.close(CloseType.NoFlush);
    this.proxy.close();
    this.upstream.close();
    assert.equal(this.bugs, []);
  }
}

test("connects upstream before the client says anything, then joins both directions", async () => {
  const f = await new ProxyFixture().start();
  const { client, events, server, serverEvents } = await f.connect();
  server.write(bytesOf("220 ready"));
  await events.until(() => events.bytes === 9);
  client.write(bytesOf("HELO"));
  await serverEvents.until(() => serverEvents.bytes === 4);
  assert.is(serverEvents.text, "HELO");
  client.end();
  await serverEvents.until(() => serverEvents.ended);
  server.end();
  await Promise.all([serverEvents.closed(), f.logged()]);
  const info = f.logs[0]!;
  assert.is(info.bytesReceived, 4);
  assert.is(info.bytesSent, 9);
  assert.equal(info.flags, []);
  assert.is(info.upstream!.clusterName, "up");
  assert.is(info.upstream!.host!.text, f.upstream.address().text);
  assert.is(info.upstream!.localAddress!.text, server.info.remoteAddress.text);
  assert.is(f.stats.get("downstream_cx_total"), 1);
  assert.is(f.stats.get("downstream_cx_rx_bytes_total"), 4);
  assert.is(f.stats.get("downstream_cx_tx_bytes_total"), 9);
  assert.is(f.stats.get("downstream_cx_tx_bytes_buffered"), 0);
  f.close();
});

test("half-close goes through in both directions", async () => {
  const f = await new ProxyFixture().start();
  const { client, events, server, serverEvents } = await f.connect();
  client.write(bytesOf("request"));
  client.end();
  await serverEvents.until(() => serverEvents.ended);
  assert.is(serverEvents.text, "request");
  assert.is(events.ended, false);
  server.write(bytesOf("response"));
  server.end();
  await Promise.all([events.closed(), serverEvents.closed(), f.idle()]);
  assert.is(events.text, "response");
  assert.is(f.logs.length, 1);
  assert.equal(f.logs[0]!.flags, []);
  assert.is(f.openUpstreams.size, 0);
  f.close();
});

test("the upstream may end first", async () => {
  const f = await new ProxyFixture().start();
  const { client, events, server, serverEvents } = await f.connect();
  server.end();
  await events.until(() => events.ended);
  client.write(bytesOf("still here"));
  client.end();
  await Promise.all([events.closed(), serverEvents.closed(), f.idle()]);
  assert.is(serverEvents.text, "still here");
  f.close();
});

test("50 MiB arrive as they were sent, however slow the reader is, in bounded memory", async () => {
  const limitBytes = 256 * 1024;
  for (const direction of ["down", "up"] as const) {
    const f = await new ProxyFixture({ limitBytes }).start();
    const { client, events, server, serverEvents } = await f.connect();
    const [source, sink, sinkEvents] = direction === "down" ? [server, client, events] : [client, server, serverEvents];
    const total = 50 * 1024 * 1024;
    const sent = createHash("sha256");
    const received = createHash("sha256");
    let receivedBytes = 0;
    let mostQueued = 0;
    // The sink pauses after every read, until it was asked for more.
    sinkEvents.onData = (bytes) => {
      received.update(bytes);
      receivedBytes += bytes.length;
      const queued = [...f.proxy.listener.connections, ...f.openUpstreams].map((each) => each.queuedBytes);
      mostQueued = Math.max(mostQueued, ...queued);
      sink.readDisable(true);
      setImmediate(() => sink.readDisable(false));
      sinkEvents.onAboveWriteBufferHighWatermark();
    };
    let state = 1;
    let sentBytes = 0;
    const random = new SeededRandom(7);
    const pump = (): void => {
      while (sentBytes < total && source.queuedBytes < 1024 * 1024) {
        const chunk = new Uint8Array(Math.min(total - sentBytes, 1 + random.uint32() % 300_000));
        for (let i = 0; i < chunk.length; i++) chunk[i] = state = (state * 33 + 17) & 0xff ^ (i >> 8);
        sent.update(chunk);
        source.write(chunk);
        sentBytes += chunk.length;
      }
      if (sentBytes < total) setImmediate(pump);
      else source.end();
    };
    pump();
    await sinkEvents.until(() => sinkEvents.ended);
    assert.is(receivedBytes, total);
    assert.is(received.digest("hex"), sent.digest("hex"));
    // One read of 256 KiB can come on top of the limit.
    assert.ok(mostQueued <= limitBytes + 512 * 1024, `${mostQueued} bytes were queued`);
    if (direction === "up") {
      const paused = f.stats.get("downstream_flow_control_paused_reading_total");
      assert.ok(paused > 0);
      assert.is(f.stats.get("downstream_flow_control_resumed_reading_total"), paused);
    }
    client.close(CloseType.NoFlush);
    server.close(CloseType.NoFlush);
    await f.idle();
    f.close();
  }
});

test("a client that does not read stops the upstream", async () => {
  const f = await new ProxyFixture({ limitBytes: 64 * 1024 }).start();
  const { client, events, server } = await f.connect();
  client.readDisable(true);
  // The server stops being able to write: everything between is full and nobody takes more.
  const chunk = new Uint8Array(256 * 1024);
  let written = 0;
  let last = -1;
  while (written !== last) {
    last = written;
    while (server.queuedBytes === 0) {
      server.write(chunk);
      written += chunk.length;
    }
    // A whole turn of the loop in which nothing moved: the line is full.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  const [proxied] = [...f.proxy.listener.connections];
  assert.ok(proxied!.queuedBytes <= 64 * 1024 + 512 * 1024);
  client.readDisable(false);
  await events.until(() => events.bytes >= written - server.queuedBytes - 1);
  client.close(CloseType.NoFlush);
  server.close(CloseType.NoFlush);
  await f.idle();
  f.close();
});

test("a client that is gone does not keep the upstream from getting everything", async () => {
  const f = await new ProxyFixture({ limitBytes: 8 * 1024 * 1024 }).start();
  const { client, server, serverEvents } = await f.connect();
  const total = 6 * 1024 * 1024;
  serverEvents.onData = function (bytes) {
    this.bytes += bytes.length;
  };
  server.readDisable(true);
  client.write(new Uint8Array(total));
  client.end();
  await f.proxyReceived(total);
  server.readDisable(false);
  await serverEvents.until(() => serverEvents.ended);
  assert.is(serverEvents.bytes, total);
  server.close(CloseType.NoFlush);
  await f.idle();
  f.close();
});

test("a reset goes through, whoever sends it", async () => {
  const f = await new ProxyFixture().start();
  const one = await f.connect();
  one.server.write(bytesOf("x"));
  await one.events.until(() => one.events.bytes === 1);
  one.server.close(CloseType.AbortReset);
  await one.events.closed();
  assert.is(one.client.wasReset, true);
  assert.equal(f.logs[0]!.flags, ["UR"]);
  const two = await f.connect();
  two.server.write(bytesOf("x"));
  await two.events.until(() => two.events.bytes === 1);
  two.client.close(CloseType.AbortReset);
  await two.serverEvents.closed();
  assert.is(two.server.wasReset, true);
  assert.equal(f.logs[1]!.flags, []);
  f.close();
});

test("a refused connection: UF, and URX after the last attempt", async () => {
  const f = await new ProxyFixture({ addresses: { up: NOWHERE }, plan: { maxConnectAttempts: 3 } }).start();
  const client = await dial(f.proxy.address());
  const events = new Recorder();
  client.setHandler(events);
  await Promise.all([events.closed(), f.logged()]);
  const info = f.logs[0]!;
  assert.equal(info.flags, ["UF", "URX"]);
  assert.is(info.attemptCount, 3);
  assert.is(f.clusters.length, 3);
  assert.is(info.upstream!.transportFailureReason, "delayed connect error: Connection refused");
  assert.is(info.upstream!.host!.text, "127.0.0.1:1");
  f.close();
});

test("attempts wait for the back-off", async () => {
  const clock = new ManualClock();
  let attempts = 0;
  let seen: (() => void) | null = null;
  const cluster: TcpClusterPort = {
    connect(_name, _context, callbacks) {
      attempts++;
      callbacks.onFailure("remote", "refused", upstreamInfo({ host: NOWHERE }));
      seen?.();
      return { cancel() {} };
    },
  };
  const f = await new ProxyFixture({
    clock,
    cluster,
    plan: { maxConnectAttempts: 2, backoff: { baseMs: 100, maxMs: 1000 } },
  })
    .start();
  const first = new Promise<void>((resolve) => seen = resolve);
  const client = await dial(f.proxy.address());
  const events = new Recorder();
  client.setHandler(events);
  await first;
  assert.is(attempts, 1);
  clock.advance(100);
  assert.is(attempts, 2);
  await events.closed();
  assert.equal(f.logs[0]!.flags, ["UF", "URX"]);
  f.close();
});

for (
  const [reason, flag, details] of [
    ["no_cluster", "NC", "tcp_initializion_failure:3"],
    ["no_healthy_upstream", "UH", "tcp_initializion_failure:1"],
    ["overflow", "UO", "tcp_initializion_failure:2"],
  ] as const
) {
  test(`${reason}: flag ${flag}`, async () => {
    const cluster: TcpClusterPort = {
      connect(_name, _context, callbacks) {
        callbacks.onFailure(reason, "", null);
        return { cancel() {} };
      },
    };
    const f = await new ProxyFixture({ cluster }).start();
    const client = await dial(f.proxy.address());
    const events = new Recorder();
    client.setHandler(events);
    await Promise.all([events.closed(), f.logged()]);
    assert.equal(f.logs[0]!.flags, [flag]);
    assert.is((f.logs[0]!.connection as unknown as { localCloseReason: string }).localCloseReason, details);
    assert.is(f.stats.get("downstream_cx_no_route"), reason === "no_cluster" ? 1 : 0);
    f.close();
  });
}

test("the idle timeout closes without a flag; traffic puts it off", async () => {
  const clock = new ManualClock();
  const f = await new ProxyFixture({ clock, plan: { idleTimeoutMs: 1000 } }).start();
  const { client, events, server, serverEvents } = await f.connect();
  clock.advance(900);
  client.write(bytesOf("x"));
  await serverEvents.until(() => serverEvents.bytes === 1);
  clock.advance(900);
  server.write(bytesOf("y"));
  await events.until(() => events.bytes === 1);
  clock.advance(999);
  assert.is(f.logs.length, 0);
  clock.advance(1);
  assert.is(f.logs.length, 1);
  assert.equal(f.logs[0]!.flags, []);
  assert.is(f.stats.get("idle_timeout"), 1);
  await Promise.all([
    events.until(() => events.ended || events.closes.length > 0),
    serverEvents.until(() => serverEvents.ended || serverEvents.closes.length > 0),
  ]);
  assert.is(clock.armedTimers, 0);
  f.close();
});

test("a filter before it sets the idle timeout", async () => {
  const clock = new ManualClock();
  const state = { "envoy.tcp_proxy.per_connection_idle_timeout_ms": "300" };
  const f = await new ProxyFixture({ clock, state, plan: { idleTimeoutMs: 1000 } }).start();
  const { client, serverEvents } = await f.connect();
  client.write(bytesOf("x"));
  await serverEvents.until(() => serverEvents.bytes === 1);
  clock.advance(299);
  assert.is(f.logs.length, 0);
  clock.advance(1);
  assert.is(f.logs.length, 1);
  assert.is(f.stats.get("idle_timeout"), 1);
  f.close();

  const never = { "envoy.tcp_proxy.per_connection_idle_timeout_ms": "0" };
  const g = await new ProxyFixture({ clock, state: never, plan: { idleTimeoutMs: 1000 } }).start();
  const other = await g.connect();
  other.client.write(bytesOf("x"));
  await other.serverEvents.until(() => other.serverEvents.bytes === 1);
  clock.advance(100_000);
  assert.is(g.logs.length, 0);
  g.close();
});

test("max_downstream_connection_duration closes with DT", async () => {
  const clock = new ManualClock();
  const f = await new ProxyFixture({ clock, plan: { maxDownstreamConnectionDurationMs: 5000 } }).start();
  await f.connect();
  clock.advance(4999);
  assert.is(f.logs.length, 0);
  clock.advance(1);
  assert.equal(f.logs[0]!.flags, ["DT"]);
  assert.is(f.stats.get("max_downstream_connection_duration"), 1);
  f.close();
});

test("access log lines on connect and at intervals", async () => {
  const clock = new ManualClock();
  const f = await new ProxyFixture({ clock, plan: { logOnConnected: true, logIntervalMs: 100 } }).start();
  const { client, server } = await f.connect();
  await f.logged();
  assert.is(f.logs.length, 1);
  clock.advance(250);
  assert.is(f.logs.length, 3);
  client.close(CloseType.NoFlush);
  server.close(CloseType.NoFlush);
  await f.idle();
  assert.is(f.logs.length, 4);
  f.close();
});

test("an access log line before the upstream is dialled", async () => {
  const f = await new ProxyFixture({ plan: { logOnStart: true }, addresses: { up: NOWHERE } }).start();
  const client = await dial(f.proxy.address());
  const events = new Recorder();
  client.setHandler(events);
  await events.closed();
  assert.equal(f.logTypes, ["TcpConnectionStart", "TcpConnectionEnd"]);
  f.close();
});

test("a filter before it chooses the cluster", async () => {
  const f = await new ProxyFixture({
    state: { "envoy.tcp_proxy.cluster": "chosen" },
    plan: { clusters: [{ name: "a", weight: 90 }, { name: "b", weight: 10 }] },
    cluster: {
      connect(name, _context, callbacks) {
        f.clusters.push(name);
        callbacks.onFailure("no_cluster", "", null);
        return { cancel() {} };
      },
    },
  }).start();
  const client = await dial(f.proxy.address());
  const events = new Recorder();
  client.setHandler(events);
  await events.closed();
  assert.equal(f.clusters, ["chosen"]);
  assert.equal(f.logs[0]!.flags, ["NC"]);
  f.close();
});

test("metadata_match: of the whole proxy, and more of a weighted cluster", async () => {
  const planned = (text: string): TcpProxyPlan => {
    const yaml = `stat_prefix: t\n${text}`;
    const typeName = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    const { root, diagnostics } = loadBootstrap({ registry: loadRegistry(), typeName, yaml });
    const plan = planTcpProxy(root!, () => null);
    assert.equal([...diagnostics.all, ...unreadFields(root!)], []);
    return plan;
  };
  const asks = (fields: string): string => `metadata_match: { filter_metadata: { envoy.lb: { ${fields} } } }`;
  const asked: unknown[] = [];
  const cluster: TcpClusterPort = {
    connect(_name, { metadataMatch }, callbacks) {
      asked.push(metadataMatch);
      callbacks.onFailure("no_cluster", "", null);
      return { cancel() {} };
    },
  };
  const weighted = `weighted_clusters: { clusters: [{ name: a, weight: 1, ${asks("v: 2")} }] }\n`;
  const state = { "envoy.tcp_proxy.cluster": "chosen" };
  for (
    const options of [
      { plan: planned("cluster: a") },
      { plan: planned(`cluster: a\n${asks("v: 1, w: 1")}`) },
      { plan: planned(weighted) },
      { plan: planned(weighted + asks("v: 1, w: 1")) },
      { plan: planned(weighted + asks("v: 1, w: 1")), state },
    ]
  ) {
    const f = await new ProxyFixture({ ...options, cluster }).start();
    const client = await dial(f.proxy.address());
    const events = new Recorder();
    client.setHandler(events);
    await events.closed();
    f.close();
  }
  assert.equal(asked, [undefined, { v: 1, w: 1 }, { v: 2 }, { v: 2, w: 1 }, { v: 1, w: 1 }]);
});

test("weighted clusters get their shares", async () => {
  const cluster: TcpClusterPort = {
    connect(name, _context, callbacks) {
      f.clusters.push(name);
      callbacks.onFailure("no_healthy_upstream", "", null);
      return { cancel() {} };
    },
  };
  const f = await new ProxyFixture({
    cluster,
    plan: { clusters: [{ name: "a", weight: 90 }, { name: "b", weight: 10 }] },
  })
    .start();
  for (let i = 0; i < 200; i++) {
    const client = await dial(f.proxy.address());
    const events = new Recorder();
    client.setHandler(events);
    await events.closed();
  }
  const share = f.clusters.filter((name) => name === "b").length;
  assert.ok(share > 5 && share < 45, `${share} of 200`);
  f.close();
});

test("a client that leaves while the upstream is being connected cancels that", async () => {
  let cancelled = 0;
  const { promise: started, resolve } = Promise.withResolvers<void>();
  const cluster: TcpClusterPort = {
    connect() {
      resolve();
      return { cancel: () => void cancelled++ };
    },
  };
  const f = await new ProxyFixture({ cluster }).start();
  const client = await dial(f.proxy.address());
  await started;
  client.close(CloseType.NoFlush);
  // Nothing is read before the upstream is there, so it is the listener that ends this connection.
  f.proxy.close();
  assert.is(cancelled, 1);
  assert.is(f.logs.length, 1);
  f.close();
});

test("resets at every moment leave nothing behind", async () => {
  const f = await new ProxyFixture().start();
  const random = new SeededRandom(11);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const rounds = 150;
  const servers: SocketConnection[] = [];
  const accepting = (async () => {
    for (;;) {
      const { connection } = await f.upstream.accept();
      const events = new Recorder();
      connection.setHandler(events);
      connection.write(new Uint8Array(random.uint32() % 100_000));
      servers.push(connection);
    }
  })();
  accepting.catch(() => {});
  const clients = Array.from({ length: 8 }, async () => {
    for (let round = 0; round < rounds / 8; round++) {
      const client = await dial(f.proxy.address());
      client.setHandler(new Recorder());
      client.write(new Uint8Array(random.uint32() % 200_000));
      for (let i = random.uint32() % 6; i > 0; i--) await turn();
      const who = random.uint32() % 3;
      if (who === 0) servers.at(-1)?.close(CloseType.AbortReset);
      if (who === 1) client.end();
      client.close(CloseType.AbortReset);
      client.write(bytesOf("after the end"));
    }
  });
  await Promise.all(clients);
  // Connections whose upstream is not there yet read nothing; they end as soon as they do.
  await f.idle();
  for (const server of servers) server.close(CloseType.NoFlush);
  assert.is(f.proxy.stats.get("downstream_cx_active"), 0);
  assert.is(f.logs.length, f.proxy.stats.get("downstream_cx_total"));
  assert.is(f.openUpstreams.size, 0);
  f.close();
});

test.run();
