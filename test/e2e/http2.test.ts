// test/e2e/http2.test.ts: HTTP/1 and HTTP/2 on both sides of a running proxy, with Node's own peers.
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { test as everyTest } from "uvu";
import * as assert from "uvu/assert";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { webConfig } from "./support.ts";

// Deno 2.9's node:http2 aborts the whole process under load (an assertion of nghttp2); the codecs' own tests
// run there.
const test = "Deno" in globalThis ? everyTest.skip : everyTest;

const HTTP2_CLUSTER = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: { allow_connect: true } },
    },
  },
};
const HTTP1_CLUSTER = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http_protocol_options: { enable_trailers: true } },
    },
  },
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
  readonly trailers: Readonly<Record<string, unknown>>;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array;
}

/** Echoes bodies; `x-bytes` asks for so many bytes, `x-trailers` for trailers. */
function answer(
  request: http.IncomingMessage | http2.Http2ServerRequest,
  response: http.ServerResponse | http2.Http2ServerResponse,
): void {
  const chunks: Uint8Array[] = [];
  request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    const bytes = Number(request.headers["x-bytes"] ?? -1);
    response.setHeader("x-method", request.method!);
    response.setHeader("x-version", request.httpVersion);
    response.setHeader("x-path", request.url!);
    response.setHeader("x-request-trailers", JSON.stringify(request.trailers));
    const plain = response as http.ServerResponse;
    if (request.headers["x-trailers"] !== undefined) {
      // With a body that is sent in one piece HTTP/1 has no place for them.
      plain.write("x");
      plain.addTrailers({ "x-end": "1" });
    }
    plain.end(bytes < 0 ? body : Buffer.alloc(bytes, "x"));
  });
}

const open = new Set<Socket>();

async function listen(server: Server): Promise<number> {
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function ask1(port: number, request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, path, headers, body } = request;
    const sent = http.request({ port, host: "127.0.0.1", method, path, headers, agent: false }, (response) => {
      const chunks: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(chunks),
          trailers: response.trailers,
        }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function ask2(session: http2.ClientHttp2Session, request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, path, headers, body } = request;
    const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === undefined });
    const chunks: Uint8Array[] = [];
    let status = 0;
    let received = {};
    let trailers = {};
    stream.on("response", (fields) => {
      status = fields[":status"]!;
      received = fields;
    });
    stream.on("trailers", (fields) => void (trailers = fields));
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => resolve({ status, headers: received, body: Buffer.concat(chunks), trailers }));
    if (body !== undefined) stream.end(body);
  });
}

class Peers {
  readonly servers: Server[] = [];
  readonly sessions: http2.ClientHttp2Session[] = [];
  readonly proxies: Embedded[] = [];

  async upstream(version: 1 | 2): Promise<number> {
    const server = version === 1 ? http.createServer(answer) : http2.createServer(answer);
    this.servers.push(server);
    return await listen(server);
  }

  async proxy(upstreamPort: number, version: 1 | 2, fields: Record<string, unknown> = {}): Promise<number> {
    const proxy = await startEmbedded(webConfig({
      port: 0,
      upstreamPort,
      cluster: version === 1 ? HTTP1_CLUSTER : HTTP2_CLUSTER,
      http: { http_protocol_options: { enable_trailers: true }, ...fields },
    }));
    this.proxies.push(proxy);
    return proxy.port("web");
  }

  connect(port: number): http2.ClientHttp2Session {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    this.sessions.push(session);
    return session;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    for (const proxy of this.proxies) await proxy.stop();
    for (const server of this.servers) server.close();
    for (const socket of open) socket.destroy();
  }
}

everyTest("two proxies that speak HTTP/2 to each other, between peers that speak HTTP/1", async () => {
  const peers = new Peers();
  const inner = await peers.proxy(await peers.upstream(1), 1, { codec_type: "HTTP2" });
  const outer = await peers.proxy(inner, 2);
  const large = new Uint8Array(2_000_000);
  for (let i = 0; i < large.length; i++) large[i] = (i * 31) & 255;
  const echoed = await ask1(outer, {
    method: "POST",
    path: "/echo",
    headers: { te: "trailers", "x-trailers": "1" },
    body: large,
  });
  assert.ok(Buffer.from(echoed.body).subarray(1).equals(large));
  assert.is(echoed.trailers["x-end"], "1");
  const many = await Promise.all(
    Array.from(
      { length: 100 },
      (_, i) => ask1(outer, { method: "POST", path: `/${i}`, headers: {}, body: Buffer.from("x".repeat(i * 500)) }),
    ),
  );
  assert.equal(many.map((each) => each.body.length), Array.from({ length: 100 }, (_, i) => i * 500));
  const [first, second] = peers.proxies;
  assert.is(second!.stat("cluster.upstream.upstream_cx_http2_total"), 1, "one connection carries them all");
  assert.is(first!.stat("http.web.downstream_rq_http2_total"), 101);
  assert.is(first!.stat("http2.streams_active"), 0);
  await peers.stop();
});

