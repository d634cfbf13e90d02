// test/e2e/support.ts: what tests of a running proxy share: configurations, a raw client, an upstream.
/** @module */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import * as assert from "uvu/assert";
import type { Embedded } from "../support/embedded.ts";

/** After this long without its answer a client gives up. */
const ANSWER_LIMIT_MS = 40_000;
const EXTENSIONS = "type.googleapis.com/envoy.extensions";

export interface WebOptions {
  readonly port: number;
  /** Where `cluster: upstream` is. */
  readonly upstreamPort?: number;
  readonly adminPort?: number;
  /** Further HTTP filters, before the router. */
  readonly filters?: readonly unknown[];
  readonly routes?: readonly unknown[];
  /** Fields of the HTTP connection manager. */
  readonly http?: Readonly<Record<string, unknown>>;
  /** Fields of the listener. */
  readonly listener?: Readonly<Record<string, unknown>>;
  /** Fields of the cluster. */
  readonly cluster?: Readonly<Record<string, unknown>>;
  /** More listeners. */
  readonly listeners?: readonly unknown[];
  /** Runtime values. */
  readonly runtime?: Readonly<Record<string, unknown>>;
  /** Further fields of the bootstrap. */
  readonly bootstrap?: Readonly<Record<string, unknown>>;
}

/** An overload manager with one action, by a pressure that is a number in a file. */
export function overloadManager(file: string, action: string, threshold: number): object {
  return {
    refresh_interval: "0.01s",
    resource_monitors: [{
      name: "injected",
      typed_config: {
        "@type": `${EXTENSIONS}.resource_monitors.injected_resource.v3.InjectedResourceConfig`,
        filename: file,
      },
    }],
    actions: [{
      name: `envoy.overload_actions.${action}`,
      triggers: [{ name: "injected", threshold: { value: threshold } }],
    }],
  };
}

/** A bootstrap with the listener `web`: `/direct` answers by itself, the rest goes to the upstream, if there is one. */
export function webConfig(options: WebOptions): string {
  const { port, upstreamPort, adminPort } = options;
  const routes = options.routes ?? [
    { match: { prefix: "/direct" }, direct_response: { status: 200, body: { inline_string: "direct\n" } } },
    upstreamPort === undefined
      ? { match: { prefix: "/" }, direct_response: { status: 204 } }
      : { match: { prefix: "/" }, route: { cluster: "upstream" } },
  ];
  return JSON.stringify({
    ...(adminPort === undefined ? {} : { admin: { address: socketAddress(adminPort) } }),
    ...(options.runtime && { layered_runtime: { layers: [{ name: "static", static_layer: options.runtime }] } }),
    ...options.bootstrap,
    static_resources: {
      listeners: [
        {
          name: "web",
          address: socketAddress(port),
          filter_chains: [{
            filters: [{
              name: "http",
              typed_config: {
                "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                stat_prefix: "web",
                route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
                http_filters: [
                  ...(options.filters ?? []),
                  { name: "router", typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } },
                ],
                ...options.http,
              },
            }],
          }],
          ...options.listener,
        },
        ...(options.listeners ?? []),
      ],
      clusters: upstreamPort === undefined ? [] : [{
        name: "upstream",
        connect_timeout: "1s",
        load_assignment: {
          cluster_name: "upstream",
          endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(upstreamPort) } }] }],
        },
        ...options.cluster,
      }],
    },
  });
}

export function socketAddress(port: number): unknown {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

/** A wasm HTTP filter from a file. */
export function wasmFilter(name: string, file: string, configuration = "", config: object = {}): unknown {
  return {
    name,
    typed_config: {
      "@type": `${EXTENSIONS}.filters.http.wasm.v3.Wasm`,
      config: {
        name,
        root_id: name,
        configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: configuration },
        vm_config: { vm_id: name, code: { local: { filename: file } } },
        ...config,
      },
    },
  };
}

export interface RawResponse {
  readonly status: number;
  /** The head as it came. */
  readonly head: string;
  readonly body: string;
}

/** A keep-alive connection of its own, on which nothing is hidden. */
export class RawClient {
  readonly socket: Socket;
  #buffer = "";
  #ended = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#buffer += text;
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

