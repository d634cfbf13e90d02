// bench/macro/start_upstream.ts: starts the upstream of the benchmark.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));

export async function startUpstream(): Promise<{ readonly port: number; stop(): void }> {
  const child = spawn(NODE, [join(fileURLToPath(new URL(".", import.meta.url)), "upstream.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<number>((resolve) =>
    child.stdout.once("data", (data) => resolve(Number(String(data))))
  );
  return { port, stop: () => void child.kill() };
}
