// test/support/calls.ts: clients and upstreams of either version of HTTP behind one interface.
/**
 * HTTP/1 is Node's own `http`, HTTP/2 a `StreamPeer`: both run on both runtimes.
 *
 * @module
 */
import { type ClientRequest, createServer as createHttpServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type PeerStream, StreamPeer } from "./http2_stream_peer.ts";

export type Version = 1 | 2;
type Entries = Readonly<Record<string, string>>;

/** A request that can be written while its response is read. */
export interface Call {
  send(body: string): void;
  end(trailers?: Entries): void;
  /** Drops it. */
  reset(): void;
  /** The response's status. */
  status(): Promise<number>;
  /** The next bytes of the body, as latin1 text; fewer when the response ends before. */
  read(count: number): Promise<string>;
  /** The rest of the body. */
  rest(): Promise<string>;
  trailer(name: string): string | null;
  field(name: string): string | null;
  /** The response ended as it should. */
  readonly complete: boolean;
}

/** A request as an upstream sees it. */
export interface Visit {
  readonly path: string;
  field(name: string): string | null;
  /** The body's chunks as latin1 text; ends with the request. */
  chunks(): AsyncIterable<string>;
  trailer(name: string): string | null;
  respond(status: number, fields: Entries): void;
  send(body: string): void;
  end(trailers?: Entries): void;
  reset(): void;
}

export type Serve = (visit: Visit) => Promise<void>;

export class Client {
  readonly #port: number;
  readonly #peer: StreamPeer | null;

  private constructor(port: number, peer: StreamPeer | null) {
    this.#port = port;
    this.#peer = peer;
  }

  static async connect(version: Version, port: number): Promise<Client> {
    return new Client(port, version === 1 ? null : await StreamPeer.connect(port));
  }

  call(method: string, path: string, fields: Entries = {}): Call {
    const peer = this.#peer;
    if (peer === null) return new Http1Call(this.#port, method, path, fields);
    const pseudo = { ":method": method, ":scheme": "http", ":path": path, ":authority": "a.example" };
    return new Http2Call(peer.request([...Object.entries(pseudo), ...Object.entries(fields)], false));
  }

  close(): void {
    this.#peer?.close();
  }
}

class Http1Call implements Call {
  readonly #request: ClientRequest;
  #response: IncomingMessage | null = null;
  #body = "";
  #over = false;
  #wake = (): void => {};

  constructor(port: number, method: string, path: string, fields: Entries) {
    const wake = (): void => this.#wake();
    const end = (): void => {
      this.#over = true;
      wake();
    };
    this.#request = httpRequest({
      ...{ port, host: "127.0.0.1", method, path, agent: false },
      headers: { host: "a.example", "transfer-encoding": "chunked", ...fields },
    }, (response) => {
      this.#response = response;
      response.on("data", (chunk: Buffer) => {
        this.#body += chunk.toString("latin1");
        wake();
      });
      response.on("end", end);
      response.on("error", end);
      response.on("close", end);
      wake();
    });
    this.#request.on("error", end);
    this.#request.flushHeaders();
  }

  get complete(): boolean {
    return this.#response?.complete === true;
  }

  send(body: string): void {
    this.#request.write(body, "latin1");
  }

  end(trailers?: Entries): void {
    if (trailers !== undefined) this.#request.addTrailers(trailers);
    this.#request.end();
  }

  reset(): void {
    this.#request.destroy();
  }

  async status(): Promise<number> {
    await this.#until(() => this.#response !== null);
    return this.#response?.statusCode ?? 0;
  }

  async read(count: number): Promise<string> {
    await this.#until(() => this.#body.length >= count);
    const taken = this.#body.slice(0, count);
    this.#body = this.#body.slice(count);
    return taken;
  }

  rest(): Promise<string> {
    return this.read(Infinity);
  }

  field(name: string): string | null {
    return (this.#response?.headers[name] as string | undefined) ?? null;
  }

  trailer(name: string): string | null {
    return this.#response?.trailers[name] ?? null;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#over) await new Promise<void>((resolve) => this.#wake = resolve);
  }
}

class Http2Call implements Call {
  readonly #stream: PeerStream;
  #read = 0;

  constructor(stream: PeerStream) {
    this.#stream = stream;
  }

  get complete(): boolean {
    return this.#stream.ended;
  }

  send(body: string): void {
    this.#stream.data(body);
  }

  end(trailers?: Entries): void {
    if (trailers === undefined) this.#stream.data("", true);
    else this.#stream.end(Object.entries(trailers));
  }

  reset(): void {
    this.#stream.rst("CANCEL");
  }

  async status(): Promise<number> {
    return Number((await this.#stream.gotHead()).status ?? 0);
  }

  async read(count: number): Promise<string> {
    const end = this.#read + count;
    await this.#stream.until((stream) => stream.body.length >= end || stream.over);
    const taken = this.#stream.body.slice(this.#read, end);
    this.#read += taken.length;
    return taken;
  }

  rest(): Promise<string> {
    return this.read(Infinity);
  }

  field(name: string): string | null {
    return this.#stream.field(name);
  }

  trailer(name: string): string | null {
    return this.#stream.trailers?.find(([each]) => each === name)?.[1] ?? null;
  }
}

/** An upstream of either version. */
export class Upstream {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(version: Version, serve: Serve): Promise<Upstream> {
    const server = version === 1
      ? createHttpServer((request, response) => void serve(new Http1Visit(request, response)))
      : createServer(
        { allowHalfOpen: true },
        (socket) => void StreamPeer.accept(socket, (stream) => void serve(new Http2Visit(stream))),
      );
    const upstream = new Upstream(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

class Http1Visit implements Visit {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    response.on("error", () => {});
  }

  get path(): string {
    return this.#request.url!;
  }

  field(name: string): string | null {
    return (this.#request.headers[name] as string | undefined) ?? null;
  }

  async *chunks(): AsyncIterable<string> {
    try {
      for await (const chunk of this.#request) yield (chunk as Buffer).toString("latin1");
    } catch {
      // The client is gone.
    }
  }

  trailer(name: string): string | null {
    return this.#request.trailers[name] ?? null;
  }

  respond(status: number, fields: Entries): void {
    this.#response.writeHead(status, fields).flushHeaders();
  }

  send(body: string): void {
    this.#response.write(body, "latin1");
  }

  end(trailers?: Entries): void {
    if (trailers !== undefined) this.#response.addTrailers(trailers);
    this.#response.end();
  }

  reset(): void {
    this.#response.destroy();
  }
}

class Http2Visit implements Visit {
  readonly #stream: PeerStream;

  constructor(stream: PeerStream) {
    this.#stream = stream;
  }

  get path(): string {
    return this.#stream.field(":path")!;
  }

  field(name: string): string | null {
    return this.#stream.field(name);
  }

  async *chunks(): AsyncIterable<string> {
    for (let read = 0;;) {
      const stream = await this.#stream.until((each) => each.body.length > read || each.over);
      if (stream.body.length === read) return;
      yield stream.body.slice(read);
      read = stream.body.length;
    }
  }

  trailer(name: string): string | null {
    return this.#stream.trailers?.find(([each]) => each === name)?.[1] ?? null;
  }

  respond(status: number, fields: Entries): void {
    this.#stream.headers([[":status", String(status)], ...Object.entries(fields)]);
  }

  send(body: string): void {
    this.#stream.data(body);
  }

  end(trailers?: Entries): void {
    if (trailers === undefined) this.#stream.data("", true);
    else this.#stream.end(Object.entries(trailers));
  }

  reset(): void {
    this.#stream.rst("INTERNAL_ERROR");
  }
}
