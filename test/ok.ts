// test/ok.ts: the checks that read code instead of running it: types, format, lint, generated files.
/**
 * `npm run ok`. Every check runs; the exit code is 1 when any failed.
 */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["abi", "host", "test", "bench"];

const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ["API descriptors", ["node", "host/api/build.ts"]],
  ["types (tsc)", ["tsc", "-p", "."]],
  ["types (deno check)", [
    "deno",
    "check",
    "--quiet",
    "host/cli/main.ts",
    "host/server/worker_main.ts",
    "host/mod.ts",
    "test/run.ts",
  ]],
  ["format", ["deno", "fmt", "--check", "--quiet", ...FOLDERS]],
  ["lint", ["deno", "lint", "--quiet", ...FOLDERS]],
];

let failed = 0;
for (const [name, command] of CHECKS) {
  const started = performance.now();
  const result = spawnSync(command[0]!, command.slice(1), {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, PATH: join(ROOT, "node_modules/.bin") + delimiter + process.env["PATH"], NO_COLOR: "1" },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const good = result.status === 0;
  if (!good) failed++;
  console.log(`${good ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  if (!good) console.log(`${result.stdout}${result.stderr}`.replace(/^/gm, "  | "));
}
console.log(`${CHECKS.length - failed} checks passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
