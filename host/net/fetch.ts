// host/net/fetch.ts: HTTP requests of the proxy's own: modules, keys, registries. Never the data plane.
/**
 * The answer is a value: a request that fails is an answer too. Bodies are read up to a limit.
 *
 * @module
 */
import { Agent, buildConnector, request } from "undici";
import { concatBytes } from "../base/bytes.ts";
import { parseIp } from "../base/ip.ts";

export interface FetchRequest {
  readonly url: string;
  readonly method?: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly limitBytes: number;
  /** Redirects to follow; 0: a redirect is the answer. */
  readonly maxRedirects?: number;
  readonly signal?: AbortSignal;
}

export type FetchResult =
  | {
    readonly ok: true;
    readonly status: number;
    /** Names in lower case; values of repeated headers joined by `, `. */
    readonly headers: ReadonlyMap<string, string>;
    readonly body: Uint8Array;
    /** Where the answer came from, after redirects. */
    readonly url: string;
  }
  | { readonly ok: false; readonly reason: "timeout" | "too_large" | "aborted" | "failed"; readonly message: string };

/** Out-of-band HTTP. */
export interface Fetcher {
  fetch(request: FetchRequest): Promise<FetchResult>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

/** An IP address or a name with a port, or the path of a unix socket with port 0. */
export interface ConnectTarget {
  readonly address: string;
  readonly port: number;
}

export interface FetcherOptions {
  /** Where connections go, whatever the host of a URL; `host` and the name that TLS asks for stay the URL's. */
  readonly connectTo?: ConnectTarget;
  /**
   * True for addresses of peers that nothing is sent to, however their name was found: where a server redirects
   * to is not ours to choose.
   */
  readonly refusePeer?: (address: string) => boolean;
}

export function createFetcher(options: FetcherOptions = {}): Fetcher {
  const agent = new Agent({
    connections: 8,
    pipelining: 1,
    keepAliveTimeout: 4000,
    connect: createConnector(options),
  });
  return {
    fetch: (each) => fetchFollowing(agent, each),
    close: () => agent.close(),
  };
}

function createConnector({ connectTo, refusePeer }: FetcherOptions): buildConnector.connector {
  const isPipe = connectTo?.port === 0;
  // HTTP/1.1 only: node:http2 is not to be relied on everywhere.
  const connect = buildConnector({ allowH2: false, ...(isPipe && { socketPath: connectTo.address }) });
  return (asked, callback) => {
    const target = connectTo === undefined || isPipe
      ? asked
      : { ...asked, hostname: connectTo.address, port: String(connectTo.port) };
    connect(target, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const peer = socket.remoteAddress ?? "";
      if (refusePeer?.(peer) !== true) return callback(null, socket);
      socket.destroy();
      callback(new Error(`${asked.hostname} has the address ${peer}, which nothing is fetched from`), null);
    });
  };
}

/** Link-local addresses, and those outside of that range where clouds serve what only the machine itself may know. */
export function mayServeMetadata(address: string): boolean {
  const ip = parseIp(address.replace(/%.*$/, ""));
  if (ip === null) return false;
  if (ip.version === 6 && (ip.a !== 0 || ip.b !== 0 || ip.c !== 0xffff)) {
    return ip.a >>> 22 === 0xfe80 >>> 6 || (ip.a === 0xfd000ec2 && ip.b === 0 && ip.c === 0 && ip.d === 0x254);
  }
  return ip.d >>> 16 === 0xa9fe || ip.d === 0x646464c8;
}

const LONGEST_MS = 0x7fffffff;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

async function fetchFollowing(agent: Agent, first: FetchRequest): Promise<FetchResult> {
  // Whole milliseconds, and no more than a timer takes.
  const timeout = AbortSignal.timeout(Math.min(Math.ceil(first.timeoutMs), LONGEST_MS));
  const signal = first.signal === undefined ? timeout : AbortSignal.any([timeout, first.signal]);
  let current = first;
  for (let left = first.maxRedirects ?? 0;; left--) {
    const result = await fetchOnce(agent, current, signal, timeout);
    if (!result.ok || left <= 0 || !REDIRECTS.includes(result.status)) return result;
    const target = redirectTarget(result.headers.get("location"), current.url);
    if (target === null) return result;
    current = redirected(current, target, result.status);
  }
}

function redirectTarget(location: string | undefined, base: string): URL | null {
  if (location === undefined) return null;
  const target = URL.parse(location, base);
  return target !== null && (target.protocol === "http:" || target.protocol === "https:") ? target : null;
}

/** What is sent to where a redirect points: secrets stay with the origin that they were meant for. */
function redirected(request: FetchRequest, target: URL, status: number): FetchRequest {
  const sameOrigin = target.origin === new URL(request.url).origin;
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).filter(([name]) =>
      sameOrigin || !["authorization", "cookie", "proxy-authorization"].includes(name.toLowerCase())
    ),
  );
  const { body, method = "GET", ...rest } = request;
  const becomesGet = status === 303 || (method === "POST" && (status === 301 || status === 302));
  return {
    ...rest,
    url: target.href,
    headers,
    method: becomesGet ? "GET" : method,
    ...(body !== undefined && !becomesGet && { body }),
  };
}

async function fetchOnce(
  agent: Agent,
  each: FetchRequest,
  signal: AbortSignal,
  timeout: AbortSignal,
): Promise<FetchResult> {
  try {
    const response = await request(each.url, {
      dispatcher: agent,
      method: each.method ?? "GET",
      headers: { ...each.headers },
      body: each.body ?? null,
      signal,
    });
    const chunks: Uint8Array[] = [];
    let total = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      total += chunk.length;
      if (total > each.limitBytes) {
        response.body.destroy();
        return { ok: false, reason: "too_large", message: `the answer is larger than ${each.limitBytes} bytes` };
      }
      chunks.push(chunk);
    }
    const headers = new Map<string, string>();
    for (const [name, value] of Object.entries(response.headers)) {
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
    }
    return { ok: true, status: response.statusCode, headers, body: concatBytes(chunks, total), url: each.url };
  } catch (error) {
    if (timeout.aborted) return { ok: false, reason: "timeout", message: `no answer within ${each.timeoutMs} ms` };
    if (each.signal?.aborted) return { ok: false, reason: "aborted", message: "given up" };
    return { ok: false, reason: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}
