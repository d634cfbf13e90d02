// bench/idle.ts: what idle keep-alive connections cost a proxy in memory.
/**
 * `node bench/idle.ts [--connections N] [--only node,deno,envoy] [--envoy PATH]`
 *
 * Each proxy in turn gets N connections over loopback, one request on each, and then nothing more. Printed is
 * the resident memory of its whole process: with no connection, with all of them open and unused, right after
 * a request on each, and when they have been idle for a while. The limit is of the last one.
 *
 * Both ends of every connection are on this machine: `ulimit -n` must be above N here and in the proxy.
 */
import { connect, type Socket } from "node:net";
import process from "node:process";
import { parseArgs } from "node:util";
import { namedProxy, proxyOptions } from "./macro/named_proxy.ts";
import { processCost, type Proxy } from "./macro/proxies.ts";
import { SCENARIOS } from "./macro/scenarios.ts";
import { startUpstream } from "./macro/start_upstream.ts";

/** With 10,000 connections. */
const LIMIT_MIB = 200;
/** So many are made at once; more would overflow the listen queue. */
const WAVE = 100;
const SETTLE_MS = 2000;
/** A thread that is idle looks after its memory in the meantime. */
const IDLE_MS = 25_000;

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "10000" },
    ...proxyOptions("node,deno"),
  },
});
const count = Number(values.connections);

const REQUEST = Buffer.from(
  "GET /small HTTP/1.1\r\nHost: a.example\r\nUser-Agent: idle\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n",
);

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** Sends a request and waits for the whole of its 100 bytes. */
function ask(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (data: Buffer): void => {
      text += data.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      if (head < 0 || text.length < head + 104) return;
      socket.off("data", onData);
      if (text.startsWith("HTTP/1.1 200")) resolve();
      else reject(new Error(text));
    };
    socket.on("data", onData);
    socket.write(REQUEST);
  });
}

async function inWaves(of: number, work: (index: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < of; first += WAVE) {
    await Promise.all(Array.from({ length: Math.min(WAVE, of - first) }, (_, i) => work(first + i)));
  }
}

/** What the process has when it had time to clean up. */
async function settledMib(proxy: Proxy, ms = SETTLE_MS): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return processCost(proxy.pid).rssMib;
}

async function measure(proxy: Proxy): Promise<boolean> {
  const sockets: Socket[] = [];
  const empty = await settledMib(proxy);
  await inWaves(count, async () => void sockets.push(await open(proxy.port)));
  const opened = await settledMib(proxy);
  await inWaves(count, (index) => ask(sockets[index]!));
  const used = await settledMib(proxy);
  const idle = await settledMib(proxy, IDLE_MS);
  for (const socket of sockets) socket.destroy();
  const each = (idle - empty) * 1024 / count;
  console.log(
    `${proxy.name.padEnd(6)} ${count} connections: none ${empty.toFixed(0)} MiB, open ${opened.toFixed(0)} MiB, ` +
      `after a request ${used.toFixed(0)} MiB, idle ${idle.toFixed(0)} MiB (${each.toFixed(1)} KiB each)`,
  );
  return idle <= LIMIT_MIB;
}

const upstream = await startUpstream();
let kept = true;
try {
  for (const name of values.only.split(",")) {
    const yaml = await SCENARIOS.find((each) => each.name === "http1_router")!.yaml(upstream.ports);
    const proxy = await namedProxy(name, yaml, values.envoy);
    try {
      if (!await measure(proxy)) kept = false;
    } finally {
      await proxy.stop();
    }
  }
} finally {
  upstream.stop();
}
if (count === 10_000 && !kept) {
  console.log(`over ${LIMIT_MIB} MiB`);
  process.exitCode = 1;
}
