// bench/macro/upstream.ts: the upstream of the benchmark, a process of its own: as little work as possible.
/**
 * `GET /small` answers 100 bytes, `GET /mib` 1 MiB, `POST` waits for the whole body and answers nothing.
 * Prints its port.
 */
import { createServer, type Socket } from "node:net";

const SMALL = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\n${"x".repeat(100)}`,
);
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
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") console.log(address.port);
});
