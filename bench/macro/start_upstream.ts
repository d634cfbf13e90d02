// bench/macro/start_upstream.ts: starts the upstream of the benchmark.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));

/** Where the upstream listens. */
export interface UpstreamPorts {
  readonly http1: number;
  readonly http2: number;
}

export async function startUpstream(): Promise<{ readonly ports: UpstreamPorts; stop(): void }> {
  const child = spawn(NODE, [join(fileURLToPath(new URL(".", import.meta.url)), "upstream.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(String(data))));
  const [http1, http2] = line.trim().split(" ").map(Number);
  return { ports: { http1: http1!, http2: http2! }, stop: () => void child.kill() };
}
