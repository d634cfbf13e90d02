// test/host/upstream/sockets.test.ts: clusters over real sockets, against node:http and scripted servers.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { createDnsResolver } from "../../../host/net/dns.ts";
import { CloseType } from "../../../host/net/filter.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { StreamInfo } from "../../../host/observe/stream_info.ts";
import { systemClock } from "../../../host/platform/system_clock.ts";
import { systemRandom } from "../../../host/platform/system_random.ts";
import { AsyncClient, type AsyncRequestMessage } from "../../../host/router/async_client/async_client.ts";
import { createClientCodec } from "../../../host/upstream/conn_pool/client_codec.ts";
import { ClusterManager } from "../../../host/upstream/cluster_manager.ts";
import { SocketDialer } from "../../../host/upstream/conn_pool/dialer.ts";
import { DEFAULT_DNS_PLAN } from "../../../host/upstream/dns_plan.ts";
import { type ClusterPlan, DEFAULT_CONNECTION_PLAN } from "../../../host/upstream/plan.ts";
import { TcpClusters } from "../../../host/upstream/tcp_clusters.ts";
import { endpoint, FakeConnection, planWith } from "./fakes.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: HeaderMap | null;
}

class World {
  readonly store = StatsStore.create();
  readonly manager: ClusterManager = new ClusterManager({
    clock: systemClock,
    random: systemRandom,
    stats: this.store,
    dialer: new SocketDialer(systemClock),
    dns: { get: () => createDnsResolver() },
    createClientCodec,
  });
  readonly client: AsyncClient = new AsyncClient(this.manager, systemClock, "127.0.0.1");

  async start(plan: ClusterPlan): Promise<void> {
    // Timers of the clock keep no process alive, and a test must not end while it waits.
    await new Promise<void>((resolve) => void this.manager.update([plan], resolve));
  }

  request(path: string, changes: Partial<AsyncRequestMessage> = {}): Promise<Answer> {
    const headers = HeaderMap.of({ ":method": "GET", ":path": path, ":authority": "a.example" });
    if (changes.body !== undefined) headers.method = "POST";
    return new Promise((resolve) => {
      this.client.send("a", { headers, body: new Uint8Array(0), trailers: null, timeoutMs: 10_000, ...changes }, {
        onResponse: ({ headers, body }) =>
          resolve({ status: headers.status, body: new TextDecoder().decode(body), headers }),
        onFailure: (reason) => resolve({ status: 0, body: reason, headers: null }),
      });
    });
  }

  stat(name: string): number {
    return this.store.valueOf(`cluster.a.${name}`) ?? 0;
  }

  /** Closes everything and checks that nothing is left. */
  end(): void {
    this.manager.close();
    for (const name of ["upstream_cx_active", "upstream_rq_active", "upstream_rq_pending_active"]) {
      assert.is(this.stat(name), 0, name);
    }
  }
}

async function listen(server: Server, path?: string): Promise<number> {
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve)
  );
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

/** Runs `body` against a server, then closes both. */
async function withServer(
  server: Server,
  body: (world: World, port: number) => Promise<void>,
  changes: Partial<ClusterPlan> = {},
): Promise<void> {
  const port = await listen(server);
  const world = new World();
  await world.start(planWith([`127.0.0.1:${port}`], changes));
  try {
    await body(world, port);
    world.end();
  } finally {
    world.manager.close();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A server that does with each request head what `answer` says. */
function scripted(answer: (socket: Socket, path: string) => void): Server {
  return createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => answer(socket, /^\S+ (\S+)/.exec(bytes.toString("latin1"))?.[1] ?? ""));
  });
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

function echo(): Server {
  return createHttpServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => response.end(chunks.length > 0 ? Buffer.concat(chunks) : request.url));
  });
}

test("requests one after the other use one connection", async () => {
  await withServer(echo(), async (world) => {
    for (let i = 0; i < 20; i++) {
      const { status, body, headers } = await world.request(`/${i}`);
      assert.equal([status, body], [200, `/${i}`]);
      assert.match(headers!.get("x-envoy-upstream-service-time")!, /^\d+$/);
    }
    assert.is(world.stat("upstream_cx_total"), 1);
    assert.is(world.stat("upstream_rq_total"), 20);
    assert.is(world.stat("upstream_rq_pending_total"), 1);
    assert.is(world.stat("upstream_rq_200"), 20);
    assert.ok(world.stat("upstream_cx_tx_bytes_total") > 1000);
    assert.ok(world.stat("upstream_cx_rx_bytes_total") > 1000);
  });
});

test("requests at the same time use a connection each, then share them", async () => {
  await withServer(echo(), async (world) => {
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => world.request(`/${i}`)));
      assert.equal(answers.map((answer) => answer.body), Array.from({ length: 8 }, (_, i) => `/${i}`));
    }
    assert.is(world.stat("upstream_cx_total"), 8);
  });
});

test("a body of 1 MiB there and back", async () => {
  await withServer(echo(), async (world) => {
    const text = "0123456789abcdef".repeat(65536);
    const { status, body } = await world.request("/", { body: new TextEncoder().encode(text) });
    assert.is(status, 200);
    assert.ok(body === text);
  });
});

test("a refused connection: 503, with the numbers of a failed connection", async () => {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  const world = new World();
  await world.start(planWith([`127.0.0.1:${port}`]));
  const { status, body } = await world.request("/");
  assert.is(status, 503);
  assert.is(
    body,
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
  );
  assert.equal(
    ["upstream_cx_connect_fail", "upstream_cx_destroy_remote", "upstream_rq_pending_failure_eject"].map((name) =>
      world.stat(name)
    ),
    [1, 1, 1],
  );
  world.end();
});

