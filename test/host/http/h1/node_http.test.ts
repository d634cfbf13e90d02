// test/host/http/h1/node_http.test.ts: both codecs against node:http over real sockets.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import type { RequestEncoder } from "../../../../host/http/codec.ts";
import { Http1ClientCodec } from "../../../../host/http/h1/client.ts";
import type { Http1Connection } from "../../../../host/http/h1/connection.ts";
import { HTTP1_CLIENT_DEFAULTS, HTTP1_SERVER_DEFAULTS } from "../../../../host/http/h1/options.ts";
import { Http1ServerCodec } from "../../../../host/http/h1/server.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { CloseType } from "../../../../host/net/filter.ts";
import { bytes, RecordedMessage } from "./harness.ts";

/** The smallest thing that is a connection. */
class SocketConnection implements Http1Connection {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
  }

  write(data: Uint8Array): void {
    this.socket.write(data);
  }

  writeLatin1(text: string): void {
    this.socket.write(text, "latin1");
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  readDisable(disable: boolean): void {
    if (disable) this.socket.pause();
    else this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  close(type: CloseType): void {
    if (type === CloseType.AbortReset) this.socket.resetAndDestroy();
    else this.socket.end();
  }
}

function queue(text: string): ByteQueue {
  const data = new ByteQueue();
  data.push(bytes(text));
  return data;
}

const SIZES = [0, 1, 100, 5000, 200_000];

/** Body of a size, with line ends and zeros in it. */
function bodyOf(size: number): string {
  return "a\r\n\0\xff0\r\n\r\n".repeat(Math.ceil(size / 10)).slice(0, size);
}

/** Serves with our codec; every request is answered by `answer` when it is whole. */
async function withServer(
  answer: (request: RecordedMessage) => void,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const connection = new SocketConnection(socket);
    const codec = new Http1ServerCodec(connection, {
      onNewStream(encoder) {
        const message = new RecordedMessage();
        message.encoder = encoder;
        message.onHead = (request) => {
          if (request.headers!.get("expect") === "100-continue") {
            encoder.encode1xxHeaders(HeaderMap.of({ ":status": "100" }));
          }
          if (request.headers!.protocol !== null || request.headers!.method === "CONNECT") answer(request);
        };
        message.onEnd = (request) => {
          if (request.headers!.protocol === null && request.headers!.method !== "CONNECT") answer(request);
          if (codec.closeAfterResponse) socket.end();
        };
        return message;
      },
      onGoAway() {},
    }, { ...HTTP1_SERVER_DEFAULTS, enableTrailers: true });
    socket.on("data", (data: Uint8Array) => {
      if (codec.dispatch(data) !== null) socket.destroy();
    });
    socket.on("end", () => codec.onEndOfInput());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly body: string;
  readonly reused: boolean;
}

/** A request by node:http. A body that is null has no framing; `chunked` leaves content-length out. */
function ask(
  options: http.RequestOptions,
  body: string | null = null,
  chunked = false,
  trailers: Record<string, string> | null = null,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { ...options.headers as Record<string, string> };
    if (body !== null && !chunked) headers["Content-Length"] = body.length;
    if (chunked) headers["Transfer-Encoding"] = "chunked";
    if (trailers !== null) headers["Trailer"] = Object.keys(trailers).join(",");
    const request = http.request({ host: "127.0.0.1", ...options, headers }, (response) => {
      const parts: Uint8Array[] = [];
      response.on("data", (part: Uint8Array) => parts.push(part));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          trailers: response.trailers,
          body: Buffer.concat(parts).toString("latin1"),
          reused: request.reusedSocket,
        }));
    });
    request.on("error", reject);
    if (trailers !== null) request.addTrailers(trailers);
    if (headers["Expect"] !== undefined) {
      request.flushHeaders();
      request.on("continue", () => request.end(Buffer.from(body!, "latin1")));
    } else if (body === null) request.end();
    else request.end(Buffer.from(body, "latin1"));
  });
}

