// test/e2e/peers.test.ts: peers that break off, send nonsense or reset: nothing crashes, everything is counted down.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SeededRandom } from "../../host/base/random.ts";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { watFilter } from "../support/wat_filter.ts";
import { get, RawClient, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-peers-"));
test.after(() => rmSync(folder, { recursive: true }));

const uncaught: unknown[] = [];
process.on("unhandledRejection", (error) => uncaught.push(error));
process.on("uncaughtException", (error) => uncaught.push(error));

/** An upstream that is told, connection by connection and by the request's path, how to misbehave. */
class BrokenUpstream {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: (path: string, socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
      let head = "";
      socket.on("data", (data: Uint8Array) => {
        head += new TextDecoder("latin1").decode(data);
        if (!head.includes("\r\n\r\n")) return;
        const path = head.split(" ")[1]!;
        head = "";
        answer(path, socket);
      });
    });
  }

  static async start(answer: (path: string, socket: Socket) => void): Promise<BrokenUpstream> {
    const upstream = new BrokenUpstream(answer);
    await new Promise<void>((resolve) => upstream.#server.listen(0, "127.0.0.1", resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

function misbehave(path: string, socket: Socket): void {
  switch (path) {
    case "/close":
      return void socket.end();
    case "/reset":
      return void socket.resetAndDestroy();
    case "/garbage":
      return void socket.write("220 smtp.example.com ESMTP\r\n\r\n");
    case "/half-head":
      return void socket.end("HTTP/1.1 200 OK\r\ncontent-le");
    case "/half-body":
      return void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789");
    case "/reset-body":
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789", () => socket.resetAndDestroy());
      return;
    case "/bad-chunk":
      return void socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    case "/two-answers":
      return void socket.write(OK + OK);
    case "/switching":
      return void socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: foo\r\nconnection: upgrade\r\n\r\n");
    case "/large-head":
      return void socket.write(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(200_000)}\r\n\r\n`);
    default:
      return void socket.write(OK);
  }
}

function withFilter(options: { readonly upstreamPort: number; readonly http?: Record<string, unknown> }): string {
  const file = join(folder, "version.wasm");
  writeFileSync(file, watFilter({ version: "1" }));
  return webConfig({ port: 0, filters: [wasmFilter("version", file)], ...options });
}

async function withProxy(
  options: { readonly http?: Record<string, unknown> },
  run: (proxy: Embedded, port: number) => Promise<void>,
): Promise<void> {
  const upstream = await BrokenUpstream.start(misbehave);
  const proxy = await startEmbedded(withFilter({ upstreamPort: upstream.port, ...options }));
  try {
    await run(proxy, proxy.port("web"));
  } finally {
    await proxy.stop();
    await upstream.stop();
  }
  assert.equal(uncaught, [], "nothing was left uncaught");
}

/** All that goes up with a peer must come down. */
async function atRest(proxy: Embedded): Promise<void> {
  await proxy.statIs("http.web.downstream_cx_active", 0);
  await proxy.statIs("http.web.downstream_rq_active", 0);
  await proxy.statIs("cluster.upstream.upstream_rq_active", 0);
  await proxy.statIs("cluster.upstream.upstream_rq_pending_active", 0);
  assert.is(proxy.stat("server.nuncio_bug"), 0);
  assert.not.match(proxy.log, "a bug was contained");
  const [plugins] = await proxy.server.callAll("plugins", undefined);
  assert.is(plugins![0]!.streams, 0, "every context that was made is gone");
  assert.is(plugins![0]!.failure, null);
  const { connections, streams } = await proxy.server.activity();
  assert.is(connections, 0);
  assert.is(streams, 0);
}

test("a broken upstream: an error for that request, the next one is well", async () => {
  await withProxy({}, async (proxy, port) => {
    for (
      const [path, status] of [
        ["/close", 503],
        ["/reset", 503],
        ["/garbage", 502],
        ["/half-head", 502],
        ["/bad-chunk", 200],
        ["/switching", 502],
        ["/large-head", 502],
        ["/half-body", 200],
        ["/reset-body", 200],
        ["/two-answers", 200],
      ] as const
    ) {
      const client = await RawClient.connect(port);
      const answer = await client.get(path).then((response) => response.status, (error: Error) => error.message);
      // A body that breaks off breaks the connection off, which is the only way to say it.
      if (path.includes("body") || path === "/bad-chunk") assert.match(String(answer), "the connection ended", path);
      else assert.is(answer, status, path);
      client.close();
      assert.is((await get(port, "/fine")).status, 200, `after ${path}`);
    }
    await atRest(proxy);
  });
});

test("no upstream at all: 503 with its reason", async () => {
  const upstream = await BrokenUpstream.start(misbehave);
  const upstreamPort = upstream.port;
  await upstream.stop();
  const proxy = await startEmbedded(withFilter({ upstreamPort }));
  for (let i = 0; i < 20; i++) {
    const response = await get(proxy.port("web"), "/");
    assert.is(response.status, 503);
    assert.match(response.body, "upstream connect error or disconnect/reset before headers");
  }
  await atRest(proxy);
  await proxy.stop();
  assert.equal(uncaught, []);
});

const MALFORMED = [
  "GARBAGE\r\n\r\n",
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
  "GET / HTTP/9.9\r\nhost: a\r\n\r\n",
  "GET  / HTTP/1.1\r\nhost: a\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
  "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
  "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
  "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
  `GET / HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(100_000)}\r\n\r\n`,
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

test("malformed requests: an error and the end of the connection, nothing above debug in the log", async () => {
  await withProxy({}, async (proxy, port) => {
    for (const text of MALFORMED) {
      const client = await RawClient.connect(port);
      client.write(text);
      client.socket.end();
      const answer = await client.read().then((response) => response.status, () => null);
      assert.ok(answer === null || (answer >= 400 && answer < 600), `${JSON.stringify(text.slice(0, 60))}: ${answer}`);
      await client.closed();
      client.close();
      assert.is((await get(port, "/fine")).status, 200);
    }
    assert.ok(proxy.stat("http.web.downstream_cx_protocol_error") >= 8, "they are counted");
    const lines = proxy.log.split("\n").filter((line) => /"level":"(?:warning|error|critical)"/.test(line));
    assert.equal(lines, []);
    await atRest(proxy);
  });
});

test("clients that break off at any byte of request and response, by FIN or RST", async () => {
  await withProxy({}, async (proxy, port) => {
    const random = new SeededRandom(7);
    const body = "x".repeat(40_000);
    const texts = [
      "GET /fine HTTP/1.1\r\nhost: a\r\n\r\n",
      `POST /fine HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      `POST /fine HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n9c40\r\n${body}\r\n0\r\n\r\n`,
      "GET /half-body HTTP/1.1\r\nhost: a\r\n\r\nGET /fine HTTP/1.1\r\nhost: a\r\n\r\n",
    ];
    for (let i = 0; i < 400; i++) {
      const text = texts[i % texts.length]!;
      const length = Math.floor(random.fraction() * (text.length + 1));
      await new Promise<void>((resolve) => {
        const socket = connect({ port, host: "127.0.0.1" });
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        const leave = () => {
          if (i % 3 === 0) socket.end();
          else if (i % 3 === 1) socket.destroy();
          else socket.resetAndDestroy();
        };
        socket.on("connect", () => {
          if (length === 0) leave();
          else socket.write(text.slice(0, length), "latin1", leave);
        });
        socket.resume();
      });
    }
    assert.is((await get(port, "/fine")).status, 200);
    await atRest(proxy);
  });
});

