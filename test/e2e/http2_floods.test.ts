// test/e2e/http2_floods.test.ts: clients that attack by HTTP/2: how the connection ends, and what it costs.
/**
 * Each attack runs against a proxy in a process of its own, of which the memory is measured where the system
 * tells the peak of a process's memory. `FIGURES=1` prints what each attack did.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  Frame,
  frame,
  headers,
  integer,
  ping,
  PREFACE,
  request,
  rstStream,
  settings,
  uint32,
  windowUpdate,
} from "../support/http2_frames.ts";
import { Http2Peer } from "../support/http2_peer.ts";
import { freePorts, type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { webConfig } from "./support.ts";

/** What an attack may make the proxy's memory grow by. */
const MEMORY_LIMIT_MIB = 50;
const BODY = "x".repeat(1024 * 1024);

interface Attack {
  readonly name: string;
  /** Settings of the client. */
  readonly settings?: readonly (readonly [number, number])[];
  /** Sent once. */
  readonly first?: string;
  /** Sent again and again until the connection ends, `round` times at most. */
  readonly round: (round: number) => string;
  readonly rounds: number;
  /** The client does not read. */
  readonly deaf?: true;
  /** So many streams are answered, with so many bytes of each body, before the rounds begin. */
  readonly answered?: { readonly streams: number; readonly bytes: number };
  /** The error code of GOAWAY; null: the connection ends without one; absent: it goes on. */
  readonly goAway?: string | null;
  /** A counter that moves. */
  readonly counter?: string;
}

const GET = request("/direct");
/** An odd number for each round, and for each piece of one. */
const id = (round: number, piece = 0, pieces = 1): number => 1 + 2 * (round * pieces + piece);

function repeat(pieces: number, of: (piece: number) => string): string {
  let text = "";
  for (let piece = 0; piece < pieces; piece++) text += of(piece);
  return text;
}

