// test/conformance/hostcalls/grpc_service.ts: a gRPC service for probes, on HTTP/2.
/** @module */
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** What a method does, by the last part of its path. */
const METHODS: Readonly<Record<string, (stream: ServerHttp2Stream, messages: readonly string[]) => void>> = {
  /** Answers with what it was sent. */
  Echo(stream, messages) {
    respond(stream, "0");
    for (const message of messages) stream.write(framed(`echo ${message}`));
    stream.end();
  },
  Refuse(stream) {
    stream.respond({
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": "7",
      "grpc-message": "not%20you",
    }, { endStream: true });
  },
  Fail(stream) {
    respond(stream, "13");
    stream.write(framed("one before it fails"));
    stream.end();
  },
};

function respond(stream: ServerHttp2Stream, status: string): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc", "x-initial": "1" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status, "x-trailing": "1" }));
}

/** A message with its prefix. */
function framed(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return Uint8Array.from([0, 0, 0, 0, bytes.length, ...bytes]);
}

/** The messages of a whole request body, each shorter than 256 bytes. */
function unframed(body: readonly number[]): string[] {
  const messages: string[] = [];
  for (let i = 0; i + 5 <= body.length; i += 5 + body[i + 4]!) {
    messages.push(String.fromCharCode(...body.slice(i + 5, i + 5 + body[i + 4]!)));
  }
  return messages;
}

export class GrpcService {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  private constructor(server: Http2Server) {
    this.#server = server;
    server.on("session", (session: ServerHttp2Session) => this.#sessions.add(session));
    server.on("stream", (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => {
      const body: number[] = [];
      stream.on("error", () => {});
      stream.on("data", (data: Uint8Array) => body.push(...data));
      stream.on("end", () => METHODS[String(headers[":path"]).split("/").at(-1)!]?.(stream, unframed(body)));
    });
  }

  static async start(): Promise<GrpcService> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new GrpcService(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
