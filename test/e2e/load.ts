// test/e2e/load.ts: load on a proxy from another process, and what the proxy holds meanwhile.
/** @module */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { detectPlatform } from "../../host/platform/detect.ts";
import type { Embedded } from "../support/embedded.ts";

export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  /** In all; 0 until `stop`. */
  readonly requests: number;
  /** Between an answer and the next request of a connection. */
  readonly pauseMs?: number;
}

export interface LoadReport {
  readonly requests: number;
  /** The first few answers that were wrong or missing. */
  readonly bad: readonly string[];
  readonly badCount: number;
  /** Values of `x-version` that were seen. */
  readonly versions: readonly string[];
}

/** Clients and an upstream in another process, so that only the proxy is in this one. */
export class Load implements AsyncDisposable {
  readonly upstreamPort: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;

  private constructor(child: ChildProcess, lines: Interface, iterator: AsyncIterator<string>, upstreamPort: number) {
    this.#child = child;
    this.#interface = lines;
    this.#lines = iterator;
    this.upstreamPort = upstreamPort;
  }

  static async start(): Promise<Load> {
    const script = fileURLToPath(new URL("./load_child.ts", import.meta.url));
    const args = "Deno" in globalThis ? ["run", "-A", "--quiet", "--no-check", script] : [script];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const iterator = lines[Symbol.asyncIterator]();
    const { upstreamPort } = JSON.parse((await iterator.next()).value as string) as { upstreamPort: number };
    return new Load(child, lines, iterator, upstreamPort);
  }

  /** Begins; the function returned gives the report, ending the load if it has no number of requests. */
  begin(order: LoadOrder): () => Promise<LoadReport> {
    this.#child.stdin!.write(JSON.stringify(order) + "\n");
    return async () => {
      if (order.requests === 0) this.#child.stdin!.write("stop\n");
      return JSON.parse((await this.#lines.next()).value as string) as LoadReport;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin!.end();
    await gone;
    this.#interface.close();
  }
}

/** What must not grow. */
export interface Footprint {
  readonly vms: number;
  readonly connections: number;
  readonly streams: number;
  readonly timers: number;
  /**
   * Resident, without the free part of V8's heap: how much of that V8 keeps depends on how fast garbage came,
   * and it doubles once, somewhere in the first hundred thousand requests.
   */
  readonly memoryBytes: number;
  readonly heapBytes: number;
}

/** Counts and memory of a proxy on this thread, after garbage was collected. */
export async function footprint(proxy: Embedded): Promise<Footprint> {
  const { gc } = globalThis as { gc?: () => void };
  for (let i = 0; i < 4; i++) {
    gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { connections, streams, armedTimers } = await proxy.server.activity();
  const { rssBytes, heapUsedBytes, heapTotalBytes } = detectPlatform().memoryUsage();
  return {
    vms: proxy.stat("wasm.envoy.wasm.runtime.v8.active"),
    connections,
    streams,
    timers: armedTimers,
    memoryBytes: rssBytes - (heapTotalBytes - heapUsedBytes),
    heapBytes: heapUsedBytes,
  };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