test("server codec, node:http client: methods, bodies, framings, on one connection", async () => {
  let chunkedAnswer = false;
  await withServer((request) => {
    const { headers, body, encoder, trailers } = request;
    const answer = HeaderMap.of({
      ":status": "200",
      "x-method": headers!.method!,
      "x-path": headers!.path!,
      "x-host": headers!.authority!.replace(/:.*/, ""),
      "x-names": headers!.entries().map(([name]) => name).filter((name) => name.startsWith("x-in")).join(),
      "x-trailer": trailers?.get("x-t") ?? "",
    });
    if (!chunkedAnswer) answer.set("content-length", String(body.length));
    encoder!.encodeHeaders(answer, false);
    const half = body.length >> 1;
    encoder!.encodeData(queue(body.slice(0, half)), false);
    encoder!.encodeData(queue(body.slice(half)), !chunkedAnswer);
    if (chunkedAnswer) encoder!.encodeTrailers(HeaderMap.of({ "x-out": "trailer" }));
  }, async (port) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    let count = 0;
    for (const size of SIZES) {
      for (const chunked of [false, true]) {
        for (chunkedAnswer of [false, true]) {
          const body = bodyOf(size);
          const path = `/p${size}?q=${chunked}`;
          const answer = await ask(
            { port, agent, method: "POST", path, headers: { "X-In-A": "1", "x-in-b": "2" } },
            body,
            chunked,
          );
          assert.is(answer.status, 200);
          assert.is(answer.headers["x-method"], "POST");
          assert.is(answer.headers["x-path"], path);
          assert.is(answer.headers["x-host"], "127.0.0.1");
          assert.is(answer.headers["x-names"], "x-in-a,x-in-b");
          assert.ok(answer.body === body, `body of ${size} bytes`);
          if (chunkedAnswer) assert.is(answer.trailers["x-out"], "trailer");
          assert.is(answer.reused, count++ > 0);
        }
      }
    }
    chunkedAnswer = false;
    for (const method of ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "REPORT", "PURGE"]) {
      const answer = await ask({ port, agent, method, path: "/" });
      assert.is(answer.headers["x-method"], method);
      assert.ok(answer.reused);
    }
    const head = await ask({ port, agent, method: "HEAD", path: "/" });
    assert.is(head.body, "");
    assert.is(head.headers["content-length"], "0");
    const trailers = await ask({ port, agent, method: "POST", path: "/" }, "abc", true, { "X-T": "yes" });
    assert.is(trailers.headers["x-trailer"], "yes");
    const expect = await ask({ port, agent, method: "POST", path: "/", headers: { Expect: "100-continue" } }, "later");
    assert.is(expect.body, "later");
    assert.ok(expect.reused);
    const last = await ask({ port, agent, path: "/", headers: { Connection: "close" } });
    assert.is(last.headers.connection, "close");
    agent.destroy();
  });
});

test("server codec, node:http client: statuses without a body", async () => {
  await withServer((request) => {
    const status = request.headers!.path!.slice(1);
    request.encoder!.encodeHeaders(HeaderMap.of({ ":status": status }), true);
  }, async (port) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (const status of [200, 204, 205, 301, 304, 404, 413, 500, 503, 599]) {
      const answer = await ask({ port, agent, path: `/${status}` });
      assert.is(answer.status, status);
      assert.is(answer.body, "");
    }
    agent.destroy();
  });
});

test("server codec, node:http client: upgrade", async () => {
  await withServer((request) => {
    const encoder = request.encoder!;
    encoder.encodeHeaders(
      HeaderMap.of({ ":status": "101", "connection": "upgrade", "upgrade": request.headers!.protocol! }),
      false,
    );
    encoder.encodeData(queue("hello"), false);
    const onData = request.onData.bind(request);
    request.onData = (data, end) => {
      const echo = queue("");
      data.keep();
      for (let i = 0; i < data.chunkCount; i++) echo.push(data.chunkAt(i));
      onData(data, end);
      encoder.encodeData(echo, end);
    };
  }, async (port) => {
    const request = http.request({ host: "127.0.0.1", port, headers: { Connection: "Upgrade", Upgrade: "echo" } });
    request.end();
    const [response, socket, head] = await once(request, "upgrade") as [http.IncomingMessage, Socket, Uint8Array];
    assert.is(response.statusCode, 101);
    assert.is(response.headers.upgrade, "echo");
    let got = Buffer.from(head).toString();
    socket.on("data", (data: Uint8Array) => got += Buffer.from(data).toString());
    socket.end(" world");
    await once(socket, "end");
    assert.is(got, "hello world");
  });
});

/** A node:http server; `use` gets a client codec on a connection to it. */
async function withClient(
  handler: (request: http.IncomingMessage, response: http.ServerResponse) => void,
  use: (client: NodePeer, server: http.Server) => Promise<void>,
): Promise<void> {
  const server = http.createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = net.connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  try {
    await use(new NodePeer(socket), server);
  } finally {
    socket.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }
}

class NodePeer {
  readonly codec: Http1ClientCodec;
  readonly connection: SocketConnection;
  encoder: RequestEncoder | null = null;

  constructor(socket: Socket) {
    this.connection = new SocketConnection(socket);
    this.codec = new Http1ClientCodec(this.connection, {
      onGoAway() {},
      onStreamClosed() {},
      onMaxStreamsChanged() {},
    }, { ...HTTP1_CLIENT_DEFAULTS, enableTrailers: true });
    socket.on("data", (data: Uint8Array) => this.codec.dispatch(data));
    socket.on("close", () => this.codec.onConnectionClosed(StreamResetReason.ConnectionTermination, ""));
  }

