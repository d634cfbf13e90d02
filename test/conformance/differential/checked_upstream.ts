// test/conformance/differential/checked_upstream.ts: where health checks go, and are answered when a script says so.
/** @module */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { goAway } from "../../support/http2_frames.ts";
import { type PeerStream, StreamPeer } from "../../support/http2_stream_peer.ts";
import type { CheckAnswer, CheckedUpstreamScript, Message } from "./exchange.ts";
import { lines } from "./http2_client.ts";
import { Missing, readBody, readHead, SocketReader } from "./socket_reader.ts";

/** A check that waits for its answer. */
export interface PendingCheck {
  /** Its head and body, or the bytes of one that is no request. */
  readonly seen: Message | string;
  answer(answer: CheckAnswer): void;
}

/** What requests that are no checks are answered. */
const REQUESTED = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/** How long a check is waited for. */
const LIMIT_MS = 8000;

export class CheckedUpstream {
  readonly name: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #kind: CheckedUpstreamScript["kind"];
  /** What checks are answered while nobody holds them. */
  #usual: CheckAnswer;
  #held = false;
  #pending: PendingCheck | null = null;
  #onPending: (() => void) | null = null;

  private constructor(name: string, script: CheckedUpstreamScript, server: Server) {
    this.name = name;
    this.#server = server;
    this.#kind = script.kind;
    this.#usual = script.usual;
    server.on("connection", (socket: Socket) => void this.#serve(socket));
  }

  static async start(name: string, script: CheckedUpstreamScript): Promise<CheckedUpstream> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new CheckedUpstream(name, script, server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next check, which waits for its answer. */
  async next(): Promise<PendingCheck> {
    this.#held = true;
    const limit = performance.now() + LIMIT_MS;
    while (this.#pending === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onPending = resolve;
      const timer = setTimeout(resolve, limit - performance.now());
      await promise;
      clearTimeout(timer);
      if (performance.now() >= limit) throw new Error(`no health check came to ${this.name}`);
    }
    return this.#pending;
  }

  /** From now on all checks get this answer. */
  release(usual: CheckAnswer): void {
    this.#usual = usual;
    this.#held = false;
    this.#pending?.answer(usual);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(seen: PendingCheck["seen"], answer: PendingCheck["answer"]): void {
    if (!this.#held) return answer(this.#usual);
    const check: PendingCheck = {
      seen,
      answer: (given) => {
        if (this.#pending === check) this.#pending = null;
        answer(given);
      },
    };
    this.#pending = check;
    this.#onPending?.();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    if (this.#kind === "http2") return this.#serveHttp2(socket);
    const reader = new SocketReader(socket);
    try {
      for (;;) {
        const seen = await this.#read(reader);
        if (seen === null) break;
        if (typeof seen === "object" && seen.head.some((line) => /^x-forwarded-proto:/i.test(line))) {
          answerSocket(socket, REQUESTED);
          continue;
        }
        this.#take(seen, (answer) => answerSocket(socket, answer));
      }
      socket.end();
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      socket.destroy();
    }
  }

  async #read(reader: SocketReader): Promise<Message | string | null> {
    for (;;) {
      try {
        if (this.#kind === "tcp") return (await reader.takeAny()) || null;
        const message = await readHead(reader);
        if (message !== null) await readBody(reader, message, "request");
        return message;
      } catch (error) {
        // Nothing came for long on a connection that is kept.
        if (!(error instanceof Missing) || reader.pending !== "" || reader.socket.destroyed) throw error;
      }
    }
  }

  #serveHttp2(socket: Socket): void {
    const peer = StreamPeer.accept(socket, (stream) => {
      const seen: Message = { head: lines(stream.head!) };
      void stream.until((each) => each.over).then(() => {
        if (stream.body !== "") seen.body = stream.body;
        this.#take(seen, (answer) => answerStream(peer, stream, answer));
      }, () => {});
    });
  }
}

function answerStream(peer: StreamPeer, stream: PeerStream, answer: CheckAnswer): void {
  if (answer === "silence") return;
  if (typeof answer === "string") return peer.close();
  for (const step of answer) {
    if ("head" in step) stream.headers(step.head, step.end === true);
    else if ("data" in step) stream.data(step.data, step.end === true);
    else if ("trailers" in step) stream.end(step.trailers);
    else if ("rst" in step) stream.rst(step.rst);
    else peer.write(goAway(stream.id, step.goAway));
  }
}

function answerSocket(socket: Socket, answer: CheckAnswer): void {
  if (answer === "silence") return;
  if (answer === "close") socket.destroy();
  else if (answer === "reset") socket.resetAndDestroy();
  else if (typeof answer === "string") socket.write(answer, "latin1");
}
