// test/conformance/differential/client.ts: the scripted client: one connection, step by step.
/** @module */
import { connect, type Socket } from "node:net";
import type { ClientStep, Message } from "./exchange.ts";
import { Missing, readBody, readHead, SocketReader } from "./socket_reader.ts";

/** How long the proxy may take to close. Envoy waits a second for the client to close first. */
const CLOSE_LIMIT_MS = 3000;

/** Puts a number where the proxy reads it, and gives it time to. */
export type SetPressure = (of: string, pressure: number) => Promise<void>;

/** Plays the steps and gives what the client got, in order. */
export async function playClient(
  port: number,
  script: string | readonly ClientStep[],
  seen: (count: number) => Promise<void>,
  namePorts: (text: string) => string,
  setPressure: SetPressure,
): Promise<(Message | string)[]> {
  const steps: readonly ClientStep[] = typeof script === "string" ? [script, "response"] : script;
  const got: (Message | string)[] = [];
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const reader = new SocketReader(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  try {
    for (const step of steps) await playStep(step, socket, reader, got, seen, namePorts, setPressure);
    const last = got.at(-1);
    // Whoever says that it closes must close.
    if (typeof last === "object" && last.head.some((line) => /^connection: close$/i.test(line)) && !last.cut) {
      await noteClosed(reader, got);
    }
    if (reader.pending !== "" && steps.at(-1) !== "reset") got.push(`and ${JSON.stringify(reader.pending)}`);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    got.push(error.message);
  }
  socket.destroy();
  return got;
}

async function playStep(
  step: ClientStep,
  socket: Socket,
  reader: SocketReader,
  got: (Message | string)[],
  seen: (count: number) => Promise<void>,
  namePorts: (text: string) => string,
  setPressure: SetPressure,
): Promise<void> {
  if (step === "response" || step === "response to HEAD" || step === "response to CONNECT") {
    for (;;) {
      const message = await readHead(reader);
      if (message === null) {
        got.push("closed without a response");
        return;
      }
      await readBody(reader, message, step);
      got.push(message);
      if (!/^HTTP\/1\.1 1(?!01)/.test(message.head[0]!)) return;
    }
  } else if (step === "end") {
    socket.end();
  } else if (step === "reset") {
    socket.resetAndDestroy();
  } else if (step === "closed") {
    await noteClosed(reader, got);
  } else if (typeof step === "string") {
    socket.write(namePorts(step), "latin1");
  } else if ("pause" in step) {
    await new Promise((resolve) => setTimeout(resolve, step.pause));
  } else if ("bytes" in step) {
    got.push(`bytes ${JSON.stringify(await reader.take(step.bytes))}`);
  } else if ("until" in step) {
    got.push(`bytes ${JSON.stringify(await reader.takeUntil(step.until))}`);
  } else if ("pressure" in step) {
    await setPressure(step.of, step.pressure);
  } else {
    await seen(step.seen);
  }
}

async function noteClosed(reader: SocketReader, got: (Message | string)[]): Promise<void> {
  const closed = await reader.waitForEnd(CLOSE_LIMIT_MS);
  if (reader.pending !== "") got.push(`bytes ${JSON.stringify(await reader.take(reader.pending.length))}`);
  got.push(closed ? "closed" : "left open");
}
