// test/support/grpc_upstream.ts: a gRPC service by Node's own HTTP/2, in a process of its own for both runtimes.
/**
 * `echo.Echo/Say` answers each message in capitals; `/Chat` the same, with metadata before and after;
 * `/Fail` has the status 5 and nothing else; `/Hang` never answers. Prints its port.
 */
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import process from "node:process";

const server = http2.createServer();
server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  stream.on("error", () => {});
  const path = headers[":path"];
  if (path === "/echo.Echo/Hang") return;
  if (path === "/echo.Echo/Fail") {
    stream.respond({ "content-type": "application/grpc", "grpc-status": "5", "grpc-message": "no such thing" }, {
      endStream: true,
    });
    return;
  }
  stream.respond({
    "content-type": "application/grpc",
    "x-asked": String(headers["x-asked"] ?? "-"),
    "x-timeout": String(headers["grpc-timeout"] ?? "-"),
  }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-end": "1" }));
  stream.on("data", (chunk: Buffer) => {
    // Capitals of the letters; prefixes have none.
    stream.write(Buffer.from(chunk.map((byte) => byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte)));
  });
  stream.on("end", () => stream.end());
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.stdin.on("end", () => process.exit()).resume();
