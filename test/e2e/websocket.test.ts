// test/e2e/websocket.test.ts: WebSockets by ws: over HTTP/1, and over HTTP/2 between two proxies.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { webConfig } from "./support.ts";

const UPGRADES = { upgrade_configs: [{ upgrade_type: "websocket" }] };
const HTTP2_CLUSTER = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: { allow_connect: true } },
    },
  },
};

let server: Server;
/** To the server; then to the first one, by HTTP/2. */
let inner: Embedded;
let outer: Embedded;
const open = new Set<Socket>();
/** Codes and reasons that the server was told. */
const closings: string[] = [];
let onClosing = (): void => {};

async function nextClosing(): Promise<string> {
  while (closings.length === 0) await new Promise<void>((resolve) => onClosing = resolve);
  return closings.shift()!;
}

test.before(async () => {
  server = createServer((_request, response) => response.writeHead(426).end("upgrade, please"));
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (asked) => asked.has("b") ? "b" : false });
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/refused") return void socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    sockets.handleUpgrade(request, socket as Socket, head, (peer) => {
      peer.on("error", () => {});
      peer.on("message", (message: Uint8Array, binary: boolean) => peer.send(message, { binary }));
      peer.on("close", (code: number, reason: Uint8Array) => {
        closings.push(`${code} ${new TextDecoder().decode(reason)}`);
        onClosing();
      });
      // Right behind the 101, before the client has said anything.
      peer.send(`welcome ${request.url} ${request.headers["sec-websocket-protocol"]}`);
      if (request.url === "/leave") peer.close(4001, "enough");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstreamPort = (server.address() as AddressInfo).port;
  inner = await startEmbedded(
    webConfig({ port: 0, upstreamPort, http: { ...UPGRADES, http2_protocol_options: { allow_connect: true } } }),
  );
  outer = await startEmbedded(
    webConfig({ port: 0, upstreamPort: inner.port("web"), cluster: HTTP2_CLUSTER, http: UPGRADES }),
  );
});

test.after(async () => {
  await outer.stop();
  await inner.stop();
  for (const socket of open) socket.destroy();
  server.close();
});

/** A client, and what it receives, in order. */
class Peer {
  readonly socket: WebSocket;
  readonly received: Uint8Array[] = [];
  #wake = (): void => {};

  constructor(port: number, path: string, protocols: string[] = []) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { perMessageDeflate: false });
    this.socket.on("error", () => {});
    this.socket.on("message", (message: Uint8Array) => {
      this.received.push(message);
      this.#wake();
    });
  }

  async message(index: number): Promise<string> {
    while (this.received.length <= index) await new Promise<void>((resolve) => this.#wake = resolve);
    return new TextDecoder().decode(this.received[index]);
  }
}

for (const [name, proxy] of [["HTTP/1 only", () => inner], ["HTTP/2 on the way", () => outer]] as const) {
  test(`${name}: messages both ways, small and large, whole and in fragments`, async () => {
    const peer = new Peer(proxy().port("web"), "/chat", ["a", "b"]);
    assert.is(await peer.message(0), "welcome /chat a,b");
    assert.is(peer.socket.protocol, "b");
    peer.socket.send("hello");
    assert.is(await peer.message(1), "hello");
    const large = "x".repeat(2_000_000);
    peer.socket.send(large);
    assert.ok(await peer.message(2) === large);
    peer.socket.send("in ", { fin: false });
    peer.socket.send("fragments", { fin: true });
    assert.is(await peer.message(3), "in fragments");
    for (let i = 0; i < 100; i++) peer.socket.send(String(i));
    assert.is(await peer.message(103), "99");
    const pong = once(peer.socket, "pong");
    peer.socket.ping("are you there");
    assert.is(String((await pong)[0]), "are you there");
    const closed = once(peer.socket, "close");
    peer.socket.close(4000, "goodbye");
    assert.is((await closed)[0], 4000);
    assert.is(await nextClosing(), "4000 goodbye");
  });

  test(`${name}: the server closes`, async () => {
    const peer = new Peer(proxy().port("web"), "/leave");
    const [code, reason] = await once(peer.socket, "close");
    assert.equal([code, String(reason)], [4001, "enough"]);
    assert.is(await peer.message(0), "welcome /leave undefined");
    assert.is(await nextClosing(), "4001 enough");
  });

  test(`${name}: the client is gone without a word`, async () => {
    const peer = new Peer(proxy().port("web"), "/chat");
    await peer.message(0);
    peer.socket.terminate();
    await proxy().statIs("http.web.downstream_cx_upgrades_active", 0);
    await inner.statIs("http.web.downstream_cx_upgrades_active", 0);
    await inner.statIs("cluster.upstream.upstream_rq_active", 0);
    assert.is(await nextClosing(), "1006 ");
  });

  test(`${name}: the server refuses`, async () => {
    const peer = new Peer(proxy().port("web"), "/refused");
    const [, response] = await once(peer.socket, "unexpected-response");
    assert.is(response.statusCode, 403);
    response.resume();
  });
}

test("all that went up is down again, and one connection carried the upgrades", async () => {
  for (const proxy of [outer, inner]) {
    await proxy.statIs("http.web.downstream_cx_upgrades_active", 0);
    await proxy.statIs("http.web.downstream_rq_active", 0);
    await proxy.statIs("cluster.upstream.upstream_rq_active", 0);
    assert.is(proxy.stat("server.nuncio_bug"), 0);
  }
  assert.is(outer.stat("http.web.downstream_cx_upgrades_total"), 4);
  assert.is(inner.stat("http.web.downstream_cx_upgrades_total"), 8);
  assert.is(outer.stat("cluster.upstream.upstream_cx_http2_total"), 1);
});

test.run();