for (const [down, up] of [[1, 2], [2, 1], [2, 2]] as const) {
  test(`HTTP/${down} clients, HTTP/${up} upstreams: bodies both ways, many at a time, trailers`, async () => {
    const peers = new Peers();
    const port = await peers.proxy(await peers.upstream(up), up);
    const session = down === 2 ? peers.connect(port) : null;
    const ask = (request: Request): Promise<Answer> => session === null ? ask1(port, request) : ask2(session, request);

    const get = await ask({ method: "GET", path: "/a?b", headers: { "x-bytes": "5" } });
    assert.equal([get.status, get.headers["x-path"], get.headers["x-version"]], [
      200,
      "/a?b",
      up === 1 ? "1.1" : "2.0",
    ]);
    assert.is(Buffer.from(get.body).toString(), "xxxxx");

    const large = new Uint8Array(3_000_000);
    for (let i = 0; i < large.length; i++) large[i] = (i * 31) & 255;
    const echoed = await ask({ method: "POST", path: "/echo", headers: {}, body: large });
    assert.ok(Buffer.from(echoed.body).equals(large));

    const many = await Promise.all(
      Array.from(
        { length: 60 },
        (_, i) => ask({ method: "POST", path: `/${i}`, headers: {}, body: Buffer.from("x".repeat(i * 1000)) }),
      ),
    );
    assert.equal(many.map((each) => each.body.length), Array.from({ length: 60 }, (_, i) => i * 1000));

    const head = await ask({ method: "HEAD", path: "/", headers: { "x-bytes": "5" } });
    assert.equal([head.status, head.body.length], [200, 0]);

    const trailers = await ask({ method: "GET", path: "/", headers: { te: "trailers", "x-trailers": "1" } });
    assert.is(trailers.trailers["x-end"], "1");
    await peers.stop();
  });
}

/** A message as gRPC frames it. */
function grpcMessage(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const frame = Buffer.alloc(5 + bytes.length);
  frame.writeUInt32BE(bytes.length, 1);
  bytes.copy(frame, 5);
  return frame;
}

test("gRPC: messages go both ways while both sides are open, and the status comes in trailers", async () => {
  const peers = new Peers();
  const server = http2.createServer();
  peers.servers.push(server);
  server.on("stream", (stream: http2.ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("data", (chunk: Uint8Array) => stream.write(chunk));
    stream.on("end", () => stream.end());
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
  });
  const session = peers.connect(await peers.proxy(await listen(server), 2));
  const call = session.request({
    ":method": "POST",
    ":path": "/s/m",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const [headers] = await once(call, "response");
  assert.is(headers["content-type"], "application/grpc");
  for (const text of ["one", "two", "three"]) {
    call.write(grpcMessage(text));
    const [chunk] = await once(call, "data");
    assert.ok(Buffer.from(chunk).equals(grpcMessage(text)), "each answer comes before the next question");
  }
  const trailers = once(call, "trailers");
  call.end();
  assert.is((await trailers)[0]["grpc-status"], "0");

  // No route for it: the status is in the head, and the head is all.
  const none = await peers.proxy(1, 2, { route_config: { virtual_hosts: [{ name: "v", domains: ["nobody"] }] } });
  const refused = await ask2(peers.connect(none), {
    method: "POST",
    path: "/s/m",
    headers: { "content-type": "application/grpc" },
    body: grpcMessage("x"),
  });
  assert.equal([refused.status, refused.headers["grpc-status"]], [200, "12"]);
  await peers.stop();
});

test("a client that goes away resets its stream upstream, and the connection goes on", async () => {
  const peers = new Peers();
  const server = http2.createServer();
  peers.servers.push(server);
  const closed = new Promise<number>((resolve) => {
    server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
      stream.on("error", () => {});
      if (headers[":path"] === "/slow") stream.on("close", () => resolve(stream.rstCode));
      else {
        stream.respond({ ":status": 200 });
        stream.end("ok");
      }
    });
  });
  const session = peers.connect(await peers.proxy(await listen(server), 2));
  const slow = session.request({ ":path": "/slow" });
  slow.on("error", () => {});
  const reached = once(server, "stream");
  await reached;
  slow.close(http2.constants.NGHTTP2_CANCEL);
  assert.is(await closed, http2.constants.NGHTTP2_INTERNAL_ERROR);
  const next = await ask2(session, { method: "GET", path: "/", headers: {} });
  assert.is(next.status, 200);
  assert.is(peers.proxies[0]!.stat("cluster.upstream.upstream_cx_http2_total"), 1);
  await peers.stop();
});

