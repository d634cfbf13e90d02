// test/conformance/differential/socket_reader.ts: reads bytes and HTTP/1 messages from a socket, in order.
/** @module */
import type { Socket } from "node:net";
import type { Message } from "./exchange.ts";

/** Nothing in an exchange takes longer. */
const LIMIT_MS = 6000;

/** What was asked for did not come. */
export class Missing extends Error {}

export class SocketReader {
  readonly socket: Socket;
  #text = "";
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data: Uint8Array) => {
      this.#text += Buffer.from(data).toString("latin1");
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
  }

  /** The peer ended the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes that came and were not taken. */
  get pending(): string {
    return this.#text;
  }

  /** So many bytes, or what there is when the connection ends first. */
  async take(count: number): Promise<string> {
    await this.#until(() => this.#text.length >= count);
    return this.#cut(count);
  }

  /** What there is, a byte at least; nothing when the connection ends first. */
  async takeAny(): Promise<string> {
    await this.#until(() => this.#text.length > 0);
    return this.#cut(this.#text.length);
  }

  /** Up to and with `mark`; all that there is when the connection ends first. */
  async takeUntil(mark: string): Promise<string> {
    await this.#until(() => this.#text.includes(mark));
    const at = this.#text.indexOf(mark);
    return this.#cut(at < 0 ? this.#text.length : at + mark.length);
  }

  /** Everything until the connection ends. */
  async takeAll(): Promise<string> {
    await this.#until(() => false);
    return this.#cut(this.#text.length);
  }

  /** Whether the connection ends in this time. */
  async waitForEnd(limitMs: number): Promise<boolean> {
    try {
      await this.#until(() => false, limitMs);
      return true;
    } catch (error) {
      if (error instanceof Missing) return false;
      throw error;
    }
  }

  #cut(count: number): string {
    const taken = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return taken;
  }

  async #until(enough: () => boolean, limitMs = LIMIT_MS): Promise<void> {
    const timer = setTimeout(() => {
      late = true;
      this.#wake?.();
    }, limitMs);
    let late = false;
    while (!enough() && !this.#ended && !late) await new Promise<void>((resolve) => this.#wake = resolve);
    clearTimeout(timer);
    if (late && !enough() && !this.#ended) {
      throw new Missing(`nothing more came in ${limitMs} ms after ${JSON.stringify(this.#text)}`);
    }
  }
}

export type MessageKind = "request" | "response" | "response to HEAD" | "response to CONNECT";

/** The next message's head; null when the connection ended before it began. */
export async function readHead(reader: SocketReader): Promise<Message | null> {
  const text = await reader.takeUntil("\r\n\r\n");
  if (text === "") return null;
  if (!text.endsWith("\r\n\r\n")) return { head: text.split("\r\n"), cut: true };
  return { head: text.slice(0, -4).split("\r\n") };
}

/** Fills in the body of a message of which the head was read. */
export async function readBody(reader: SocketReader, message: Message, kind: MessageKind): Promise<void> {
  if (message.cut) return;
  const length = fieldOf(message, "content-length");
  if (kind !== "request") {
    const status = Number(message.head[0]!.split(" ")[1]);
    if (kind === "response to HEAD" || status < 200 || status === 204 || status === 304) return;
    if (kind === "response to CONNECT" && status < 300) return;
  }
  if (fieldOf(message, "transfer-encoding")?.toLowerCase() === "chunked") return await readChunks(reader, message);
  if (length !== null) {
    const body = await reader.take(Number(length));
    if (body.length < Number(length)) message.cut = true;
    message.body = body;
  } else if (kind !== "request") {
    message.untilClose = true;
    message.body = await reader.takeAll();
  }
}

async function readChunks(reader: SocketReader, message: Message): Promise<void> {
  message.body = "";
  for (;;) {
    const line = await reader.takeUntil("\r\n");
    const size = parseInt(line, 16);
    if (!line.endsWith("\r\n") || Number.isNaN(size)) break;
    if (size === 0) {
      const trailers: string[] = [];
      for (;;) {
        const trailer = await reader.takeUntil("\r\n");
        if (!trailer.endsWith("\r\n")) {
          message.cut = true;
          return;
        }
        if (trailer === "\r\n") break;
        trailers.push(trailer.slice(0, -2));
      }
      if (trailers.length > 0) message.trailers = trailers;
      return;
    }
    const chunk = await reader.take(size + 2);
    message.body += chunk.slice(0, size);
    if (chunk.length < size + 2) break;
  }
  message.cut = true;
}

function fieldOf(message: Message, name: string): string | null {
  const line = message.head.find((each) => each.toLowerCase().startsWith(`${name}:`));
  return line === undefined ? null : line.slice(name.length + 1).trim();
}
