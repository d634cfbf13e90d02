// test/support/proxy_process.ts: a proxy in a process of its own, from configuration as text.
/**
 * nuncio runs on the runtime that runs the test, through its command line, as people start it. Anything else
 * that takes Envoy's flags (the real Envoy) can be run by naming its command.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 10_000;
/** After a signal that ends a process it is gone by then: the longest drain is half of it. */
const END_LIMIT_MS = 60_000;

/** How a proxy is started, and what its log says once it serves. */
export interface ProxyCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly readyText: string;
}

export interface ProxyOptions {
  /** nuncio on this runtime unless said otherwise. */
  readonly proxy?: ProxyCommand;
  /** Further flags. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Written into the process's own folder before it starts, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ProxyProcess {
  readonly pid: number;
  /** A folder of this process alone; the configuration is in it, and it goes when the process is stopped. */
  readonly folder: string;
  /** What it wrote so far, both streams. */
  output(): string;
  /** Settles when the output has this text; rejects when the process ends without it. */
  waitForOutput(text: string, limitMs?: number): Promise<void>;
  kill(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): void;
  /** Settles with the process. */
  readonly exited: Promise<ExitStatus>;
  /** Ends it with SIGTERM, and by force if that takes too long. */
  stop(): Promise<ExitStatus>;
}

/** nuncio on the runtime that runs this: its command line, unless it is another program. */
export function nuncioCommand(main: string = join(ROOT, "host/cli/main.ts")): ProxyCommand {
  const isDeno = "Deno" in globalThis;
  return {
    command: process.execPath,
    args: isDeno ? ["run", "-A", "--quiet", "--no-check", main] : ["--disable-warning=ExperimentalWarning", main],
    readyText: "all workers accept connections",
  };
}

/** Starts a proxy; settles when it serves, rejects with its output when it does not. */
export async function startProxy(yaml: string, options: ProxyOptions = {}): Promise<ProxyProcess> {
  const started = spawnProxy(yaml, options);
  try {
    await started.waitForOutput((options.proxy ?? nuncioCommand()).readyText);
  } catch (error) {
    await started.stop();
    throw error;
  }
  return started;
}

/** Starts a proxy that need not come up; `FOLDER` in the text stands for the process's own folder. */
export function spawnProxy(yaml: string, options: ProxyOptions = {}): ProxyProcess {
  const proxy = options.proxy ?? nuncioCommand();
  const { folder, file } = prepareFolder(yaml, options.files);
  const child = spawn(proxy.command, [...proxy.args, "-c", file, ...(options.args ?? [])], {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return watch(child, folder, proxy.command);
}

/** A folder with a configuration, of which `FOLDER` is the folder's path, and with other files. */
export function prepareFolder(yaml: string, files: ProxyOptions["files"] = {}): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-proxy-"));
  const file = join(folder, "bootstrap.yaml");
  writeFileSync(file, yaml.replaceAll("FOLDER", folder));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return { folder, file };
}

function watch(child: ChildProcess, folder: string, command: string): ProxyProcess {
  let output = "";
  let ended: ExitStatus | null = null;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const collect = (data: Uint8Array) => {
    output += new TextDecoder().decode(data);
    changed();
  };
  child.stdout!.on("data", collect);
  child.stderr!.on("data", collect);
  const exited = new Promise<ExitStatus>((resolve) => {
    const end = (status: ExitStatus) => {
      ended = status;
      changed();
      resolve(status);
    };
    child.on("error", (error) => {
      output += String(error);
      end({ code: null, signal: null });
    });
    child.on("close", (code, signal) => end({ code, signal }));
  });

  const waitForOutput = (text: string, limitMs = START_LIMIT_MS): Promise<void> =>
    new Promise((resolve, reject) => {
      const finish = (problem: string | null) => {
        clearTimeout(timer);
        listeners.delete(look);
        if (problem === null) resolve();
        else reject(new Error(`${command}: ${problem}; its output:\n${output}`));
      };
      const look = () => {
        if (output.includes(text)) finish(null);
        else if (ended !== null) finish(`ended with ${ended.code ?? ended.signal} before it wrote "${text}"`);
      };
      const timer = setTimeout(() => finish(`did not write "${text}" in ${limitMs} ms`), limitMs);
      listeners.add(look);
      look();
    });

  return {
    pid: child.pid ?? 0,
    folder,
    output: () => output,
    waitForOutput,
    // Not `child.kill`: on Deno the exit status would then name the signal whatever became of it.
    kill(signal) {
      process.kill(child.pid!, signal);
      // One that does not end is a failure that tells what it said, not a test that waits.
      const timer = setTimeout(() => {
        output += `\n${command} had not ended ${END_LIMIT_MS / 1000} s after ${signal}`;
        console.error(output);
        process.kill(child.pid!, "SIGKILL");
      }, END_LIMIT_MS);
      void exited.then(() => clearTimeout(timer));
    },
    exited,
    async stop() {
      if (ended === null) process.kill(child.pid!, "SIGTERM");
      const timer = setTimeout(() => process.kill(child.pid!, "SIGKILL"), STOP_LIMIT_MS);
      const status = await exited;
      clearTimeout(timer);
      rmSync(folder, { recursive: true, force: true });
      return status;
    },
  };
}

/**
 * Below the ports that systems give to outgoing connections, so that none of these takes one before its time. Files
 * that `test/run.ts` runs at the same time have parts of their own.
 */
const [FIRST_PORT, LAST_PORT] = (process.env["NUNCIO_TEST_PORTS"] ?? "21000-31999").split("-").map(Number) as [
  number,
  number,
];
/** Where the next search begins: far from where the process before this one began. */
let nextPort = FIRST_PORT + process.pid * 101 % (LAST_PORT - FIRST_PORT + 1);

/** Ports that nobody listens on. No two calls of a process give the same one. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = nextPort++;
    if (nextPort > LAST_PORT) nextPort = FIRST_PORT;
    // Round numbers are timeouts and sizes of configurations.
    if (port % 100 !== 0 && await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs nuncio's command line to its end. */
export function runNuncio(args: readonly string[], limitMs: number = START_LIMIT_MS): Promise<CommandOutcome> {
  const { command, args: first } = nuncioCommand();
  const child = spawn(command, [...first, ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "", stderr = "";
  child.stdout.on("data", (data: Uint8Array) => stdout += new TextDecoder().decode(data));
  child.stderr.on("data", (data: Uint8Array) => stderr += new TextDecoder().decode(data));
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}