const ATTACKS: readonly Attack[] = [
  {
    name: "rapid reset",
    round: (round) =>
      repeat(50, (piece) => headers(id(round, piece, 50), request("/slow")) + rstStream(id(round, piece, 50), 8)),
    rounds: 200,
    goAway: null,
    counter: "http.web.downstream_rq_too_many_premature_resets",
  },
  {
    name: "made you reset: windows that overflow",
    round: (round) => headers(id(round), request("/slow")) + windowUpdate(id(round), 0x7fffffff),
    rounds: 3000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.tx_reset",
  },
  {
    name: "made you reset: bodies longer than they say",
    round: (round) =>
      headers(id(round), request("/slow", [["content-length", "1"]], "POST"), false) + data(id(round), "xx"),
    rounds: 3000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.tx_reset",
  },
  {
    name: "CONTINUATION without end",
    first: frame(Frame.Headers, END_STREAM, 1, block(GET)),
    round: () => frame(Frame.Continuation, 0, 1, block([["x-a", "y".repeat(1000)]])).repeat(10),
    rounds: 2000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.header_overflow",
  },
  {
    name: "PING whose answers nobody reads",
    round: () => ping("12345678").repeat(8000),
    rounds: 60,
    deaf: true,
    goAway: null,
    counter: "http2.outbound_control_flood",
  },
  {
    name: "SETTINGS whose answers nobody reads",
    round: () => settings([[4, 1000]]).repeat(8000),
    rounds: 60,
    deaf: true,
    goAway: null,
    counter: "http2.outbound_control_flood",
  },
  {
    name: "empty DATA",
    first: headers(1, request("/slow", [], "POST"), false),
    round: () => data(1, ""),
    rounds: 1000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.inbound_empty_frames_flood",
  },
  {
    name: "empty CONTINUATION",
    first: frame(Frame.Headers, END_STREAM, 1, ""),
    round: () => frame(Frame.Continuation, 0, 1, ""),
    rounds: 1000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.inbound_empty_frames_flood",
  },
  {
    name: "PRIORITY",
    round: () => frame(Frame.Priority, 0, 9, uint32(0) + "\x10").repeat(10),
    rounds: 1000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.inbound_priority_frames_flood",
  },
  {
    name: "WINDOW_UPDATE",
    round: () => windowUpdate(0, 1),
    rounds: 1000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.inbound_window_update_frames_flood",
  },
  {
    name: "RST_STREAM of streams that are over",
    first: headers(1, GET),
    round: () => rstStream(1, 8).repeat(1000),
    rounds: 100,
  },
  {
    name: "a header block of references to one large entry",
    round: (round) =>
      frame(
        Frame.Headers,
        END_HEADERS | END_STREAM,
        id(round),
        block(GET) + (round > 0 ? "" : `\x40\x01x${integer(4000, 127)}${"v".repeat(4000)}`) + "\xbe".repeat(12_000),
      ),
    rounds: 2000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.header_list_size_too_large",
  },
  {
    name: "a header block of references to one tiny entry",
    round: (round) => frame(Frame.Headers, END_HEADERS | END_STREAM, id(round), block(GET) + "\x90".repeat(16_000)),
    rounds: 2000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.header_overflow",
  },
  {
    name: "cookies in crumbs",
    round: (round) => frame(Frame.Headers, END_HEADERS | END_STREAM, id(round), block(GET) + "\xa0".repeat(16_000)),
    rounds: 2000,
    goAway: "ENHANCE_YOUR_CALM",
    counter: "http2.header_overflow",
  },
  {
    name: "a table that grows beyond what was offered",
    round: (round) =>
      frame(Frame.Headers, END_HEADERS | END_STREAM, id(round), `\x3f${integer(1 << 20, 0)}${block(GET)}`),
    rounds: 10,
    goAway: "COMPRESSION_ERROR",
  },
  {
    name: "a table that is emptied and filled again",
    round: (round) =>
      frame(Frame.Headers, END_HEADERS | END_STREAM, id(round), "\x20\x3f\xe1\x1f".repeat(3000) + block(GET)),
    rounds: 100,
  },
  {
    name: "no window at all",
    settings: [[4, 0]],
    round: () => repeat(600, (piece) => headers(id(0, piece), request("/large"))),
    rounds: 1,
  },
  {
    name: "windows of one byte",
    settings: [[4, 1]],
    first: repeat(50, (piece) => headers(id(0, piece), request("/large"))),
    // More updates may come for each frame of a body that went out.
    answered: { streams: 50, bytes: 1 },
    round: () => repeat(50, (piece) => windowUpdate(id(0, piece), 1)),
    rounds: 20,
  },
  {
    name: "windows that grow and shrink",
    settings: [[4, 0]],
    first: repeat(50, (piece) => headers(id(0, piece), request("/large"))),
    answered: { streams: 50, bytes: 0 },
    round: () => (settings([[4, 1]]) + settings([[4, 0]])).repeat(4),
    rounds: 50,
  },
];

