// test/support/hosted_proxy.ts: proxies in processes that run one after the other.
/**
 * What a start of nuncio costs is above all the loading of its modules, which happens once per process here. A
 * proxy has a process to itself while it runs.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { nuncioCommand, prepareFolder, ROOT } from "./proxy_process.ts";

export interface HostedProxy {
  /** A folder of this proxy alone; the configuration is in it, and it goes when the proxy is stopped. */
  readonly folder: string;
  /** What it wrote so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Processes in which no proxy runs now. */
const idle: ProxyHost[] = [];

/** Starts a proxy with one worker; rejects with what is wrong with it. */
export async function startHosted(
  yaml: string,
  options: { readonly files?: Readonly<Record<string, string>> } = {},
): Promise<HostedProxy> {
  const host = idle.pop() ?? new ProxyHost();
  const { folder, file } = prepareFolder(yaml, options.files);
  host.output = "";
  const stop = async (): Promise<void> => {
    const answer = await host.ask("stop");
    rmSync(folder, { recursive: true, force: true });
    if (answer === "stopped") idle.push(host);
  };
  if (await host.ask(file) === "started") return { folder, output: () => host.output, stop };
  await stop();
  throw new Error(`the proxy did not start; its output:\n${host.output}`);
}

/** Ends the processes; to be called when no proxy runs. */
export function closeProxyHosts(): void {
  for (const host of idle.splice(0)) host.close();
}

class ProxyHost {
  output = "";
  readonly #child: ChildProcess;
  #settle: ((answer: string | null) => void) | null = null;
  #ended = false;

  constructor() {
    const { command, args } = nuncioCommand(join(ROOT, "test/support/proxy_host.ts"));
    this.#child = spawn(command, args, { cwd: ROOT, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr!.on("data", (data: Uint8Array) => this.output += new TextDecoder().decode(data));
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.#answer(line));
    this.#child.stdin!.on("error", () => {});
    this.#child.on("close", () => {
      this.#ended = true;
      this.#answer(null);
    });
  }

  /** What it answers; null when it came down. */
  ask(line: string): Promise<string | null> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      if (this.#ended) this.#answer(null);
      else this.#child.stdin!.write(`${line}\n`);
    });
  }

  close(): void {
    this.#child.stdin!.end();
  }

  #answer(answer: string | null): void {
    this.#settle?.(answer);
    this.#settle = null;
  }
}
