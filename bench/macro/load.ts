// bench/macro/load.ts: one run of a load generator against one proxy, with what it cost the proxy.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processCost, type Proxy } from "./proxies.ts";
import type { Load, Scenario } from "./scenarios.ts";

export interface LoadResult extends Answers {
  readonly cpuMicros: number;
  readonly rssMib: number;
}

/** What a load generator saw. */
interface Answers {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

export async function load(proxy: Proxy, scenario: Scenario, seconds: number): Promise<LoadResult> {
  const url = `http://127.0.0.1:${proxy.port}${scenario.path}`;
  const before = processCost(proxy.pid);
  const answers = scenario.load.tool === "wrk"
    ? await wrk(scenario.load, url, seconds)
    : await h2load(scenario.load, url, seconds);
  const after = processCost(proxy.pid);
  return { ...answers, cpuMicros: (after.cpuMs - before.cpuMs) * 1000 / answers.requests, rssMib: after.rssMib };
}

async function wrk(load: Load & { readonly tool: "wrk" }, url: string, seconds: number): Promise<Answers> {
  const script = load.script === undefined ? [] : ["-s", fileURLToPath(new URL(load.script, import.meta.url))];
  const output = await run("wrk", ["-t1", `-c${load.connections}`, `-d${seconds}s`, "--latency", ...script, url]);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output);
  return {
    requests: number(/(\d+) requests in/, output),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/, output),
    p50Ms: milliseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(output)),
    p99Ms: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(output)),
    errors: number(/Non-2xx or 3xx responses: (\d+)/, output) +
      (socketErrors === null ? 0 : socketErrors.slice(1).reduce((total, each) => total + Number(each), 0)),
  };
}

async function h2load(load: Load & { readonly tool: "h2load" }, url: string, seconds: number): Promise<Answers> {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-bench-"));
  const log = join(folder, "requests");
  const options = ["-t1", `-c${load.connections}`, `-m${load.streams}`, `-D${seconds}`, `--log-file=${log}`];
  const output = await run("h2load", [...options, url]);
  // Start, status and microseconds of each request.
  const micros = readFileSync(log, "utf8").trimEnd().split("\n").map((line) => Number(line.split("\t")[2]));
  rmSync(folder, { recursive: true });
  micros.sort((a, b) => a - b);
  return {
    requests: number(/(\d+) succeeded/, output),
    perSecond: number(/([\d.]+) req\/s/, output),
    p50Ms: (micros[Math.floor(micros.length / 2)] ?? NaN) / 1000,
    p99Ms: (micros[Math.floor(micros.length * 0.99)] ?? NaN) / 1000,
    errors: number(/(\d+) errored/, output) + number(/(\d+) timeout/, output) + number(/(\d+) 5xx/, output) +
      number(/(\d+) 4xx/, output),
  };
}

function number(pattern: RegExp, output: string): number {
  return Number(pattern.exec(output)?.[1] ?? 0);
}

function milliseconds(match: RegExpExecArray | null): number {
  if (match === null) return NaN;
  return Number(match[1]) * { us: 0.001, ms: 1, s: 1000 }[match[2] as "us" | "ms" | "s"];
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 1 << 24 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
}
