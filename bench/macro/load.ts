// bench/macro/load.ts: one run of wrk against one proxy, with what it cost the proxy.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { processCost, type Proxy } from "./proxies.ts";
import type { Scenario } from "./scenarios.ts";

export interface LoadResult {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMib: number;
  readonly errors: number;
}

export async function loadWithWrk(proxy: Proxy, scenario: Scenario, seconds: number): Promise<LoadResult> {
  const script = scenario.script === null ? [] : ["-s", fileURLToPath(new URL(scenario.script, import.meta.url))];
  const args = [
    ...["-t1", `-c${scenario.connections}`, `-d${seconds}s`, "--latency", ...script],
    `http://127.0.0.1:${proxy.port}${scenario.path}`,
  ];
  const before = processCost(proxy.pid);
  const output = await run("wrk", args);
  const after = processCost(proxy.pid);
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output);
  const errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0) +
    (socketErrors === null ? 0 : socketErrors.slice(1).reduce((total, each) => total + Number(each), 0));
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? 0),
    cpuMicros: (after.cpuMs - before.cpuMs) * 1000 / requests,
    p50Ms: milliseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(output)),
    p99Ms: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(output)),
    rssMib: after.rssMib,
    errors,
  };
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
