// test/conformance/differential/frames_client.ts: the scripted client that writes HTTP/2 frames as they are given.
/** @module */
import { connect } from "node:net";
import { PREFACE, settings } from "../../support/http2_frames.ts";
import { Http2Peer, type PeerStream } from "../../support/http2_peer.ts";
import type { FrameScript, FrameStep, Message } from "./exchange.ts";

/** Nothing in an exchange takes longer. */
const LIMIT_MS = 6000;
/** How long the proxy may take to close. */
const CLOSE_LIMIT_MS = 3000;

/** Plays the steps and gives what the client got: streams in order of their numbers, then what is of none. */
export async function playFrames(
  port: number,
  script: FrameScript,
  seen: (count: number) => Promise<void>,
): Promise<(Message | string)[]> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const peer = new Http2Peer(socket);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  if (script.raw !== true) peer.write(PREFACE + settings(script.settings));
  const ends: string[] = [];
  for (const step of script.frames) {
    const missing = await playStep(step, peer, seen, ends);
    if (missing === null) continue;
    ends.push(missing);
    break;
  }
  const got: (Message | string)[] = [];
  for (const stream of [...peer.streams.values()].sort((a, b) => a.id - b.id)) noteStream(stream, got);
  for (const goAway of peer.goAways) got.push(`GOAWAY ${goAway}`);
  for (const pong of peer.pongs) got.push(`PING ${pong} ACK`);
  socket.destroy();
  return [...got, ...ends];
}

/** Returns what did not come; null when all is well. */
async function playStep(
  step: FrameStep,
  peer: Http2Peer,
  seen: (count: number) => Promise<void>,
  ends: string[],
): Promise<string | null> {
  const { socket } = peer;
  if (step === "closed") {
    ends.push(await peer.until(() => peer.ended, CLOSE_LIMIT_MS) ? "closed" : "left open");
  } else if (step === "end") socket.end();
  else if (step === "reset") socket.resetAndDestroy();
  else if (step === "settings") {
    if (!await peer.until(() => peer.settings.length > 0, LIMIT_MS)) return "no SETTINGS";
    ends.push(`SETTINGS ${peer.settings.join(" ")}`);
  } else if (typeof step === "string") peer.write(step);
  else if ("pause" in step) await new Promise((resolve) => setTimeout(resolve, step.pause));
  else if ("seen" in step) await seen(step.seen);
  else if ("goAways" in step) {
    if (!await peer.until(() => peer.goAways.length >= step.goAways, LIMIT_MS) && !peer.ended) return "no GOAWAY";
  } else if ("pongs" in step) {
    if (!await peer.until(() => peer.pongs.length >= step.pongs, LIMIT_MS) && !peer.ended) return "no answer to PING";
  } else if ("head" in step) {
    const stream = peer.stream(step.head);
    const there = await peer.until(() => stream.messages.length > 0 || stream.reset !== null, LIMIT_MS);
    if (!there && !peer.ended) return `no head on stream ${step.head}`;
  } else {
    const stream = peer.stream(step.stream);
    const over = await peer.until(() => stream.ended || stream.reset !== null, LIMIT_MS);
    if (!over && !peer.ended) return `stream ${step.stream} is not over`;
    // What resets the rest of a request may come behind the response.
    if (stream.ended && step.reset === true) await peer.until(() => stream.reset !== null, LIMIT_MS);
  }
  return null;
}

function noteStream(stream: PeerStream, got: (Message | string)[]): void {
  stream.messages.forEach((each, i) => {
    const message: Message = { head: [`stream ${stream.id}`, ...each.fields] };
    if (each.body !== "") message.body = each.body;
    if (each.trailers !== null) message.trailers = each.trailers;
    if (i === stream.messages.length - 1 && !stream.ended) message.cut = true;
    got.push(message);
  });
  if (stream.reset !== null) got.push(`stream ${stream.id}: RST_STREAM ${stream.reset}`);
  else if (stream.messages.length === 0) got.push(`stream ${stream.id}: nothing`);
}
