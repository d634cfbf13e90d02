// test/conformance/differential/upstream.ts: an upstream that does what the script says, and notes what it sees.
/** @module */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Answer, Message, Sighting, UpstreamScript, UpstreamStep } from "./exchange.ts";
import { serveHttp2 } from "./http2_upstream.ts";
import { Missing, readBody, readHead, SocketReader } from "./socket_reader.ts";

const DEFAULT: UpstreamScript = { http: ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] };

export class ScriptedUpstream {
  readonly name: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #script: UpstreamScript = DEFAULT;
  #answers = 0;
  #busy = 0;
  #sightings: Sighting[] = [];

  private constructor(name: string, server: Server) {
    this.name = name;
    this.#server = server;
    server.on("connection", (socket: Socket) => void this.#serve(socket));
  }

  static async start(name: string): Promise<ScriptedUpstream> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ScriptedUpstream(name, server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Nothing is being read or answered. */
  get idle(): boolean {
    return this.#busy === 0;
  }

  get sightings(): readonly Sighting[] {
    return this.#sightings;
  }

  /** Takes the script of the next exchange. */
  begin(script: UpstreamScript | undefined, sightings: Sighting[]): void {
    this.#script = script ?? DEFAULT;
    this.#answers = 0;
    this.#sightings = sightings;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    if (this.#script.http2 !== undefined) return this.#serveHttp2(socket);
    const reader = new SocketReader(socket);
    try {
      if (this.#script.tcp !== undefined) await this.#serveTcp(reader, this.#script.tcp);
      else await this.#serveHttp(reader);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      socket.destroy();
    }
  }

  async #serveTcp(reader: SocketReader, steps: readonly UpstreamStep[]): Promise<void> {
    const sighting: Sighting = { upstream: this.name, bytes: "" };
    this.#sightings.push(sighting);
    this.#busy++;
    try {
      await perform(reader, steps, sighting);
      if (reader.socket.destroyed) return;
      sighting.bytes += await reader.takeAll();
      sighting.ended = true;
      reader.socket.end();
    } finally {
      this.#busy--;
    }
  }

  async #serveHttp(reader: SocketReader): Promise<void> {
    if (this.#nextAnswer().when === "connected") {
      const answer = this.#nextAnswer();
      this.#answers++;
      const sighting: Sighting = { upstream: this.name };
      this.#sightings.push(sighting);
      await this.#perform(reader, answer.steps, sighting);
      if (reader.socket.destroyed) return;
    }
    for (let requests = 0;; requests++) {
      let message: Message | null;
      try {
        message = await readHead(reader);
      } catch (error) {
        // An idle connection of the proxy's pool.
        if (error instanceof Missing && reader.pending === "") {
          requests--;
          continue;
        }
        throw error;
      }
      if (message === null) {
        reader.socket.end();
        return;
      }
      const sighting: Sighting = { upstream: this.name, request: message };
      if (requests > 0) sighting.reused = true;
      this.#sightings.push(sighting);
      const answer = this.#nextAnswer();
      this.#answers++;
      this.#busy++;
      try {
        if (answer.when !== "head") await readBody(reader, message, "request");
        await perform(reader, answer.steps, sighting);
        if (reader.socket.destroyed) return;
        if (answer.when === "head") await readBody(reader, message, "request");
      } finally {
        this.#busy--;
      }
      if (reader.socket.writableEnded) return;
    }
  }

  #serveHttp2(socket: Socket): void {
    serveHttp2(socket, {
      begin: () => {
        const sighting: Sighting = { upstream: this.name };
        this.#sightings.push(sighting);
        this.#busy++;
        const answers = this.#script.http2 ?? [];
        return { steps: answers[Math.min(this.#answers++, answers.length - 1)] ?? [], sighting };
      },
      end: () => this.#busy--,
    });
  }

  async #perform(reader: SocketReader, steps: readonly UpstreamStep[], sighting: Sighting): Promise<void> {
    this.#busy++;
    await perform(reader, steps, sighting);
    this.#busy--;
  }

  #nextAnswer(): Answer {
    const answers = this.#script.http ?? [];
    const answer = answers[Math.min(this.#answers, answers.length - 1)] ?? "";
    return typeof answer === "string" ? { steps: [answer] } : answer;
  }
}

async function perform(reader: SocketReader, steps: readonly UpstreamStep[], sighting: Sighting): Promise<void> {
  const { socket } = reader;
  for (const step of steps) {
    if (socket.destroyed) return;
    if (step === "end") socket.end();
    else if (step === "close") socket.destroy();
    else if (step === "reset") socket.resetAndDestroy();
    else if (step === "hang") {
      if (await reader.waitForEnd(5000)) sighting.ended = true;
      socket.destroy();
    } else if (typeof step === "string") await new Promise((resolve) => socket.write(step, "latin1", resolve));
    else if ("pause" in step) await new Promise((resolve) => setTimeout(resolve, step.pause));
    else sighting.bytes = (sighting.bytes ?? "") + await reader.take(step.bytes);
  }
}
