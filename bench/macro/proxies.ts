// bench/macro/proxies.ts: starts the proxies that are compared, each with one worker.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");

export interface Proxy {
  /** The runtime, or `envoy`; of another tree than this one, with its label. */
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** From the start of the process until a connection was accepted. */
  readonly startMs: number;
  stop(): Promise<void>;
}

/** YAML with the port of the listener and a folder for what the proxy writes left open. */
export type Yaml = (port: number, folder: string) => string;

export function envoyProxy(binary: string, yaml: Yaml): Promise<Proxy> {
  return start("envoy", binary, yaml, (path) => [
    ...["-c", path, "--concurrency", "1", "-l", "error", "--use-dynamic-base-id", "--disable-hot-restart"],
  ]);
}

/** A tree of nuncio's sources other than this one, under a name of its own. */
export interface Tree {
  readonly label: string;
  readonly root: string;
}

export function nodeProxy(yaml: Yaml, tree?: Tree): Promise<Proxy> {
  return nuncio("node", join(BIN, "node"), [], yaml, tree);
}

export function denoProxy(yaml: Yaml, tree?: Tree): Promise<Proxy> {
  return nuncio("deno", join(BIN, "deno"), ["run", "-A", "--quiet", "--no-check"], yaml, tree);
}

function nuncio(runtime: string, binary: string, flags: string[], yaml: Yaml, tree: Tree | undefined): Promise<Proxy> {
  const root = tree?.root ?? ROOT;
  const name = tree === undefined ? runtime : `${runtime} ${tree.label}`;
  const main = join(root, "host/cli/main.ts");
  return start(name, binary, yaml, (path) => [...flags, main, "-c", path, "--concurrency", "1", "-l", "error"], root);
}

async function start(
  name: string,
  command: string,
  yaml: Yaml,
  args: (path: string) => string[],
  cwd: string = ROOT,
): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-bench-"));
  const path = join(folder, "proxy.yaml");
  const port = await freePort();
  writeFileSync(path, yaml(port, folder));
  const startedMs = performance.now();
  const child = spawn(command, args(path), { cwd, stdio: ["ignore", "ignore", "inherit"] });
  await accepting(port, child);
  const startMs = performance.now() - startedMs;
  return {
    name,
    pid: servingPid(child.pid!),
    port,
    startMs,
    async stop() {
      const { promise, resolve } = Promise.withResolvers<void>();
      child.once("exit", () => resolve());
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 5000);
      await promise;
      clearTimeout(hard);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A launcher script may have started the real process: that one's CPU time counts. */
function servingPid(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? pid : servingPid(Number(children.split(" ")[0]));
  } catch {
    return pid;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Settles when the port accepts a connection. */
async function accepting(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} exited with ${child.exitCode}`);
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${child.spawnfile} does not listen on ${port}`);
}

/** CPU time and resident memory of a process with all its threads. */
export function processCost(pid: number): { readonly cpuMs: number; readonly rssMib: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Fields 14 and 15 of proc(5), in ticks of 10 ms; 24 is resident pages.
  const cpuMs = (Number(fields[11]) + Number(fields[12])) * 10;
  return { cpuMs, rssMib: Number(fields[21]) * 4096 / 1048576 };
}

process.on("unhandledRejection", (error) => {
  console.error(error);
  process.exit(1);
});
