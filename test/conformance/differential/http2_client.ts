// test/conformance/differential/http2_client.ts: the scripted client that speaks HTTP/2: one connection, step by step.
/** @module */
import type { Fields } from "../../support/http2_frames.ts";
import { type PeerStream, StreamPeer } from "../../support/http2_stream_peer.ts";
import type { Http2ClientStep, Message } from "./exchange.ts";

const CLOSE_LIMIT_MS = 3000;
/** Nothing in an exchange takes longer. */
const LIMIT_MS = 6000;

/** Plays the steps and gives what the client got, in order. */
export async function playHttp2Client(
  port: number,
  steps: readonly Http2ClientStep[],
  seen: (count: number) => Promise<void>,
  namePorts: (text: string) => string,
): Promise<(Message | string)[]> {
  const got: (Message | string)[] = [];
  const peer = await StreamPeer.connect(port);
  // A stream may be opened as extended CONNECT only after the settings came.
  await within(LIMIT_MS, peer, () => peer.settings !== null);
  let stream: PeerStream | null = null;
  let read = 0;
  for (const step of steps) {
    if (typeof step === "object" && "ask" in step) {
      const fields = step.ask.map(([name, value]) => [name, namePorts(value)] as const);
      stream = peer.request(fields, step.end ?? true);
      read = 0;
    } else if (step === "closed") {
      got.push(await within(CLOSE_LIMIT_MS, peer, () => peer.closed) ? "closed" : "left open");
    } else if (step === "end") {
      peer.socket.end();
    } else if (step === "reset") {
      peer.socket.resetAndDestroy();
    } else if ("pause" in Object(step)) {
      await new Promise((resolve) => setTimeout(resolve, (step as { pause: number }).pause));
    } else if ("seen" in Object(step)) {
      await seen((step as { seen: number }).seen);
    } else {
      read = await playStep(step as StreamStep, peer, stream!, read, got);
    }
  }
  for (const each of peer.goAways) got.push(`GOAWAY ${each}`);
  peer.close();
  return got;
}

type StreamStep = Exclude<
  Http2ClientStep,
  { ask: Fields } | { pause: number } | { seen: number } | "closed" | "end" | "reset"
>;

async function playStep(
  step: StreamStep,
  peer: StreamPeer,
  stream: PeerStream,
  read: number,
  got: (Message | string)[],
): Promise<number> {
  if (step === "response" || step === "head") {
    const isHead = step === "head";
    // A response that ends before its request is followed by a reset.
    const isOver = (): boolean => stream.reset !== null || (stream.ended && stream.endSent);
    await within(LIMIT_MS, peer, () => isOver() || (isHead && stream.head !== null));
    for (const each of stream.informational) got.push({ head: lines(each) });
    got.push(messageOf(stream, isHead));
    return read;
  }
  if ("data" in step) stream.data(step.data, step.end === true);
  else if ("trailers" in step) stream.end(step.trailers);
  else if ("rst" in step) stream.rst(step.rst);
  else {
    await within(LIMIT_MS, peer, () => stream.body.length >= read + step.bytes || stream.over);
    got.push(`bytes ${JSON.stringify(stream.body.slice(read, read + step.bytes))}`);
    return read + step.bytes;
  }
  return read;
}

/** What came on a stream. */
export function messageOf(stream: PeerStream, headOnly: boolean): Message {
  const message: Message = { head: lines(stream.head ?? []) };
  if (headOnly && !stream.ended) return message;
  if (stream.body !== "") message.body = stream.body;
  if (stream.trailers !== null) message.trailers = lines(stream.trailers);
  if (stream.reset !== null) message.reset = stream.reset;
  if (!stream.ended && stream.reset === null) message.cut = true;
  return message;
}

/** Pseudo-headers come in any order. */
export function lines(fields: Fields): string[] {
  const all = fields.map(([name, value]) => `${name}: ${value}`);
  return [...all.filter((line) => line.startsWith(":")).sort(), ...all.filter((line) => !line.startsWith(":"))];
}

/** Whether it came true in this time. */
export async function within(limitMs: number, peer: StreamPeer, condition: () => boolean): Promise<boolean> {
  for (const limit = performance.now() + limitMs; !condition() && performance.now() < limit;) {
    if (peer.closed) return condition();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return condition();
}
