// test/support/name_server.ts: a DNS server that answers from a zone, by UDP and TCP on one port.
/** @module */
import type { Buffer } from "node:buffer";
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, streamEncode, TRUNCATED_RESPONSE } from "dns-packet";

/** What a name server knows of a name. */
export interface ZoneEntry {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  /** A response code: 3 is that there is no such name. */
  readonly code?: number;
  /** Datagrams say that there is more. */
  readonly truncated?: boolean;
  /** So many datagrams are not answered. */
  silent?: number;
}

export const TTL_SECONDS = 77;

export class NameServer {
  /** Names that it does not know do not exist. */
  zone: Readonly<Record<string, ZoneEntry>>;
  /** `name A`, `name AAAA tcp` and so on. */
  readonly asked: string[] = [];
  #datagrams: DatagramSocket | null = null;
  readonly #streams: Server = createServer((socket) => this.#serve(socket));

  constructor(zone: Readonly<Record<string, ZoneEntry>>) {
    this.zone = zone;
  }

  /** The address of the server: a port that is free for both. */
  async start(): Promise<string> {
    for (let attempt = 0; attempt < 20; attempt++) {
      await new Promise<void>((resolve) => this.#streams.listen(0, "127.0.0.1", resolve));
      const { port } = this.#streams.address() as AddressInfo;
      if (await this.#bind(port)) return `127.0.0.1:${port}`;
      await new Promise((resolve) => this.#streams.close(resolve));
    }
    throw new Error("no port is free for datagrams and streams");
  }

  close(): void {
    this.#datagrams?.close();
    this.#streams.close();
  }

  /** False when the port is taken. */
  #bind(port: number): Promise<boolean> {
    const socket = createSocket("udp4");
    this.#datagrams = socket;
    socket.on("message", (query, from) => {
      const answer = this.#answer(query, false);
      if (answer !== null) socket.send(answer, from.port, from.address);
    });
    return new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.bind(port, "127.0.0.1", () => resolve(true));
    });
  }

  #serve(socket: Socket): void {
    socket.on("error", () => {});
    socket.once("data", (bytes: Buffer) => {
      const answer = this.#answer(bytes.subarray(2), true)!;
      // In two parts, and not at their border.
      socket.write(answer.subarray(0, 1));
      socket.write(answer.subarray(1));
    });
  }

  #answer(query: Buffer, stream: boolean): Buffer | null {
    const { id, questions } = decode(query);
    const question = questions![0]!;
    const name = question.name.toLowerCase();
    this.asked.push(`${name} ${question.type}${stream ? " tcp" : ""}`);
    const entry: ZoneEntry = this.zone[name] ?? { code: 3 };
    if (!stream && (entry.silent ?? 0) > 0) {
      entry.silent!--;
      return null;
    }
    const truncated = entry.truncated === true && !stream;
    const type = question.type === "A" ? "A" : "AAAA";
    const addresses = (type === "A" ? entry.a : entry.aaaa) ?? [];
    // Before the addresses an alias, which tells nothing.
    const answers: Answer[] = [
      { type: "CNAME", name, ttl: 9, data: name },
      ...addresses.map((data): Answer => ({ type, name, ttl: TTL_SECONDS, data })),
    ];
    const packet = {
      type: "response" as const,
      id: id!,
      flags: AUTHORITATIVE_ANSWER | (truncated ? TRUNCATED_RESPONSE : 0) | (entry.code ?? 0),
      questions: [question],
      answers: truncated ? [] : answers,
    };
    return stream ? streamEncode(packet) : encode(packet);
  }
}
