// test/host/platform/platform.test.ts: the runtime that this runs on, behind one interface.
import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { detectPlatform } from "../../../host/platform/detect.ts";
import { systemClock } from "../../../host/platform/system_clock.ts";
import { systemRandom } from "../../../host/platform/system_random.ts";

const platform = detectPlatform();
const FIXTURE = new URL("./worker.fixture.ts", import.meta.url);

/** Waits for something that does not keep the process alive by itself. */
async function aliveUntil<T>(promise: Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1000);
  try {
    return await promise;
  } finally {
    clearInterval(alive);
  }
}

test("says where it runs", () => {
  const deno = process.versions["deno"] !== undefined;
  assert.is(platform.runtime, deno ? "deno" : "node");
  assert.match(platform.runtimeVersion, deno ? /^2\./ : /^2\d\./);
  assert.match(platform.v8Version, /^\d+\.\d+/);
  assert.is(platform.pid, process.pid);
  assert.ok(platform.availableParallelism() >= 1);
  assert.is(detectPlatform(), platform);
  assert.is(platform.env("NUNCIO_NO_SUCH_VARIABLE"), undefined);
  assert.is(platform.workingDirectory(), process.cwd());
  assert.is(platform.workerChannel(), null);
});

test("numbers of the process", () => {
  const memory = platform.memoryUsage();
  assert.ok(memory.rssBytes > 1e6 && memory.heapUsedBytes > 0 && memory.heapTotalBytes >= memory.heapUsedBytes);
  const before = platform.cpuUsage();
  let sum = 0;
  for (let i = 0; i < 3e7; i++) sum += i % 7;
  assert.ok(sum > 0);
  assert.ok(platform.cpuUsage().userMs > before.userMs);
});

test("files: bytes, facts, or the reason why not", () => {
  const path = join(mkdtempSync(join(tmpdir(), "nuncio-platform-")), "f");
  assert.is(platform.fileFacts(path), null);
  const missing = platform.readFile(path);
  assert.is(missing.ok, false);
  assert.is(!missing.ok && missing.code, "ENOENT");
  writeFileSync(path, "abc");
  const read = platform.readFile(path);
  assert.equal(read.ok && [...read.bytes], [97, 98, 99]);
  const facts = platform.fileFacts(path)!;
  assert.is(facts.sizeBytes, 3);
  assert.is(facts.isFile, true);
  assert.is(platform.fileFacts(`${path}/below/a/file`), null);
});

test("a watched folder tells of writes and renames", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-watch-"));
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = platform.watchFolder(folder, (name) => {
    if (name === "new.txt" || name === null) resolve();
  })!;
  writeFileSync(join(folder, "old.txt"), "x");
  renameSync(join(folder, "old.txt"), join(folder, "new.txt"));
  await aliveUntil(promise);
  watcher.close();
  assert.is(platform.watchFolder(join(folder, "nothing"), () => {}), null);
});

test("signals come until the listener is closed", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = platform.onSignal("SIGUSR2", resolve);
  process.kill(process.pid, "SIGUSR2");
  await aliveUntil(promise);
  listener.close();
});

test("a worker: messages both ways, data, an end", async () => {
  const worker = platform.spawnWorker<string, unknown>(FIXTURE, { name: "w", data: { n: 1 } });
  const messages: unknown[] = [];
  const wait: (() => void)[] = [];
  worker.onMessage((message) => {
    messages.push(message);
    wait.shift()?.();
  });
  const next = (): Promise<void> => new Promise((resolve) => wait.push(resolve));
  await next();
  const answer = next();
  worker.post("hello");
  await answer;
  assert.equal(messages, ["ready", { echo: "hello", data: { n: 1 } }]);
  const gone = new Promise<void>((resolve) => worker.onExit(() => resolve()));
  await worker.terminate();
  await gone;
});

test("a worker in an endless loop is stopped; one that throws says what", async () => {
  const stuck = platform.spawnWorker<string, unknown>(FIXTURE, { name: "stuck" });
  await new Promise<void>((resolve) => stuck.onMessage(() => resolve()));
  const gone = new Promise<void>((resolve) => stuck.onExit(() => resolve()));
  stuck.post("loop");
  await stuck.terminate();
  await gone;
  const thrower = platform.spawnWorker<string, unknown>(FIXTURE, { name: "thrower" });
  await new Promise<void>((resolve) => thrower.onMessage(() => resolve()));
  const error = new Promise<Error>((resolve) => thrower.onError(resolve));
  const exit = new Promise<void>((resolve) => thrower.onExit(() => resolve()));
  thrower.post("throw");
  assert.match((await error).message, /thrown in the worker/);
  await exit;
});

test("the system clock: monotonic, near the wall, its timers fire", async () => {
  const before = systemClock.nowMs();
  await aliveUntil(new Promise<void>((resolve) => systemClock.createTimer(resolve).enable(5)));
  assert.ok(systemClock.nowMs() - before >= 4);
  assert.ok(Math.abs(systemClock.wallMs() - Date.now()) < 50);
  assert.ok(Math.abs(Number(systemClock.wallNs() / 1_000_000n) - Date.now()) < 50);
  assert.is(systemClock.armedTimers, 0);
});

test("system randomness: UUIDs of version 4, no repeats across refills", () => {
  const uuids = new Set<string>();
  for (let i = 0; i < 5000; i++) uuids.add(systemRandom.uuid());
  assert.is(uuids.size, 5000);
  for (const uuid of uuids) assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  let ones = 0;
  for (let i = 0; i < 10_000; i++) {
    const fraction = systemRandom.fraction();
    assert.ok(fraction >= 0 && fraction < 1);
    if (fraction < 0.5) ones++;
  }
  assert.ok(ones > 4500 && ones < 5500);
});

test.run();