  /** Sends a request; resolves when the response is whole or the stream was reset. */
  ask(
    entries: Record<string, string>,
    body: string | null = null,
    trailers: HeaderMap | null = null,
  ): Promise<RecordedMessage> {
    return new Promise((resolve) => {
      const message = new RecordedMessage();
      const onReset = message.onResetStream.bind(message);
      message.onEnd = resolve;
      message.onResetStream = (reason, details) => {
        onReset(reason, details);
        resolve(message);
      };
      const encoder = this.encoder = this.codec.newStream(message);
      encoder.encodeHeaders(
        HeaderMap.of({ ":authority": "test", ":path": "/", ":method": "GET", ...entries }),
        body === null,
      );
      if (body === null) return;
      const half = body.length >> 1;
      encoder.encodeData(queue(body.slice(0, half)), false);
      encoder.encodeData(queue(body.slice(half)), trailers === null);
      if (trailers !== null) encoder.encodeTrailers(trailers);
    });
  }
}

test("client codec, node:http server: bodies and framings on one connection", async () => {
  await withClient((request, response) => {
    const parts: Uint8Array[] = [];
    request.on("data", (part: Uint8Array) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      response.setHeader("X-Method", request.method!);
      response.setHeader("X-Url", request.url!);
      response.setHeader(
        "X-Framing",
        request.headers["content-length"] ?? request.headers["transfer-encoding"] ?? "none",
      );
      response.setHeader("X-Trailer", request.trailers["x-t"] ?? "");
      if (request.url!.includes("chunked")) {
        response.write(body.subarray(0, body.length >> 1));
        response.addTrailers({ "X-Out": "trailer" });
        response.end(body.subarray(body.length >> 1));
      } else {
        response.setHeader("Content-Length", body.length);
        response.end(body);
      }
    });
  }, async (client) => {
    for (const size of SIZES) {
      for (const chunked of [false, true]) {
        for (const path of ["/length", "/chunked"]) {
          const body = bodyOf(size);
          const entries: Record<string, string> = { ":method": "POST", ":path": path };
          if (!chunked) entries["content-length"] = String(size);
          const message = await client.ask(entries, body);
          assert.is(message.reset, null);
          assert.is(message.headers!.status, 200);
          assert.is(message.headers!.get("x-url"), path);
          assert.is(message.headers!.get("x-framing"), chunked ? "chunked" : String(size));
          assert.ok(message.body === body, `body of ${size} bytes`);
          assert.ok(client.codec.reusable);
        }
      }
    }
    for (const method of ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE"]) {
      const message = await client.ask({ ":method": method });
      assert.is(message.headers!.get("x-method"), method);
      assert.is(message.headers!.get("x-framing"), ["GET", "DELETE", "TRACE"].includes(method) ? "none" : "0");
    }
    const head = await client.ask({ ":method": "HEAD" });
    assert.is(head.headers!.get("content-length"), "0");
    assert.ok(client.codec.reusable);
    const trailers = await client.ask({ ":method": "POST" }, "abc", HeaderMap.of({ "x-t": "yes" }));
    assert.is(trailers.headers!.get("x-trailer"), "yes");
    assert.ok(client.codec.reusable);
  });
});

test("client codec, node:http server: informational responses, statuses, close", async () => {
  await withClient((request, response) => {
    if (request.url === "/hints") response.writeProcessing();
    const status = Number(/[0-9]+/.exec(request.url!)?.[0] ?? 200);
    if (request.url === "/close") response.setHeader("Connection", "close");
    response.writeHead(status);
    response.end();
  }, async (client) => {
    const hints = await client.ask({ ":path": "/hints" });
    assert.equal(hints.informational.map((headers) => headers.status), [102]);
    for (const status of [200, 204, 205, 301, 304, 404, 500, 503]) {
      const message = await client.ask({ ":path": `/${status}` });
      assert.is(message.headers!.status, status);
      assert.is(message.body, "");
      assert.ok(client.codec.reusable);
    }
    await client.ask({ ":path": "/close" });
    assert.not(client.codec.reusable);
  });
});

test("client codec, node:http server: upgrade", async () => {
  await withClient(() => {}, async (client, server) => {
    server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello");
      socket.pipe(socket);
    });
    const done = client.ask({ ":protocol": "echo" }, " world");
    const message = await done;
    assert.is(message.headers!.status, 101);
    assert.is(message.body, "hello world");
    assert.not(client.codec.reusable);
  });
});

test("client codec, node:http server: a body up to the end of the connection", async () => {
  await withClient((_request, response) => {
    response.socket!.end("HTTP/1.0 200 OK\r\n\r\nall of this");
  }, async (client) => {
    const message = await client.ask({});
    assert.is(message.body, "all of this");
    assert.ok(message.ended);
    assert.not(client.codec.reusable);
  });
});

test.run();
