// test/host/extensions/access_loggers/streams.test.ts: loggers to standard output and error, through real pipes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const CHILD = fileURLToPath(new URL("./stream_child.ts", import.meta.url));
const RUN = (globalThis as { Deno?: unknown }).Deno === undefined ? [] : ["run", "-A", "--quiet", "--no-check"];

async function run(name: string, count: number): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [...RUN, CHILD, name, String(count)], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "", stderr = "";
  child.stdout.on("data", (data: Uint8Array) => stdout += data);
  child.stderr.on("data", (data: Uint8Array) => stderr += data);
  await once(child, "close");
  return { stdout, stderr };
}

const LINE = `200 ${"x".repeat(90)}\n`;

test("stdout: every line, whole and in order", async () => {
  const { stdout, stderr } = await run("stdout", 3000);
  assert.is(stderr, "");
  assert.ok(stdout === LINE.repeat(3000), `${stdout.length} bytes`);
});

test("stderr", async () => assert.is((await run("stderr", 2)).stderr, LINE.repeat(2)));

test.run();