/** Answers with a large body, but for `/slow`, which is not answered. */
const upstream = createServer((socket) => {
  open.add(socket);
  socket.on("error", () => {});
  socket.on("data", (bytes: Uint8Array) => {
    if (!Buffer.from(bytes).toString("latin1").startsWith("GET /large")) return;
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n`);
    socket.write(BODY);
  });
});
const open = new Set<Socket>();
let proxy: ProxyProcess;
let port = 0;
let adminPort = 0;

test.before(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  [port, adminPort] = await freePorts(2) as [number, number];
  const limits = { max_connections: 5000, max_requests: 5000, max_pending_requests: 5000 };
  proxy = await startProxy(
    webConfig({
      port,
      adminPort,
      upstreamPort: (upstream.address() as AddressInfo).port,
      cluster: { circuit_breakers: { thresholds: [limits] } },
    }),
    { args: ["--concurrency", "1"] },
  );
  // What is made once is not what an attack costs.
  (await attack({ name: "", round: (round) => headers(id(round), request("/large")), rounds: 20 })).peer.socket
    .destroy();
});

test.after(async () => {
  await proxy.stop();
  for (const socket of open) socket.destroy();
  upstream.close();
});

for (const each of ATTACKS) {
  test(each.name, async () => {
    const memory = new Memory(proxy.pid);
    const counted = each.counter === undefined ? 0 : await stat(each.counter);
    const { peer, sent } = await attack(each);
    const grown = memory.grownMib();
    if (process.env["FIGURES"] !== undefined) {
      console.log(`${each.name}: ${sent} rounds, GOAWAY ${peer.goAways.join(", ") || "none"}, memory +${grown} MiB`);
    }
    assert.is(peer.ended, each.goAway !== undefined, "whether the connection ended");
    assert.is(peer.goAways.at(-1)?.split(" ")[1], each.goAway ?? undefined, "what GOAWAY says");
    if (each.counter !== undefined) assert.ok(await stat(each.counter) > counted, each.counter);
    assert.ok(grown < MEMORY_LIMIT_MIB, `memory grew by ${grown} MiB`);
    peer.socket.destroy();

    const good = await attack({ name: "", round: () => headers(1, GET), rounds: 1 });
    assert.is(good.peer.stream(1).messages[0]?.fields[0], ":status: 200", "others are served");
    good.peer.socket.destroy();
    await statIs("http.web.downstream_rq_active", 0);
    await statIs("http2.streams_active", 0);
  });
}

test.run();

/** Sends what is to be sent, and waits until the proxy has looked at it all or has ended the connection. */
async function attack(plan: Attack): Promise<{ peer: Http2Peer; sent: number }> {
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const peer = new Http2Peer(socket, false);
  if (plan.deaf === true) socket.pause();
  peer.write(PREFACE + settings(plan.settings) + (plan.first ?? ""));
  const answered = (streams: number, bytes: number): boolean =>
    peer.streams.size >= streams &&
    [...peer.streams.values()].every(({ messages }) => (messages[0]?.body.length ?? -1) >= bytes);
  const { answered: first } = plan;
  if (first !== undefined) await peer.until(() => answered(first.streams, first.bytes), 10_000);
  let sent = 0;
  for (; sent < plan.rounds && !peer.ended && !socket.destroyed; sent++) {
    peer.write(plan.round(sent));
    // The answer to a deaf one piles up only when the system's buffers are full.
    if (sent % 16 === 15 || plan.deaf === true) await taken(socket);
  }
  if (plan.goAway !== undefined) {
    if (plan.deaf === true) socket.resume();
    await peer.until(() => peer.ended, 5000);
  } else {
    peer.write(ping("the end."));
    await peer.until(() => peer.pongs.includes("the end."), 10_000);
    if (plan.rounds === 1) await peer.until(() => answered(1, 0), 10_000);
  }
  return { peer, sent };
}

/** Settles when the system has taken what was written, or the connection is gone. */
function taken(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (socket.writableLength === 0 || socket.destroyed) resolve();
      else setImmediate(look);
    };
    setImmediate(look);
  });
}

/** The peak of a process's memory since this was made. */
class Memory {
  readonly #folder: string;
  readonly #known: boolean;
  readonly #before: number;

  constructor(pid: number) {
    this.#folder = `/proc/${pid}`;
    this.#known = existsSync(`${this.#folder}/clear_refs`);
    if (this.#known) writeFileSync(`${this.#folder}/clear_refs`, "5");
    this.#before = this.#read("VmRSS");
  }

  grownMib(): number {
    return Math.max(0, Math.round((this.#read("VmHWM") - this.#before) / 1024));
  }

  #read(name: string): number {
    if (!this.#known) return 0;
    const text = readFileSync(`${this.#folder}/status`, "utf8");
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)![1]);
  }
}

async function statIs(name: string, value: number): Promise<void> {
  for (const limit = performance.now() + 10_000; await stat(name) !== value;) {
    if (performance.now() > limit) throw new Error(`${name} is ${await stat(name)}, not ${value}`);
  }
}

function stat(name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port: adminPort, path: `/stats?filter=^${name}$`, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
      response.on("end", () => resolve(Number(/: (\d+)/.exec(text)?.[1] ?? 0)));
    }).on("error", reject);
  });
}