test("more than the response: the answer passes, the connection does not", async () => {
  let connections = 0;
  const server = scripted((socket, path) => socket.write(path === "/bad" ? OK + OK.replace("ok", "NO") : OK));
  server.on("connection", () => connections++);
  await withServer(server, async (world) => {
    assert.is((await world.request("/bad")).body, "ok");
    assert.is((await world.request("/next")).body, "ok");
    assert.is(connections, 2);
  });
});

test("an upstream that hangs up, talks nonsense or breaks off", async () => {
  const server = scripted((socket, path) => {
    if (path === "/fin") socket.end();
    else if (path === "/rst") socket.resetAndDestroy();
    else if (path === "/nonsense") socket.end("HTTP/1.1 what\r\n\r\n");
    else if (path === "/cut") socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    else if (path === "/until-close") socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
    else socket.write(OK);
  });
  const before = "upstream connect error or disconnect/reset before headers. reset reason: ";
  await withServer(server, async (world) => {
    const expected: readonly (readonly [string, number, string])[] = [
      ["/fin", 503, before + "connection termination"],
      ["/rst", 503, before + "connection termination"],
      ["/nonsense", 502, before + "protocol error"],
      ["/cut", 0, "reset"],
      ["/until-close", 200, "all of it"],
    ];
    for (const [path, status, body] of expected) {
      const answer = await world.request(path);
      assert.equal([answer.status, answer.body], [status, body], path);
      assert.is((await world.request("/ok")).body, "ok", `after ${path}`);
    }
    assert.is(world.stat("upstream_cx_destroy_remote_with_active_rq"), 3);
  });
});

test("a connection that the upstream closed while idle is not used", async () => {
  const sockets: Socket[] = [];
  const server = scripted((socket) => socket.write(OK));
  server.on("connection", (socket) => sockets.push(socket));
  await withServer(server, async (world) => {
    await world.request("/");
    const closed = new Promise((resolve) => sockets[0]!.once("close", resolve));
    sockets[0]!.end();
    await closed;
    assert.is((await world.request("/")).status, 200);
    assert.is(sockets.length, 2);
    assert.is(world.stat("upstream_cx_destroy_remote"), 1);
  });
});

test("a time-out closes the connection", async () => {
  let closed = () => {};
  const isClosed = new Promise<void>((resolve) => closed = resolve);
  const server = scripted(() => {});
  server.on("connection", (socket) => socket.on("close", closed));
  await withServer(server, async (world) => {
    const keepAlive = setInterval(() => {}, 1000);
    const { status, body } = await world.request("/", { timeoutMs: 20 });
    clearInterval(keepAlive);
    assert.equal([status, body], [504, "upstream request timeout"]);
    await isClosed;
  });
});

test("names are looked up", async () => {
  const server = echo();
  const port = await listen(server);
  const world = new World();
  await world.start(
    planWith([`localhost:${port}`], {
      type: "STRICT_DNS",
      dns: { ...DEFAULT_DNS_PLAN, lookupFamily: "V4_ONLY" },
    }),
  );
  assert.is((await world.request("/x")).body, "/x");
  assert.equal([...world.manager.get("a")!.priorities.hosts()].map((host) => [host.hostname, host.address.text]), [
    ["localhost", `127.0.0.1:${port}`],
  ]);
  world.end();
  await new Promise((resolve) => server.close(resolve));
});

test("a unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-"));
  const path = join(folder, "s.sock");
  const server = echo();
  await listen(server, path);
  const world = new World();
  await world.start(planWith([endpoint(path, 0)]));
  assert.is((await world.request("/x")).body, "/x");
  world.end();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test("raw connections: bytes both ways, and each half ends by itself", async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("end", () => socket.end(" and good bye"));
  });
  await withServer(server, async (world) => {
    const info = new StreamInfo(new FakeConnection({ address: "::1", port: 1, text: "[::1]:1" }).info, 0, 0);
    let received = "";
    await new Promise<void>((resolve, reject) => {
      new TcpClusters(world.manager).connect("a", { info, hashInput: null }, {
        onConnected(connection) {
          connection.enableHalfClose(true);
          connection.setHandler({
            onData: (bytes) => void (received += new TextDecoder().decode(bytes)),
            onEnd: () => connection.close(CloseType.FlushWrite),
            onClose: () => resolve(),
            onAboveWriteBufferHighWatermark() {},
            onBelowWriteBufferLowWatermark() {},
          });
          connection.writeLatin1("hello");
          connection.end();
        },
        onFailure: (reason) => reject(new Error(reason)),
      });
    });
    assert.is(received, "hello and good bye");
    assert.is(world.stat("upstream_cx_destroy"), 1);
  });
});

test("a host with several addresses is reached by the one that answers, from the address that the cluster has", async () => {
  const peers: (string | undefined)[] = [];
  const server = scripted((socket) => {
    peers.push(socket.remoteAddress);
    socket.write(OK);
  });
  const port = await listen(server);
  const world = new World();
  await world.start(
    planWith([endpoint("::1", port, { additionalAddresses: [{ address: "127.0.0.1", port }] })], {
      connection: { ...DEFAULT_CONNECTION_PLAN, sources: [{ address: "127.0.0.7", port: 0 }] },
    }),
  );
  assert.is((await world.request("/")).status, 200);
  assert.equal(peers, ["127.0.0.7"]);
  assert.is(world.stat("upstream_cx_connect_fail"), 0);
  assert.is(world.stat("upstream_cx_total"), 2);
  world.end();
  await new Promise((resolve) => server.close(resolve));
});

test.run();
