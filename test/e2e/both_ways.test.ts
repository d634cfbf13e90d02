// test/e2e/both_ways.test.ts: megabytes up and down at once, more than any buffer on the way holds.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { webConfig } from "./support.ts";

const TOTAL_BYTES = 4 * 1024 * 1024;
/** Far below what is sent, so that both directions are full at the same time. */
const LIMIT_BYTES = 16_384;

const PATTERN = Uint8Array.from({ length: 65_521 }, (_, i) => (i * 31 + (i >> 8)) & 255);

/** Gives back what it is sent: as the body of a response, behind a switch, or as it is. */
const upstream = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (first: Uint8Array) => {
    const text = new TextDecoder("latin1").decode(first);
    const headEnd = text.indexOf("\r\n\r\n");
    if (/^[A-Z]+ \S+ HTTP/.test(text)) {
      socket.write(
        text.includes("upgrade: echo")
          ? "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n"
          : `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${TOTAL_BYTES}\r\n\r\n`,
      );
      socket.write(first.subarray(headEnd + 4));
    } else {
      socket.write(first);
    }
    socket.pipe(socket);
  });
});

let proxy: Embedded;

test.before(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const limit = { per_connection_buffer_limit_bytes: LIMIT_BYTES };
  proxy = await startEmbedded(webConfig({
    port: 0,
    upstreamPort: port,
    listener: limit,
    cluster: limit,
    http: { upgrade_configs: [{ upgrade_type: "CONNECT" }, { upgrade_type: "echo" }] },
    routes: [
      {
        match: { connect_matcher: {} },
        route: { cluster: "upstream", upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: {} }] },
      },
      { match: { prefix: "/" }, route: { cluster: "upstream" } },
    ],
  }));
});

test.after(async () => {
  await proxy.stop();
  upstream.close();
});

/** Sends the bytes behind this head, and reads as many behind the answer's; gives the answer's first line. */
function exchange(head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(proxy.port("web"), "127.0.0.1");
    let answer: string | null = null;
    let headText = "";
    let sent = 0;
    let received = 0;
    const fail = (message: string): void => {
      socket.destroy();
      reject(new Error(`${message}; sent ${sent}, received ${received}`));
    };
    const send = (): void => {
      while (sent < TOTAL_BYTES) {
        const chunk = PATTERN.subarray(0, Math.min(PATTERN.length, TOTAL_BYTES - sent));
        sent += chunk.length;
        if (!socket.write(chunk)) return void socket.once("drain", send);
      }
    };
    socket.on("error", (error) => fail(String(error)));
    socket.on("close", () => fail("closed"));
    socket.on("data", (data: Uint8Array) => {
      let bytes = data;
      if (answer === null) {
        const before = headText.length;
        headText += new TextDecoder("latin1").decode(data);
        const end = headText.indexOf("\r\n\r\n");
        if (end < 0) return;
        answer = headText.slice(0, headText.indexOf("\r\n"));
        bytes = data.subarray(end + 4 - before);
      }
      for (const byte of bytes) if (byte !== PATTERN[received++ % PATTERN.length]) return fail("another byte");
      if (received === TOTAL_BYTES) {
        socket.removeAllListeners("close");
        socket.destroy();
        resolve(answer);
      }
      // Reads in fits and starts.
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.write(head, "latin1");
    send();
  });
}

test("a body and its response, an upgraded connection and a tunnel, all at once", async () => {
  const answers = await Promise.all([
    exchange(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`),
    // Here the first bytes come before there is anything that they could be for.
    exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"),
    exchange("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
  ]);
  assert.equal(answers, ["HTTP/1.1 200 OK", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 200 OK"]);
  for (
    const name of [
      "http.web.downstream_rq_active",
      "http.web.downstream_cx_active",
      "cluster.upstream.upstream_rq_active",
    ]
  ) {
    await proxy.statIs(name, 0);
  }
});

test.run();
