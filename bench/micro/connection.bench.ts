// bench/micro/connection.bench.ts: what a connection and a filter chain add to a write and to a chunk.
/**
 * `node bench/micro/connection.bench.ts` · `deno run -A bench/micro/connection.bench.ts`
 *
 * The socket below takes everything at once, so only this side's work is measured: gathering a head and a
 * body, passing an L4 chunk from one connection to another, the same through a filter.
 */
import { EventEmitter } from "node:events";
import { bench, do_not_optimize, run, summary } from "mitata";
import { SocketConnection } from "../../host/net/connection.ts";
import { SocketConnectionInfo } from "../../host/net/connection_info.ts";
import type { Connection, ConnectionHandler } from "../../host/net/connection_port.ts";
import { enterDispatch, leaveDispatch } from "../../host/net/dispatch.ts";
import { StreamStatus } from "../../host/net/filter.ts";
import { startNetworkChain } from "../../host/net/network_chain.ts";
import { ipAddress } from "../../host/net/address.ts";
import type { Socket } from "../../host/net/socket.ts";
import { StreamInfo } from "../../host/observe/stream_info.ts";
import { systemClock } from "../../host/platform/system_clock.ts";
import { systemRandom } from "../../host/platform/system_random.ts";

/** Takes every write at once, as a socket with an empty queue does. */
class InstantSocket extends EventEmitter {
  readonly writableLength = 0;
  bytes = 0;
  writes = 0;

  write(bytes: Uint8Array, callback: () => void): boolean {
    this.bytes += bytes.length;
    this.writes++;
    callback();
    return true;
  }

  pause(): void {}
  resume(): void {}
  cork(): void {}
  uncork(): void {}
  destroy(): void {}
  end(): void {}
}

function connection(): { connection: SocketConnection; socket: InstantSocket } {
  const socket = new InstantSocket();
  const info = new SocketConnectionInfo(ipAddress("127.0.0.1", 1), ipAddress("127.0.0.1", 2));
  return { connection: new SocketConnection(socket as unknown as Socket, { clock: systemClock, info }), socket };
}

/** Passes what it reads to another connection. */
class Forward implements ConnectionHandler {
  readonly #to: Connection;

  constructor(to: Connection) {
    this.#to = to;
  }

  onData(bytes: Uint8Array): void {
    this.#to.write(bytes);
  }

  onEnd(): void {}
  onClose(): void {}
  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: text/plain\r\nserver: nuncio\r\n\r\n";
const BODY = new Uint8Array(100);
const CHUNK = new Uint8Array(64 * 1024);

summary(() => {
  const { connection: to, socket } = connection();
  to.setHandler(new Forward(to));
  bench("head and small body in one write", () => {
    enterDispatch();
    to.writeLatin1(HEAD);
    to.write(BODY);
    leaveDispatch();
    do_not_optimize(socket.writes);
  });
});

summary(() => {
  const fast = connection();
  const out = connection();
  out.connection.setBufferLimitBytes(1024 * 1024);
  fast.connection.setHandler(new Forward(out.connection));
  bench("64 KiB chunk, fast lane", () => {
    fast.connection.onBytes(CHUNK);
    do_not_optimize(out.socket.bytes);
  });
  const slow = connection();
  const filter = { onDownstreamData: () => StreamStatus.Continue };
  startNetworkChain(
    slow.connection,
    { filters: [() => filter], terminal: (filtered) => filtered.setHandler(new Forward(out.connection)) },
    new StreamInfo(slow.connection.info, 0, 0),
    systemClock,
  );
  bench("64 KiB chunk, one filter", () => {
    slow.connection.onBytes(CHUNK);
    do_not_optimize(out.socket.bytes);
  });
});

summary(() => {
  bench("uuid", () => do_not_optimize(systemRandom.uuid()));
  bench("nowMs", () => do_not_optimize(systemClock.nowMs()));
});

await run();
