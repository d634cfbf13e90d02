// test/conformance/examples/play.ts: plays the exchanges through a proxy and writes down what happened.
import { once } from "node:events";
import { Agent, createServer as createHttpServer, type IncomingMessage, request as httpRequest } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { HttpExchange, Play, TcpExchange, UpstreamAnswer } from "./exchanges.ts";
import { fetchText, type ProxyCommand, startProxy } from "./proxy.ts";

type HeaderList = [name: string, value: string][];

/** What was seen on both sides of the proxy. */
export interface HttpObservation {
  readonly name: string;
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: string;
  /** The response broke off before its end. */
  readonly cut?: true;
  /** What reached the upstream; null when nothing did. */
  readonly upstream: UpstreamRequest | null;
}

interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: string;
}

export interface TcpObservation {
  readonly name: string;
  /** What the client got. */
  readonly received: string;
  /** The proxy closed the connection, not the client. */
  readonly closedByProxy: boolean;
  /** What the upstream got. */
  readonly upstreamReceived: string;
}

export interface PlayObservation {
  readonly http?: HttpObservation[];
  readonly tcp?: TcpObservation[];
  /** The filter's own metrics, by name. */
  readonly metrics: Record<string, number>;
}

/** Differ from run to run, or tell only which proxy it was. */
const IGNORED_HEADERS = new Set(["date", "server", "x-request-id", "x-envoy-upstream-service-time"]);
const CLIENT_LIMIT_MS = 10_000;

/** A play's name in recordings. */
export function playName(play: Play): string {
  return play.variant === undefined ? play.example : `${play.example}, ${play.variant}`;
}

export async function playThrough(proxy: ProxyCommand, play: Play): Promise<PlayObservation> {
  return play.http !== undefined ? await playHttp(proxy, play, play.http) : await playTcp(proxy, play, play.tcp ?? []);
}

async function playHttp(
  proxy: ProxyCommand,
  play: Play,
  exchanges: readonly HttpExchange[],
): Promise<PlayObservation> {
  let answer: UpstreamAnswer = {};
  let seen: UpstreamRequest | null = null;
  const upstream = createHttpServer(async (request, response) => {
    const body = await readBody(request);
    seen = {
      method: request.method!,
      path: request.url!,
      headers: headerList(request.rawHeaders),
      body,
    };
    response.sendDate = false;
    response.writeHead(answer.status ?? 200, { ...answer.headers });
    for (const piece of answer.body ?? []) {
      response.write(piece);
      // Usually makes each piece a read of its own; nothing in the outcome depends on it.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (!response.destroyed) response.end();
  });
  const upstreamPort = await listen(upstream);
  const running = await startProxy(proxy, play.example, upstreamPort, play.deadClusters ?? []);
  try {
    const http: HttpObservation[] = [];
    for (const exchange of exchanges) {
      answer = exchange.answer ?? {};
      seen = null;
      const response = await ask(running.port, exchange);
      http.push({ name: exchange.name, ...response, upstream: seen });
    }
    return { http, metrics: await readMetrics(running.adminPort) };
  } finally {
    await running.stop();
    upstream.closeAllConnections();
    upstream.close();
  }
}

type Answer = Pick<HttpObservation, "status" | "headers" | "body" | "cut">;

function ask(port: number, exchange: HttpExchange): Promise<Answer> {
  const agent = new Agent({ keepAlive: true });
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      agent,
      method: exchange.method ?? "GET",
      path: exchange.path ?? "/",
      headers: { host: "example.test", ...exchange.headers },
      timeout: CLIENT_LIMIT_MS,
    }, async (response) => {
      const body = await readBody(response).catch(() => null);
      agent.destroy();
      const head = { status: response.statusCode!, headers: headerList(response.rawHeaders) };
      resolve(body === null ? { ...head, body: "", cut: true } : { ...head, body });
    });
    request.on("timeout", () => request.destroy(new Error(`${exchange.name}: no answer`)));
    request.on("error", reject);
    request.end(exchange.body);
  });
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message) chunks.push(chunk as Uint8Array);
  return new TextDecoder().decode(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/**
 * Headers in lower case and in order of their names, without what cannot be compared. Fields of one name are
 * one list (RFC 9110 §5.3), which proxies may send as one field or as several.
 */
function headerList(raw: readonly string[]): HeaderList {
  const byName = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (IGNORED_HEADERS.has(name)) continue;
    const value = name === "retry-after" ? raw[i + 1]!.replace(/^\d+$/, "(seconds)") : raw[i + 1]!;
    const before = byName.get(name);
    byName.set(name, before === undefined ? value : `${before},${value}`);
  }
  return [...byName].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}

async function playTcp(proxy: ProxyCommand, play: Play, exchanges: readonly TcpExchange[]): Promise<PlayObservation> {
  let received = "";
  const upstream = createTcpServer((socket: Socket) => {
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (data: string) => {
      received += data;
      socket.write(data.toUpperCase(), "latin1");
    });
  });
  const upstreamPort = await listen(upstream);
  const running = await startProxy(proxy, play.example, upstreamPort, play.deadClusters ?? []);
  try {
    const tcp: TcpObservation[] = [];
    for (const exchange of exchanges) {
      received = "";
      const client = await talk(running.port, exchange);
      tcp.push({ name: exchange.name, ...client, upstreamReceived: received });
    }
    return { tcp, metrics: await readMetrics(running.adminPort) };
  } finally {
    await running.stop();
    upstream.close();
  }
}

async function talk(port: number, exchange: TcpExchange): Promise<{ received: string; closedByProxy: boolean }> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  socket.setEncoding("latin1");
  let received = "";
  const finished = new Promise<boolean>((resolve, reject) => {
    socket.on("data", (data: string) => {
      received += data;
      if (exchange.replyBytes !== undefined && received.length >= exchange.replyBytes) resolve(false);
    });
    socket.on("end", () => resolve(true));
    socket.on("error", () => resolve(true));
    socket.setTimeout(CLIENT_LIMIT_MS, () => reject(new Error(`${exchange.name}: nothing happens`)));
  });
  await once(socket, "connect");
  for (const piece of exchange.send) {
    socket.write(piece, "latin1");
    // Usually makes each piece a read of its own; nothing in the outcome depends on it.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (exchange.end === true) socket.end();
  const closedByProxy = await finished;
  socket.destroy();
  return { received, closedByProxy };
}

/** The filter's metrics once they rest: proxies publish them from their workers with a delay. */
async function readMetrics(adminPort: number): Promise<Record<string, number>> {
  for (let last = "", i = 0;; i++) {
    const text = (await fetchText(adminPort, "/stats?filter=wasmcustom"))?.text ?? "";
    const lines = text.split("\n").filter((line) => /^wasmcustom\.\S+: \d+$/.test(line)).sort();
    if (i > 2 && text === last) {
      return Object.fromEntries(lines.map((line) => {
        const [name, value] = line.split(": ");
        return [name!.replace("wasmcustom.", ""), Number(value)];
      }));
    }
    last = text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