test("a storm of connections that are reset at once", async () => {
  await withProxy({}, async (proxy, port) => {
    const storm = Array.from({ length: 300 }, (_, i) =>
      new Promise<void>((resolve) => {
        const socket = connect({ port, host: "127.0.0.1" });
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.on("connect", () => {
          socket.write("GET /fine HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1 + i % 5));
          if (i % 2 === 0) socket.resetAndDestroy();
          else socket.once("data", () => socket.resetAndDestroy());
        });
      }));
    await Promise.all(storm);
    assert.is((await get(port, "/fine")).status, 200);
    await atRest(proxy);
  });
});

test("an upstream that resets while the client still uploads", async () => {
  await withProxy({}, async (proxy, port) => {
    for (const path of ["/reset", "/close", "/garbage"]) {
      const client = await RawClient.connect(port);
      client.write(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 10000000\r\n\r\n`);
      client.write("x".repeat(100_000));
      const answer = await client.read().then((response) => response.status, () => null);
      assert.ok(answer === null || answer === 502 || answer === 503, `${path}: ${answer}`);
      client.close();
    }
    assert.is((await get(port, "/fine")).status, 200);
    await atRest(proxy);
  });
});

test("a filter that traps: 503 for its stream, the others are unharmed", async () => {
  const upstream = await BrokenUpstream.start(misbehave);
  const file = join(folder, "traps.wasm");
  writeFileSync(file, watFilter({ version: "1", onRequestHeaders: "(unreachable)" }));
  const traps = JSON.parse(webConfig({ port: 0, filters: [wasmFilter("traps", file)] })) as {
    static_resources: { listeners: object[] };
  };
  const listeners = [{ ...traps.static_resources.listeners[0], name: "traps" }];
  const good = join(folder, "good.wasm");
  writeFileSync(good, watFilter({ version: "1" }));
  const proxy = await startEmbedded(
    webConfig({ port: 0, upstreamPort: upstream.port, filters: [wasmFilter("good", good)], listeners }),
  );
  for (let i = 0; i < 3; i++) {
    assert.is((await get(proxy.port("traps"), "/")).status, 503);
    assert.is((await get(proxy.port("web"), "/fine")).status, 200);
  }
  assert.is(proxy.log.split("\n").filter((line) => line.includes("unreachable")).length, 1, "one line tells of a trap");
  await proxy.statIs("http.web.downstream_cx_active", 0);
  await proxy.stop();
  await upstream.stop();
  assert.equal(uncaught, []);
});

test("a filter that traps and may fail open is left out; one that reloads comes back", async () => {
  const file = join(folder, "policies.wasm");
  writeFileSync(file, watFilter({ version: "1", onRequestHeaders: "(unreachable)" }));
  for (const [policy, statuses] of [["FAIL_OPEN", [204, 204]], ["FAIL_RELOAD", [503, 503]]] as const) {
    const filter = wasmFilter("policies", file, "", { failure_policy: policy });
    const proxy = await startEmbedded(webConfig({ port: 0, filters: [filter] }));
    for (const status of statuses) assert.is((await get(proxy.port("web"), "/")).status, status, policy);
    await proxy.statIs("http.web.downstream_cx_active", 0);
    await proxy.stop();
  }
  assert.equal(uncaught, []);
});

test.run();
