// bench/macro/upstream.ts: the upstream of the benchmark, a process of its own: as little work as possible.
/**
 * `GET /small` answers 100 bytes, `GET /mib` 1 MiB, `POST` waits for the whole body and answers nothing, over
 * HTTP/1.1 on one port and over HTTP/2 on another. Prints both ports.
 */
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";

const SMALL_BODY = "x".repeat(100);
const SMALL = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n${SMALL_BODY}`);
const MIB_HEAD = Buffer.from("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1048576\r\n\r\n");
const MIB_BODY = Buffer.alloc(1024 * 1024, "x");
const EMPTY = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
const MIB = Buffer.concat([MIB_HEAD, MIB_BODY]);

const server = createServer({ noDelay: true }, (socket: Socket) => {
  let waitsForBytes = 0;
  socket.on("data", (data: Buffer) => {
    let at = 0;
    while (at < data.length) {
      if (waitsForBytes > 0) {
        const taken = Math.min(waitsForBytes, data.length - at);
        waitsForBytes -= taken;
        at += taken;
        if (waitsForBytes === 0) socket.write(EMPTY);
        continue;
      }
      const end = data.indexOf("\r\n\r\n", at);
      if (end < 0) return;
      const head = data.toString("latin1", at, end).toLowerCase();
      at = end + 4;
      const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
      if (length > 0) waitsForBytes = length;
      else socket.write(head.includes(" /mib ") ? MIB : SMALL);
    }
  });
  socket.on("error", () => {});
});

const http2Server = createHttp2Server();
http2Server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  stream.on("error", () => {});
  if (headers[":method"] === "GET") {
    stream.respond({ ":status": 200, "content-type": "text/plain" });
    stream.end(headers[":path"] === "/mib" ? MIB_BODY : SMALL_BODY);
    return;
  }
  stream.resume();
  stream.on("end", () => stream.respond({ ":status": 200, "content-length": "0" }, { endStream: true }));
});
http2Server.on("sessionError", () => {});

console.log(await listening(server), await listening(http2Server));

function listening(each: Server | typeof http2Server): Promise<number> {
  return new Promise((resolve) => {
    each.listen(0, "127.0.0.1", () => {
      const address = each.address();
      if (address !== null && typeof address !== "string") resolve(address.port);
    });
  });
}