  static connect(port: number | string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = typeof port === "string" ? connect({ path: port }) : connect({ port, host: "127.0.0.1" });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  get(path: string, head = ""): Promise<RawResponse> {
    this.write(`GET ${path} HTTP/1.1\r\nhost: example.com\r\n${head}\r\n`);
    return this.read();
  }

  /** The next response; rejects when the connection ends first. */
  async read(): Promise<RawResponse> {
    await this.#until(() => this.#buffer.includes("\r\n\r\n"));
    const end = this.#buffer.indexOf("\r\n\r\n") + 4;
    const head = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end);
    const status = Number(head.slice(9, 12));
    const length = /^content-length: (\d+)\r$/im.exec(head);
    let body = "";
    if (length !== null) {
      const size = Number(length[1]);
      await this.#until(() => this.#buffer.length >= size);
      body = this.#buffer.slice(0, size);
      this.#buffer = this.#buffer.slice(size);
    } else if (/^transfer-encoding: chunked\r$/im.test(head)) {
      await this.#until(() => /(?:^|\r\n)0\r\n\r\n/.test(this.#buffer));
      const match = /(?:^|\r\n)0\r\n\r\n/.exec(this.#buffer)!;
      body = this.#buffer.slice(0, match.index);
      this.#buffer = this.#buffer.slice(match.index + match[0].length);
    }
    return { status, head, body };
  }

  /** Settles when the peer has closed. */
  async closed(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#wake = resolve);
  }

  close(): void {
    this.socket.destroy();
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const timer = setTimeout(() => this.socket.destroy(), ANSWER_LIMIT_MS);
    try {
      while (!condition()) {
        if (this.#ended) throw new Error(`the connection ended; left over: ${JSON.stringify(this.#buffer)}`);
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** One request on a connection of its own. */
export async function get(port: number | string, path: string, head = ""): Promise<RawResponse> {
  const client = await RawClient.connect(port);
  try {
    return await client.get(path, head);
  } finally {
    client.close();
  }
}

/** An upstream that answers `/hold` only when it is let. */
export class Upstream {
  readonly #server: Server;
  readonly #held: ServerResponse[] = [];
  #onHeld: (() => void) | null = null;
  requests = 0;

  private constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    await new Promise<void>((resolve) => upstream.#server.listen(0, "127.0.0.1", resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Settles when `count` requests wait for `release`. */
  async held(count = 1): Promise<void> {
    while (this.#held.length < count) await new Promise<void>((resolve) => this.#onHeld = resolve);
  }

  release(): void {
    for (const response of this.#held.splice(0)) response.end("held\n");
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    request.resume();
    if (!request.url!.startsWith("/hold")) return void request.on("end", () => response.end("upstream\n"));
    this.#held.push(response);
    this.#onHeld?.();
  }
}

/** True when nobody listens on a port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });
}

/** A connection to each of two workers. */
export async function clientOfEachWorker(proxy: Embedded): Promise<[RawClient, RawClient]> {
  const found: (RawClient | undefined)[] = [];
  const port = proxy.port("web");
  const prefix = `listener.${proxy.server.snapshot!.listeners[0]!.statPrefix.replaceAll(":", "_")}.worker_0`;
  // Each connection is worker 0's with probability 1/2.
  for (let tries = 0; tries < 100 && (found[0] === undefined || found[1] === undefined); tries++) {
    const before = proxy.stat(`${prefix}.downstream_cx_total`);
    const client = await RawClient.connect(port);
    await client.get("/direct");
    const worker = proxy.stat(`${prefix}.downstream_cx_total`) > before ? 0 : 1;
    found[worker]?.close();
    found[worker] = client;
  }
  return found as [RawClient, RawClient];
}

/** The flags of the hosts as each worker sees them. */
export async function healthFlags(proxy: Embedded): Promise<string[]> {
  const workers = await proxy.server.callAll("clusters", undefined);
  return workers.map((clusters) => clusters[0]!.hosts.map((host) => host.healthFlags).join(" "));
}

/** Waits until both of two workers see these flags. */
export async function healthFlagsAre(proxy: Embedded, ...expected: readonly string[]): Promise<void> {
  const text = expected.join(" ");
  let seen: string[] = [];
  for (const limit = performance.now() + 15_000; performance.now() < limit;) {
    seen = await healthFlags(proxy);
    if (seen.length === 2 && seen.every((each) => each === text)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(seen, [text, text]);
}
