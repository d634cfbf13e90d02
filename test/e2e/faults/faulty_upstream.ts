// test/e2e/faults/faulty_upstream.ts: an upstream whose way to fail is chosen while it runs.
/** @module */
import { createServer, type Server, type Socket } from "node:net";

export type Fault =
  | "none"
  /** Nobody listens, and what was open is cut. */
  | "killed"
  /** Takes requests and never answers. */
  | "hung"
  /** Sends a byte of its head now and then. */
  | "slow"
  /** Resets the connection in the middle of a body. */
  | "reset"
  /** Closes instead of answering. */
  | "close"
  /** 503, always or every second time. */
  | "failing"
  | "half";

export const BODY: string = "0123456789abcdef".repeat(64);
const GOOD = `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const CUT = `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY.slice(0, 100)}`;
const FAILING = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 8\r\n\r\nfailing\n";
const SLOW = "HTTP/1.1 200 OK\r\nserver: slow\r\ncontent-length: 0\r\n\r\n";
const SLOW_MS = 40;

/** Answers requests without a body. */
export class FaultyUpstream {
  readonly port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #fault: Fault = "none";
  #count = 0;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(port: number): Promise<FaultyUpstream> {
    const upstream = new FaultyUpstream(port);
    await upstream.#listen();
    return upstream;
  }

  async set(fault: Fault): Promise<void> {
    this.#fault = fault;
    if (fault === "killed") await this.stop();
    else if (this.#server === null) await this.#listen();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #listen(): Promise<void> {
    const server = this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (data: Uint8Array) => {
      text += new TextDecoder("latin1").decode(data);
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        text = text.slice(end + 4);
        this.#answer(socket);
      }
    });
  }

  #answer(socket: Socket): void {
    switch (this.#fault) {
      case "hung":
      case "killed":
        return;
      case "slow":
        return this.#drip(socket, 0);
      case "reset":
        return void socket.write(CUT, () => socket.resetAndDestroy());
      case "close":
        return void socket.end();
      case "failing":
        return void socket.write(FAILING);
      case "half":
        return void socket.write(this.#count++ % 2 === 0 ? FAILING : GOOD);
      case "none":
        return void socket.write(GOOD);
    }
  }

  #drip(socket: Socket, index: number): void {
    if (socket.destroyed || index === SLOW.length) return;
    socket.write(SLOW[index]!);
    setTimeout(() => this.#drip(socket, index + 1), SLOW_MS);
  }
}