test("an upstream's GOAWAY: what is open ends well, what comes next gets another connection", async () => {
  const peers = new Peers();
  const server = http2.createServer();
  peers.servers.push(server);
  const sessions: http2.ServerHttp2Session[] = [];
  server.on("session", (each) => void sessions.push(each));
  server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    if (headers[":path"] === "/last") {
      sessions[0]!.goaway(0);
      setTimeout(() => stream.end("last"), 20);
    } else stream.end("next");
  });
  const session = peers.connect(await peers.proxy(await listen(server), 2));
  const last = ask2(session, { method: "GET", path: "/last", headers: {} });
  await peers.proxies[0]!.statIs("cluster.upstream.upstream_cx_close_notify", 1);
  const next = await ask2(session, { method: "GET", path: "/next", headers: {} });
  assert.is(Buffer.from((await last).body).toString(), "last");
  assert.is(Buffer.from(next.body).toString(), "next");
  assert.is(sessions.length, 2);
  await peers.stop();
});

test("WebSocket-like upgrades: HTTP/1 to extended CONNECT and back to HTTP/1", async () => {
  const peers = new Peers();
  const server = http2.createServer({ settings: { enableConnectProtocol: true } });
  peers.servers.push(server);
  server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "x-protocol": `${headers[":method"]} ${headers[":protocol"]}` });
    stream.on("data", (chunk: Uint8Array) => stream.write(chunk));
    stream.on("end", () => stream.end());
  });
  const upgrades = { upgrade_configs: [{ upgrade_type: "websocket" }] };
  const port = await peers.proxy(await listen(server), 2, upgrades);
  const request = http.request({
    port,
    host: "127.0.0.1",
    path: "/chat",
    headers: { connection: "upgrade", upgrade: "websocket" },
  });
  request.end();
  const [response, socket] = await once(request, "upgrade");
  assert.equal([response.statusCode, response.headers["x-protocol"]], [101, "CONNECT websocket"]);
  socket.write("hello");
  const [echo] = await once(socket, "data");
  assert.is(Buffer.from(echo).toString(), "hello");
  socket.destroy();

  // The other way round: the client speaks HTTP/2, the upstream HTTP/1.
  const plain = http.createServer();
  peers.servers.push(plain);
  plain.on("upgrade", (asked, upgraded) => {
    upgraded.on("error", () => {});
    upgraded.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${asked.headers.upgrade}\r\n\r\n`,
    );
    upgraded.on("data", (chunk: Uint8Array) => upgraded.write(chunk));
  });
  const second = await peers.proxy(await listen(plain), 1, {
    ...upgrades,
    http2_protocol_options: { allow_connect: true },
  });
  const session = peers.connect(second);
  await once(session, "remoteSettings");
  const stream = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/chat" });
  stream.on("error", () => {});
  const [headers] = await once(stream, "response");
  assert.is(headers[":status"], 200);
  stream.write("hi");
  const [back] = await once(stream, "data");
  assert.is(Buffer.from(back).toString(), "hi");
  stream.close();
  await peers.stop();
});

test("draining: a notice with the next response, the end after what is open", async () => {
  const peers = new Peers();
  const port = await peers.proxy(await peers.upstream(1), 1, {
    drain_timeout: "0.05s",
    common_http_protocol_options: { max_requests_per_connection: 2 },
  });
  const session = peers.connect(port);
  const goaways: number[] = [];
  session.on("goaway", (_code, lastStreamId) => void goaways.push(lastStreamId));
  const closed = once(session, "close");
  for (let i = 0; i < 2; i++) {
    assert.is((await ask2(session, { method: "GET", path: "/", headers: {} })).status, 200);
  }
  await closed;
  assert.is(goaways[0], 0x7fffffff);
  assert.is(peers.proxies[0]!.stat("http.web.downstream_cx_max_requests_reached"), 1);
  await peers.stop();
});

everyTest.run();
