// test/run.ts: the test runner: one process per file, both runtimes, one closing line.
/**
 * `node test/run.ts [--runtime node|deno|both] [--grep TEXT] [--jobs N] [--timeout SECONDS] [PATH…]`
 *
 * Every `*.test.ts` runs in a process of its own, so that a crash, a leak or an unhandled rejection is
 * that file's failure. A file that ran no test has failed. The last line is `N passed, N failed`.
 */
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, styleText } from "node:util";
import { buildApi } from "../host/api/build.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SKIPPED_FOLDERS = new Set(["node_modules", ".git", "dist", "gen", "build"]);

interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly output: string;
  readonly ms: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", default: "both" },
    grep: { type: "string", default: "" },
    // One more than can compute at once: some only wait, for a time-out that is recorded or for a proxy's end.
    jobs: { type: "string", default: String(availableParallelism() + 1) },
    timeout: { type: "string", default: "180" },
  },
});

const runtimes = values.runtime === "both" ? ["node", "deno"] : [values.runtime];
for (const runtime of runtimes) {
  if (runtime !== "node" && runtime !== "deno") {
    console.error(`--runtime ${runtime}: expected node, deno or both`);
    process.exit(2);
  }
}
// Whoever pulled a change of the overlay has not installed anew.
buildApi(join(ROOT, "host/api/gen"), false);
const roots = positionals.length > 0 ? positionals : ["test", "filters-examples"];
const files = roots.flatMap((root) => findTests(root)).filter((file) => file.includes(values.grep)).sort();
// One runtime after the other: the second finds the filters that the first one's tests have built.
const queue = runtimes.flatMap((runtime) => files.map((file) => ({ file, runtime })));

let passed = 0, failed = 0, skipped = 0;
const started = performance.now();
const jobs = Math.max(1, Number(values.jobs));
await Promise.all(Array.from({ length: jobs }, (_, job) => worker(portsOf(job))));
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`\n${files.length} files on ${runtimes.join(" and ")} in ${seconds} s`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** The ports that the files of one job may listen on; see test/support/proxy_process.ts. */
function portsOf(job: number): string {
  const count = Math.floor(11_000 / jobs);
  return `${21_000 + job * count}-${20_999 + (job + 1) * count}`;
}

async function worker(ports: string): Promise<void> {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const result = await runFile(job.file, job.runtime, ports);
    passed += result.passed;
    failed += result.failed;
    skipped += result.skipped;
    const mark = result.failed > 0 ? styleText("red", "FAIL") : styleText("green", "ok  ");
    const counts = `${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ""}`;
    console.log(`${mark} ${job.runtime} ${job.file} (${counts}, ${(result.ms / 1000).toFixed(1)} s)`);
    if (result.failed > 0) console.log(result.output.replace(/^/gm, "  | "));
  }
}

/** Test files at or below a path, relative to the repository. */
function findTests(path: string): string[] {
  const absolute = join(ROOT, relative(ROOT, join(ROOT, path)));
  if (statSync(absolute).isFile()) return [relative(ROOT, absolute)];
  return readdirSync(absolute, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : findTests(join(path, entry.name));
    return entry.name.endsWith(".test.ts") ? [join(path, entry.name)] : [];
  });
}

function runFile(file: string, runtime: string, ports: string): Promise<FileResult> {
  const command = runtime === "node"
    ? ["node", "--expose-gc", "--disable-warning=ExperimentalWarning", file]
    : ["deno", "run", "-A", "--quiet", "--no-check", "--v8-flags=--expose-gc", file];
  const begin = performance.now();
  return new Promise((resolve) => {
    const path = `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`;
    const child = spawn(command[0]!, command.slice(1), {
      cwd: ROOT,
      env: {
        ...process.env,
        PATH: path,
        NO_COLOR: "1",
        NUNCIO_TEST_PORTS: ports,
        NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/compile"),
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    child.stdout.on("data", (data: Uint8Array) => output += data);
    child.stderr.on("data", (data: Uint8Array) => output += data);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid!);
    }, Number(values.timeout) * 1000);
    child.on("close", (code) => {
      clearTimeout(timer);
      killGroup(child.pid!);
      const total = Number(/^\s*Total:\s+(\d+)/m.exec(output)?.[1] ?? 0);
      const good = Number(/^\s*Passed:\s+(\d+)/m.exec(output)?.[1] ?? 0);
      const left = Number(/^\s*Skipped:\s+(\d+)/m.exec(output)?.[1] ?? 0);
      let bad = Math.max(0, total - good);
      if (timedOut) output += `\nstopped after ${values.timeout} s`;
      const ranNone = total + left === 0;
      if (ranNone) output += "\nran no test";
      if (bad === 0 && (code !== 0 || timedOut || ranNone)) bad = 1;
      resolve({ passed: good, failed: bad, skipped: left, output, ms: performance.now() - begin });
    });
  });
}

/** Ends what a test file left running: its own process group, nothing else. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}
